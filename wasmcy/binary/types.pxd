cimport cython
from libc.stdint cimport int64_t

from .reader cimport Reader


cdef class TypeDecoder:
    cdef Reader reader
    cdef object features
    cdef bint simd  # features.simd

    @cython.locals(n=Py_ssize_t, at=Py_ssize_t)
    cdef Py_ssize_t count(self, Py_ssize_t most, str what) except -1

    @cython.locals(r=Reader, at=Py_ssize_t, lead=int)
    cdef object sub_type(self)
    cdef object func_type(self, Py_ssize_t at)

    @cython.locals(n=Py_ssize_t, i=Py_ssize_t)
    cdef list result_type(self, Py_ssize_t most, str what)

    @cython.locals(r=Reader, at=Py_ssize_t, lead=int)
    cdef int64_t val_type(self) except -1

    @cython.locals(r=Reader, at=Py_ssize_t)
    cdef int64_t ref_type(self) except -1
    cdef int64_t ref_type_after(self, int lead, Py_ssize_t at) except -1

    @cython.locals(r=Reader, at=Py_ssize_t, lead=int, index=int64_t)
    cdef int64_t heap_type(self) except -1
