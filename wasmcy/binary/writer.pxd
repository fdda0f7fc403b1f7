cimport cython
from libc.stdint cimport int64_t, uint64_t

cdef int64_t CONCRETE, EXACT, HEAP_MASK, INDEX_MASK, NULLABLE, REF


cdef class Writer:
    cdef bytearray store
    cdef unsigned char* buffer  # of `store`
    cdef Py_ssize_t capacity    # of `store`
    cdef readonly Py_ssize_t size

    cpdef int reserve(self, Py_ssize_t n) except -1
    @cython.locals(capacity=Py_ssize_t, fresh=bytearray)
    cdef int grow(self, Py_ssize_t n) except -1
    cpdef bytes take(self, Py_ssize_t start)
    cpdef bytes getvalue(self)

    cpdef int byte(self, int value) except -1
    @cython.locals(n=Py_ssize_t, at=Py_ssize_t, i=Py_ssize_t, source="const unsigned char*")
    cpdef int raw(self, bytes data) except -1
    @cython.locals(i=int)
    cpdef int little(self, uint64_t value, int n) except -1
    @cython.locals(at=Py_ssize_t)
    cpdef int unsigned(self, uint64_t value) except -1
    @cython.locals(at=Py_ssize_t)
    cpdef int signed(self, int64_t value) except -1
    cpdef int span(self, bytes data) except -1
    cpdef int name(self, str text) except -1

    @cython.locals(heap=int64_t)
    cpdef int val_type(self, int64_t t) except -1
    cpdef int heap_type(self, int64_t heap) except -1
