cimport cython
from libc.stdint cimport int64_t

from ..binary.writer cimport Writer
from .immediates cimport ImmediateParser
from .types cimport TypeUse

cdef int AFTER_CATCH, AFTER_DO, AFTER_ELSE, AFTER_LAST, AFTER_THEN, BEFORE_DO, BODY, CLOSE, CONDITION, EMPTY_BLOCK
cdef int ENABLED, FLAT_BLOCK, FLAT_CATCH, FLAT_CATCH_ALL, FLAT_ELSE, FLAT_IF, FLAT_TRY, FOLDED_BLOCK, FOLDED_CATCH
cdef int FOLDED_DO, FOLDED_ELSE, FOLDED_THEN, FORM_BLOCK, FORM_CALL_INDIRECT, ID, KW_DO, KW_THEN, NO_NAMES, N_IDS
cdef int OPEN, OPERANDS, OP_BR_IF, OP_CATCH, OP_CATCH_ALL, OP_DELEGATE, OP_ELSE, OP_END, OP_IF, OP_TRY, OP_TRY_TABLE
cdef int SPACE_TABLE, SPACE_TAG, WORD
cdef const unsigned char[::1] FORM_OF, IS_PART
cdef dict CATCH_KINDS


cdef class Held:
    cdef int op, hint
    cdef bytes raw
    cdef TypeUse use
    cdef int64_t place
    cdef bytes label


cdef class InstructionParser(ImmediateParser):
    cdef const unsigned char[::1] available
    cdef list frames, held, starts
    cdef bint in_function
    cdef Py_ssize_t body
    cdef int hint
    cdef list hints
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

    cdef Held call_indirect(self, int op)
    cdef emit_call(self, Held held)

    cdef int take_hint(self, int op) except -1
    cdef note_hint(self, Py_ssize_t at)
