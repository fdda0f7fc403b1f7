"""A store and what lives in it: memories, tables, globals, tags (spec 4.2 "Runtime Structure").

C records hold what the machine works on; the Python objects here own them.  Whatever the instances
of a store point to is kept by the store until it dies, so a reference from one instance's table to
another's function never dangles.
"""

import os

cimport cython
from _thread import allocate_lock

from cpython.buffer cimport (
    PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_FromStringAndSize
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_get_thread_ident, PyThread_release_lock,
)
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memcpy, memmove, memset

from wasmcy.engine.heap cimport close_heap, count_objects, open_heap, room_for_cells
from wasmcy.engine.structs cimport (
    LEAVE_CALL, LEAVE_TAIL_CALL, Held, i32, i64, u32, u64, u8,
    wcy_bits32, wcy_bits64, wcy_f32, wcy_f64, wcy_load_acquire, wcy_load_u64, wcy_store_release, wcy_store_u64,
    wcy_take,
)

from wasmcy.engine.waiting cimport wake

from .. import matching
from ..errors import InstanceLimit, LinkError, MemoryLimit, TableLimit, WasmError, expect
from ..limits import Limits, parse_fuel
from ..types import (
    F32, F64, HEAP_EXN, HEAP_FUNC, HEAP_NOEXN, HEAP_NOFUNC,
    I32, I64, REF, V128, FuncType, GlobalType, MemoryType, TableType, TagType, ValType, val_type,
)
from .. import types as _types

cdef extern from "os_memory.h" nogil:
    void* wcy_reserve(size_t size)
    int wcy_commit(void* base, size_t old, size_t new)
    void wcy_release(void* base, size_t size)
    void* wcy_new_stack(size_t size)
    void wcy_free_stack(void* base, size_t size)
    void wcy_clear_stack(void* base, size_t size)
    int wcy_image(const void* bytes, size_t length, size_t size)
    int wcy_show(void* base, int file, size_t size)
    void wcy_forget(int file)
    double wcy_now()

cdef extern from "Python.h":
    object PyNumber_Index(object)
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1
    bint PyLong_CheckExact(object)
    bint PyFloat_CheckExact(object)
    object PyLong_FromLongLong(long long)

cdef long long T_I32 = I32, T_I64 = I64, T_F32 = F32, T_F64 = F64, T_V128 = V128
cdef long long T_REF = REF, T_NULL = _types.NULL
cdef long long T_FUNC = HEAP_FUNC, T_NOFUNC = HEAP_NOFUNC, T_EXN = HEAP_EXN, T_NOEXN = HEAP_NOEXN
cdef long long T_ANY = _types.HEAP_ANY
cdef u64 EXTERN_BYTES = 64          # what a cell counts for
cdef u64 PAGE = 65536
cdef u64 LARGE = 1 << 20            # bytes from which a memory lives in reserved address space
cdef u64 SPACE = 1 << 32            # address space reserved at most for a 32-bit memory
cdef u64 MAX_TABLE = 10_000_000     # elements (JS API: implementation limits)
cdef i64 MAX_I64 = 0x7FFFFFFFFFFFFFFF
cdef u64 UNLIMITED = <u64>1 << 62
cdef u64 DEFAULT_STACK = 1 << 20    # slots: 8 MiB, of which the system provides what is used

# What machine.pyx adds: how function and exception references look to Python.
cdef object func_of_address = None
cdef object func_class = None


def set_reference_types(func, of_address):
    global func_class, func_of_address
    func_class = func
    func_of_address = of_address


# What objects.pyx adds: how references to the heap look to Python, and to the heap.
cdef object object_of_word = None
cdef object word_of_object = None


cdef void set_object_types(object of_word, object word_of) noexcept:
    global object_of_word, word_of_object
    object_of_word = of_word
    word_of_object = word_of


# What collector.pyx adds.
ctypedef int (*collector_type)(Store) except -1
cdef collector_type collect = NULL


cdef void set_collector(void* function) noexcept:
    global collect
    collect = <collector_type>function


cdef list free_stacks = []          # of DEFAULT_STACK slots: a smaller stack uses a part of one
cdef int FREE_STACKS = 32           # at most: as many stores as may die in one collection
cdef u64 UNKNOWN = <u64>-1          # the canonical type of a tag made from Python, until it is imported
cdef object NOTHING = object()      # in a cell that is free
cdef u64 NO_HANDLE = <u64>-1 >> 3

cdef bint STRESSED = os.environ.get("WASMCY_STRESS") == "heap"

COUNTED = ("instances", "memories", "tables")  # what a store may have a limited number of


cdef class Epoch:
    """A clock that the program moves on, by which it stops stores: each at the tick it was told.

        >>> from wasmcy import Store
        >>> epoch, store = Epoch(), Store()
        >>> store.set_deadline(epoch, epoch.now + 1)    # what runs at the next tick is stopped
        >>> epoch.advance()
        1
    """

    @property
    def now(self):
        """The number of ticks so far."""
        return wcy_load_acquire(&self.ticks)

    def advance(self, ticks=1):
        """Let so many ticks pass, from any thread; returns the number of ticks so far."""
        cdef u64 now
        if ticks < 0:
            raise ValueError("time does not go back")
        with cython.critical_section(self):
            now = min(self.ticks + ticks, UNLIMITED)
            wcy_store_release(&self.ticks, now)
        return now

    def __repr__(self):
        return f"<wasmcy.Epoch at tick {self.now}>"


