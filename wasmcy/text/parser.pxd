cimport cython

from .instructions cimport InstructionParser
from .types cimport TypeUse

cdef int CLOSE, END, ID, NAT, OPEN, STRING
cdef int KW_DATA, KW_DECLARE, KW_ELEM, KW_EXACT, KW_EXPORT, KW_FUNC, KW_GLOBAL, KW_IMPORT, KW_ITEM, KW_LOCAL, KW_MEMORY
cdef int KW_MODULE, KW_OFFSET, KW_REC, KW_START, KW_TABLE, KW_TAG, KW_TYPE
cdef int SPACE_DATA, SPACE_ELEM, SPACE_FUNC, SPACE_GLOBAL, SPACE_LOCAL, SPACE_MEMORY, SPACE_TABLE, SPACE_TAG, SPACE_TYPE
cdef int LOCAL_NAMES, OP_END, OP_I32_CONST, OP_I64_CONST


@cython.final
cdef class Parser(InstructionParser):
    cdef readonly object given
    cdef list counts
    cdef list type_fields
    cdef Py_ssize_t n_skipped
    cdef str defined
    cdef list sections
    cdef list branch_hints
