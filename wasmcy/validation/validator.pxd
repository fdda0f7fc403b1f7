cimport cython

from ..binary.reader cimport Reader
from .context cimport Context
from .references cimport References

cdef int OP_BLOCK, OP_BR, OP_BR_IF, OP_BR_TABLE, OP_CALL, OP_CALL_INDIRECT, OP_CALL_REF
cdef int OP_CATCH, OP_CATCH_ALL, OP_DELEGATE, OP_DROP, OP_ELSE, OP_END, OP_GLOBAL_GET
cdef int OP_GLOBAL_SET, OP_IF, OP_LOCAL_GET, OP_LOCAL_SET, OP_LOCAL_TEE, OP_LOOP, OP_MEMORY_COPY
cdef int OP_RETHROW, OP_RETURN, OP_RETURN_CALL, OP_RETURN_CALL_INDIRECT, OP_RETURN_CALL_REF
cdef int OP_SELECT, OP_SELECT_T, OP_THROW, OP_THROW_REF, OP_TRY, OP_TRY_TABLE, OP_UNREACHABLE
cdef long long BOT, CONCRETE, EXNREF, FUNCREF, HEAP_EXN, I32, I64, REF, NULLABLE
cdef long long MAX_LOCALS, MAX_S7, MAX_S32, MAX_U32
cdef unsigned long long MAX_S64, MAX_U64
cdef int FORM_ILLEGAL, FORM_OFF, FORM_NOT_CONST, FORM_PREFIX, FORM_PLAIN, FORM_MEMARG
cdef int FORM_IMMEDIATE, FORM_RULE, FORM_REFERENCE
cdef int WAY_I32, WAY_I64, WAY_F32, WAY_F64, WAY_V128, WAY_LANE, WAY_LANES
cdef int WAY_MEMORY, WAY_TABLE, WAY_DATA, WAY_ELEM, WAY_DATA_MEMORY, WAY_ZERO
cdef int MEMARG_MEMORY, EMPTY_BLOCK, CATCH_REF, CATCH_ALL
cdef long long[::1] WAY_OF, ALIGN_OF, LANES_OF, ATOMIC
cdef dict _forms_of


