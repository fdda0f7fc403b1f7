"""The heap of a store: structs, arrays, exceptions (spec 4.2.14 "Structure Instances" and what follows it).

References are words:

    0               null
    …1              an i31, in the 31 bits above
    …10             a host value: the number of its cell in the store is above these two bits
    …000            an object, by its address

The first word of an object is its header: the canonical id of its type below, the length of an array
or the number of an exception's values above.  Objects never move.  Small ones are cells of blocks, one size
class in each block; larger ones are allocated by themselves, behind a record.

    Chunk ──► │ Block │ Block │ Block │ …       blocks are aligned to their size, so that an object's
              ┌───────┴───────┐                 address tells its block
              │ next, class   │
              │ marks         │ one bit for each word of the block
              │ cell          │ [header][fields …]
              │ cell          │ or [FREE][next free cell]
              │ …             │
              └───────────────┘

Cells are taken from the list `free[class]` inside of handlers.  When it is empty the machine leaves, and
`refill` links the dead cells of another block.  A collection (collector.pyx finds the roots) marks what can
be reached, takes blocks without a live object away from their class at once, and leaves the others to be swept
when they are needed.  The next one comes after as many bytes as this one found in use: time is proportional
to allocation.
"""

from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memmove, memset

from wasmcy.engine.structs cimport (
    BLOCK_BYTES, CLASSES, EMPTY, EXCEPTION, FREE, ID, LARGE_CLASS, SMALL_WORDS, Block, Chunk, Exception_,
    Heap, HeapType, Large, u8, u32, u64, WASMCY_LARGE,
)

from .forms import CELL_WORDS

cdef u64 MIN_BUDGET = 1 << 20       # bytes between two collections, at least
cdef u64 FIRST_CHUNK = 1 << 18      # bytes
cdef u64 CHUNK = 1 << 20            # bytes
cdef u64 PIECE = 256                # elements of an array that are followed before others get their turn
cdef u32 sizes[CLASSES]
for _i in range(CLASSES):
    sizes[<int>_i] = CELL_WORDS[_i]


cdef int open_heap(Heap* heap, u64* memory_used, u64* memory_limit) noexcept nogil:
    """Prepare a heap of zeros."""
    cdef u64 i, size_class = 0
    for i in range(CLASSES):
        heap.cell_words[i] = sizes[i]
    for i in range(SMALL_WORDS + 1):
        if i > sizes[size_class]:
            size_class += 1
        heap.class_of[i] = <u8>size_class
    heap.memory_used = memory_used
    heap.memory_limit = memory_limit
    heap.budget = MIN_BUDGET
    return 0


cdef void close_heap(Heap* heap) noexcept nogil:
    """Free everything."""
    cdef u64 i
    for i in range(heap.n_types):
        if heap.types[i] != NULL:
            free(heap.types[i].traced)
            free(heap.types[i])
    for i in range(heap.n_chunks):
        free(heap.chunks[i].memory)
        free(heap.chunks[i])
    for i in range(heap.n_larges):
        free(heap.larges[i])
    free(heap.types)
    free(heap.chunks)
    free(heap.larges)
    free(heap.pending)
    free(heap.cells)


cdef int set_type(Heap* heap, u64 type_id, HeapType* heap_type) noexcept nogil:
    """Note a type; -1: no memory."""
    cdef u64 n = heap.n_types
    cdef HeapType** types
    if type_id >= n:
        n = max(type_id + 1, 2 * n)
        types = <HeapType**>realloc(heap.types, n * sizeof(HeapType*))
        if types == NULL:
            return -1
        memset(types + heap.n_types, 0, (n - heap.n_types) * sizeof(HeapType*))
        heap.types = types
        heap.n_types = n
    heap.types[type_id] = heap_type
    return 0


cdef int room_for_cells(Heap* heap, u64 n) noexcept nogil:
    """Room for the marks of n cells of host values; -1: no memory."""
    cdef u64 room = max(n, 2 * heap.room_cells)
    cdef u8* cells
    if n > heap.room_cells:
        cells = <u8*>realloc(heap.cells, room)
        if cells == NULL:
            return -1
        heap.cells = cells
        heap.room_cells = room
    heap.n_cells = n
    return 0


