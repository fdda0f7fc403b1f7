cimport cython

from .operands cimport Operands

cdef int OP_ANY_CONVERT_EXTERN, OP_ARRAY_COPY, OP_ARRAY_FILL, OP_ARRAY_GET, OP_ARRAY_GET_S
cdef int OP_ARRAY_GET_U, OP_ARRAY_INIT_DATA, OP_ARRAY_INIT_ELEM, OP_ARRAY_NEW, OP_ARRAY_NEW_DATA
cdef int OP_ARRAY_NEW_DEFAULT, OP_ARRAY_NEW_ELEM, OP_ARRAY_NEW_FIXED, OP_ARRAY_SET
cdef int OP_BR_ON_CAST, OP_BR_ON_CAST_DESC_EQ, OP_BR_ON_CAST_DESC_EQ_FAIL, OP_BR_ON_CAST_FAIL, OP_BR_ON_NON_NULL
cdef int OP_BR_ON_NULL, OP_REF_CAST_DESC_EQ, OP_REF_CAST_DESC_EQ_NULL, OP_REF_GET_DESC, OP_STRUCT_NEW_DEFAULT_DESC
cdef int OP_STRUCT_NEW_DESC
cdef int OP_EXTERN_CONVERT_ANY, OP_REF_AS_NON_NULL, OP_REF_CAST, OP_REF_CAST_NULL, OP_REF_FUNC
cdef int OP_REF_IS_NULL, OP_REF_NULL, OP_REF_TEST, OP_REF_TEST_NULL, OP_STRUCT_GET
cdef int OP_STRUCT_GET_S, OP_STRUCT_GET_U, OP_STRUCT_NEW, OP_STRUCT_NEW_DEFAULT, OP_STRUCT_SET
cdef int OP_TABLE_COPY, OP_TABLE_FILL, OP_TABLE_GET, OP_TABLE_GROW, OP_TABLE_INIT, OP_TABLE_SET
cdef long long BOT, CONCRETE, EXACT, HEAP_ANY, HEAP_EXTERN, HEAP_MASK, I8, I16, I32, I64, INDEX_MASK, REF, NULLABLE
cdef long long KIND_ARRAY, KIND_STRUCT
cdef long long MAX_FIXED


cdef class References(Operands):
    cdef bint reference_types                # a feature
    cdef bint custom_descriptors             # a feature
    cdef long long exact                     # EXACT with it, else 0: the types of new objects without it are plain
    cdef long long address                   # type of addresses, set by `use_table`, `use_memory`

    cdef int reference_rule(self, int op) except -1
    cdef int aggregate_rule(self, int op) except -1
    cdef int table_rule(self, int op) except -1
    cdef int descriptor_rule(self, int op) except -1

    @cython.locals(heap="long long")
    cdef int rule_ref_null(self) except -1
    cdef int rule_ref_is_null(self) except -1
    @cython.locals(index="long long", exact="long long")
    cdef int rule_ref_func(self) except -1
    @cython.locals(valtype="long long")
    cdef int rule_ref_as_non_null(self) except -1
    @cython.locals(depth="long long", valtype="long long")
    cdef int rule_br_on_null(self) except -1
    @cython.locals(depth="long long", valtype="long long")
    cdef int rule_br_on_non_null(self) except -1
    cdef int match_branch(self, long long valtype) except -1
    @cython.locals(target="long long")
    cdef int rule_ref_test(self, int op) except -1
    @cython.locals(target="long long")
    cdef int rule_ref_cast(self, int op) except -1
    @cython.locals(
        flags=int, depth="long long", source="long long", target="long long", rest="long long"
    )
    cdef int rule_br_on_cast(self, int op) except -1
    @cython.locals(valtype="long long")
    cdef int convert(self, int op, long long source, long long target) except -1

    @cython.locals(heap="long long")
    cdef long long heap_type(self) except -1
    @cython.locals(valtype="long long")
    cdef long long val_type(self) except -1
    cdef int check_type_index(self, long long index) except -1
    @cython.locals(index="long long")
    cdef long long struct_index(self) except -1
    @cython.locals(index="long long")
    cdef long long array_index(self) except -1
    @cython.locals(index="long long")
    cdef long long func_index(self) except -1
    cdef int check_data(self, long long index) except -1
    cdef int check_elem(self, long long index) except -1
    @cython.locals(segment="long long", storage="long long", source="long long")
    cdef long long segment_index(self, long long index, bint is_elem) except -1

    cdef int push_new(self, long long index) except -1
    cdef int pop_object(self, long long index) except -1
    @cython.locals(field="long long")
    cdef long long struct_field(self, long long index) except -1
    cdef int check_access(self, long long storage, bint signed) except -1
    @cython.locals(field="long long", storage="long long")
    cdef int check_defaultable(self, long long index) except -1
    cdef int check_mutable(self, long long index) except -1
    cdef long long element(self, long long index) except -1
    cdef int check_plain(self, long long index) except -1
    @cython.locals(index="long long")
    cdef int rule_struct_new(self) except -1
    @cython.locals(index="long long")
    cdef int rule_struct_new_default(self) except -1
    @cython.locals(index="long long", field="long long", storage="long long")
    cdef int rule_struct_get(self, int op) except -1
    @cython.locals(index="long long", field="long long")
    cdef int rule_struct_set(self) except -1
    @cython.locals(index="long long")
    cdef int rule_array_new(self) except -1
    @cython.locals(index="long long")
    cdef int rule_array_new_default(self) except -1
    @cython.locals(index="long long", n="long long", _="long long")
    cdef int rule_array_new_fixed(self) except -1
    @cython.locals(index="long long", segment="long long")
    cdef int rule_array_new_segment(self, int op) except -1
    @cython.locals(index="long long", storage="long long")
    cdef int rule_array_get(self, int op) except -1
    @cython.locals(index="long long")
    cdef int rule_array_set(self) except -1
    @cython.locals(index="long long")
    cdef int rule_array_fill(self) except -1
    @cython.locals(target="long long", source="long long", to="long long", of="long long")
    cdef int rule_array_copy(self) except -1
    @cython.locals(index="long long", segment="long long")
    cdef int rule_array_init(self, int op) except -1

    @cython.locals(index="long long")
    cdef long long descriptor_for(self, long long target) except -1
    @cython.locals(index="long long", descriptor="long long")
    cdef int rule_struct_new_desc(self, int op) except -1
    @cython.locals(index="long long", descriptor="long long", found="long long", exact="long long")
    cdef int rule_ref_get_desc(self) except -1
    @cython.locals(target="long long")
    cdef int rule_ref_cast_desc_eq(self, int op) except -1

    cdef int use_table(self, long long index) except -1
    @cython.locals(index="long long")
    cdef long long table_index(self) except -1
    cdef int zero_byte(self) except -1
    @cython.locals(index="long long")
    cdef int rule_table_get(self) except -1
    @cython.locals(index="long long")
    cdef int rule_table_set(self) except -1
    @cython.locals(index="long long")
    cdef int rule_table_grow(self) except -1
    @cython.locals(index="long long")
    cdef int rule_table_fill(self) except -1
    @cython.locals(target="long long", source="long long", to="long long")
    cdef int rule_table_copy(self) except -1
    @cython.locals(segment="long long", table="long long")
    cdef int rule_table_init(self) except -1
    @cython.locals(element="long long")
    cdef int check_elements(self, long long valtype, long long table) except -1
    cdef int pop_copy(self, long long to, long long of) except -1
