from wasmcy.engine.structs cimport Heap, HeapType, u32, u64

cdef enum:
    MAX_ARRAY = 1 << 30             # bytes of an array

cdef int open_heap(Heap* heap, u64* memory_used, u64* memory_limit) noexcept nogil
cdef void close_heap(Heap* heap) noexcept nogil
cdef int set_type(Heap* heap, u64 type_id, HeapType* heap_type) noexcept nogil
cdef bint refill(Heap* heap, u64 size_class) noexcept nogil
cdef bint provide_large(Heap* heap, u64 words) noexcept nogil
cdef u64* allocate(Heap* heap, u64 words) noexcept nogil
cdef u64 object_words(Heap* heap, u64* place) noexcept nogil
cdef void begin_collection(Heap* heap) noexcept nogil
cdef void mark(Heap* heap, u64 word) noexcept nogil
cdef void mark_checked(Heap* heap, const u64* words, u64 n) noexcept nogil
cdef void finish_collection(Heap* heap) noexcept nogil
cdef u64 count_objects(Heap* heap) noexcept nogil
cdef int room_for_cells(Heap* heap, u64 n) noexcept nogil