cdef class Store:
    """Store(limits=None, deterministic=False)
--

    What instances that share objects live in: their limits, their stack, their host values.

    `limits` is a Limits. In a `deterministic` store all results of instructions are the same bits on every
    machine, NaNs included. A store is used by one thread at a time.

        >>> from wasmcy import Limits, Module
        >>> store = Store(Limits(memory="1MiB"))
        >>> module = Module(bytes.fromhex("0061736d010000000503010001070a01066d656d6f72790200"))
        >>> module.instantiate(store=store).store.memory_bytes
        65536

    Spec: 4.2.3 "Store".
    """

    def __cinit__(self, limits=None, bint deterministic=False):
        self.pace = 2000
        self.kept = []
        self.externs = []
        self.free_cells = []
        self.traced = []
        self.unfinished = []
        self.types = {}
        self.extern_cells = {}
        self.free_handle = NO_HANDLE
        self.handle_lock = PyThread_allocate_lock()
        self.funcs = {}
        self.instances = []
        self.shared = set()
        self.stack_slots = DEFAULT_STACK
        for i in range(3):
            self.objects_left[i] = self.objects_allowed[i] = UNLIMITED
        self.limits = limits
        self.deterministic_ = deterministic
        open_heap(&self.heap, &self.memory_used, &self.memory_limit)
        if STRESSED:
            self.stress(heap=True)

    @property
    def limits(self):
        """What its instances may use; new limits hold for what is made, grown and called from then on.

        Raises:
            ValueError: another depth, once something has run in the store.
        """
        return self.limits_

    @limits.setter
    def limits(self, limits):
        if limits is not None:
            expect(limits, Limits, "Limits")
        cdef u64 slots = DEFAULT_STACK
        cdef u64 memory = limit(limits, "memory")
        cdef u64 each_memory = limit(limits, "each_memory")
        cdef u64 each_table = limit(limits, "each_table")
        cdef u64 table_elements = limit(limits, "table_elements")
        cdef u64 allowed[3]
        cdef object fuel = None if limits is None else limits.fuel
        cdef double timeout = 0 if limits is None or limits.timeout is None else limits.timeout
        cdef int i
        for i in range(3):
            allowed[i] = limit(limits, COUNTED[i])
        if limits is not None and limits.depth is not None:
            if limits.depth > 1 << 32:
                raise ValueError(f"a stack of {limits.depth} bytes")
            slots = max(limits.depth // 8, 64)
        if self.stack != NULL and slots != self.stack_slots:
            raise ValueError("the stack of the store is in use: its depth cannot change")
        if fuel is not None:
            if self.instances and not self.metered:
                raise ValueError("the store has instances, whose code counts no fuel")
            self.metered = True
            self.fuel_left = fuel
        self.stack_slots = slots
        self.memory_limit = memory
        self.each_memory = each_memory
        self.each_table = each_table
        self.table_limit = table_elements
        self.timeout = timeout
        for i in range(3):
            self.objects_left[i] += allowed[i] - self.objects_allowed[i]
            self.objects_allowed[i] = allowed[i]
        self.limits_ = limits

    @property
    def deterministic(self):
        """Whether its instances run code that makes NaNs canonical where WebAssembly leaves their bits open.

        Raises:
            ValueError: another value, once the store has instances.

        Spec: appendix "Profiles", "Deterministic Profile".
        """
        return self.deterministic_

    @deterministic.setter
    def deterministic(self, bint deterministic):
        if deterministic != self.deterministic_ and (self.instances or self.unfinished):
            raise ValueError(
                f"the store has instances, whose code is {'' if self.deterministic_ else 'not '}deterministic"
            )
        self.deterministic_ = deterministic

    def __dealloc__(self):
        cdef u64 at
        if self.stack != NULL:
            wcy_clear_stack(self.stack, self.stack_bytes())
            self.lend_stack()
        close_heap(&self.heap)
        for at in range(self.room_roots):
            if self.roots[at] != NULL:
                free(self.roots[at].slots)
                free(self.roots[at])
        free(self.roots)
        free(self.handles)
        if self.handle_lock != NULL:
            PyThread_free_lock(self.handle_lock)

    @property
    def memory_bytes(self):
        """Bytes of linear memories, tables and the heap in use."""
        return self.memory_used

    @property
    def heap_bytes(self):
        """Bytes that structs, arrays and exceptions take up, those that are no longer in use included."""
        return self.heap.bytes

    @property
    def heap_objects(self):
        """The number of structs, arrays and exceptions, those that are no longer in use included: see `gc`."""
        self.check_owner()
        return count_objects(&self.heap)

    @property
    def collections(self):
        """How often the heap was searched for what is no longer in use."""
        return self.heap.collections

    def gc(self):
        """Free the structs, arrays, exceptions and host values that nothing refers to any more."""
        cdef int taken = self.take()
        try:
            collect(self)
        finally:
            if taken == 1:
                wcy_store_release(&self.owner, 0)

    @property
    def fuel(self):
        """What is left of the fuel; None where the store was made without (Limits(fuel=…)).

        It can be set, from a host function too, to any number up to 2**62. While a guest runs, another thread reads
        less than that: what the guest was handed to spend, some milliseconds' worth, is out of the store.
        """
        return self.fuel_left if self.metered else None

    @fuel.setter
    def fuel(self, value):
        if not self.metered:
            raise WasmError("the store counts no fuel: it was made without Limits(fuel=…)")
        value = parse_fuel(value)
        self.check_owner()
        self.fuel_left = value

    def interrupt(self):
        """Stop what runs in the store, from any thread: it raises KeyboardInterrupt there."""
        self.interrupted = 1
        wake(&self.waiter)

    def time_left(self):
        """Seconds until the running call must end, 0 if it must now; None: it may take any time.

        A host function that waits looks here, and returns when none are left: the call then raises
        Timeout, or what was asked for by `interrupt`.
        """
        if self.interrupted or self.is_over():
            return 0.0
        if self.deadline == 0:
            return None
        return max(self.deadline - wcy_now(), 0.0)

    def set_deadline(self, Epoch epoch, tick=0):
        """Stop what runs in the store, and whatever is called in it, once an epoch has reached a tick: it raises
        Timeout. With None there is no such deadline any more.
        """
        cdef u64 last = min(PyNumber_Index(tick), UNLIMITED)
        self.check_owner()
        self.epoch = epoch
        self.last_tick = last
        self.tick = NULL if epoch is None else &epoch.ticks

    cdef bint is_over(self) noexcept nogil:
        """Whether the epoch has reached the deadline."""
        return self.tick != NULL and wcy_load_acquire(self.tick) >= self.last_tick

    def stress(self, bint on=True, *, bint heap=False):
        """For tests: leave the machine and resume at every poll; `heap`: collect at each new one and each allocation.

        With WASMCY_STRESS=heap in the environment, all stores are so from the start.
        """
        self.stressed = on
        self.pace = 0 if on else 2000
        self.heap.stressed = heap
        if heap:
            collect(self)  # no cell is at hand from now on

    cdef size_t stack_bytes(self) noexcept:
        return max(self.stack_slots, DEFAULT_STACK) * sizeof(u64)

    cdef int own_stack(self) except -1:
        if self.stack == NULL:
            if self.stack_slots <= DEFAULT_STACK:
                try:
                    self.stack = <u64*><size_t>free_stacks.pop()
                except IndexError:
                    pass
            if self.stack == NULL and self.stack_slots < <size_t>-1 // sizeof(u64):
                self.stack = <u64*>wcy_new_stack(self.stack_bytes())
            if self.stack == NULL:
                raise MemoryError("no memory for the stack")
            self.stack_top = self.stack
        return 0

    cdef int lend_stack(self) except -1:
        """Give the stack to the pool: no call stands on it."""
        if self.stack != NULL:
            if self.stack_slots <= DEFAULT_STACK and len(free_stacks) < FREE_STACKS:
                free_stacks.append(<size_t>self.stack)
            else:
                wcy_free_stack(self.stack, self.stack_bytes())
            self.stack = NULL
        return 0

    cdef int check_owner(self) except -1:
        if self.owner != 0 and self.owner != PyThread_get_thread_ident():
            raise WasmError("the store is in use by another thread")
        return 0

    cdef int take(self) except 0:
        """Own the store: 1: from now on, until `owner` is released; 2: this thread does already."""
        cdef int taken = wcy_take(&self.owner, PyThread_get_thread_ident())
        if taken == 0:
            raise WasmError("the store is in use by another thread")
        return taken

    cdef int check_room(self, u64 elements) except -1:
        """Whether tables may have so many elements more."""
        if self.table_used + elements > self.table_limit:
            raise TableLimit(f"limit of {self.table_limit} table elements exceeded: {elements} more wanted")
        return 0

    cdef bint may_charge(self, u64 bytes) noexcept nogil:
        return bytes <= self.memory_limit and self.memory_used <= self.memory_limit - bytes

    cdef int find_room(self, u64 bytes) except -1:
        """Collect, if so many bytes exceed the limit and would not without the heap."""
        if not self.may_charge(bytes) and bytes <= self.memory_limit:
            if self.memory_used - self.heap.bytes <= self.memory_limit - bytes:
                self.gc()
        return 0

    cdef int charge(self, u64 bytes) except -1:
        """Count bytes against the limit."""
        if not self.may_charge(bytes):
            raise MemoryLimit(f"memory limit of {self.memory_limit} bytes exceeded: {bytes} more wanted")
        self.memory_used += bytes
        return 0

    cdef int admit(self, int kind) except -1:
        """Count one more of COUNTED."""
        if <i64>self.objects_left[kind] <= 0:
            raise (InstanceLimit, MemoryLimit, TableLimit)[kind](
                f"limit of {self.objects_allowed[kind]} {COUNTED[kind]} exceeded"
            )
        self.objects_left[kind] -= 1
        return 0

    cdef u64 cell(self, object value, u64 bytes) except 0:
        """A new cell for a host value, as a reference; `bytes` are what it counts for."""
        cdef u64 index
        cdef int taken = self.take()
        try:
            if self.heap.allocated >= self.heap.budget or self.heap.stressed:
                collect(self)
            if self.free_cells:
                index = self.free_cells.pop()
                self.externs[index] = value
            else:
                index = len(self.externs)
                if room_for_cells(&self.heap, index + 1):
                    raise MemoryError
                self.externs.append(value)
            self.heap.allocated += bytes
        finally:
            if taken == 1:
                wcy_store_release(&self.owner, 0)
        return index << 2 | 2

    cdef int drop_cells(self, list dropped) except -1:
        """Free the cells that a collection has not marked; their values, but not their last references, go."""
        cdef u64 i
        for i in range(self.heap.n_cells):
            if self.heap.cells[i] or self.externs[i] is NOTHING:
                continue
            value = self.externs[i]
            dropped.append(value)
            if self.extern_cells.get(id(value)) == i:
                del self.extern_cells[id(value)]
            self.externs[i] = NOTHING
            self.free_cells.append(i)
        return 0

    cdef void keep(self, Held* held, u64* words, u64 n) noexcept:
        """Keep what n words refer to, until `release`; threads do not take turns in order."""
        PyThread_acquire_lock(self.handle_lock, 1)
        held.words = words
        held.n = n
        held.next = self.held
        held.place = &self.held
        if held.next != NULL:
            held.next.place = &held.next
        self.held = held
        PyThread_release_lock(self.handle_lock)

    cdef void release(self, Held* held) noexcept:
        PyThread_acquire_lock(self.handle_lock, 1)
        held.place[0] = held.next
        if held.next != NULL:
            held.next.place = held.place
        PyThread_release_lock(self.handle_lock)

    cdef i64 hold(self, u64 word) except -1:
        """Keep what a reference points to until `let_go` of the number returned."""
        cdef u64 room, i
        cdef u64* handles
        PyThread_acquire_lock(self.handle_lock, 1)
        i = self.free_handle
        if i != NO_HANDLE:
            self.free_handle = self.handles[i] >> 3
        else:
            if self.n_handles == self.room_handles:
                room = 2 * self.room_handles + 16
                handles = <u64*>realloc(self.handles, room * sizeof(u64))
                if handles == NULL:
                    PyThread_release_lock(self.handle_lock)
                    raise MemoryError
                self.handles = handles
                self.room_handles = room
            i = self.n_handles
            self.n_handles += 1
        self.handles[i] = word
        PyThread_release_lock(self.handle_lock)
        return <i64>i

    cdef void let_go(self, u64 handle) noexcept:
        PyThread_acquire_lock(self.handle_lock, 1)
        self.handles[handle] = self.free_handle << 3 | 1  # no reference to the heap: an i31, were it one
        self.free_handle = handle
        PyThread_release_lock(self.handle_lock)


cdef u64 limit(limits, name) except? 0xFFFFFFFFFFFFFFFF:
    """A limit, or a number nothing reaches."""
    cdef object given = None if limits is None else getattr(limits, name)
    cdef u64 value
    if given is None:
        return UNLIMITED
    value = given
    return min(value, UNLIMITED)


cdef i64 to_i64(object value) except? -1:
    """An address or a length given from Python; those of 64 bits and more become the nearest of 63."""
    cdef int overflow = 0
    cdef i64 n = PyLong_AsLongLongAndOverflow(value if PyLong_CheckExact(value) else PyNumber_Index(value), &overflow)
    if overflow:
        return MAX_I64 if overflow > 0 else -1
    return n


@cython.no_gc_clear  # what it counts is given back to the store
cdef class Suspended:
    """A call put aside: its activation and a copy of its part of the stack. machine.pyx resumes it."""

    def resume(self, fuel=0):
        """Add fuel to the store and go on; returns what the call would have returned."""
        if self.words == NULL:
            raise RuntimeError("the call has been resumed already")
        self.activation.call = NULL
        if fuel:
            self.store.fuel = self.store.fuel + fuel
        return self.func._resume(self)

    cdef int put(self, u64* top) except -1:
        """Copy the stack from the activation's base up to `top`, and point into the copy from now on."""
        cdef u64* base = self.activation.base
        return self.copy(base, top - base, self.activation.sp - base, self.activation.args - base)

    cdef int copy(self, u64* words, u64 count, i64 sp, i64 args) except -1:
        """Own a copy of those words; `sp` and `args` are slots in it."""
        self.count = count
        self.store.charge(self.count * sizeof(u64))
        self.words = <u64*>malloc((self.count + 1) * sizeof(u64))
        if self.words == NULL:
            self.store.memory_used -= self.count * sizeof(u64)
            raise MemoryError
        memcpy(self.words, words, self.count * sizeof(u64))
        self.activation.sp = self.words + sp
        self.activation.args = self.words + args
        self.activation.base = self.words
        self.older = self.store.suspended
        if self.older != NULL:
            (<Suspended>self.older).newer = <void*>self
        self.store.suspended = <void*>self
        return 0

    cdef bint waits_for_host(self) noexcept:
        """Whether it can go on only with what came of a host function."""
        return not self.activation.again and (
            self.activation.reason == LEAVE_CALL or self.activation.reason == LEAVE_TAIL_CALL
        )

    cdef int drop(self) noexcept:
        """Free the copy: the call goes on, or never will."""
        if self.words == NULL:
            return 0
        self.store.memory_used -= self.count * sizeof(u64)
        free(self.words)
        self.words = NULL
        if self.newer != NULL:
            (<Suspended>self.newer).older = self.older
        else:
            self.store.suspended = self.older
        if self.older != NULL:
            (<Suspended>self.older).newer = self.newer
        self.newer = self.older = NULL
        return 0

    cdef int mark(self, int change) noexcept:
        """Let the instances that have frames in it refuse other calls, or no more."""
        cdef InstanceData instance
        if not self.reentrant and self.entered is not None and self.marks + change in (0, 1):
            self.marks += change
            for instance in self.entered:
                instance.record.suspended += change
        return 0

    cdef int abandon(self) except -1:
        """It will not go on, or has come to its end."""
        self.mark(-1)
        self.drop()
        self.outcome = None
        return 0

    def __dealloc__(self):
        self.drop()


cdef Store joined(Store own, Store store, what):
    """The store of an object that is to belong to `store`."""
    if own is not None and own is not store:
        raise LinkError(f"{what} belongs to another store")
    return store


# ------------------------------------------------------------------------------------ values
cdef u64 to_word(Store store, long long valtype, object value) except? 0xFFFFFFFFFFFFFFFF:
    """A Python value as the 64 bits of a slot.

    Raises TypeError or OverflowError, which say what was expected.
    """
    cdef long long n
    cdef int overflow = 0
    if valtype == T_I32 or valtype == T_I64:
        if not PyLong_CheckExact(value):
            try:
                value = PyNumber_Index(value)
            except TypeError:
                raise TypeError(f"expected an int for {ValType(valtype)}, got {type(value).__name__}") from None
        n = PyLong_AsLongLongAndOverflow(value, &overflow)
        if valtype == T_I32:
            if overflow or (n != <i32>n and n != <i64><u32>n):
                raise OverflowError(f"{value} does not fit i32")
            return <u32>n
        if overflow:
            if overflow < 0 or value > 0xFFFFFFFFFFFFFFFF:
                raise OverflowError(f"{value} does not fit i64")
            return <u64>value
        return <u64>n
    if valtype == T_F64 or valtype == T_F32:
        if not PyFloat_CheckExact(value):
            given = type(value)
            if given is str or not (hasattr(given, "__float__") or hasattr(given, "__index__")):
                raise TypeError(f"expected a float for {ValType(valtype)}, got {type(value).__name__}")
            value = float(value)
        if valtype == T_F64:
            return wcy_bits64(<double>value)
        return wcy_bits32(<float><double>value)
    return reference_to_word(store, valtype, value)


cdef u64 reference_to_word(Store store, long long valtype, object value) except? 0xFFFFFFFFFFFFFFFF:
    cdef long long heap
    if not valtype & T_REF:
        raise TypeError(f"a value of type {ValType(valtype)} is no single word")
    if value is None:
        if not valtype & T_NULL:
            raise TypeError(f"expected a reference that is not null for {ValType(valtype)}, got None")
        return 0
    heap = kind_of(valtype)
    if heap == T_FUNC:
        if isinstance(value, func_class) and valtype & 0xFFFFFFFF != T_NOFUNC:
            return value._word(store, valtype)
        raise TypeError(f"expected a wasmcy.Func or None for {ValType(valtype)}, got {type(value).__name__}")
    if heap == T_EXN:
        raise TypeError(f"expected None for {ValType(valtype)}, got {type(value).__name__}")
    if store is None:
        raise TypeError(f"a value of type {ValType(valtype)} needs a store")
    return word_of_object(store, ValType(valtype), value)


def extern_word(Store store, value):
    """The cell of a host value: the same for the same object."""
    cdef object word = store.extern_cells.get(id(value))
    if word is None:
        word = store.cell(value, EXTERN_BYTES) >> 2
        store.extern_cells[id(value)] = word
    return <u64>word << 2 | 2


def extern_value(Store store, u64 word):
    """The host value in a cell."""
    return store.externs[word >> 2]


cdef object from_word(Store store, long long valtype, u64 word):
    """The Python value of a slot."""
    cdef long long kind
    if valtype == T_I32:
        return PyLong_FromLongLong(<i32><u32>word)
    if valtype == T_I64:
        return PyLong_FromLongLong(<i64>word)
    if valtype == T_F64:
        return wcy_f64(word)
    if valtype == T_F32:
        return <double>wcy_f32(<u32>word)
    if valtype & T_REF:
        if word == 0:
            return None
        kind = kind_of(valtype)
        if kind == T_FUNC:
            return func_of_address(store, word)
        if kind != T_EXN:
            return object_of_word(store, word)
    # as in JavaScript (JS API: ToJSValue); a program catches the exception itself
    raise TypeError(f"a value of type {ValType(valtype)} cannot be seen from outside of WebAssembly")


cdef u64 slots_of(types) except? 0xFFFFFFFFFFFFFFFF:
    """How many slots values of these types take."""
    return len(types) + types.count(V128)


cdef int to_slots(Store store, long long valtype, object value, u64* to) except -1:
    """A Python value into its slots; returns their number.  A v128 is 16 bytes, from any buffer of that size."""
    cdef Py_buffer view
    cdef Py_ssize_t size
    if valtype != T_V128:
        to[0] = to_word(store, valtype, value)
        return 1
    try:
        PyObject_GetBuffer(value, &view, PyBUF_SIMPLE)
    except (TypeError, BufferError):
        raise TypeError(f"expected 16 contiguous bytes for v128, got {type(value).__name__}") from None
    size = view.len
    if size == 16:
        to[0] = wcy_load_u64(<u8*>view.buf)
        to[1] = wcy_load_u64(<u8*>view.buf + 8)
    PyBuffer_Release(&view)
    if size != 16:
        raise TypeError(f"expected 16 bytes for v128, got {size}")
    return 2


cdef object from_slots(Store store, long long valtype, const u64* words):
    """The Python value in slots: a v128 as bytes, lane 0 first."""
    cdef u8 data[16]
    if valtype != T_V128:
        return from_word(store, valtype, words[0])
    wcy_store_u64(data, words[0])
    wcy_store_u64(data + 8, words[1])
    return PyBytes_FromStringAndSize(<char*>data, 16)


cdef object raw_from_slots(Store store, long long valtype, const u64* words):
    """The bits as an unsigned int; references as objects."""
    if valtype == T_V128:
        return words[0] | <object>words[1] << 64
    if valtype & T_REF:
        return from_word(store, valtype, words[0])
    return <u32>words[0] if valtype == T_I32 or valtype == T_F32 else words[0]


cdef long long kind_of(long long valtype) except 0:
    """Which of three kinds of word a reference type has: T_FUNC, T_EXN, T_ANY (extern included)."""
    cdef long long heap = valtype & 0xFFFFFFFF
    if valtype >> 34 & 1:
        return T_FUNC if matching.kind_of(heap) == T_FUNC else T_ANY
    if heap == T_FUNC or heap == T_NOFUNC:
        return T_FUNC
    return T_EXN if heap == T_EXN or heap == T_NOEXN else T_ANY


cdef object held_types(tuple valtypes):
    """What keeps the types alive that value types name, if they name any."""
    for valtype in valtypes:
        if <long long>valtype >> 34 & 1:
            return matching.hold(valtypes)
    return None


cdef bint is_traced(long long valtype) except -1:
    """Whether values of a type may be references to the heap."""
    return valtype & T_REF and kind_of(valtype) != T_FUNC


def parse_type(type_):
    """A value type given as a ValType or by its name, such as "i32" or "externref"."""
    if isinstance(type_, str):
        try:
            return _NAMES[type_]
        except KeyError:
            raise ValueError(f"unknown value type {type_!r}") from None
    if type(type_) is not ValType and type(type_) is not int:
        raise TypeError(f"expected a value type or its name, got {type(type_).__name__}")
    if not type_ & T_REF and type_ not in _NUMBERS:
        raise ValueError(f"unknown value type {type_!r}")
    return val_type(type_)


_NUMBERS = (I32, I64, F32, F64, V128)
_NAMES = {name: t for name, t in _types.VAL_TYPES.items() if t.is_ref or t in _NUMBERS}


# ------------------------------------------------------------------------------------ memories
growing = allocate_lock()           # held while a shared memory grows


cdef class Memory:
    """Memory(min=0, max=None, *, shared=False, is64=False, page_size=65536, type=None, store=None)
--

    A linear memory: bytes that a module and its host share.

    Sizes are in pages of `page_size` bytes, which is 65,536 or 1; addresses and lengths are in
    bytes. It offers the buffer protocol: from the first `memoryview(memory)` on, growing never
    moves it. It belongs to `store`, or else to the store of the first instance that imports it. But
    a `shared` memory belongs to none: any number of stores, each with a thread of its own, may
    import it, and its bytes count against the limits of each.

        >>> memory = Memory(min=1, max=2)
        >>> memory.grow(1)          # the size before, in pages
        1
        >>> memory.write(8, b"wasm")
        >>> memory[8:12], len(memory)
        (b'wasm', 131072)

    Raises:
        ValueError: `min` is larger than `max`, or than 4 GiB (256 TiB with `is64`); there is no such
            page size; a shared memory has no `max`.
        MemoryLimit: the system has no memory of that size; it is more than `store` allows.

    Spec: 4.2.8 "Memory Instances".
    """

    def __cinit__(
        self, min=0, max=None, *, bint is64=False, bint shared=False, page_size=65536, type=None, Store store=None
    ):
        cdef u64 pages, limit
        if type is None:
            min, max = PyNumber_Index(min), None if max is None else PyNumber_Index(max)
            if min < 0 or (max is not None and max < min):
                raise ValueError(f"a memory of at least {min} and at most {max} pages")
            if page_size not in (1, 65536):
                raise ValueError(f"pages of {page_size} bytes: only 1 and 65536 are possible")
            type = MemoryType(min, max, shared, is64, 0 if page_size == 1 else 16)
        expect(type, MemoryType, "a MemoryType")
        if type.shared and type.max is None:
            raise ValueError("a shared memory needs a maximum size")
        if type.page_size_log2 not in (0, 16):
            raise ValueError(f"pages of {1 << type.page_size_log2} bytes: only 1 and 65536 are possible")
        limit = (<u64>1 << (48 if type.is64 else 32)) >> <int>type.page_size_log2
        if type.page_size_log2 == 0:
            limit -= 1
        if type.min > limit:
            raise ValueError(f"a memory of {type.min} pages: at most {limit} are possible")
        self.type = type
        self.record.is64 = type.is64
        self.record.shared = type.shared
        self.record.page = type.page_size_log2
        pages = limit if type.max is None else builtin_min(type.max, limit)
        self.record.max = pages << self.record.page
        pages = type.min
        self.allocate(pages << self.record.page)
        if store is not None:
            self.join(store)

    cdef int allocate(self, u64 size) except -1:
        cdef u64 room = size
        if self.record.shared and not self.reserve(size):  # it never moves: all of it now
            room = self.record.max
        if not self.record.reserved and not (size >= LARGE and self.reserve(size)):
            if room <= <size_t>-1:
                self.record.base = <u8*>calloc(room if room else 1, 1)
            if self.record.base == NULL:
                raise MemoryLimit(f"no memory for {room} bytes")
        elif self.record.shared:
            self.record.max = builtin_min(self.record.max, self.record.reserved)
        self.record.size = size
        return 0

    cdef bint reserve(self, u64 size) noexcept:
        """Move to reserved address space, where the first `size` bytes are to be usable; False: cannot."""
        cdef u64 space = self.record.max
        cdef u8* base
        if self.record.reserved:
            return True
        if self.store is not None and min(self.store.memory_limit, self.store.each_memory) < space:
            space = min(self.store.memory_limit, self.store.each_memory)
        if self.record.is64 and space > SPACE * 4:
            space = SPACE * 4
        if space < size:
            space = size
        space = whole(space if space else 1)
        if size > <size_t>-1:
            return False
        if sizeof(size_t) < 8 and space > <u64>1 << 28:
            space = whole(size) if size > <u64>1 << 28 else <u64>1 << 28
        base = <u8*>wcy_reserve(space)
        if base == NULL:
            return False
        if not wcy_commit(base, 0, whole(size)):
            wcy_release(base, space)
            return False
        if self.record.base != NULL:
            memcpy(base, self.record.base, self.record.size)
            free(self.record.base)
        self.record.base = base
        self.record.reserved = space
        return True

    def __dealloc__(self):
        if self.record.reserved:
            wcy_release(self.record.base, self.record.reserved)
        else:
            free(self.record.base)

    cdef int join(self, Store store) except -1:
        if self.store is None and self not in store.shared:
            if self.record.size > store.each_memory:
                raise MemoryLimit(f"a memory of {self.record.size} bytes: at most {store.each_memory} are allowed")
            store.admit(1)
            store.charge(self.record.size)
            if self.record.shared:
                store.shared.add(self)
            else:
                store.kept.append(self)
        if self.record.shared:
            return 0
        self.store = joined(self.store, store, "the memory")
        self.record.store = <void*>store
        return 0

    cdef bint show(self, Image image) noexcept:
        """Have an image's contents from address 0 on; False: they must be copied."""
        if image.file < 0 or self.record.reserved < image.size or self.record.size < image.size:
            return False
        return wcy_show(self.record.base, image.file, image.size)

    cdef i64 grow_pages(self, u64 pages, Store store) except -2:
        """memory.grow, on behalf of a store, if any: the size before, in pages, or -1."""
        if store is not None and pages <= self.record.max >> self.record.page:
            store.find_room(pages << self.record.page)
        if self.record.shared:
            with growing:
                return self.grow_owned(pages, store)
        return self.grow_owned(pages, store)

    cdef i64 grow_owned(self, u64 pages, Store store) except -2:
        cdef u64 old = self.record.size
        cdef u64 bytes = pages << self.record.page
        if pages > (self.record.max - old) >> self.record.page:
            return -1
        if bytes:
            if store is not None and (old + bytes > store.each_memory or not store.may_charge(bytes)):
                return -1
            if not self.enlarge(old + bytes):
                return -1
            wcy_store_release(&self.record.size, old + bytes)
            if store is not None:
                store.memory_used += bytes
        return <i64>(old >> self.record.page)

    cdef bint enlarge(self, u64 new) noexcept:
        """Make `new` bytes usable, those beyond the size zero; False: that cannot be."""
        cdef u64 old = self.record.size
        cdef u8* base
        if self.record.reserved or new >= LARGE:
            if not self.record.reserved:
                self.reserve(old)
        if self.record.reserved and new <= self.record.reserved:
            return wcy_commit(self.record.base, whole(old), whole(new))
        if self.record.shared:
            return True  # there from the start
        if self.record.views or new > <size_t>-1:
            return False
        if self.record.reserved:
            base = <u8*>calloc(new, 1)
            if base == NULL:
                return False
            memcpy(base, self.record.base, old)
            wcy_release(self.record.base, self.record.reserved)
            self.record.reserved = 0
            self.record.base = base
        else:
            base = <u8*>realloc(self.record.base, new)
            if base == NULL:
                return False
            memset(base + old, 0, new - old)
            self.record.base = base
        return True

    def grow(self, pages):
        """Grow by `pages`; returns the size before.

        Raises:
            MemoryLimit: the maximum or the store's limit would be exceeded.
        """
        cdef i64 old
        pages = PyNumber_Index(pages)
        if pages < 0:
            raise ValueError("a memory does not shrink")
        if self.store is not None:
            self.store.check_owner()
        old = self.grow_pages(pages, self.store) if pages <= 1 << 48 else -1
        if old < 0:
            raise MemoryLimit(f"the memory cannot grow by {pages} pages")
        return old

    @property
    def size(self):
        """The size in pages."""
        return self.record.size >> self.record.page

    def __len__(self):
        return self.record.size

    def __repr__(self):
        return f"<wasmcy.Memory of {self.size} pages>"

    cdef u8* at(self, object where, i64 length) except NULL:
        """The address of `length` bytes from `where`, checked."""
        cdef i64 start
        if self.store is not None:
            self.store.check_owner()
        start = to_i64(where)
        if start < 0 or length < 0 or <u64>start > self.record.size or <u64>length > self.record.size - <u64>start:
            raise IndexError(f"{length} bytes at address {where} are outside the memory of {self.record.size} bytes")
        return self.record.base + start

    def read(self, address, length):
        """`length` bytes from `address`; IndexError where that is outside."""
        cdef i64 n = to_i64(length)
        return PyBytes_FromStringAndSize(<char*>self.at(address, n), <Py_ssize_t>n)

    def write(self, address, data):
        """Write bytes (or any buffer of them) at `address`; IndexError where they would lie outside."""
        cdef Py_buffer view
        if not PyBytes_CheckExact(data):
            given = memoryview(data)
            data = given if given.c_contiguous else given.tobytes()
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:  # the buffer comes first: getting it may run Python code, which may move the memory
            memmove(self.at(address, view.len), view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def read_cstring(self, address, limit=None):
        """The bytes from `address` up to the next zero byte, which must come within `limit` bytes."""
        cdef u8* p
        cdef u64 room
        cdef void* end
        if limit is not None:
            limit = PyNumber_Index(limit)  # before the address: it may run Python code, which may move the memory
            if limit < 0:
                raise ValueError(f"a limit of {limit} bytes")
        p = self.at(address, 0)
        room = self.record.size - <u64>(p - self.record.base)
        if limit is not None and limit < room:
            room = limit
        end = memchr(p, 0, room) if room else NULL
        if end == NULL:
            raise IndexError(f"no zero byte follows address {address}")
        return PyBytes_FromStringAndSize(<char*>p, <u8*>end - p)

    cdef i64 span(self, key, i64* length) except -1:
        """Where a slice starts, and its length; not yet compared with the memory's size."""
        cdef i64 start, stop
        cdef object first = key.start, last = key.stop, step = key.step
        if step is not None and step != 1:
            raise ValueError("memory slices have no step")
        start = 0 if first is None else to_i64(first)
        stop = <i64>self.record.size if last is None else to_i64(last)
        if start < 0 or stop < start:
            raise IndexError(f"addresses {first} to {last} are no span of the memory")
        length[0] = stop - start
        return start

    def __getitem__(self, key):
        cdef i64 start, length
        if isinstance(key, slice):
            start = self.span(key, &length)
            return PyBytes_FromStringAndSize(<char*>self.at(start, length), <Py_ssize_t>length)
        return self.at(key, 1)[0]

    def __setitem__(self, key, value):
        cdef i64 start, length
        if isinstance(key, slice):
            start = self.span(key, &length)
            data = bytes(memoryview(value) if PyObject_CheckBuffer(value) else iter(value))
            if key.stop is not None and len(data) != length:
                raise ValueError(f"{len(data)} bytes for a span of {length}")
            self.write(start, data)
        else:
            byte = PyNumber_Index(value)  # before the address: it may run Python code, which may move the memory
            if not 0 <= byte <= 255:
                raise ValueError(f"{byte} is no byte")
            self.at(key, 1)[0] = byte

    @property
    def address(self):
        """The native address of byte 0. Taking it fixes the memory in place, as a view does."""
        if self.store is not None:
            self.store.check_owner()
        if not self.record.shared and not self.reserve(self.record.size):
            self.record.views += 1  # never given back: the address may be used for ever
        return <size_t>self.record.base

    def __getbuffer__(self, Py_buffer* view, int flags):
        if self.store is not None:
            self.store.check_owner()
        if not self.record.shared:
            self.reserve(self.record.size)
        PyBuffer_FillInfo(view, self, self.record.base, <Py_ssize_t>self.record.size, 0, flags)
        if not self.record.shared:
            self.record.views += 1

    def __releasebuffer__(self, Py_buffer* view):
        if not self.record.shared:
            self.record.views -= 1


cdef object builtin_min(a, b):
    return a if a < b else b


cdef u64 whole(u64 size) noexcept:
    """A size rounded up to what the system commits: memories with pages of one byte can have any."""
    return (size + PAGE - 1) // PAGE * PAGE


cdef class Image:
    """The contents of memories that are alike, which they share until they are written to.

        >>> Image(bytes(2 << 20))
        <wasmcy.Image of 2097152 bytes>
    """

    def __cinit__(self, bytes data not None):
        self.length = len(data)
        self.size = whole(self.length)
        self.file = -1
        if self.length >= LARGE:  # a smaller one is copied in less time
            self.file = wcy_image(<char*>data, self.length, self.size)

    def __dealloc__(self):
        wcy_forget(self.file)

    def __repr__(self):
        return f"<wasmcy.Image of {self.length} bytes>"


# ------------------------------------------------------------------------------------ tables
cdef class Table:
    """Table(element='funcref', min=0, max=None, init=None, *, is64=False, type=None, store=None)
--

    A table of references: Func objects, host values or None.

        >>> table = Table("externref", min=2)
        >>> table[0] = "any object"
        >>> table[0], table[1], len(table)
        ('any object', None, 2)

    Like a memory, it belongs to `store` or else to the first that needs it.

    Raises:
        ValueError: `min` is larger than `max`, or than 10,000,000.
        MemoryLimit: more than `store` allows.

    Spec: 4.2.7 "Table Instances".
    """

    def __cinit__(
        self, element="funcref", min=0, max=None, init=None, *, bint is64=False, type=None, Store store=None
    ):
        if type is None:
            min, max = PyNumber_Index(min), None if max is None else PyNumber_Index(max)
            if min < 0 or (max is not None and max < min):
                raise ValueError(f"a table of at least {min} and at most {max} elements")
            type = TableType(parse_type(element), min, max, is64)
            if init is None and not type.element.is_defaultable:
                raise TypeError(f"a table of {type.element} needs a value for its elements")
        expect(type, TableType, "a TableType")
        if not type.element.is_ref:
            raise ValueError(f"a table of {type.element}: its elements are references")
        if type.min > MAX_TABLE:
            raise ValueError(f"a table of {type.min} elements: at most {MAX_TABLE} are possible")
        self.held = held_types((type.element,))
        self.type = type
        self.record.is64 = type.is64
        self.record.max = MAX_TABLE if type.max is None else builtin_min(type.max, MAX_TABLE)
        self.record.elements = <u64*>calloc(type.min + 1, sizeof(u64))
        if self.record.elements == NULL:
            raise MemoryLimit(f"no memory for a table of {type.min} elements")
        self.record.size = type.min
        self.record.capacity = type.min
        if store is not None:
            self.join(store)
        if init is not None:
            if store is None:
                self.join(Store())
            word = to_word(self.store, self.type.element, init)
            for i in range(self.record.size):
                self.record.elements[<u64>i] = word

    def __dealloc__(self):
        free(self.record.elements)

    cdef int join(self, Store store) except -1:
        if self.store is None:
            if self.record.size > store.each_table:
                raise TableLimit(f"a table of {self.record.size} elements: at most {store.each_table} are allowed")
            store.check_room(self.record.size)
            store.admit(2)
            store.charge(self.record.size * sizeof(u64))
            store.table_used += self.record.size
            store.kept.append(self)
            if is_traced(self.type.element):
                store.traced.append(self)
        self.store = joined(self.store, store, "the table")
        self.record.store = <void*>store
        return 0

    cdef i64 grow_by(self, u64 count, u64 word) except -2:
        """table.grow from Python: the size before, or -1."""
        cdef u64 old, i
        cdef Held held
        if self.store is not None:
            self.store.keep(&held, &word, 1)
            try:
                self.store.find_room(count * sizeof(u64))
            finally:
                self.store.release(&held)
        old = self.record.size
        if not self.make_room(count):
            return -1
        for i in range(old, old + count):
            self.record.elements[i] = word
        self.add(count)
        return <i64>old

    cdef bint make_room(self, u64 count) noexcept:
        """Room for `count` more elements, whose values are the caller's to set; False: they cannot be had."""
        cdef u64 old = self.record.size, capacity
        cdef u64* elements
        if count > self.record.max - old:
            return False
        if self.store is not None and (
            old + count > self.store.each_table
            or self.store.table_used + count > self.store.table_limit
            or not self.store.may_charge(count * sizeof(u64))
        ):
            return False
        if old + count > self.record.capacity:
            capacity = old + count + old // 2
            if capacity > self.record.max:
                capacity = self.record.max
            elements = <u64*>realloc(self.record.elements, (capacity + 1) * sizeof(u64))
            if elements == NULL:
                return False
            self.record.elements = elements
            self.record.capacity = capacity
        return True

    cdef int add(self, u64 count) noexcept:
        """Make that many elements, for which there is room, part of the table."""
        self.record.size += count
        if self.store is not None:
            self.store.memory_used += count * sizeof(u64)
            self.store.table_used += count
        return 0

    cdef Store home(self):
        """The store references belong to; a table made from Python gets one of its own at first use."""
        if self.store is None:
            self.join(Store())
        self.store.check_owner()
        return self.store

    def grow(self, count, value=None):
        """Grow by `count` elements that hold `value`; returns the size before.

        Raises:
            MemoryLimit: the maximum or the store's limit would be exceeded.
        """
        cdef i64 old
        count = PyNumber_Index(count)
        if count < 0:
            raise ValueError("a table does not shrink")
        old = self.grow_by(count, self.word(value)) if count <= MAX_TABLE else -1
        if old < 0:
            raise MemoryLimit(f"the table cannot grow by {count} elements")
        return old

    def __len__(self):
        return self.record.size

    @property
    def size(self):
        """The number of elements."""
        return self.record.size

    cdef u64* element(self, index) except NULL:
        index = PyNumber_Index(index)
        if index < 0 or index >= self.record.size:
            raise IndexError(f"element {index} of a table of {self.record.size}")
        return &self.record.elements[<u64>index]

    cdef u64 word(self, value) except? 0xFFFFFFFFFFFFFFFF:
        return to_word(None if self.store is None and value is None else self.home(), self.type.element, value)

    def __getitem__(self, index):
        if self.store is not None:
            self.store.check_owner()
        return from_word(self.store, self.type.element, self.element(index)[0])

    def __setitem__(self, index, value):
        cdef u64 word = self.word(value)
        self.element(index)[0] = word

    def __repr__(self):
        return f"<wasmcy.Table of {self.record.size} {self.type.element}>"


# ------------------------------------------------------------------------------------ globals
cdef object BARE = object()


cdef class Global:
    """Global(type_=None, value=None, *, mutable=False, type=None, store=None)
--

    A global variable.

        >>> counter = Global("i32", 41, mutable=True)
        >>> counter.value += 1
        >>> counter.value
        42

    Raises:
        TypeError, OverflowError: the value does not fit the type; or the global is not mutable.

    Spec: 4.2.10 "Global Instances".
    """

    def __cinit__(self, type_=None, value=None, *, bint mutable=False, type=None, Store store=None):
        if type is None:
            type = GlobalType(parse_type(type_), mutable)
        expect(type, GlobalType, "a GlobalType")
        self.held = held_types((type.type,))
        self.type = type
        self.valtype = type.type
        self.traced = is_traced(self.valtype)
        self.cell = self.own
        if store is not None:
            self.join(store)
        if value is not BARE:
            if value is None and not self.valtype & T_REF:
                value = bytes(16) if self.valtype == T_V128 else 0
            if self.valtype & T_REF and value is not None and store is None:
                self.join(Store())
            to_slots(self.store, self.valtype, value, self.own)

    cdef int join(self, Store store) except -1:
        if self.store is None:
            store.kept.append(self)
            if self.traced:
                store.traced.append(self)
        self.store = joined(self.store, store, "the global")
        return 0

    @property
    def mutable(self):
        return self.type.mutable

    @property
    def value(self):
        """The value: an int, a float, 16 bytes for a v128, or what a reference stands for."""
        if self.store is not None:
            self.store.check_owner()
        return from_slots(self.store, self.valtype, self.cell)

    @value.setter
    def value(self, value):
        if not self.type.mutable:
            raise TypeError("the global is not mutable")
        if self.store is not None:
            self.store.check_owner()
        elif self.valtype & T_REF and value is not None:
            self.join(Store())
        to_slots(self.store, self.valtype, value, self.cell)

    @property
    def raw(self):
        """The value's bits, unsigned."""
        if self.valtype == T_V128:
            return raw_from_slots(self.store, self.valtype, self.cell)
        if self.valtype == T_I32 or self.valtype == T_F32:
            return <u32>self.cell[0]
        return self.cell[0]

    def __repr__(self):
        return f"<wasmcy.Global {self.type}>"


# ------------------------------------------------------------------------------------ tags
cdef class Tag:
    """Tag(params=(), *, type=None, store=None)
--

    A tag: the kind of an exception, with the types of the values it carries.

        >>> Tag(["i32", "f64"])
        <wasmcy.Tag (i32, f64)>

    Spec: 4.2.11 "Tag Instances".
    """

    def __cinit__(self, params=(), *, type=None, Store store=None):
        if type is None or type.__class__ is FuncType:
            type = TagType(FuncType(tuple(parse_type(t) for t in params), ()) if type is None else type)
        expect(type, TagType, "a TagType")
        self.held = held_types(type.params)
        self.type = type
        self.record.type = UNKNOWN
        self.record.params = slots_of(self.type.params)
        self.record.object = <void*>self
        self.record.traced = <u32*>malloc((len(self.type.params) + 1) * sizeof(u32))
        if self.record.traced == NULL:
            raise MemoryError
        slot = 2
        for t in self.type.params:
            if is_traced(t):
                self.record.traced[self.record.n_traced] = slot
                self.record.n_traced += 1
            slot += 2 if t == V128 else 1
        if store is not None:
            self.join(store)

    def __dealloc__(self):
        free(self.record.traced)

    cdef int join(self, Store store) except -1:
        if self.store is None:
            store.kept.append(self)
        self.store = joined(self.store, store, "the tag")
        return 0

    def __repr__(self):
        return f"<wasmcy.Tag ({', '.join(map(str, self.type.params))})>"


cdef class InstanceData:
    """The part of an instance that the machine works on; the store keeps it."""

    def __dealloc__(self):
        if self.record != NULL:
            free(self.record.own_funcs)
            free(self.record)
