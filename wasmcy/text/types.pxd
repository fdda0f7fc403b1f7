cimport cython
from libc.stdint cimport int64_t, uint64_t

from .lexer cimport Lexer

cdef int KW_ARRAY, KW_DESCRIBES, KW_DESCRIPTOR, KW_EXACT, KW_FIELD, KW_FINAL, KW_FUNC, KW_I8, KW_I16, KW_I32, KW_I64
cdef int KW_MUT, KW_NULL, KW_PAGESIZE, KW_PARAM, KW_REF, KW_RESULT, KW_SHARED, KW_STRUCT, KW_SUB, KW_TYPE
cdef int CLOSE, ID, NAT, OPEN, WORD
cdef int SPACE_LOCAL, SPACE_TYPE
cdef int64_t CONCRETE, EXACT, NULLABLE, REF
cdef uint64_t MAX_U32, MAX_U64
cdef int64_t[::1] HEAP_TYPE_OF, VAL_TYPE_OF
cdef tuple WORDS_OF_SPACES


cdef class TypeUse:
    cdef readonly int64_t index
    cdef readonly list params, results
    cdef Py_ssize_t at


cdef class TypeParser(Lexer):
    cdef readonly object module
    cdef int limit_bits
    cdef list names
    cdef dict fields
    cdef dict given_locals, given_fields
    cdef dict func_types

    cdef bint is_word(self, int code) except -1
    cdef bint is_open(self, int code) except -1
    cdef bint accept_word(self, int code) except -1
    cdef bint accept_open(self, int code) except -1
    cdef int close(self) except -1
    cdef int64_t u32(self) except -1

    cdef bind(self, int space, Py_ssize_t index)
    cdef str given_name(self)
    cdef skip_id(self)
    @cython.locals(index=int64_t)
    cdef int64_t index(self, int space) except -1
    @cython.locals(name=bytes)
    cdef int64_t index_between(self, int space, int kind, Py_ssize_t start, Py_ssize_t stop) except -1
    cdef bint at_index(self) except -1
    cdef int64_t field_index(self, int64_t type_index) except -1

    cdef int64_t heap_type(self) except -1
    cdef bint at_val_type(self) except -1
    cdef int64_t val_type(self) except -1
    cdef int64_t ref_type(self) except -1
    cdef func_parts(self, list params, list results, int naming)

    cdef TypeUse type_use(self, int naming)
    @cython.locals(params=tuple, results=tuple)
    cdef int64_t resolve(self, TypeUse use) except -1
    cdef check_inline(self, TypeUse use)
    cdef object func_type_of(self, int64_t index)
