cimport cython
from libc.stdint cimport int64_t, uint64_t

from ..binary.writer cimport Writer
from .types cimport TypeParser

cdef int ALIGN_EQ, FLOAT, FORM_CAST, FORM_COPY, FORM_F32, FORM_F64, FORM_FIELD, FORM_HEAP_TYPE, FORM_I32, FORM_I64
cdef int FORM_INDEX, FORM_INDICES, FORM_INIT, FORM_LABEL, FORM_LABELS, FORM_LANE, FORM_LANES, FORM_MEMARG
cdef int FORM_MEMARG_LANE, FORM_NONE, FORM_OPTIONAL, FORM_SELECT, FORM_TYPE_U32, FORM_V128, FORM_ZERO, ID, INT
cdef int KW_RESULT, LANES, MEMARG_MEMORY, NAT, NO_NAMES, N_IDS, OFFSET_EQ, OPEN, OP_SELECT_T, SPACE_DATA
cdef int SPACE_MEMORY, SPACE_TYPE, WORD
cdef int64_t HEAP_MASK, MAX_S32, NULLABLE
cdef uint64_t MAX_S64, MAX_U64
cdef const unsigned char[::1] ALIGN_OF, SECOND_OF, SPACE_OF
cdef dict NULL_TWINS, SHAPES
cdef list OPCODES


cdef class ImmediateParser(TypeParser):
    cdef Writer out
    cdef list labels
    cdef dict levels
    cdef Py_ssize_t n_labels
    cdef list label_names
    cdef bint needs_count

    cdef push_label(self, bytes label)
    cdef pop_label(self)
    cdef match_label(self)
    cdef int64_t label_index(self) except -1

    cdef int opcode(self, int op) except -1
    @cython.locals(out=Writer, space=int)
    cdef int plain(self, int op, int form) except -1
    cdef number_token(self)
    @cython.locals(value=uint64_t, low=int64_t)
    cdef int64_t signed_integer(self, int bits) except? -1
    @cython.locals(found=uint64_t)
    cdef uint64_t float_bits(self, int bits) except? 0xFFFF
    cdef uint64_t float_between(self, Py_ssize_t start, Py_ssize_t stop, int bits) except? 0xFFFF
    @cython.locals(out=Writer, memory=int64_t, lane=int64_t, offset=uint64_t, exponent=int)
    cdef int memarg(self, int op, bint has_lane) except -1
    @cython.locals(value=uint64_t, exponent=int)
    cdef int alignment(self) except -1
    @cython.locals(out=Writer, given=bint)
    cdef int rare(self, int op, int form) except -1
    @cython.locals(out=Writer, t=int64_t, types=list)
    cdef int typed(self, int op, int form) except -1
    @cython.locals(
        out=Writer, kind=int, start=Py_ssize_t, stop=Py_ssize_t, place=int64_t, segment=int64_t,
    )
    cdef int init(self, int op) except -1
    cdef label_vector(self)
    @cython.locals(out=Writer, index=int64_t, space=int)
    cdef type_and_more(self, int op, int form)
    @cython.locals(label=int64_t, source=int64_t, target=int64_t)
    cdef cast(self)

    cdef int64_t lane(self) except -1
    cdef int64_t check_lane(self, int64_t lane, Py_ssize_t at) except -1
    cdef list number_tokens(self)
    cdef lanes(self)
    @cython.locals(shape=int, bits=int)
    cdef vector(self)
