cimport cython
from libc.stdint cimport int64_t

from .reader cimport Reader
from .types cimport TypeDecoder

cdef int NONE, STEP_U32, STEP_S32, STEP_S64, STEP_BYTE, STEP_4, STEP_8, STEP_16, STEP_MEMARG
cdef int STEP_BLOCKTYPE, STEP_HEAPTYPE, STEP_LABELS, STEP_VALTYPES, STEP_CATCHES
cdef int MAX_IMMEDIATES, ENABLED, UNKNOWN
cdef bytes STEPS
cdef bytes NESTING


@cython.final
cdef class Decoder(TypeDecoder):
    cdef object module
    cdef bytes available  # by instruction id

    @cython.locals(r=Reader, n=Py_ssize_t, i=Py_ssize_t, view="unsigned int[::1]")
    cdef object indices(self, Py_ssize_t most, str what)

    @cython.locals(
        r=Reader, n=Py_ssize_t, i=Py_ssize_t, at=Py_ssize_t, size=int64_t,
        start_view="unsigned long long[::1]", end_view="unsigned long long[::1]",
    )
    cdef tuple bodies(self)

    @cython.locals(r=Reader, at=Py_ssize_t, start=Py_ssize_t, n=Py_ssize_t, flags=int64_t, memory=int64_t)
    cdef object data(self)

    @cython.locals(
        r=Reader, start=Py_ssize_t, at=Py_ssize_t, depth=Py_ssize_t, op_id=int, effect=int,
        step=int, i=int,
    )
    cdef object expr(self)

    @cython.locals(r=Reader, n=Py_ssize_t, i=Py_ssize_t)
    cdef immediate(self, int step)
