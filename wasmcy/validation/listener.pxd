cdef class Listener:
    cpdef int begin(
        self, long long index, long long start, long long params, long long locals_, long long row, long long[::1] types
    ) except -1
    cpdef int visit(self, long long op, long long offset, long long x, long long y, long long z) except -1
    cpdef int target(self, long long depth) except -1
    cpdef int catch(self, long long kind, long long tag, long long depth) except -1