cdef class Validator(References):
    cdef long long[::1] body_forms, constant_forms
    cdef long long[::1] forms                # those in use
    cdef bint multi_value, multi_memory      # features
    cdef Py_ssize_t n_visible_globals        # that a constant expression may use
    cdef Py_ssize_t x, y                     # of an indirect call: type, table
    cdef long long stamp                     # number of this br_table
    cdef long long[::1] stamps               # that of the last to check a signature's types

    @cython.locals(row=Py_ssize_t, n_params=Py_ssize_t)
    cpdef function(self, Py_ssize_t index, Py_ssize_t start, Py_ssize_t end, translator=*)
    @cython.locals(row=Py_ssize_t)
    cpdef constant_expression(
        self, Py_ssize_t start, Py_ssize_t end, long long valtype, Py_ssize_t n_globals,
        translator=*,
    )
    cdef int begin(self, Py_ssize_t start, Py_ssize_t end, object translator) except -1
    @cython.locals(
        code=Reader, n="long long", po=Py_ssize_t, i=Py_ssize_t, valtype="long long",
        total="long long", groups="long long", _="long long",
    )
    cdef int declare_locals(self, Py_ssize_t row) except -1
    @cython.locals(end=Py_ssize_t, i=Py_ssize_t)
    cdef int add_locals(self, Py_ssize_t n, long long valtype, bint ready) except -1

    @cython.locals(code=Reader, op=int, form=int)
    cdef int expression(self, Py_ssize_t row) except -1
    cdef unfinished(self)
    cdef refusal(self, int op, int form)
    cdef int rule(self, int op) except -1
    cdef int rare_rule(self, int op) except -1

    @cython.locals(
        code=Reader, flags="long long", memory="long long", offset="unsigned long long", lane=int,
        x="long long",
    )
    cdef int memarg(self, int op) except -1
    cdef int check_alignment(self, int op, long long exponent) except -1
    cdef int use_memory(self, Py_ssize_t index) except -1
    @cython.locals(index=Py_ssize_t)
    cdef Py_ssize_t memory_index(self) except -1
    @cython.locals(
        code=Reader, way=int, x="long long", y="long long", start=Py_ssize_t, i=Py_ssize_t
    )
    cdef int immediate(self, int op) except -1
    cdef int check_lane(self, int op, int lane) except -1
    @cython.locals(code=Reader, at=Py_ssize_t, high="long long")
    cdef long long bits32(self) except -1
    @cython.locals(low="long long", high="long long")
    cdef long long bits64(self) except? -1

    @cython.locals(index=Py_ssize_t)
    cdef Py_ssize_t local_index(self) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int rule_local_get(self) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int rule_local_set(self) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int rule_local_tee(self) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int rule_global_get(self) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int rule_global_set(self) except -1
    cdef int rule_drop(self) except -1
    @cython.locals(height=Py_ssize_t, one="long long", other="long long")
    cdef int rule_select(self) except -1
    @cython.locals(n=Py_ssize_t, _=Py_ssize_t, valtype="long long")
    cdef int rule_select_t(self) except -1

    @cython.locals(code=Reader, lead=int, at=Py_ssize_t, index="long long")
    cdef Py_ssize_t block_type(self) except -1
    cdef int check_func_type(self, Py_ssize_t index) except -1
    cdef int rule_unreachable(self) except -1
    @cython.locals(row=Py_ssize_t)
    cdef int rule_block(self, int op) except -1
    @cython.locals(reachable=bint, row=Py_ssize_t)
    cdef int rule_else(self) except -1
    @cython.locals(reachable=bint)
    cdef int rule_end(self) except -1
    @cython.locals(
        context=Context, row=Py_ssize_t, n=Py_ssize_t, po=Py_ssize_t, ro=Py_ssize_t, i=Py_ssize_t
    )
    cdef int check_if(self) except -1
    @cython.locals(depth=Py_ssize_t)
    cdef int rule_br(self) except -1
    @cython.locals(depth=Py_ssize_t)
    cdef int rule_br_if(self) except -1
    @cython.locals(n=Py_ssize_t, arity=Py_ssize_t, _=Py_ssize_t, depth=Py_ssize_t)
    cdef int rule_br_table(self) except -1
    @cython.locals(frame=Py_ssize_t, key=Py_ssize_t)
    cdef int match_label(self, Py_ssize_t depth) except -1
    @cython.locals(row=Py_ssize_t)
    cdef int rule_return(self) except -1

    cdef int pop_params(self, Py_ssize_t row) except -1
    cdef int push_results(self, Py_ssize_t row) except -1
    @cython.locals(
        context=Context, own=Py_ssize_t, n=Py_ssize_t, ro=Py_ssize_t, own_ro=Py_ssize_t,
        i=Py_ssize_t,
    )
    cdef int check_tail(self, Py_ssize_t row) except -1
    @cython.locals(index=Py_ssize_t, row=Py_ssize_t)
    cdef int rule_call(self) except -1
    @cython.locals(index=Py_ssize_t, row=Py_ssize_t)
    cdef int rule_return_call(self) except -1
    @cython.locals(element="long long")
    cdef int indirect_callee(self) except -1
    cdef int rule_call_indirect(self) except -1
    cdef int rule_return_call_indirect(self) except -1
    @cython.locals(row=Py_ssize_t)
    cdef int rule_call_ref(self, int op) except -1

    cdef Py_ssize_t tag_row(self, Py_ssize_t index) except -1
    @cython.locals(index=Py_ssize_t)
    cdef int rule_throw(self) except -1
    cdef int rule_throw_ref(self) except -1
    @cython.locals(row=Py_ssize_t, _=Py_ssize_t)
    cdef int rule_try_table(self) except -1
    @cython.locals(
        code=Reader, context=Context, kind=int, tag="long long", row=Py_ssize_t, n=Py_ssize_t,
        po=Py_ssize_t, depth=Py_ssize_t, expected=Py_ssize_t, wrong=bint, i=Py_ssize_t,
    )
    cdef int catch_clause(self) except -1
    @cython.locals(index=Py_ssize_t, row=Py_ssize_t, reachable=bint)
    cdef int rule_catch(self) except -1
    @cython.locals(reachable=bint)
    cdef int rule_catch_all(self) except -1
    @cython.locals(before=int)
    cdef int open_handler(self, int op) except -1
    @cython.locals(depth=Py_ssize_t, reachable=bint)
    cdef int rule_delegate(self) except -1
    @cython.locals(depth=Py_ssize_t, target=int)
    cdef int rule_rethrow(self) except -1

    @cython.locals(target=Py_ssize_t, source=Py_ssize_t, to="long long")
    cdef int rule_memory_copy(self) except -1
