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
cdef long long LISTED, TURN, MAX_LOCALS, MAX_S7, MAX_S32, MAX_U32
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
    cdef long long n_visible_globals         # that a constant expression may use
    cdef long long x, y                      # of an indirect call: type, table
    cdef long long stamp                     # number of this br_table
    cdef long long[::1] stamps               # that of the last to check a signature's types
    cdef long long turn                      # position from which on it is others' turn
    cdef object watch                        # called then

    @cython.locals(row="long long", n_params="long long")
    cpdef function(self, long long index, long long start, long long end, translator=*, watch=*)
    @cython.locals(row="long long")
    cpdef constant_expression(
        self, long long start, long long end, long long valtype, long long n_globals,
        translator=*,
    )
    cdef int begin(self, long long start, long long end, object translator) except -1
    @cython.locals(
        code=Reader, n="long long", po="long long", i="long long", valtype="long long",
        total="long long", groups="long long", _="long long",
    )
    cdef int declare_locals(self, long long row) except -1
    @cython.locals(end="long long", i="long long", types="long long[::1]")
    cdef int add_locals(self, long long n, long long valtype) except -1
    cdef int give_way(self) except -1

    @cython.locals(code=Reader, op=int, form=int)
    cdef int expression(self, long long row) except -1
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
    cdef int use_memory(self, long long index) except -1
    @cython.locals(index="long long")
    cdef long long memory_index(self) except -1
    @cython.locals(
        code=Reader, way=int, x="long long", y="long long", start="long long", i="long long"
    )
    cdef int immediate(self, int op) except -1
    cdef int check_lane(self, int op, int lane) except -1
    @cython.locals(code=Reader, at="long long", high="long long")
    cdef long long bits32(self) except -1
    @cython.locals(low="long long", high="long long")
    cdef long long bits64(self) except? -1

    @cython.locals(index="long long")
    cdef long long local_index(self) except -1
    @cython.locals(index="long long", valtype="long long")
    cdef int rule_local_get(self) except -1
    @cython.locals(index="long long", valtype="long long")
    cdef int rule_local_set(self) except -1
    @cython.locals(index="long long", valtype="long long")
    cdef int rule_local_tee(self) except -1
    @cython.locals(index="long long")
    cdef int rule_global_get(self) except -1
    @cython.locals(index="long long")
    cdef int rule_global_set(self) except -1
    cdef int rule_drop(self) except -1
    @cython.locals(height="long long", one="long long", other="long long")
    cdef int rule_select(self) except -1
    @cython.locals(n="long long", _="long long", valtype="long long")
    cdef int rule_select_t(self) except -1

    @cython.locals(code=Reader, lead=int, at="long long", index="long long")
    cdef long long block_type(self) except -1
    cdef int check_func_type(self, long long index) except -1
    cdef int rule_unreachable(self) except -1
    @cython.locals(row="long long")
    cdef int rule_block(self, int op) except -1
    @cython.locals(reachable=bint, row="long long")
    cdef int rule_else(self) except -1
    @cython.locals(reachable=bint)
    cdef int rule_end(self) except -1
    @cython.locals(
        context=Context, row="long long", n="long long", po="long long", ro="long long",
        i="long long",
    )
    cdef int check_if(self) except -1
    @cython.locals(depth="long long")
    cdef int rule_br(self) except -1
    @cython.locals(depth="long long")
    cdef int rule_br_if(self) except -1
    @cython.locals(n="long long", arity="long long", _="long long", depth="long long")
    cdef int rule_br_table(self) except -1
    @cython.locals(frame="long long", key="long long")
    cdef int match_label(self, long long depth) except -1
    @cython.locals(row="long long")
    cdef int rule_return(self) except -1

    cdef int pop_params(self, long long row) except -1
    cdef int push_results(self, long long row) except -1
    @cython.locals(
        context=Context, own="long long", n="long long", ro="long long", own_ro="long long",
        i="long long",
    )
    cdef int check_tail(self, long long row) except -1
    @cython.locals(index="long long", row="long long")
    cdef int rule_call(self) except -1
    @cython.locals(index="long long", row="long long")
    cdef int rule_return_call(self) except -1
    @cython.locals(element="long long")
    cdef int indirect_callee(self) except -1
    cdef int rule_call_indirect(self) except -1
    cdef int rule_return_call_indirect(self) except -1
    @cython.locals(row="long long")
    cdef int rule_call_ref(self, int op) except -1

    cdef long long tag_row(self, long long index) except -1
    @cython.locals(index="long long")
    cdef int rule_throw(self) except -1
    cdef int rule_throw_ref(self) except -1
    @cython.locals(row="long long", _="long long")
    cdef int rule_try_table(self) except -1
    @cython.locals(
        code=Reader, context=Context, kind=int, tag="long long", row="long long", n="long long",
        po="long long", depth="long long", expected="long long", wrong=bint, i="long long",
    )
    cdef int catch_clause(self) except -1
    @cython.locals(index="long long", row="long long", reachable=bint)
    cdef int rule_catch(self) except -1
    @cython.locals(reachable=bint)
    cdef int rule_catch_all(self) except -1
    @cython.locals(before=int)
    cdef int open_handler(self, int op) except -1
    @cython.locals(depth="long long", reachable=bint)
    cdef int rule_delegate(self) except -1
    @cython.locals(depth="long long", target=int)
    cdef int rule_rethrow(self) except -1

    @cython.locals(target="long long", source="long long", to="long long")
    cdef int rule_memory_copy(self) except -1
