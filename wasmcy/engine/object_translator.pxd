cimport cython
from wasmcy.engine.vector_translator cimport VectorTranslator

cdef long long OP_ANY_CONVERT_EXTERN, OP_ARRAY_COPY, OP_ARRAY_FILL, OP_ARRAY_GET, OP_ARRAY_GET_S, OP_ARRAY_GET_U
cdef long long OP_ARRAY_LEN, OP_ARRAY_NEW, OP_ARRAY_NEW_DATA, OP_ARRAY_NEW_DEFAULT, OP_ARRAY_NEW_ELEM
cdef long long OP_ARRAY_SET, OP_BR_ON_CAST, OP_BR_ON_CAST_FAIL, OP_EXTERN_CONVERT_ANY
cdef long long OP_I31_GET_S, OP_I31_GET_U, OP_REF_CAST, OP_REF_CAST_NULL, OP_REF_I31, OP_REF_TEST, OP_REF_TEST_NULL
cdef long long OP_BR_ON_CAST_DESC_EQ, OP_BR_ON_CAST_DESC_EQ_FAIL, OP_REF_CAST_DESC_EQ, OP_REF_CAST_DESC_EQ_NULL
cdef long long OP_REF_GET_DESC, OP_STRUCT_NEW_DEFAULT_DESC, OP_STRUCT_NEW_DESC
cdef long long OP_STRUCT_GET, OP_STRUCT_GET_S, OP_STRUCT_GET_U, OP_STRUCT_NEW, OP_STRUCT_NEW_DEFAULT, OP_STRUCT_SET
cdef long long CONCRETE, EXACT, F32, F64, HEAP_ANY, HEAP_EXTERN, HEAP_I31, I8, I16, I32, INDEX_MASK
cdef long long NULLABLE, REF, V128, KIND_FUNC
cdef long long ACC, CONST, HIGH_HALF, IMMEDIATE, IN_ACC, IN_SLOT, LOCAL, TEMP, LARGE, LARGE_CLASS, MAX_DIRECT, NO_DEPTH
cdef long long H_STRUCT_NEW, H_STRUCT_NEW_DEFAULT, H_ARRAY_OPERATION, H_ARRAY_NEW, H_ARRAY_NEW_DEFAULT
cdef long long H_ARRAY_LEN, H_ARRAY_LEN_R, H_SET_SS, H_SET_SI, H_SET_RS, H_SET_RI, H_ARRAY_SET_F32, H_ARRAY_SET_F64
cdef long long H_ARRAY_FILL, H_ARRAY_COPY, H_ARRAY_GET_V128, H_ARRAY_SET_V128
cdef long long H_GET_DESC, H_GET_DESC_R, H_TEST_DESC, H_CAST_DESC, H_AS_DESCRIPTOR, H_STRUCT_NEW_DEFAULT_DESC


cdef class ObjectTranslator(VectorTranslator):
    cdef long long[::1] depths                        # of types below others
    cdef long long[::1] field_words                   # by field: where it is in its struct
    cdef long long[::1] struct_words                  # by type: what its fields take

    cdef int object_instruction(self, long long op, long long x, long long y, long long z) except -1
    @cython.locals(made='long long', shift='long long', slots='long long', new='bint')
    cdef int array_instruction(self, long long op, long long x, long long y) except -1
    @cython.locals(
        n='long long', i='long long', field='long long', word='long long', field_words='long long[::1]'
    )
    cdef int lay_out(self) except -1
    cdef long long words_of(self, long long index) except -1
    cdef long long word_of(self, long long field) except -1
    @cython.locals(storage='long long')
    cdef long long element_shift(self, long long index) except -1
    @cython.locals(n='long long', i='long long', above='long long', depths='long long[::1]')
    cdef long long depth(self, long long index) except -1
    cdef long long place_of(self, long long i) except -1
    cdef long long place_of_vector(self, long long i) except -1
    cdef int lose_accumulators(self) except -1
    @cython.locals(
        first='long long', size='long long', header='unsigned long long', i='long long', a='long long',
        b='long long', c='long long',
    )
    cdef int object_of(self, long long index, long long n, long long length) except -1
    @cython.locals(n='long long', i='long long', size='long long', descriptor='long long')
    cdef int struct_new_default(self, long long index, long long handler, bint described) except -1
    @cython.locals(first='long long', value='long long', length='long long', home='long long')
    cdef int array_new(self, long long index, long long handler, long long operands, long long op) except -1
    cdef int result_at(self, long long first, long long type_) except -1
    @cython.locals(first='long long', i='long long')
    cdef int array_operation(
        self, long long handler, long long op, long long index, long long operands, long long result
    ) except -1
    @cython.locals(found='long long', value='long long')
    cdef int look(self, long long in_slot, long long in_accumulator, long long half, long long result) except -1
    @cython.locals(storage='long long', word='long long')
    cdef int struct_get(self, long long op, long long field) except -1
    @cython.locals(slot='long long', home='long long', half='long long')
    cdef int struct_get_vector(self, long long word) except -1
    @cython.locals(found='long long', value='long long', type_='long long', below='long long')
    cdef long long separate_operands(self, long long home) except -2
    @cython.locals(
        word='long long', half='long long', value='long long', home='long long', below='long long', found='long long',
        accumulator='long long',
    )
    cdef int struct_set(self, long long field) except -1
    @cython.locals(
        storage='long long', home='long long', array_slot='long long', found='long long', value='long long',
        result='long long',
    )
    cdef int array_get(self, long long op, long long index) except -1
    @cython.locals(
        storage='long long', home='long long', found='long long', value='long long', accumulator='long long',
        at='long long', array_slot='long long', shift='long long', handler='long long',
    )
    cdef int array_set(self, long long index) except -1
    cdef long long array_index(self, long long home) except -2
    @cython.locals(index='long long')
    cdef tuple type_test(self, long long target)
    @cython.locals(type_id='long long', depth='long long', n='long long', held='bint', in_accumulator='bint')
    cdef int emit_test(self, bint cast, long long target, long long flags) except -1
    cdef int ref_test(self, long long target) except -1
    @cython.locals(n='long long')
    cdef int ref_cast(self, long long target) except -1
    @cython.locals(n='long long', fails='bint', rest='long long')
    cdef int branch_on_cast(self, long long op, long long x, long long source, long long target) except -1
    @cython.locals(n='long long', slot='long long')
    cdef long long descriptor(self) except -1
    @cython.locals(descriptor='long long', reference='long long')
    cdef int emit_descriptor_test(self, bint cast, long long flags) except -1


@cython.locals(fails='bint')
cdef long long test_flags(long long op, long long target) except -1
