cimport cython

from ..binary.types cimport TypeDecoder
from ..binary.reader cimport Reader
from .context cimport Context
from .listener cimport Listener

cdef int OP_LOOP
cdef long long BOT, REF, REF_BOT, ADDRESS
cdef Py_ssize_t MAX_OPERANDS, MAX_DEPTH
cdef long long[::1] NP_OF, PO_OF, NR_OF, RO_OF, TYPES


cdef class Operands:
    cdef readonly Context context
    cdef TypeDecoder decoder                 # for the types in bodies
    cdef Reader code
    cdef Listener translator
    cdef bint constant                       # in a constant expression
    cdef Py_ssize_t at                       # where the current instruction begins
    cdef int op                              # its id
    # operands
    cdef long long[::1] stack
    cdef Py_ssize_t height
    cdef Py_ssize_t floor                    # height at which the innermost frame begins
    cdef bint dead                           # the innermost frame is unreachable from here
    cdef bint live                           # the translator hears of this code
    # frames
    cdef long long[::1] ctrl_op              # instruction that opened it, or its latest part
    cdef long long[::1] ctrl_row             # signature
    cdef long long[::1] ctrl_height          # `floor`
    cdef long long[::1] ctrl_dead            # `dead`
    cdef long long[::1] ctrl_hidden          # opened in code that is not live
    cdef long long[::1] ctrl_inits           # `n_inits` when it was opened
    cdef Py_ssize_t n_ctrl
    # locals
    cdef readonly long long[::1] local_types # parameters first
    cdef unsigned char[::1] local_ready      # has a value
    cdef readonly Py_ssize_t n_locals
    cdef long long[::1] inits                # locals that got one, in order
    cdef Py_ssize_t n_inits
    # what `label` found
    cdef Py_ssize_t label_n, label_po

    cdef int tell(self, int op, long long x, long long y, long long z) except -1

    cdef int reserve(self, Py_ssize_t n) except -1
    cdef int push_val(self, long long valtype) except -1
    cdef long long pop_any(self) except -1
    cdef int pop_val(self, long long expected) except -1
    @cython.locals(valtype="long long")
    cdef long long pop_ref(self) except -1
    @cython.locals(present=Py_ssize_t, base=Py_ssize_t, offset=Py_ssize_t, i=Py_ssize_t, expected="long long")
    cdef int match_vals(self, Py_ssize_t po, Py_ssize_t n, bint retype) except -1
    cdef int pop_vals(self, Py_ssize_t po, Py_ssize_t n) except -1
    @cython.locals(i=Py_ssize_t)
    cdef int push_vals(self, Py_ssize_t po, Py_ssize_t n) except -1
    @cython.locals(i=Py_ssize_t, expected="long long", result="long long")
    cdef int apply(self, int op, long long address) except -1

    @cython.locals(depth=Py_ssize_t)
    cdef int push_ctrl(self, int op, Py_ssize_t row) except -1
    cdef int grow_control(self) except -1
    @cython.locals(row=Py_ssize_t, n=Py_ssize_t, po=Py_ssize_t)
    cdef int close(self) except -1
    @cython.locals(top=Py_ssize_t)
    cdef int reopen(self, int op) except -1
    @cython.locals(top=Py_ssize_t)
    cdef int pop_ctrl(self) except -1
    cdef int unreachable(self) except -1
    @cython.locals(frame=Py_ssize_t, row=Py_ssize_t)
    cdef int label(self, Py_ssize_t depth) except -1

    cdef int set_ready(self, Py_ssize_t index) except -1
    cdef int forget_inits(self, Py_ssize_t n) except -1

    cdef invalid(self, str message)
    cdef unsupported(self)
    cdef mismatch(self, str expected)
    cdef mismatch_all(self, Py_ssize_t po, Py_ssize_t n)
    cdef mismatch_block(self, Py_ssize_t po, Py_ssize_t n)
    @cython.locals(i=Py_ssize_t)
    cdef list pool_text(self, Py_ssize_t po, Py_ssize_t n)
    @cython.locals(i=Py_ssize_t)
    cdef requires(self, str what, list expected, Py_ssize_t n)
