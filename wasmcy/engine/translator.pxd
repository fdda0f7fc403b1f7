cimport cython
from wasmcy.validation.context cimport Context
from wasmcy.validation.listener cimport Listener

cdef long long ENDS, FREE, LENGTH, H_CHARGE, H_CHARGE_LENGTH, OP_ARRAY_NEW_FIXED
cdef long long OP_BLOCK, OP_BR, OP_BR_IF, OP_BR_TABLE, OP_CALL, OP_CALL_INDIRECT, OP_DROP, OP_ELSE, OP_END
cdef long long OP_BR_ON_NON_NULL, OP_BR_ON_NULL, OP_CALL_REF, OP_I64_EQ, OP_REF_AS_NON_NULL, OP_REF_EQ
cdef long long OP_RETURN_CALL_REF, OP_CATCH, OP_CATCH_ALL, OP_DELEGATE, OP_RETHROW, OP_TRY
cdef long long EXNREF, AT_OLD_TRY, AT_HANDLER, OLD_CATCH, OLD_CATCH_ALL, DELEGATE
cdef long long OP_F32_CONST, OP_F64_CONST, OP_GLOBAL_GET, OP_GLOBAL_SET, OP_I32_ADD, OP_I32_CONST, OP_I64_CONST
cdef long long OP_I64_EQZ, OP_IF, OP_LOCAL_GET, OP_LOCAL_SET, OP_LOCAL_TEE, OP_LOOP, OP_MEMORY_COPY, OP_MEMORY_FILL
cdef long long OP_MEMORY_SIZE, OP_MEMORY_GROW, OP_TABLE_GROW, OP_TABLE_SIZE, OP_NOP, OP_ATOMIC_FENCE, OP_REF_FUNC
cdef long long OP_REF_IS_NULL, OP_REF_NULL, OP_RETURN
cdef long long OP_RETURN_CALL, OP_RETURN_CALL_INDIRECT, OP_SELECT, OP_SELECT_T, OP_TABLE_GET, OP_TABLE_SET, OP_THROW
cdef long long OP_THROW_REF, OP_TRY_TABLE, OP_UNREACHABLE
cdef long long FLAG_COMMUTATIVE, FLAG_EQZ, FUSE_ALU_RI, FUSE_ALU_SR, FUSE_FIRST_IMMEDIATE, FUSE_LOAD_K
cdef long long FUSE_LOAD_KS, FUSE_LOAD_KI, FUSE_LOAD_KI_NARROW, FUSE_STORE_KI, FUSE_STORE_KS
cdef long long FUSE_LOAD_RI, FUSE_LOAD_SI, FUSE_LOAD_SS, FUSE_MOVES, FUSE_MOVE_BRANCH, FUSE_ROTATION
cdef long long FUSE_STEP_RI, FUSE_STEP_RS
cdef long long FUSE_STEP_SR, FUSE_STEP_Z, FUSE_STORE_RI, FUSE_STORE_SI, FUSE_STORE_SS, FUSE_TEST
cdef long long FUSE_GLOBAL, FUSE_GLOBAL_SAME, FUSE_VECTORS, KIND_ATOMIC_CMPXCHG
cdef long long KIND_ATOMIC_LOAD, KIND_ATOMIC_RMW, KIND_ATOMIC_STORE, KIND_BINARY, KIND_COMPARE, KIND_LOAD
cdef long long KIND_OBJECT, KIND_OPERATION, KIND_STORE, KIND_UNARY, KIND_WIDE
cdef long long H_ADD_RI, H_ADD_SI, H_BR, H_BR64_NZ, H_BR64_NZ_R, H_BR64_Z, H_BR64_Z_R, H_BR_NZ, H_BR_NZ_R
cdef long long H_BR_TABLE, H_BR_TABLE_R, H_BR_Z, H_BR_Z_R, H_CALL, H_CALL_IMPORT, H_CALL_INDIRECT, H_CALL_INDIRECT_R
cdef long long H_CONST32, H_CONST64, H_ENTER, H_ENTER1, H_MEMORY_COPY, H_MEMORY_FILL, H_MEMORY_SIZE, H_MOVE
cdef long long H_MOVE2, H_MOVE4, H_MOVE_STEP
cdef long long H_MOVESPAN, H_OPERATION, H_REF_FUNC, H_REF_FUNC_IMPORTED, H_RETURN_CALL, H_RETURN_CALL_IMPORT
cdef long long H_RETURN_CALL_INDIRECT, H_RETURN_CALL_INDIRECT_R, H_RETURN_MANY, H_RETURN_VOID, H_STEP2, H_TABLE_GET
cdef long long OP_MEMORY_ATOMIC_NOTIFY, OP_MEMORY_ATOMIC_WAIT32, OP_MEMORY_ATOMIC_WAIT64
cdef long long H_ATOMIC_FENCE, H_ATOMIC_ADDRESS
cdef long long H_MEMORY_SIZE_ANY, H_CALL_REF, H_CALL_REF_R, H_RETURN_CALL_REF, H_RETURN_CALL_REF_R, H_REF_AS_NON_NULL
cdef long long H_TABLE_SET, H_INDEX64, H_THROW, H_UNREACHABLE, H_V128_CONST, H_MOVE_V128, H_RETURN_V128
cdef long long CONCRETE, I32, I64, F32, F64, NULLABLE, REF, V128
cdef long long LOCAL, CONST, TEMP, ACC, SUM, HIGH_HALF, AT_BLOCK, AT_LOOP, AT_IF, AT_FUNCTION, AT_TRY, IN_SLOT, IN_ACC
cdef long long IMMEDIATE, INT, F64_CLASS, F32_CLASS, WINDOW, MOVES, MAX_SLOTS, LOW32, FUSE_COLUMNS
cdef unsigned long long ALL64


