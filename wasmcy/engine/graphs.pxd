from wasmcy.engine.store cimport InstanceData
from wasmcy.engine.structs cimport Exception_, Held, i64, u64


cdef class Graph:
    cdef InstanceData instance
    cdef Held held                  # the objects in the order of their numbers
    cdef u64 room
    cdef bint open, function        # whether `asked`, a type, is one of functions
    cdef long long asked

    cdef bint is_function(self, long long valtype) except -1
    cdef int make_room(self, u64 n) except -1


cdef class Taken(Graph):
    cdef dict numbers               # address of an object -> its number
    cdef dict indices               # canonical id of a type -> its index in the module

    cdef tuple state_of(self, u64* place)
    cdef tuple exception(self, Exception_* exception)
    cdef list values(self, types, const u64* at)


cdef class Given(Graph):
    cdef dict matches               # (heap type, that of a place) -> whether it fits

    cdef int make(self, tuple objects) except -1
    cdef u64* allocated(self, index, values) except NULL
    cdef int fill(self, u64* place, index, values) except -1
    cdef int put(self, types, values, u64* to) except -1
    cdef u64 place(self, u64 n, long long heap) except 0
    cdef bint fits(self, found, heap) except -1


cdef i64 index_of(InstanceData instance, u64 word, where) except? -2
