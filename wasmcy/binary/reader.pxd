cimport cython
from libc.stdint cimport int64_t, uint64_t

cdef uint64_t MASK64
cdef uint64_t INT64_MAX
cdef short[::1] _first_byte, _width


@cython.final
cdef class Reader:
    cdef readonly bytes data
    cdef const unsigned char* buffer  # of `data`
    cdef public Py_ssize_t pos
    cdef public Py_ssize_t end  # at most size
    cdef Py_ssize_t size  # len(data)

    cpdef fail(self, str message, Py_ssize_t offset)
    cpdef overrun(self)

    @cython.locals(pos=Py_ssize_t)
    cpdef int byte(self) except -1

    @cython.locals(pos=Py_ssize_t)
    cpdef Py_ssize_t skip(self, Py_ssize_t n) except -1

    @cython.locals(pos=Py_ssize_t, byte=int)
    cpdef int64_t u32(self) except -1
    cpdef uint64_t u64(self) except? 0xFFFF
    cpdef int64_t s32(self) except? -1
    cpdef int64_t s33(self) except? -1
    cpdef int64_t s64(self) except? -1

    @cython.locals(result=uint64_t, byte=uint64_t, shift=int, pos=Py_ssize_t)
    cpdef uint64_t unsigned_leb(self, int bits) except? 0xFFFF

    @cython.locals(
        result=uint64_t, byte=uint64_t, beyond=uint64_t,
        value=int64_t, shift=int, pos=Py_ssize_t,
    )
    cpdef int64_t signed_leb(self, int bits) except? -1

    @cython.locals(n=int64_t)
    cpdef Py_ssize_t count(self) except -1

    @cython.locals(n=int64_t, at=Py_ssize_t, pos=Py_ssize_t)
    cpdef Py_ssize_t span(self) except -1

    @cython.locals(start=Py_ssize_t)
    cpdef str name(self)

    @cython.locals(byte=int, op_id=int, sub=uint64_t)
    cpdef int opcode(self) except? -1
