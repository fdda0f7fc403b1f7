from wasmcy.engine.store cimport Store
from wasmcy.engine.structs cimport u64

cdef int collect(Store store) except -1
cdef bint knows(Store store, u64* pc) noexcept nogil
cdef u64* new_object(Store store, u64 words) except NULL
cdef bint is_full(Store store) noexcept
