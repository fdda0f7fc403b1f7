cimport cython
from wasmcy.engine.translator cimport Translator

cdef long long OP_DROP, OP_GLOBAL_GET, OP_GLOBAL_SET, OP_SELECT, OP_SELECT_T
cdef long long KIND_VECTOR, KIND_VECTOR_CONST, KIND_VECTOR_LOAD, KIND_VECTOR_LOAD_LANE, KIND_VECTOR_REPLACE
cdef long long KIND_VECTOR_SCALAR, KIND_VECTOR_SHIFT, KIND_VECTOR_SHUFFLE, KIND_VECTOR_SPLAT, KIND_VECTOR_STORE
cdef long long KIND_VECTOR_STORE_LANE
cdef long long CONST, HIGH_HALF, I32, IMMEDIATE, IN_SLOT, LOW32, SUM, V128
cdef long long H_SELECT, H_SELECT_R, H_GET, H_GET_IMPORTED, H_SET, H_SET_IMPORTED


@cython.locals(first='long long')
cdef long long half_at(long long lanes, long long a, long long b) noexcept


cdef class VectorTranslator(Translator):
    cdef int other(self, long long op, long long kind, long long x, long long y, long long z) except -1
    cdef int emit_vector(self, long long handler, long long a, long long half) except -1
    cdef int vector_instruction(self, long long op, long long kind, long long x, long long y, long long z) except -1
    @cython.locals(n='long long', a='long long', b='long long', c='long long')
    cdef int lanewise(self, long long op) except -1
    @cython.locals(a='long long', result='long long')
    cdef int vector_to_scalar(self, long long op, long long lane) except -1
    @cython.locals(found='long long', x='long long', handler='long long', a='long long')
    cdef int from_scalar(self, long long op, long long kind, long long lane) except -1
    @cython.locals(count='long long', immediate='long long', a='long long')
    cdef int shift(self, long long op) except -1
    @cython.locals(a='long long', b='long long', home='long long', low='long long', high='long long')
    cdef int shuffle(self, long long op, long long x, long long y) except -1
    @cython.locals(found='long long', a='long long', b='long long', c='long long')
    cdef int select_vector(self) except -1
    @cython.locals(imported='bint', where='long long', a='long long')
    cdef int vector_global(self, long long op, long long index) except -1
    cdef bint is_far(self, long long offset, long long size, long long memory) except -1
    @cython.locals(size='long long', end='long long', n='long long', found='long long', address='long long')
    cdef int vector_load(self, long long op, long long offset, long long memory) except -1
    cdef int far_load(self, long long op, long long slot, long long half, long long limit) except -1
    @cython.locals(
        size='long long', end='long long', a='long long', far='bint', n='long long', found='long long',
        address='long long', slot='long long',
    )
    cdef int vector_store(self, long long op, long long offset, long long memory) except -1
    @cython.locals(size='long long', vector='long long', slot='long long', loads='bint', home='long long')
    cdef int access_lane(
        self, long long op, long long kind, long long offset, long long memory, long long lane
    ) except -1