cpdef long long class_of(long long type_) noexcept
cdef bint fits16(long long half) noexcept
cdef bint fits32(long long value) noexcept


cdef class Translator(Listener):
    cdef Context context
    cdef public unsigned long long[::1] code          # words
    cdef public long long start, length               # of `code` in use
    cdef public long long frame                       # slots
    cdef public bint recording
    cdef public dict points, spent
    cdef public object wanted                         # points of interest: frames.py
    cdef public dict frames                           # what was found there
    cdef list noted                                   # keys of `frames`, ascending
    cdef public list catches
    cdef list announced, tries
    cdef long long functions, function_size, cells, tables
    cdef bint fusing, metered
    cdef long long charged                            # word of the running block's charge, or -1
    cdef long long empty                              # word of a charge of nothing before the last label, or -1
    # tables, by instruction or handler id
    cdef short[::1] t_kind, t_operand, t_result, t_size, t_flags, t_swapped, t_any, t_shared, t_handler, t_branch
    cdef short[::1] t_compares, t_tests, t_fuse_first, t_fuse_second, t_fused, t_fuse_how, t_fuse_wide, t_selects
    cdef short[::1] t_fuel, t_metered, t_falling, t_canonical, t_alike, t_pops
    cdef short[::1] c_setr, c_get, c_get_imported, c_set, c_set_imported, c_select, c_return
    # the operand stack
    cdef long long[::1] kinds, values, addends, types
    cdef long long height, low, highest
    cdef long long found_height                       # when the visit began, or of the label bound since
    cdef long long[::1] aliases                       # by slot: entries that stand for it
    cdef long long[::1] local_types, local_slot       # by local
    cdef long long[::1] assigned, log                 # by slot: it has been set; slots set, in order
    cdef long long n_log, n_locals
    cdef long long[::1] open, open_handler            # entries that may be NaNs of any kind, ascending
    cdef long long n_open
    cdef public long long first_zero, last_zero       # slots that must be zero at first lie between them
    cdef long long[::1] pending, producer, mirror, echo   # by class of accumulator
    cdef long long compare_mirror                     # mirror[0] before the last comparison
    cdef long long found, value, type_                # what `pop` found
    cdef long long vector                             # the last instruction that left a v128 in its home
    # labels and fixups
    cdef long long[::1] label_kind, label_height, label_sig, label_at, label_fixups, label_else, label_stub, label_try
    cdef long long[::1] label_log, label_region, label_stop
    cdef long long[::1] fix_next, fix_at, fix_word, fix_half, targets
    cdef long long labels, fixups, n_targets
    # the function and the last instructions
    cdef long long sig, params, base, offset
    cdef long long last, latest, before, rel_word, rel_half
    cdef long long emitted                            # `latest`, when it was forgotten last

    @cython.locals(n='long long')
    cdef int emit(self, long long handler, long long d, long long a, long long half) except -1
    @cython.locals(i='long long')
    cdef int note_frame(self, long long point, long long height) except -1
    cdef int unnote_frames(self, long long q) except -1
    cdef int word(self, unsigned long long value) except -1
    @cython.locals(q='long long', first='long long', second='long long', how='long long', merged='long long')
    cdef int fuse(self, long long handler, long long d, long long a, long long half, bint extra, long long x) except -1
    @cython.locals(
        code='unsigned long long[::1]', w='unsigned long long', first_d='long long', first_a='long long',
        b='long long', c='long long', first_half='long long', words='long long', y='long long', z='long long',
        rel_word='long long', rel_half='long long', load='long long',
    )
    cdef int merge(
        self, long long how, long long handler, long long q, long long d, long long a, long long half,
        long long extra, long long x
    ) except -1
    @cython.locals(mirror='long long[::1]', echo='long long[::1]', i='long long')
    cdef int wrote(self, long long slot, long long accumulator) except -1
    cdef bint holds(self, long long accumulator, long long slot) except -1
    cdef int unlike(self, long long accumulator) except -1
    @cython.locals(q='long long')
    cdef int retarget(self, long long accumulator, long long slot) except -1
    @cython.locals(i='long long')
    cdef int spill(self, long long accumulator) except -1
    cdef int clobber(self, long long accumulator) except -1
    cdef int clobber_for(self, long long type_) except -1
    @cython.locals(i='long long')
    cdef int forget(self) except -1
    @cython.locals(n='long long')
    cdef int push(self, long long kind, long long value, long long type_) except -1
    @cython.locals(accumulator='long long')
    cdef int push_result(self, long long type_) except -1
    @cython.locals(n='long long', kind='long long', value='long long', type_='long long', accumulator='long long')
    cdef int pop(self) except -1
    cdef int truncate(self, long long height) except -1
    @cython.locals(n='long long', kind='long long')
    cdef int pop_quietly(self) except -1
    @cython.locals(accumulator='long long')
    cdef int to_slot(self, long long found, long long value, long long type_, long long slot) except -1
    cdef long long slot_of(self, long long found, long long value, long long type_, long long slot) except -1
    @cython.locals(slot='long long', mirrored='bint')
    cdef int add_up(self, long long i) except -1
    @cython.locals(kind='long long', type_='long long', home='long long', accumulator='long long', slot='long long')
    cdef int settle(self, long long i) except -1
    @cython.locals(home='long long')
    cdef int push_vector(self) except -1
    cdef int push_local_vector(self, long long slot) except -1
    @cython.locals(kind='long long', value='long long', home='long long', k='long long')
    cdef int settle_vector(self, long long i) except -1
    @cython.locals(n='long long', slot='long long')
    cdef long long pop_vector(self) except -1
    @cython.locals(n='long long', own='long long', i='long long', q='long long', value='long long')
    cdef int set_vector(self, long long slot, bint tee) except -1
    @cython.locals(i='long long')
    cdef int resolve(self, long long n) except -1
    @cython.locals(top='long long', i='long long')
    cdef int flush(self, long long params) except -1
    @cython.locals(distance='long long')
    cdef int set_displacement(self, long long at, long long word, long long half, long long target) except -1
    @cython.locals(n='long long')
    cdef long long add_fixup(self, long long chain) except -1
    @cython.locals(charges='bint')
    cdef int link(self, long long l) except -1
    @cython.locals(n='long long')
    cdef int bind(self, long long chain) except -1
    @cython.locals(l='long long')
    cdef long long new_label(self, long long kind, long long height, long long sig) except -1
    @cython.locals(sig='long long')
    cdef long long arity(self, long long l) except -1
    @cython.locals(n='long long', first='long long', i='long long')
    cdef int moves_needed(self, long long l) except -1
    @cython.locals(
        n='long long', first='long long', to='long long', i='long long', kind='long long', slot='long long',
        accumulator='long long', found='long long',
    )
    cdef int move_values(self, long long l, bint consume) except -1
    @cython.locals(i='long long', type_='long long')
    cdef int push_types(self, long long start, long long n) except -1
    @cython.locals(height='long long', sig='long long', n='long long', chain='long long')
    cdef int end_label(self, long long l, bint reachable) except -1
    @cython.locals(
        w='unsigned long long', n='long long', q='long long', known='long long', a='long long', b='long long',
        op='long long', form='long long', x='long long', type_='long long', handler='long long',
    )
    cdef int branch_if(self, bint negate) except -1
    cdef int unemit(self, long long n, long long q) except -1
    @cython.locals(
        sig='long long', n='long long', record='long long', i='long long', kind='long long',
        accumulator='long long', first='long long',
    )
    cdef int emit_return(self) except -1
    cdef int leave_function(self) except -1
    cdef int branch(self, long long l) except -1
    @cython.locals(n='long long', i='long long', over='long long', moves='bint')
    cdef int branch_on(self, long long l) except -1
    @cython.locals(m0='long long', m1='long long', m2='long long', i='long long')
    cdef int branch_between(self, long long over, long long l) except -1
    cdef long long hold(self, long long i) except -1
    @cython.locals(n='long long', top='long long', i='long long', slot='long long')
    cdef int branch_on_null(self, long long l) except -1
    @cython.locals(n='long long', i='long long', slot='long long')
    cdef int branch_on_non_null(self, long long l) except -1
    @cython.locals(n="long long")
    cpdef int target(self, long long depth) except -1
    @cython.locals(
        l='long long', arity='long long', i='long long', found='long long', value='long long', words='long long',
        at='long long', table='long long', word='long long', stubs='bint', polls='bint',
    )
    cdef int branch_table(self, long long n) except -1
    cpdef int catch(self, long long kind, long long tag, long long depth) except -1
    @cython.locals(params='long long', n='long long', l='long long', kind='long long', tag='long long', clauses='list')
    cdef int begin_try(self, long long sig) except -1
    cdef int end_try(self, long long l) except -1
    cdef int new_region(self, long long l, list clauses) except -1
    @cython.locals(params='long long')
    cdef int old_try(self, long long sig) except -1
    @cython.locals(
        l='long long', height='long long', clause='long long', region='long long', slot='long long', sig='long long'
    )
    cdef int old_catch(self, long long op, long long tag, bint reachable) except -1
    @cython.locals(l='long long', outer='long long')
    cdef int delegate(self, long long depth, bint reachable) except -1
    cdef int rethrow(self, long long l) except -1
    cdef int end_part(self, long long l, bint reachable) except -1
    @cython.locals(
        slot='long long', n='long long', kind='long long', own='long long', i='long long', type_='long long',
        accumulator='long long',
    )
    cdef int local_set(self, long long index, bint tee) except -1
    cdef int assign(self, long long slot) except -1
    @cython.locals(
        code='unsigned long long[::1]', w='unsigned long long', x='unsigned long long', p='long long',
        q='long long',
    )
    cdef int step_twice(self, bint tee) except -1
    @cython.locals(
        both='bint', swap='bint', type_='long long', accumulator='long long', b_found='long long', b='long long',
        a_found='long long', a='long long', home='long long', x='long long', form='long long', handler='long long',
        slot='long long', immediate='long long',
    )
    cdef int binary(self, long long op, bint compare) except -1
    @cython.locals(found='long long', value='long long', result='long long')
    cdef int unary(self, long long op) except -1
    cdef long long in_slot(self, long long home) except -1
    @cython.locals(
        size='long long', type_='long long', accumulator='long long', slot='long long', end='long long',
        n='long long', handler='long long', found='long long', value='long long',
    )
    cdef int load(self, long long op, long long offset, long long memory) except -1
    cdef long long limit(self, long long offset, long long size) except? -2
    @cython.locals(
        immediate='bint', size='long long', value='long long', slot='long long', end='long long', n='long long',
        v_found='long long', v='long long', a_found='long long', a='long long', form='long long',
    )
    cdef int store(self, long long op, long long offset, long long memory) except -1
    @cython.locals(
        operands='long long', first='long long', i='long long', a='long long', b='long long', c='long long',
        result='long long', at='long long', handler='long long',
    )
    cdef int atomic(self, long long op, long long kind, long long offset, long long memory) except -1
    @cython.locals(operands='long long', first='long long', i='long long', size='long long')
    cdef int wait(self, long long op, long long offset, long long memory) except -1
    @cython.locals(
        c_found='long long', c='long long', b_found='long long', b='long long', type_='long long', home='long long',
        a='long long', accumulator='long long', q='long long', compared='long long', w='unsigned long long',
        form='long long',
    )
    cdef int select(self) except -1
    @cython.locals(
        context='Context', by_ref='bint', indirect='bint', tail='bint', found='long long', value='long long',
        type_='long long', i='long long', n='long long', height='long long', at='long long', record='long long',
        handler='long long', results='long long',
    )
    cdef int call(self, long long op, long long x, long long table) except -1
    @cython.locals(height='long long', i='long long', handler='long long')
    cdef int operation(self, long long op, long long operands, long long result, long long x, long long y) except -1
    @cython.locals(n='long long', height='long long', i='long long')
    cdef int throw(self, long long op, long long x) except -1
    @cython.locals(context='Context')
    cdef int memory_size(self, long long memory) except -1
    @cython.locals(imported='long long', type_='long long', accumulator='long long')
    cdef int global_get(self, long long index) except -1
    @cython.locals(imported='long long', form='long long', handler='long long', where='long long')
    cdef int global_set(self, long long index) except -1
    @cython.locals(kind='long long', l='long long', at='long long', top='long long')
    cdef int meter(self, long long op, long long x, long long y) except -1
    @cython.locals(i='long long', taken='bint')
    cdef int charge(self, long long handler, long long slot) except -1
    @cython.locals(handler='long long')
    cdef int pay_ahead(self) except -1
    cdef int ensure(self, long long words) except -1
    @cython.locals(n='long long')
    cdef int reserve(self, long long entries) except -1
    @cython.locals(i="long long")
    cpdef int begin(
        self, long long index, long long start, long long params, long long locals_, long long sig, long long[::1] types
    ) except -1
    @cython.locals(slot="long long", i="long long")
    cdef int place_locals(self, long long params, long long locals_, long long[::1] types) except -1
    @cython.locals(slot="long long", type_="long long", kind="long long", n="long long")
    cpdef int visit(self, long long op, long long offset, long long x, long long y, long long z) except -1
    @cython.locals(taken='bint', params='long long', top='long long', i='long long', l='long long', chain='long long')
    cdef int structured(self, long long op, long long x) except -1
    @cython.locals(at='long long', n='long long')
    cdef int end_function(self, bint reachable) except -1
    @cython.locals(imported='long long', slot='long long', value='long long')
    cdef int other(self, long long op, long long kind, long long x, long long y, long long z) except -1
    @cython.locals(result='long long')
    cdef int operation_result(self, long long op, long long x) except? -2
    @cython.locals(n='long long', first='long long', i='long long')
    cdef int wide_arithmetic(self, long long op) except -1
    @cython.locals(slot='long long')
    cdef int narrow_index(self) except -1
    @cython.locals(
        code='unsigned long long[::1]', w='unsigned long long', v='unsigned long long', pair='long long', same='bint',
    )
    cdef int merge_rotation(self, long long p, long long q) except -1
    @cython.locals(code='unsigned long long[::1]', w='unsigned long long')
    cdef int merge_wide(self, long long handler, long long q, long long half) except -1
    @cython.locals(home='long long', n='long long', b='long long', a='long long', i='long long')
    cdef int bulk(self, long long op) except -1
    cdef int needs_zero(self, long long slot) except -1
    cdef int unassign(self, long long l) except -1
    cdef int separate(self) except -1
    @cython.locals(n='long long')
    cdef int leave_open(self, long long i, long long handler) except -1
    @cython.locals(lowest='long long', n='long long')
    cdef int expose(self, long long operands, long long alike) except -1
    @cython.locals(type_='long long', slot='long long', accumulator='long long')
    cdef int canonicalise(self, long long i, long long handler) except -1
    cdef int object_instruction(self, long long op, long long x, long long y, long long z) except -1
