cimport cython
from libc.stdint cimport int64_t

from ..binary.reader cimport Reader
from ..binary.types cimport TypeDecoder

cdef int OP_CATCH, OP_CATCH_ALL, OP_DELEGATE, OP_ELSE, OP_END, OP_IF, OP_TRY
cdef int K_BLOCKTYPE, K_LABEL, K_LABELS, K_FUNC, K_TYPE, K_TABLE, K_MEMORY, K_GLOBAL, K_LOCAL, K_TAG
cdef int K_ELEM, K_DATA, K_FIELD, K_U32, K_I32, K_I64, K_F32, K_F64, K_V128, K_MEMARG, K_LANE
cdef int K_LANES, K_HEAP, K_CAST, K_TYPES, K_CATCHES, K_ZERO
cdef int W_NONE, W_REF_TYPE, W_CAST, W_INDIRECT, W_INIT, W_MEMORIES, W_SEVERAL
cdef int EMPTY_BLOCK, MEMARG_MEMORY, MAX_INDENT, TYPE_INDEX
cdef int64_t NULL, REF
cdef list KEYWORDS
cdef bytes WAYS, NULLABLE
cdef list ALIGNS
cdef tuple NUMBERS, INDENTS, POWERS


@cython.final
cdef class Disassembler:
    cdef TypeDecoder decoder
    cdef Reader reader
    cdef bytes data
    cdef object types, names
    cdef bint marks                          # say which block a label is
    cdef dict func_refs, type_refs, table_refs, memory_refs, global_refs, tag_refs, elem_refs, data_refs
    cdef public dict local_refs
    cdef dict label_refs
    cdef list blocks, labels, hidden
    cdef dict innermost
    cdef int n_labels
    cdef public int op
    cdef public Py_ssize_t offset, depth
    cdef public int64_t x, y
    cdef public bint finished

    cpdef begin(self, Py_ssize_t start, Py_ssize_t end, dict local_refs, dict label_refs)

    @cython.locals(r=Reader, at=Py_ssize_t, n=int64_t, types=list)
    cpdef list local_types(self, Py_ssize_t most)

    @cython.locals(r=Reader, op=int, way=int, keyword=str, text=str)
    cpdef str next(self)
    @cython.locals(inside=int)
    cdef part(self, int op)
    cdef misplaced(self, int op)
    @cython.locals(at=Py_ssize_t, text=str, name=str)
    cdef str open(self, int op)
    cdef close(self)
    @cython.locals(r=Reader, at=Py_ssize_t, lead=int, number=int64_t)
    cdef str block_type(self)
    @cython.locals(r=Reader, at=Py_ssize_t, kind=int, x=int64_t, text=str, tag=str)
    cdef str catches(self)
    @cython.locals(n=int64_t, at=int64_t, name=str)
    cdef str label(self)
    @cython.locals(r=Reader)
    cdef str immediate(self, int kind)
    @cython.locals(r=Reader, at=Py_ssize_t)
    cdef str rare(self, int kind)
    @cython.locals(label=str)
    cdef str immediates(self, int way)
    @cython.locals(r=Reader, at=Py_ssize_t, flags=int64_t, text=str)
    cdef str memarg(self)
    cdef str val_type(self)
    cdef str ref_type(self, int nullable)
    @cython.locals(n=int64_t)
    cdef str index(self, dict refs)
    cdef str ref(self, int64_t n, dict refs)
    cdef str number(self, int64_t n)
    @cython.locals(text=str, indent=str, level=Py_ssize_t)
    cpdef list lines(self, Py_ssize_t base, dict hints)
