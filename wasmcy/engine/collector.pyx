"""Collections: what of a store's heap can still be reached, and what becomes of the rest.

Roots are the references in running and in suspended frames, words that native code holds, globals, tables and element
segments of reference types, and the objects that Python holds.  Everything else that an object of the heap
can be reached from is itself in the heap: other objects, exceptions.

Which slots of a frame hold references follows from its pc (frames.py).  The store remembers it, so that a
body is walked again only for points that no collection of the store has met.  That may run Python code, so it is
done before anything is marked.  Whatever a slot holds, it counts only if it is the address of an object.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from wasmcy.engine.code cimport LINK_CELL, RESULT_CELL, Code, function_at, pop_frame, pop_links
from wasmcy.engine.heap cimport allocate, begin_collection, finish_collection, mark, mark_checked
from wasmcy.engine.store cimport Global, InstanceData, Store, Suspended, Table, set_collector
from wasmcy.engine.structs cimport (
    LEAVE_CALL, LEAVE_TAIL_CALL, LINK_SLOTS, MAX_RESULTS, Activation, FrameRoots, FuncCode, Held, Instance, u32, u64,
)

from ..errors import MemoryLimit


cdef int collect(Store store) except -1:
    """Free the objects and host values that nothing refers to. No Python code runs before it is over."""
    cdef list dropped = []
    cdef bint known
    store.own_stack()  # for finalisers
    known = learn_frames(store)
    begin_collection(&store.heap)
    mark_words(store, known)
    mark_objects(store)
    finish_collection(&store.heap)
    store.drop_cells(dropped)
    dropped.clear()  # finalisers run here: they may use the store
    return 0


cdef u64* new_object(Store store, u64 words) except NULL:
    """An object of zeros, without a type yet.

    Raises:
        MemoryLimit: the store's limit would be exceeded.
    """
    cdef u64* place = allocate(&store.heap, words)
    if place == NULL:
        collect(store)
        place = NULL if is_full(store) else allocate(&store.heap, words)
        if place == NULL:
            raise MemoryLimit(f"memory limit of {store.memory_limit} bytes exceeded: no room for {8 * words} more")
    return place


cdef bint is_full(Store store) noexcept:
    """Whether a collection has found so little that the next ones would follow each other closely."""
    cdef u64 room = store.memory_limit - store.memory_used + store.heap.bytes - store.heap.live
    return store.memory_used > store.memory_limit or room < store.heap.live // 16


cdef void mark_words(Store store, bint known) noexcept:
    """What the stack, calls that were put aside, native code and Python hold; `known`: their frames are."""
    cdef Held* held = store.held
    cdef Activation* activation = store.running
    cdef void* aside = store.suspended
    cdef u64* end = store.stack + store.stack_slots
    cdef u64 i
    if not known:
        mark_checked(&store.heap, store.stack, min(store.stack_top, end) - store.stack)
    while activation != NULL:
        mark_checked(&store.heap, &activation.object, 1)
        if known:
            mark_frames(store, activation, end)
        activation = activation.outer
    while aside != NULL:
        if known:
            mark_frames(store, &(<Suspended>aside).activation, (<Suspended>aside).words + (<Suspended>aside).count)
        else:
            mark_checked(&store.heap, (<Suspended>aside).words, (<Suspended>aside).count)
        mark_checked(&store.heap, &(<Suspended>aside).activation.object, 1)
        aside = (<Suspended>aside).older
    while held != NULL:
        mark_checked(&store.heap, held.words, held.n)
        held = held.next
    for i in range(store.n_handles):
        mark(&store.heap, store.handles[i])
    store.heap.scanned += store.n_handles


# ------------------------------------------------------------------------------------ frames
cdef void mark_frames(Store store, Activation* activation, u64* end) noexcept nogil:
    """What the frames of an activation hold; all points have been learnt. The stack ends at `end`."""
    cdef u64* pc = activation.pc
    cdef u64* sp = activation.sp
    cdef Instance* instance = activation.instance
    cdef bint called = activation.reason == LEAVE_CALL
    cdef bint gone = activation.reason == LEAVE_TAIL_CALL  # the innermost frame is: who called it has its arguments
    cdef FrameRoots* roots
    cdef u32 i
    if pc == LINK_CELL or pc == RESULT_CELL:  # between frames
        mark_checked(&store.heap, sp, min(<u64>(MAX_RESULTS + LINK_SLOTS), <u64>(end - sp)))
        if not pop_links(&pc, &sp, &instance):
            return
        called = True
    while True:
        roots = roots_at(store, pc, called)
        if not gone and roots.known:
            for i in range(roots.n):
                mark_checked(&store.heap, sp + roots.slots[i], 1)
        elif not gone:
            mark_checked(&store.heap, sp, min(<u64>roots.function.code[-1], <u64>(end - sp)))
        store.heap.scanned += 1
        if not pop_frame(&pc, &sp, &instance, roots.function):
            return
        called = True
        gone = False


cdef bint learn_frames(Store store) except -1:
    """Find out what all frames hold; False: that was not possible."""
    cdef dict wanted = {}  # (code, index of a function) -> {point: address of its FrameRoots}
    cdef Activation* activation = store.running
    cdef FrameRoots* roots
    cdef list calls = []
    cdef void* aside = store.suspended
    while aside != NULL:
        calls.append(<object>aside)
        aside = (<Suspended>aside).older
    try:
        while activation != NULL:
            miss_frames(store, activation, wanted)
            activation = activation.outer
        for call in calls:
            miss_aside(store, call, wanted)
        for (code, index), missing in wanted.items():
            found = code.roots(index, missing)
            for point, address in missing.items():
                roots = <FrameRoots*><size_t>address
                set_slots(roots, found[point])
                if found[point] is None and store.heap.stressed:
                    raise AssertionError(f"function {index} cannot stop at {point}")
    except MemoryError:
        return False
    return True


cdef int miss_frames(Store store, Activation* activation, dict wanted) except -1:
    """Note the points in the frames of an activation that the store does not know yet."""
    cdef u64* pc = activation.pc
    cdef u64* sp = activation.sp
    cdef Instance* instance = activation.instance
    cdef bint called = activation.reason == LEAVE_CALL
    cdef FrameRoots* roots
    cdef FuncCode* function
    cdef Code code
    if not pop_links(&pc, &sp, &instance):
        return 0
    called |= pc != activation.pc
    while True:
        roots = roots_at(store, pc, called)
        if roots == NULL or not roots.known:
            code = <Code>instance.code
            function = function_at(instance, pc - called)
            if function == NULL:
                function = code.of_stub(pc)
                roots = new_roots(store, roots, pc, called, function)
                set_slots(roots, code.parameter_roots(function.index))
            else:
                roots = new_roots(store, roots, pc, called, function)
                points = wanted.setdefault((code, function.index), {})
                points[2 * (pc - function.code) + (not called)] = <size_t>roots
        if not pop_frame(&pc, &sp, &instance, roots.function):
            return 0
        called = True


cdef int miss_aside(Store store, Suspended call, dict wanted) except -1:
    """The same of a call that was put aside: in a copy, for Python code that runs meanwhile may resume it."""
    cdef Activation activation = call.activation
    cdef u64* words
    if call.words == NULL:
        return 0
    words = <u64*>malloc((call.count + 1) * sizeof(u64))
    if words == NULL:
        raise MemoryError
    memcpy(words, call.words, call.count * sizeof(u64))
    activation.sp = words + (call.activation.sp - call.words)
    try:
        miss_frames(store, &activation, wanted)
    finally:
        free(words)
    return 0


cdef bint knows(Store store, u64* pc) noexcept nogil:
    """Whether a collection has met a frame that goes on at pc."""
    return roots_at(store, pc, False) != NULL


cdef FrameRoots* roots_at(Store store, u64* pc, bint called) noexcept nogil:
    """What the store knows of a point, or NULL."""
    cdef u64 at
    if store.room_roots == 0:
        return NULL
    at = place_in(store, pc)
    while store.roots[at] != NULL:
        if store.roots[at].pc == pc and store.roots[at].called == called:
            return store.roots[at]
        at = (at + 1) & (store.room_roots - 1)
    return NULL


cdef u64 place_in(Store store, u64* pc) noexcept nogil:
    return (<u64>pc >> 3) * 0x9E3779B97F4A7C15u >> 20 & (store.room_roots - 1)


cdef FrameRoots* new_roots(Store store, FrameRoots* roots, u64* pc, bint called, FuncCode* function) except NULL:
    """An entry for a point, unless there is one: nothing is known of it yet."""
    if roots != NULL:
        return roots
    if 2 * store.n_roots >= store.room_roots:
        enlarge_roots(store)
    roots = <FrameRoots*>calloc(1, sizeof(FrameRoots))
    if roots == NULL:
        raise MemoryError
    roots.pc, roots.called, roots.function = pc, called, function
    enter_roots(store, roots)
    store.n_roots += 1
    return roots


cdef void enter_roots(Store store, FrameRoots* roots) noexcept:
    cdef u64 at = place_in(store, roots.pc)
    while store.roots[at] != NULL:
        at = (at + 1) & (store.room_roots - 1)
    store.roots[at] = roots


cdef int enlarge_roots(Store store) except -1:
    cdef FrameRoots** old = store.roots
    cdef u64 n = store.room_roots, room = 2 * n if n else 64, i
    cdef FrameRoots** new = <FrameRoots**>calloc(room, sizeof(FrameRoots*))
    if new == NULL:
        raise MemoryError
    store.roots = new
    store.room_roots = room
    for i in range(n):
        if old[i] != NULL:
            enter_roots(store, old[i])
    free(old)
    return 0


cdef int set_slots(FrameRoots* roots, slots) except -1:
    """Note which slots hold references, from a list; None: that is not known."""
    cdef u32* made
    if slots is None or roots.known:
        return 0
    made = <u32*>malloc((len(slots) + 1) * sizeof(u32))
    if made == NULL:
        raise MemoryError
    for i, slot in enumerate(slots):
        made[<size_t>i] = slot
    roots.n = <u32>len(slots)
    roots.slots = made
    roots.known = True
    return 0


# ------------------------------------------------------------------------------------ objects
cdef int mark_objects(Store store) except -1:
    """What tables, globals and element segments hold."""
    cdef InstanceData instance
    for found in store.traced:
        if isinstance(found, Table):
            mark_all(store, (<Table>found).record.elements, (<Table>found).record.size)
        else:
            mark_all(store, (<Global>found).cell, 1)
    for instance in store.instances:
        mark_segments(store, instance)
    for instance in store.unfinished:
        mark_segments(store, instance)
        for found in instance.globals:
            if (<Global>found).traced:
                mark_all(store, (<Global>found).cell, 1)
    return 0


cdef void mark_all(Store store, u64* words, u64 n) noexcept:
    cdef u64 i
    for i in range(n):
        mark(&store.heap, words[i])
    store.heap.scanned += n


cdef int mark_segments(Store store, InstanceData instance) except -1:
    cdef Py_buffer view
    if instance.traced_elems is None:
        return 0
    for i in instance.traced_elems:
        if i < len(instance.elems) and instance.elems[i] is not None:
            PyObject_GetBuffer(instance.elems[i], &view, PyBUF_SIMPLE)
            mark_all(store, <u64*>view.buf, <u64>view.len // sizeof(u64))
            PyBuffer_Release(&view)
    return 0


set_collector(<void*>collect)
