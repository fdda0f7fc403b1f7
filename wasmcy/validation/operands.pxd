cimport cython

from ..binary.types cimport TypeDecoder
from ..binary.reader cimport Reader
from .context cimport Context
from .listener cimport Listener

cdef int OP_LOOP
cdef long long BOT, REF, NULLABLE, REF_BOT, ADDRESS
cdef long long MAX_OPERANDS, MAX_DEPTH, MANY
cdef long long[::1] NP_OF, PO_OF, NR_OF, RO_OF, TYPES


cdef class Operands:
    cdef readonly Context context
    cdef TypeDecoder decoder                 # for the types in bodies
    cdef Reader code
    cdef Listener translator
    cdef bint constant                       # in a constant expression
    cdef long long at                        # where the current instruction begins
    cdef int op                              # its id
    # operands
    cdef long long[::1] stack
    cdef long long height
    cdef long long floor                     # height at which the innermost frame begins
    cdef bint dead                           # the innermost frame is unreachable from here
    cdef bint live                           # the translator hears of this code
    # frames
    cdef long long[::1] ctrl_op              # instruction that opened it, or its latest part
    cdef long long[::1] ctrl_row             # signature
    cdef long long[::1] ctrl_height          # `floor`
    cdef long long[::1] ctrl_dead            # `dead`
    cdef long long[::1] ctrl_hidden          # opened in code that is not live
    cdef long long[::1] ctrl_inits           # `n_inits` when it was opened
    cdef long long n_ctrl
    # locals
    cdef readonly long long[::1] local_types  # of the first locals, parameters before others
    cdef long long n_listed                  # how many of them
    cdef long long[::1] run_types            # types of all of them, by runs of one type
    cdef long long[::1] run_ends             # number of the local behind each run
    cdef long long n_runs
    cdef unsigned char[::1] local_ready      # has got a value; all are 0 between two bodies
    cdef long long n_params
    cdef readonly long long n_locals
    cdef long long[::1] inits                # locals that got one, in order
    cdef long long n_inits
    # what `label` found
    cdef long long label_n, label_po

    cdef int tell(self, int op, long long x, long long y, long long z) except -1

    cdef int reserve(self, long long n) except -1
    cdef int push_val(self, long long valtype) except -1
    cdef long long pop_any(self) except -1
    cdef int pop_val(self, long long expected) except -1
    @cython.locals(valtype="long long")
    cdef long long pop_ref(self) except -1
    @cython.locals(
        present="long long", base="long long", offset="long long", i="long long",
        expected="long long",
    )
    cdef int match_vals(self, long long po, long long n, bint retype) except -1
    @cython.locals(i="long long", stack="long long[::1]", pool="long long[::1]")
    cdef int match_many(self, long long base, long long offset, long long n) except -1
    cdef int pop_vals(self, long long po, long long n) except -1
    @cython.locals(i="long long")
    cdef int push_vals(self, long long po, long long n) except -1
    @cython.locals(i="long long", height="long long", stack="long long[::1]", pool="long long[::1]")
    cdef int push_many(self, long long po, long long n) except -1
    @cython.locals(first="long long", top="long long", i="long long", expected="long long", result="long long")
    cdef int apply(self, int op, long long address) except -1

    @cython.locals(depth="long long")
    cdef int push_ctrl(self, int op, long long row) except -1
    cdef int grow_control(self) except -1
    @cython.locals(row="long long", n="long long", po="long long")
    cdef int close(self) except -1
    @cython.locals(top="long long")
    cdef int reopen(self, int op) except -1
    @cython.locals(top="long long")
    cdef int pop_ctrl(self) except -1
    cdef int unreachable(self) except -1
    @cython.locals(frame="long long", row="long long")
    cdef int label(self, long long depth) except -1

    @cython.locals(low="long long", high="long long", middle="long long")
    cdef long long local_type(self, long long index) except -1
    cdef bint lacks_value(self, long long index, long long valtype) except -1
    cdef int set_ready(self, long long index) except -1
    cdef int forget_inits(self, long long n) except -1

    cdef invalid(self, str message)
    cdef unsupported(self)
    cdef mismatch(self, str expected)
    cdef mismatch_all(self, long long po, long long n)
    cdef mismatch_block(self, long long po, long long n)
    @cython.locals(i="long long")
    cdef list pool_text(self, long long po, long long n)
    @cython.locals(i="long long")
    cdef requires(self, str what, list expected, long long n)
