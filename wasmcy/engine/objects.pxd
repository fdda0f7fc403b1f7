from wasmcy.engine.store cimport Store
from wasmcy.engine.structs cimport HeapType, u8, u64


cdef class Object:
    cdef readonly Store store
    cdef readonly object type               # StructType or ArrayType, closed
    cdef u64* place
    cdef u64 handle
    cdef HeapType* heap_type
    cdef tuple words                        # of a struct with vectors: where its fields are

    cdef int attach(self, Store store, u64* place) except -1
    cdef int check(self) except -1


cdef int define_types(Store store, object syntax, object context) except -1
cdef u64* typed(u64* place, u64 type_id, u64 length) noexcept
cdef void set_element(u8* at, u64 shift, const u64* words) noexcept
