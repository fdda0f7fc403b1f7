cimport cython
from libc.stdint cimport int64_t, uint64_t

from ..binary.writer cimport Writer
from .types cimport TypeParser, TypeUse

cdef int ENABLED, N_IDS
cdef int OP_BR_IF, OP_CATCH, OP_CATCH_ALL, OP_DELEGATE, OP_ELSE, OP_END, OP_IF, OP_SELECT_T, OP_TRY, OP_TRY_TABLE
cdef int64_t HEAP_MASK, NULLABLE
cdef int ALIGN_EQ, CLOSE, FLOAT, ID, INT, NAT, OFFSET_EQ, OPEN, WORD
cdef int FORM_BLOCK, FORM_CALL_INDIRECT, FORM_CAST, FORM_COPY, FORM_F32, FORM_F64, FORM_FIELD, FORM_HEAP_TYPE, FORM_I32
cdef int FORM_I64, FORM_INDEX, FORM_INDICES, FORM_INIT, FORM_LABEL, FORM_LABELS, FORM_LANE, FORM_LANES, FORM_MEMARG
cdef int FORM_MEMARG_LANE, FORM_NONE, FORM_OPTIONAL, FORM_SELECT, FORM_TYPE_U32, FORM_V128, FORM_ZERO
cdef int KW_DO, KW_RESULT, KW_THEN
cdef int SPACE_DATA, SPACE_MEMORY, SPACE_TABLE, SPACE_TAG, SPACE_TYPE
cdef int NO_NAMES
cdef int BODY, FLAT_BLOCK, FLAT_IF, FLAT_ELSE, FLAT_TRY, FLAT_CATCH, FLAT_CATCH_ALL, FOLDED_BLOCK, FOLDED_THEN
cdef int FOLDED_ELSE, FOLDED_DO, FOLDED_CATCH, OPERANDS, CONDITION, AFTER_THEN, AFTER_ELSE, BEFORE_DO, AFTER_DO
cdef int AFTER_CATCH, AFTER_LAST
cdef int EMPTY_BLOCK, MEMARG_MEMORY, LANES
cdef int64_t MAX_S32
cdef uint64_t MAX_S64, MAX_U64
cdef const unsigned char[::1] ALIGN_OF, FORM_OF, SECOND_OF, SPACE_OF, IS_PART
cdef dict NULL_TWINS, CATCH_KINDS, SHAPES
cdef list OPCODES


cdef class Held:
    cdef int op, hint
    cdef bytes raw
    cdef TypeUse use
    cdef int64_t place
    cdef bytes label


cdef class InstructionParser(TypeParser):
    cdef Writer out
    cdef const unsigned char[::1] available
    cdef list frames, held, starts
    cdef list labels
    cdef dict levels
    cdef bint in_function
    cdef Py_ssize_t body
    cdef int hint
    cdef list hints
    cdef Py_ssize_t n_labels
    cdef list label_names
    cdef bint needs_count
    cdef public bint recording
    cdef readonly list places

    @cython.locals(start=Py_ssize_t)
    cdef object expression(self)
    @cython.locals(start=Py_ssize_t)
    cdef object folded_expression(self)
    cdef int instructions(self, bint single) except -1
    cdef end_of_code(self)
    cdef record(self, Py_ssize_t at)
    cdef open_frame(self, int frame, object held, Py_ssize_t start)
    cdef object pop_frame(self)
    cdef int top(self) except -1
    @cython.locals(op=int, form=int, start=Py_ssize_t)
    cdef int flat(self) except -1
    cdef int begin(self, int op) except -1
    @cython.locals(top=int, out=Writer)
    cdef int flat_part(self, int op) except -1
    cdef catch(self)
    cdef delegate(self)
    @cython.locals(op=int, top=int, form=int, at=Py_ssize_t, start=Py_ssize_t, call=Held)
    cdef int folded(self) except -1
    @cython.locals(out=Writer, at=Py_ssize_t)
    cdef bint folded_part(self, int top, int word) except -1
    @cython.locals(top=int)
    cdef close_frame(self)
    cdef release(self, Held held)

    cdef block(self, int op, Py_ssize_t start)
    @cython.locals(held=Held)
    cdef folded_block(self, int op, Py_ssize_t start)
    @cython.locals(held=Held)
    cdef begin_if(self)
    cdef bytes block_label(self)
    @cython.locals(out=Writer)
    cdef block_head(self, int op, TypeUse use, bytes label)
    @cython.locals(out=Writer, start=Py_ssize_t, n=Py_ssize_t, kind=int)
    cdef catch_clauses(self)
    cdef push_label(self, bytes label)
    cdef pop_label(self)
    cdef match_label(self)
    cdef int64_t label_index(self) except -1

    cdef int take_hint(self, int op) except -1
    cdef note_hint(self, Py_ssize_t at)

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
    cdef Held call_indirect(self, int op)
    cdef emit_call(self, Held held)

    cdef int64_t lane(self) except -1
    cdef int64_t check_lane(self, int64_t lane, Py_ssize_t at) except -1
    cdef list number_tokens(self)
    cdef lanes(self)
    @cython.locals(shape=int, bits=int)
    cdef vector(self)