# ------------------------------------------------------------------------------------ allocation
cdef bint charge(Heap* heap, u64 bytes) noexcept nogil:
    """Count bytes against the store's limit; False: it would be exceeded."""
    if bytes > heap.memory_limit[0] or heap.memory_used[0] > heap.memory_limit[0] - bytes:
        return False
    heap.memory_used[0] += bytes
    heap.bytes += bytes
    return True


cdef void discharge(Heap* heap, u64 bytes) noexcept nogil:
    heap.memory_used[0] -= bytes
    heap.bytes -= bytes


cdef u64* first_cell(Block* block) noexcept nogil:
    return <u64*>(block + 1)


cdef Chunk* new_chunk(Heap* heap) noexcept nogil:
    cdef u64 bytes = CHUNK if heap.n_chunks else FIRST_CHUNK
    cdef u64 room, i
    cdef Chunk** chunks
    cdef Chunk* chunk
    if heap.n_chunks == heap.room_chunks:
        room = 2 * heap.room_chunks + 8
        chunks = <Chunk**>realloc(heap.chunks, room * sizeof(Chunk*))
        if chunks == NULL:
            return NULL
        heap.chunks = chunks
        heap.room_chunks = room
    chunk = <Chunk*>malloc(sizeof(Chunk))
    if chunk == NULL:
        return NULL
    chunk.memory = <u8*>malloc(bytes)
    if chunk.memory == NULL:
        free(chunk)
        return NULL
    chunk.base = (<u64>chunk.memory + BLOCK_BYTES - 1) & ~<u64>(BLOCK_BYTES - 1)
    chunk.n_blocks = <u32>((<u64>chunk.memory + bytes - chunk.base) // BLOCK_BYTES)
    chunk.n_taken = 0
    i = heap.n_chunks
    while i > 0 and heap.chunks[i - 1].base > chunk.base:
        i -= 1
    memmove(heap.chunks + i + 1, heap.chunks + i, (heap.n_chunks - i) * sizeof(Chunk*))
    heap.chunks[i] = chunk
    heap.n_chunks += 1
    return chunk


cdef Block* new_block(Heap* heap) noexcept nogil:
    """A block that was never used, from a chunk that has one."""
    cdef Chunk* chunk = NULL
    cdef Block* block
    cdef u64 i
    for i in range(heap.n_chunks):
        if heap.chunks[i].n_taken < heap.chunks[i].n_blocks:
            chunk = heap.chunks[i]
            break
    if chunk == NULL:
        chunk = new_chunk(heap)
        if chunk == NULL:
            return NULL
    while chunk.n_taken < chunk.n_blocks:  # all at once: the search above is short
        block = <Block*>(chunk.base + chunk.n_taken * <u64>BLOCK_BYTES)
        block.size_class = EMPTY
        block.next = heap.empty
        heap.empty = block
        chunk.n_taken += 1
    block = heap.empty
    heap.empty = block.next
    return block


cdef Block* take_block(Heap* heap, u64 size_class) noexcept nogil:
    """An empty block for a size class; NULL: the limit is reached or there is no memory."""
    cdef Block* block
    if not charge(heap, BLOCK_BYTES):
        return NULL
    block = heap.empty
    if block != NULL:
        heap.empty = block.next
    else:
        block = new_block(heap)
        if block == NULL:
            discharge(heap, BLOCK_BYTES)
            return NULL
    block.size_class = <u32>size_class
    block.n_cells = <u32>((BLOCK_BYTES - sizeof(Block)) // (8 * <u64>heap.cell_words[size_class]))
    memset(block.marks, 0, sizeof(block.marks))
    return block


cdef u64* sweep(Heap* heap, Block* block, u64* n) noexcept nogil:
    """Link the cells of a block that are not marked; n: their bytes."""
    cdef u64 words = heap.cell_words[block.size_class]
    cdef u64* start = first_cell(block)
    cdef u64* cell = start + block.n_cells * words
    cdef u64* head = NULL
    cdef u64 at
    n[0] = 0
    while cell != start:
        cell -= words
        at = <u64>(cell - <u64*>block)
        if not block.marks[at >> 6] >> (at & 63) & 1:
            cell[0] = FREE
            cell[1] = <u64>head
            head = cell
            n[0] += words * 8
    return head


cdef bint refill(Heap* heap, u64 size_class) noexcept nogil:
    """Find free cells of a size class; False: a collection must come first, or there is no memory."""
    cdef Block* block
    cdef u64* head = NULL
    cdef u64 n
    if heap.allocated >= heap.budget or (heap.stressed and not heap.fresh):
        return False
    heap.fresh = False
    while head == NULL:
        block = heap.unswept[size_class]
        if block != NULL:
            heap.unswept[size_class] = block.next
        else:
            block = take_block(heap, size_class)
            if block == NULL:
                return False
        head = sweep(heap, block, &n)
    heap.allocated += n
    if heap.stressed:
        head[1] = 0
    heap.free[size_class] = head
    return True


cdef bint provide_large(Heap* heap, u64 words) noexcept nogil:
    """Make a large object of zeros, for the list of the last class."""
    cdef u64 bytes = words * 8 + sizeof(Large), room
    cdef Large** larges
    cdef Large* large
    if (heap.allocated != 0 and heap.allocated + bytes > heap.budget) or (heap.stressed and not heap.fresh):
        return False
    if heap.n_larges == heap.room_larges:
        room = 2 * heap.room_larges + 16
        larges = <Large**>realloc(heap.larges, room * sizeof(Large*))
        if larges == NULL:
            return False
        heap.larges = larges
        heap.room_larges = room
    if <u64><size_t>bytes != bytes or not charge(heap, bytes):
        return False
    large = <Large*>calloc(bytes, 1)
    if large == NULL:
        discharge(heap, bytes)
        return False
    heap.fresh = False
    large.bytes = bytes
    heap.larges[heap.n_larges] = large
    heap.n_larges += 1
    heap.allocated += bytes
    (<u64*>(large + 1))[0] = FREE
    (<u64*>(large + 1))[1] = <u64>heap.free[LARGE_CLASS]
    heap.free[LARGE_CLASS] = <u64*>(large + 1)
    return True


cdef u64* allocate(Heap* heap, u64 words) noexcept nogil:
    """An object of zeros, without a type yet; NULL: a collection must come first, or there is no memory."""
    cdef u64 size_class = heap.class_of[words] if words <= SMALL_WORDS else LARGE_CLASS
    cdef u64* cell
    if size_class == LARGE_CLASS:
        if not provide_large(heap, words):
            return NULL
    elif heap.free[size_class] == NULL and not refill(heap, size_class):
        return NULL
    cell = heap.free[size_class]
    heap.free[size_class] = <u64*>cell[1]
    if size_class == LARGE_CLASS:
        cell[0] = WASMCY_LARGE
        cell[1] = 0
    else:
        memset(cell, 0, words * 8)
    return cell


# ------------------------------------------------------------------------------------ marking
cdef u64 object_words(Heap* heap, u64* place) noexcept nogil:
    """The size of an object, with its header."""
    cdef u64 type_id = place[0] & ID
    cdef HeapType* heap_type
    if type_id == EXCEPTION:
        return 2 + (place[0] >> 32)
    heap_type = heap.types[type_id]
    if heap_type.kind == 1:
        return heap_type.words
    return 1 + ((((place[0] >> 32) << heap_type.shift) + 7) >> 3)


cdef int compare_larges(const void* a, const void* b) noexcept nogil:
    cdef u64 x = <u64>(<Large**>a)[0], y = <u64>(<Large**>b)[0]
    return (x > y) - (x < y)


cdef void begin_collection(Heap* heap) noexcept nogil:
    """Unmark everything; free lists are made anew."""
    cdef u64 i, j, n
    cdef Block* block
    for i in range(CLASSES):
        block = heap.unswept[i]
        while block != NULL:  # what is dead must be seen to be, before its marks go
            sweep(heap, block, &n)
            block = block.next
        heap.unswept[i] = NULL
        heap.free[i] = NULL
    heap.free[LARGE_CLASS] = NULL
    for i in range(heap.n_chunks):
        for j in range(heap.chunks[i].n_taken):
            block = <Block*>(heap.chunks[i].base + j * BLOCK_BYTES)
            memset(block.marks, 0, sizeof(block.marks))
    if heap.n_larges:
        qsort(heap.larges, heap.n_larges, sizeof(Large*), compare_larges)
    for i in range(heap.n_larges):
        heap.larges[i].marked = 0
    if heap.n_cells:
        memset(heap.cells, 0, heap.n_cells)
    heap.live = heap.scanned = 0
    heap.overflow = False


cdef void mark(Heap* heap, u64 word) noexcept nogil:
    """Mark what a reference points to."""
    cdef u64* place = <u64*>word
    cdef Large* large
    cdef Block* block
    cdef u64 at
    if word & 7 or word == 0:
        if word & 3 == 2 and word >> 2 < heap.n_cells:
            heap.cells[word >> 2] = 1
        return
    if place[0] & WASMCY_LARGE:
        large = <Large*>place - 1
        if large.marked:
            return
        large.marked = 1
        heap.live += large.bytes
    else:
        block = <Block*>(word & ~<u64>(BLOCK_BYTES - 1))
        at = <u64>(place - <u64*>block)
        if block.marks[at >> 6] >> (at & 63) & 1:
            return
        block.marks[at >> 6] |= <u64>1 << (at & 63)
        heap.live += 8 * <u64>heap.cell_words[block.size_class]
    push(heap, place)


cdef void push(Heap* heap, u64* place) noexcept nogil:
    """Note a marked object whose fields are to be followed."""
    cdef u64 type_id = place[0] & ID
    if type_id == EXCEPTION or heap.types[type_id].n_traced:
        note(heap, place, 0)


cdef void note(Heap* heap, u64* place, u64 index) noexcept nogil:
    cdef u64 room
    cdef u64* pending
    if heap.n_pending == heap.room_pending:
        room = 2 * heap.room_pending + 1024
        pending = <u64*>realloc(heap.pending, room * sizeof(u64))
        if pending == NULL:
            heap.overflow = True
            return
        heap.pending = pending
        heap.room_pending = room
    heap.pending[heap.n_pending] = <u64>place
    heap.pending[heap.n_pending + 1] = index
    heap.n_pending += 2


cdef void follow(Heap* heap) noexcept nogil:
    """Mark all that pending objects lead to."""
    while heap.n_pending:
        heap.n_pending -= 2
        look(heap, <u64*>heap.pending[heap.n_pending], heap.pending[heap.n_pending + 1])


cdef void look(Heap* heap, u64* place, u64 index) noexcept nogil:
    """Mark what an object refers to: an array from `index` on, a piece of it."""
    cdef u64 type_id = place[0] & ID, n, i
    cdef HeapType* heap_type
    cdef Exception_* exception
    if type_id == EXCEPTION:
        exception = <Exception_*>place
        if exception.tag == NULL:
            mark(heap, exception.values[0])
        else:
            for i in range(exception.tag.n_traced):
                mark(heap, place[exception.tag.traced[i]])
        return
    heap_type = heap.types[type_id]
    if heap_type.kind == 1:
        for i in range(heap_type.n_traced):
            mark(heap, place[heap_type.traced[i]])
        return
    n = place[0] >> 32
    if n - index > PIECE:
        n = index + PIECE
        note(heap, place, n)
    for i in range(index, n):
        mark(heap, place[1 + i])


cdef Chunk* chunk_of(Heap* heap, u64 word) noexcept nogil:
    cdef u64 low = 0, high = heap.n_chunks, middle
    cdef Chunk* chunk
    while low < high:
        middle = (low + high) // 2
        if heap.chunks[middle].base <= word:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return NULL
    chunk = heap.chunks[low - 1]
    return chunk if word < chunk.base + chunk.n_taken * <u64>BLOCK_BYTES else NULL


cdef bint is_object(Heap* heap, u64 word) noexcept nogil:
    """Whether a word is the address of an object (during a collection, when all is swept)."""
    cdef u64 low = 0, high = heap.n_larges, middle, at
    cdef Block* block
    if chunk_of(heap, word) != NULL:
        block = <Block*>(word & ~<u64>(BLOCK_BYTES - 1))
        if block.size_class == EMPTY or word < <u64>first_cell(block):
            return False
        at = (word - <u64>first_cell(block)) >> 3
        if at % heap.cell_words[block.size_class] or at // heap.cell_words[block.size_class] >= block.n_cells:
            return False
        return (<u64*>word)[0] & ID != FREE
    while low < high:
        middle = (low + high) // 2
        if <u64>(heap.larges[middle] + 1) < word:
            low = middle + 1
        else:
            high = middle
    return low < heap.n_larges and <u64>(heap.larges[low] + 1) == word and (<u64*>word)[0] & ID != FREE


cdef void mark_checked(Heap* heap, const u64* words, u64 n) noexcept nogil:
    """Mark what words point to that may be references."""
    cdef u64 i, word
    heap.scanned += n
    for i in range(n):
        word = words[i]
        if word & 3 == 2 or (word & 7 == 0 and word != 0 and is_object(heap, word)):
            mark(heap, word)


cdef void look_at_all(Heap* heap) noexcept nogil:
    """Follow the fields of all marked objects, of which some could not be noted."""
    cdef u64 i, j, k
    cdef Block* block
    cdef u64* cell
    for i in range(heap.n_larges):
        if heap.larges[i].marked:
            push(heap, <u64*>(heap.larges[i] + 1))
            follow(heap)
    for i in range(heap.n_chunks):
        for j in range(heap.chunks[i].n_taken):
            block = <Block*>(heap.chunks[i].base + j * BLOCK_BYTES)
            if block.size_class == EMPTY:
                continue
            for k in range(block.n_cells):
                cell = first_cell(block) + k * heap.cell_words[block.size_class]
                if block.marks[(cell - <u64*>block) >> 6] >> ((cell - <u64*>block) & 63) & 1:
                    push(heap, cell)
                    follow(heap)


# ------------------------------------------------------------------------------------ after marking
cdef bint has_marks(Block* block) noexcept nogil:
    cdef int i
    for i in range(32):
        if block.marks[i]:
            return True
    return False


cdef void finish_collection(Heap* heap) noexcept nogil:
    """Follow what is marked; then sort the blocks and free large objects and chunks."""
    cdef u64 i, n, spare
    cdef Chunk* chunk
    follow(heap)
    while heap.overflow:
        heap.overflow = False
        look_at_all(heap)
    heap.budget = max(MIN_BUDGET, heap.live + 8 * heap.scanned)
    heap.allocated = 0
    heap.fresh = True
    heap.collections += 1
    heap.empty = NULL
    spare = 0
    n = 0
    for i in range(heap.n_chunks):
        chunk = heap.chunks[i]
        if sort_blocks(heap, chunk, spare > heap.budget):
            free(chunk.memory)
            free(chunk)
            continue
        spare += chunk.n_taken * <u64>BLOCK_BYTES
        heap.chunks[n] = chunk
        n += 1
    heap.n_chunks = n
    n = 0
    for i in range(heap.n_larges):
        if heap.larges[i].marked:
            heap.larges[n] = heap.larges[i]
            n += 1
        else:
            discharge(heap, heap.larges[i].bytes)
            free(heap.larges[i])
    heap.n_larges = n


cdef bint sort_blocks(Heap* heap, Chunk* chunk, bint enough) noexcept nogil:
    """Sort the blocks of a chunk into those to be swept and empty ones; True: all are empty and not needed."""
    cdef Block* empty = heap.empty
    cdef Block* block
    cdef u64 i
    cdef bint used = False
    for i in range(chunk.n_taken):
        block = <Block*>(chunk.base + i * BLOCK_BYTES)
        if block.size_class != EMPTY and not has_marks(block):
            block.size_class = EMPTY
            discharge(heap, BLOCK_BYTES)
        if block.size_class == EMPTY:
            block.next = heap.empty
            heap.empty = block
        else:
            used = True
            block.next = heap.unswept[block.size_class]
            heap.unswept[block.size_class] = block
    if enough and not used:
        heap.empty = empty
        return True
    return False


cdef u64 count_objects(Heap* heap) noexcept nogil:
    """Objects that are in use, or dead and not found to be."""
    cdef u64 i, j, k, n = 0, size
    cdef Block* block
    for i in range(CLASSES):
        while heap.unswept[i] != NULL:
            block = heap.unswept[i]
            heap.unswept[i] = block.next
            sweep_onto(heap, block)
    for i in range(heap.n_larges):
        n += (<u64*>(heap.larges[i] + 1))[0] & ID != FREE
    for i in range(heap.n_chunks):
        for j in range(heap.chunks[i].n_taken):
            block = <Block*>(heap.chunks[i].base + j * BLOCK_BYTES)
            if block.size_class == EMPTY:
                continue
            size = heap.cell_words[block.size_class]
            for k in range(block.n_cells):
                n += first_cell(block)[k * size] & ID != FREE
    return n


cdef void sweep_onto(Heap* heap, Block* block) noexcept nogil:
    """Sweep a block and put its free cells in front of those of its class."""
    cdef u64 n
    cdef u64* head = sweep(heap, block, &n)
    cdef u64* last = head
    if head == NULL:
        return
    while last[1]:
        last = <u64*>last[1]
    last[1] = <u64>heap.free[block.size_class]
    heap.free[block.size_class] = head
    heap.allocated += n
