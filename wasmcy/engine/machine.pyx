"""Running code: activations, why the machine leaves and how it goes on, calls in and out (spec 4.4, 4.5).

The machine runs from (pc, sp) of an instance until it leaves with a reason.  `run` answers: it calls
a host function, translates, changes over to another instance, looks around at a poll, unwinds an
exception … and resumes.  It starts with the GIL held and gives it up at the first slow poll; whatever
needs Python takes it back and keeps it until the next.

    stack   [parameters][return pc, distance to the caller's sp in bytes][locals][temporaries]
            a call into another instance puts a link between the arguments and the callee's frame:
            [return pc, distance to the caller's sp in slots, instance, results, arguments in slots]
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject, PyTypeObject
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memmove, memset

from wasmcy.engine.aggregates cimport DONE, FULL, MORE, TOO_LARGE, array_step, find_cell, segment_operation
from wasmcy.engine.code cimport LINK_CELL, RESULT_CELL, Code, function_at, pop_frame
from wasmcy.engine.collector cimport collect, is_full, knows, new_object
from wasmcy.engine.store cimport (
    InstanceData, Memory, Store, Suspended, Table, Tag, from_slots, from_word, is_traced, raw_from_slots, slots_of,
    to_slots,
)
from wasmcy.engine.structs cimport *
from wasmcy.engine.waiting cimport Waiter, enter_queue, leave_queue, loop_waiter, notify, sleep

from .. import matching
from ..errors import FuelExhausted, Frame, GuestException, MemoryLimit, StackExhausted, Timeout, Trap, WasmError
from ..opcodes import (
    OP_ARRAY_INIT_DATA, OP_ARRAY_INIT_ELEM, OP_ARRAY_NEW_DATA, OP_ARRAY_NEW_ELEM,
    OP_DATA_DROP, OP_ELEM_DROP, OP_MEMORY_ATOMIC_NOTIFY, OP_MEMORY_ATOMIC_WAIT32, OP_MEMORY_ATOMIC_WAIT64,
    OP_MEMORY_COPY, OP_MEMORY_FILL, OP_MEMORY_GROW, OP_MEMORY_INIT,
    OP_TABLE_COPY, OP_TABLE_FILL, OP_TABLE_GET, OP_TABLE_GROW, OP_TABLE_INIT, OP_TABLE_SET, OP_TABLE_SIZE, OP_THROW,
)
from ..turns import take_turn
from ..types import F32, F64, HEAP_EXN, I32, V128, FuncType
from .store import extern_value, parse_type, set_reference_types

cdef extern from "os_memory.h" nogil:
    double wcy_now()

cdef extern from "Python.h":
    ctypedef struct PyThreadState
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1
    object PyLong_FromLongLong(long long)
    bint PyLong_CheckExact(object)
    bint PyFloat_CheckExact(object)
    bint PyCallable_Check(object)
    PyThreadState* PyEval_SaveThread() nogil
    void PyEval_RestoreThread(PyThreadState*) nogil
    int Py_EnterRecursiveCall(const char*)  # its error is looked at by hand
    void Py_LeaveRecursiveCall()
    object PyObject_Vectorcall(object, PyObject**, size_t, PyObject*)
    PyObject* PyVectorcall_Call(PyObject*, PyObject*, PyObject*)
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    Py_ssize_t PyVectorcall_NARGS(size_t)
    unsigned long Py_TPFLAGS_HAVE_VECTORCALL
    void PyType_Modified(PyTypeObject*)

cdef extern from *:
    """
    static void wcy_use_vectorcall(PyTypeObject *type, Py_ssize_t offset) {
        type->tp_vectorcall_offset = offset;
        type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        type->tp_call = PyVectorcall_Call;
        PyType_Modified(type);
    }
    """
    void wcy_use_vectorcall(PyTypeObject* type, Py_ssize_t offset)

ctypedef int (*tail_handler)(u64*, u64*, u8*, u64, Instance*, u64, double, float) noexcept nogil
ctypedef u64* (*loop_handler)(u64*, State*) noexcept nogil

cdef u64 RESERVE = 64               # slots kept free at the stack's end, for links
cdef double SIGNAL_PERIOD = 0.02    # seconds between two looks for signals
cdef double POLL_PERIOD = 0.0002    # seconds between two slow polls, aimed at
cdef double EPOCH_PERIOD = 0.005    # seconds between two looks of a thread that waits at its store's epoch
cdef double SLICE = 0.004           # seconds after which a call that may wait lets the event loop run
cdef double FAIR = 0.006            # seconds after which a thread that waits for the GIL has asked for it
cdef i64 FIRST_PACE = 2000          # polls until the first slow one of a call
cdef i64 MAX_PACE = 1 << 17         # polls between two slow ones, at most
cdef int FUEL_BITS = 3              # metered code polls by its charges: 1 << 3 units of fuel count as a poll
cdef u64 PIECE = 1 << 20            # bytes of a bulk operation between two looks around
cdef u64 ERROR_BYTES = 1024         # what a Python exception that a guest holds counts for
cdef Py_ssize_t MAX_FRAMES = 64     # of a backtrace
cdef int MAX_DEPTH = 100            # activations inside each other: host calls that call back
cdef long long T_I32 = I32, T_F32 = F32, T_F64 = F64, T_V128 = V128
DISPATCH = "tail" if WASMCY_TAIL else "loop"

cdef dict MESSAGES = {
    TRAP_UNREACHABLE: "unreachable",
    TRAP_BOUNDS: "out of bounds memory access",
    TRAP_DIVIDE: "integer divide by zero",
    TRAP_OVERFLOW: "integer overflow",
    TRAP_CONVERSION: "invalid conversion to integer",
    TRAP_UNDEFINED: "undefined element",
    TRAP_UNINITIALIZED: "uninitialized element",
    TRAP_SIGNATURE: "indirect call type mismatch",
    TRAP_TABLE_BOUNDS: "out of bounds table access",
    TRAP_UNALIGNED: "unaligned atomic",
    TRAP_NULL: "null reference",
    TRAP_NULL_FUNCTION: "null function reference",
    TRAP_NULL_STRUCT: "null structure reference",
    TRAP_NULL_ARRAY: "null array reference",
    TRAP_NULL_I31: "null i31 reference",
    TRAP_ARRAY_BOUNDS: "out of bounds array access",
    TRAP_CAST: "cast failure",
    TRAP_NULL_DESCRIPTOR: "null descriptor reference",
    TRAP_DESCRIPTOR_CAST: "descriptor cast failure",
}


cdef void enter(Activation* activation, u64* stack_limit) noexcept nogil:
    """Let the machine run from the activation's (pc, sp) until it leaves."""
    go(activation, stack_limit, wcy_f64(activation.value), wcy_f32(<u32>activation.value))


cdef void go(Activation* activation, u64* stack_limit, double f0, float s0) noexcept nogil:
    cdef Instance* instance = activation.instance
    cdef MemoryRecord* memory = instance.memory0
    cdef u64* pc = activation.pc
    cdef u64 value = activation.value
    cdef u64 size = memory.size
    cdef u64 portion = fuel_portion(activation)
    cdef State state
    activation.memory_size = size
    activation.fuel[0] -= portion
    activation.owed = 0
    instance.stack_limit = stack_limit
    instance.poll = activation.poll
    instance.fuel = <i64>portion
    instance.activation = activation
    if WASMCY_TAIL:
        (<tail_handler>pc[0])(pc, activation.sp, memory.base, size, instance, value, f0, s0)
    else:
        state.sp = activation.sp
        state.mem = memory.base
        state.mem_size = size
        state.instance = instance
        state.r0 = value
        state.f0 = f0
        state.s0 = s0
        while pc != NULL:
            pc = (<loop_handler>pc[0])(pc, &state)
    instance = activation.instance
    if activation.reason == LEAVE_FUEL:
        instance.fuel += <i64>cost_at(activation)
    activation.poll = instance.poll - ((<i64>portion - instance.fuel) >> FUEL_BITS)
    activation.fuel[0] += <u64>instance.fuel


cdef u64 fuel_portion(Activation* activation) noexcept nogil:
    """What the machine may spend before it leaves to look around, of the fuel that is left."""
    cdef u64 portion = <u64>activation.poll << FUEL_BITS if activation.poll > 0 else 0
    if portion < activation.owed:
        portion = activation.owed
    return portion if portion < activation.fuel[0] else activation.fuel[0]


cdef u64 cost_at(Activation* activation) noexcept nogil:
    """What the charge at pc asks for: by its block or, where that is 0, by a length."""
    cdef u64 cost = F_HALF(activation.pc)
    return cost if cost else activation.sp[F_D(activation.pc)] >> 6


cdef bint is_paid(Activation* activation) noexcept nogil:
    """Whether there is fuel for the charge at pc: then its portion was used up, which is a poll."""
    activation.value = activation.sp[F_D(activation.pc)]  # for the accumulators (translator.charge)
    activation.owed = cost_at(activation)
    return activation.owed <= activation.fuel[0]


cdef struct Watch:
    PyThreadState* saved            # while the GIL is not held
    double last                     # when it was looked around last, 0: not since the last answer
    double signals                  # when signals were looked for last, 0: not yet
    double taken                    # when the GIL was taken back last, 0: not yet
    double begun                    # when this turn began, of a call that may wait


cdef struct Bulk:                   # a memory.copy or memory.fill
    MemoryRecord* to
    MemoryRecord* source
    u64* operands                   # what is left to do
    bint fill


cdef int run(Store store, Activation* activation) except -1:
    """Run until the outermost function returns; its results are at the activation's first slot.

    1: the call was put aside, to go on when what a host function returned is there, or at its next turn.
    """
    cdef Watch watch
    cdef Bulk bulk
    cdef u64* stack_limit = store.stack + store.stack_slots - RESERVE
    cdef u64 reason
    watch.saved = NULL
    watch.last = watch.signals = watch.taken = 0
    if store.pace > FIRST_PACE:
        store.pace = FIRST_PACE
    activation.poll = store.pace
    if store.interrupted or store.is_over():  # interrupted while it waited
        look_around(store, activation, 0)
    if activation.call != NULL:
        watch.begun = wcy_now()
    if activation.again:
        activation.again = False
        if call_host(store, activation, False):
            return suspend(activation, activation.reason)
        activation.reason = 0
    elif activation.call != NULL and (
        activation.reason == LEAVE_CALL or activation.reason == LEAVE_TAIL_CALL
        or activation.reason == LEAVE_OPERATION and (<Suspended>activation.call).outcome is not None
    ):
        deliver(store, activation)
    while True:
        if activation.reason != LEAVE_BULK and activation.reason != LEAVE_HEAP:
            enter(activation, stack_limit)
        while activation.reason == TRAP_BOUNDS and has_grown(activation):
            go(activation, stack_limit, activation.f0, activation.s0)
        reason = activation.reason
        if reason == LEAVE_RESULT:
            if watch.saved != NULL:
                PyEval_RestoreThread(watch.saved)
            return 0
        if reason == LEAVE_POLL or (reason == LEAVE_FUEL and is_paid(activation)):
            if slow_poll(store, activation, &watch):
                return suspend(activation, 0)
            continue
        if reason == LEAVE_ALLOCATE or reason == LEAVE_HEAP:
            if use_heap(store, activation, &watch):
                return suspend(activation, LEAVE_HEAP)
            continue
        if reason == LEAVE_BULK or (reason == LEAVE_OPERATION and is_bulk(activation)):
            begin_bulk(activation, &bulk)
            if activation.reason != TRAP_BOUNDS:
                while not do_piece(&bulk):
                    if slow_poll(store, activation, &watch):
                        return suspend(activation, reason)
                activation.pc += 3
                activation.reason = 0
                continue
        if watch.saved != NULL:
            take_back(&watch)
        watch.last = 0
        if store.metered:
            if answer_metered(store, activation, stack_limit):
                return suspend(activation, activation.reason)
        elif answer(store, activation, stack_limit):
            return suspend(activation, activation.reason)
        activation.reason = 0
        activation.poll -= store.pace >> 5  # the pace is that of a guest at work: an answer may take any time
        if activation.poll < 0 and slow_poll(store, activation, &watch):
            return suspend(activation, 0)


cdef int suspend(Activation* activation, u64 reason) except -1:
    """Put the call aside; `reason` says what it waits for."""
    cdef Suspended call = <Suspended>activation.call
    call.activation = activation[0]
    call.activation.reason = reason
    try:
        call.put(above(activation))
    except BaseException:
        if hasattr(call.outcome, "close"):  # nobody will await it
            call.outcome.close()
        call.outcome = None
        raise
    return 1


cdef int deliver(Store store, Activation* activation) except -1:
    """Go on after a host function, or a wait for a notification: what there was to await has been awaited."""
    cdef Suspended call = <Suspended>activation.call
    cdef Func func
    cdef bint failed = call.failed
    outcome, call.outcome = call.outcome, None
    call.failed = False
    store.stack_top = above(activation)  # converting may run Python code
    if activation.reason == LEAVE_OPERATION:
        if failed:
            raise outcome
        activation.value = activation.sp[F_D(activation.pc)] = outcome
        activation.pc += 3
        activation.reason = 0
        return 0
    func = <Func>activation.callee.host
    try:
        if failed:
            raise outcome
        func.take(activation.args, outcome)
    except Exception as error:
        host_raised(store, activation, error)
    else:
        returned(store, activation, func)
    activation.reason = 0
    return 0


cdef int use_heap(Store store, Activation* activation, Watch* watch) except -1:
    """An allocation that found no cell, or a long instruction on arrays.  1: it is another call's turn."""
    cdef i64 status
    cdef bint collected = False
    while True:
        status = find_cell(activation) if activation.reason == LEAVE_ALLOCATE else array_step(activation)
        if status == DONE:
            activation.reason = 0
            return 0
        if status == MORE:
            if slow_poll(store, activation, watch):
                return 1
            continue
        if watch.saved != NULL:
            take_back(watch)
        if status == FULL and not collected:
            store.stack_top = above(activation)
            collect(store)
            collected = not is_full(store)
            if collected:
                continue
        if store.metered:
            refund(store, activation.instance, activation.pc)
        if status > 0:
            raise trap(activation, status)
        if status == TOO_LARGE:
            raise MemoryLimit("an array of more than 1 GiB", backtrace(activation))
        raise MemoryLimit(f"memory limit of {store.memory_limit} bytes exceeded", backtrace(activation))


cdef bint has_grown(Activation* activation) noexcept nogil:
    """Whether memory 0 is shared and another thread has made it larger than the machine knew."""
    cdef MemoryRecord* memory = activation.instance.memory0
    return memory.shared and memory.size != activation.memory_size


cdef void take_back(Watch* watch) noexcept nogil:
    PyEval_RestoreThread(watch.saved)
    watch.saved = NULL
    watch.taken = wcy_now()


cdef int slow_poll(Store store, Activation* activation, Watch* watch) except -1:
    """Give up the GIL; look at the clock, and now and then for signals. 1: it is another call's turn.

    A guest that needs Python all the time would take the GIL back before another thread wakes up.
    It keeps it until others must have asked for it: then giving it up waits for one of them.
    """
    cdef double now = wcy_now()
    if watch.saved == NULL and not store.stressed and (watch.last != 0 or now - watch.taken >= FAIR):
        watch.saved = PyEval_SaveThread()
    if watch.last != 0:
        store.pace = paced(store, now - watch.last)
    if watch.signals == 0:
        watch.signals = now
    watch.last = now
    activation.poll = store.pace
    if store.heap.stressed and not knows(store, activation.pc):
        if watch.saved != NULL:
            take_back(watch)
        store.stack_top = above(activation)
        collect(store)
    if is_due(store, now) or now - watch.signals >= SIGNAL_PERIOD:
        watch.signals = now
        if watch.saved != NULL:
            take_back(watch)
        look_around(store, activation, now)
    if activation.call != NULL and now - watch.begun >= SLICE:
        if watch.saved != NULL:
            take_back(watch)
        return 1
    return 0


cdef bint is_due(Store store, double now) noexcept nogil:
    """Whether the running guest is to be stopped."""
    return store.interrupted or (store.deadline != 0 and now >= store.deadline) or store.is_over()


cdef i64 paced(Store store, double elapsed) noexcept nogil:
    """Polls until the next slow one, from how long the last so many took."""
    cdef i64 pace = store.pace
    if store.stressed:
        return 0
    if elapsed > 2 * POLL_PERIOD and pace > 64:
        return pace // 2
    if elapsed < POLL_PERIOD / 2 and pace < MAX_PACE:
        return pace * 2
    return pace


cdef u64* above(Activation* activation) noexcept:
    """The first slot above the running frame: Python code that runs now may call into the store."""
    cdef Code code = <Code>activation.instance.code
    cdef FuncCode* function = code.find(activation.pc)
    if function != NULL:
        return activation.sp + function.code[-1]
    function = code.of_stub(activation.pc)
    if function != NULL:  # about to be translated
        return activation.sp + function.stub[0]
    return activation.sp + MAX_RESULTS + LINK_SLOTS  # returned to the cell of a call from Python or of a link


cdef int look_around(Store store, Activation* activation, double now) except -1:
    """Signals, requests and the deadline; raises what they ask for."""
    store.stack_top = above(activation)
    PyErr_CheckSignals()
    if store.interrupted:
        store.interrupted = 0
        raise KeyboardInterrupt
    if store.deadline != 0 and now >= store.deadline:
        raise Timeout(f"timeout of {store.timeout} s exceeded", backtrace(activation))
    if store.is_over():
        raise Timeout(f"deadline at tick {store.last_tick} reached", backtrace(activation))
    return 0


@cython.internal
cdef class Lookout:
    """Called while a function is translated: what would end the call that wants it ends the translation."""

    cdef Store store                # None: the translation is over
    cdef Activation* activation

    def __call__(self):
        take_turn()
        if self.store is not None:
            look_around(self.store, self.activation, wcy_now())


cdef int translate(Store store, Activation* activation, FuncCode* function) except -1:
    cdef Lookout watch = Lookout()
    watch.store, watch.activation = store, activation
    try:
        (<Code>activation.instance.code).translate(function, watch)
    finally:
        watch.store = None
    return 0


cdef int answer(Store store, Activation* activation, u64* stack_limit) except -1:
    """Whatever needs Python: calls that leave, translation, rare instructions, exceptions, traps.

    1: a host function returned something to wait for.
    """
    cdef u64 reason = activation.reason
    cdef FuncCode* function
    if reason == LEAVE_SUBTYPE or reason == LEAVE_TAIL_SUBTYPE:
        store.stack_top = above(activation)  # for what a collection may run
        reason = call_subtype(activation)
    if reason == LEAVE_CALL or reason == LEAVE_TAIL_CALL:
        if activation.callee.instance == NULL:
            return call_host(store, activation, reason == LEAVE_TAIL_CALL)
        store.stack_top = above(activation)
        return call_across(activation, stack_limit, reason == LEAVE_TAIL_CALL)
    if reason == LEAVE_LINK:
        return return_across(activation)
    if reason == LEAVE_OPERATION:
        return operate(store, activation)
    store.stack_top = above(activation)
    if reason == LEAVE_TRANSLATE:
        function = (<Code>activation.instance.code).of_stub(activation.pc)
        translate(store, activation, function)
        activation.pc = function.code
        if activation.sp + function.code[-1] > stack_limit:
            raise StackExhausted("call stack exhausted", backtrace(activation))
        return 0
    if reason == LEAVE_THROW:
        return throw(store, activation)
    if reason == LEAVE_FUEL:
        raise FuelExhausted("fuel exhausted", backtrace(activation), put_aside(store, activation))
    if reason == LEAVE_EXHAUSTED:
        raise StackExhausted("call stack exhausted", backtrace(activation))
    raise trap(activation, reason)


cdef int answer_metered(Store store, Activation* activation, u64* stack_limit) except -1:
    """The same; a trap gives back what its block has paid for and not executed."""
    cdef u64 reason = activation.reason
    cdef u64* pc = activation.pc
    try:
        return answer(store, activation, stack_limit)
    except BaseException:
        if reason < LEAVE_EXHAUSTED or reason == LEAVE_OPERATION:
            refund(store, activation.instance, pc)
        raise


cdef int refund(Store store, Instance* instance, u64* pc) except -1:
    """The instruction at pc is the last of its block that is executed."""
    cdef Code code = <Code>instance.code
    cdef FuncCode* function = function_at(instance, pc)
    store.fuel_left += <u64>code.fuel_after(function.index, offset_at(code, function, pc - function.code))
    return 0


cdef trap(Activation* activation, u64 reason):
    message = MESSAGES[reason]
    if reason == TRAP_UNINITIALIZED:
        message = f"{message} {activation.value}"
    return Trap(message, backtrace(activation))


# ------------------------------------------------------------------------------------ calls that leave
cdef u64 call_subtype(Activation* activation) except 0:
    """An indirect call's callee is not of the type expected: it may be called if that is a supertype of its own.

    The answer is how the call leaves.  Spec: 4.6.5 "Control Instructions", call_indirect.
    """
    cdef u64 reason = LEAVE_TAIL_CALL if activation.reason == LEAVE_TAIL_SUBTYPE else LEAVE_CALL
    if not matching.is_subtype(activation.callee.type, wcy_half(activation.pc + 2, 0)):
        raise trap(activation, TRAP_SIGNATURE)
    activation.reason = reason
    if reason == LEAVE_CALL:
        activation.pc += 3
    return reason


cdef int call_host(Store store, Activation* activation, bint tail) except -1:
    """Call a Python function with the arguments at `args`; its results replace them."""
    cdef Func func = <Func>activation.callee.host
    cdef u64* args = activation.args
    cdef u64* top = store.stack_top
    cdef Instance* instance = activation.instance
    cdef int status
    activation.reason = LEAVE_TAIL_CALL if tail else LEAVE_CALL
    store.stack_top = args + max(func.param_slots, func.result_slots) + 2
    status = host_status(func, args, <PyObject*>instance.object, activation.call)
    store.stack_top = top
    if status == 0:
        return returned(store, activation, func)
    return host_failed(store, activation) if status == -1 else 1


cdef int returned(Store store, Activation* activation, Func func) noexcept:
    """A host function's results stand at `args`."""
    if store.interrupted or store.is_over() or store.deadline != 0 and wcy_now() >= store.deadline:
        activation.poll = -1
    if activation.reason == LEAVE_TAIL_CALL:
        finish_tail_call(activation, func.result_slots)
    else:
        activation.value = activation.args[0]
    return 0


cdef int host_failed(Store store, Activation* activation) except -1:
    try:
        raise_again(-1)
    except Exception as error:
        host_raised(store, activation, error)
    return 0


cdef int host_raised(Store store, Activation* activation, error) except -1:
    """A host function raised: guests may catch an Exception that is no trap or limit."""
    if isinstance(error, WasmError) and not isinstance(error, GuestException):
        if isinstance(error, FuelExhausted):
            error.call = None  # the host function cannot go on
        raise error
    if not catch_error(store, activation, error):
        raise error
    return 0


cdef void finish_tail_call(Activation* activation, u64 results) noexcept:
    """Return the results at `args` from the frame that made a tail call."""
    cdef u64* sp = activation.sp
    cdef u64 record = F_C(activation.pc)
    cdef u64* pc = <u64*>sp[record]
    cdef u64 distance = sp[record + 1]
    memmove(sp, activation.args, results * sizeof(u64))
    activation.value = sp[0]
    activation.pc = pc
    activation.sp = <u64*>(<u8*>sp - distance)


cdef int call_across(Activation* activation, u64* stack_limit, bint tail) except -1:
    """Call a function of another instance (docs/architecture.md, "Frames")."""
    cdef FuncRef* callee = activation.callee
    cdef FuncCode* function = callee.code
    cdef u64* code = <u64*>wcy_load_acquire(&function.code)
    cdef u64 n = function.params
    cdef u64* args = activation.args
    cdef u64* sp = activation.sp
    cdef u64* link
    cdef u64 record = F_C(activation.pc) if tail else 0
    cdef u64* back = <u64*>sp[record] if tail else activation.pc
    cdef u64 distance = sp[record + 1] if tail else 0
    link = sp if tail else args + n
    if link + LINK_SLOTS + n + 2 + code[-1] > stack_limit:
        raise StackExhausted("call stack exhausted", backtrace(activation))
    if tail and back == LINK_CELL:  # the link that is there serves again
        memmove(sp, args, n * sizeof(u64))
        sp[n] = <u64>back
        sp[n + 1] = distance
    else:
        memmove(link + LINK_SLOTS, args, n * sizeof(u64))
        link[0] = <u64>back
        link[1] = distance // 8 if tail else <u64>(link - sp)
        link[2] = <u64>activation.instance
        link[3] = function.results
        link[4] = 0 if tail else n
        sp = link + LINK_SLOTS
        sp[n] = <u64>LINK_CELL
        sp[n + 1] = LINK_SLOTS * 8
    if callee.instance.object == NULL:
        raise AssertionError("a function of a dead instance")
    if activation.call != NULL and not (<Suspended>activation.call).reentrant:
        enter_instance(<Suspended>activation.call, callee.instance)
    elif callee.instance.suspended and activation.call == NULL:
        raise WasmError(OVERTAKING)
    activation.sp = sp
    activation.pc = code
    activation.instance = callee.instance
    activation.poll -= 1
    return 0


cdef int return_across(Activation* activation) except -1:
    """A callee in another instance returned to its link."""
    cdef u64* link = activation.sp
    cdef u64* args = link - link[4]
    cdef u64 results = link[3]
    activation.pc = <u64*>link[0]
    activation.sp = link - link[1]
    activation.instance = <Instance*>link[2]
    memmove(args, link + LINK_SLOTS, results * sizeof(u64))
    activation.value = args[0]
    return 0


# ------------------------------------------------------------------------------------ backtraces
cdef tuple backtrace(Activation* activation):
    """The frames of an activation, innermost first."""
    cdef u64* pc = activation.pc
    cdef u64* sp = activation.sp
    cdef Instance* instance = activation.instance
    cdef FuncCode* function
    cdef Code code
    cdef Py_ssize_t n = 0
    cdef bint inner = activation.reason != LEAVE_CALL
    frames = []
    while n < MAX_FRAMES:
        code = <Code>instance.code
        function = function_at(instance, pc if inner else pc - 1)
        if function == NULL:
            function = code.of_stub(pc)
            if function == NULL:
                break  # not in code at all
            offset = None
        else:
            offset = offset_at(code, function, pc - function.code - (not inner))
        module = code.module
        start = module.body_start[function.index - module.n_imported_funcs]
        name = module.function_name(function.index)
        borrowed = name is not None and module.own_name(function.index) is None
        frames.append(Frame(function.index, name, offset, module.name, start, borrowed))
        n += 1
        if not pop_frame(&pc, &sp, &instance, function):
            break
        inner = False
    return tuple(frames)


cdef offset_at(Code code, FuncCode* function, Py_ssize_t word):
    """The wasm offset of the instruction that word belongs to."""
    points = code.points(function.index)
    while word >= 0:
        if word in points:
            return points[word]
        word -= 1
    return None


# ------------------------------------------------------------------------------------ rare instructions
cdef u64 O_MEMORY_COPY = OP_MEMORY_COPY, O_MEMORY_FILL = OP_MEMORY_FILL


cdef bint is_bulk(Activation* activation) noexcept nogil:
    """Whether the operation at pc is a memory.copy or memory.fill, which need no Python."""
    return F_A(activation.pc) == O_MEMORY_COPY or F_A(activation.pc) == O_MEMORY_FILL


cdef void begin_bulk(Activation* activation, Bulk* bulk) noexcept nogil:
    """What the instruction at pc copies or fills; out of bounds, it becomes the reason that the machine left for.

    The handlers for memory 0 put operands they had checked at slot C; those of an operation are at slot D.
    """
    cdef u64* pc = activation.pc
    cdef MemoryRecord** memories = activation.instance.memories
    cdef u64* operands
    cdef u64 op
    if activation.reason == LEAVE_BULK:
        operands = activation.sp + F_C(pc)
        op = wcy_half(pc + 2, 0)
        bulk.to = bulk.source = memories[0]
    else:
        operands = activation.sp + F_D(pc)
        op = F_A(pc)
        bulk.to = memories[wcy_half(pc + 2, 0)]
        bulk.source = memories[wcy_half(pc + 2, 1)]
    bulk.operands = operands
    bulk.fill = op == O_MEMORY_FILL
    activation.poll -= <i64>(operands[2] >> 8)
    if not within(operands[0], operands[2], bulk.to.size) or not (
        bulk.fill or within(operands[1], operands[2], bulk.source.size)
    ):
        activation.reason = TRAP_BOUNDS


cdef bint within(u64 at, u64 n, u64 size) noexcept nogil:
    return at <= size and n <= size - at


cdef bint do_piece(Bulk* bulk) noexcept nogil:
    """A piece of a memory.copy or memory.fill; True: it was the last.  Between pieces a memory may grow and move."""
    cdef u64* operands = bulk.operands
    cdef u8* to = bulk.to.base + operands[0]
    cdef u8* source = bulk.source.base + operands[1]
    cdef u64 n = operands[2]
    cdef u64 piece = n if n < PIECE else PIECE
    if bulk.fill:
        memset(to, <int>(operands[1] & 255), piece)
        operands[0] += piece
    elif bulk.to != bulk.source or operands[0] <= operands[1]:
        memmove(to, source, piece)
        operands[0] += piece
        operands[1] += piece
    else:  # from the end, where the spans may overlap
        memmove(to + n - piece, source + n - piece, piece)
    operands[2] = n - piece
    return operands[2] == 0


cdef int operate(Store store, Activation* activation) except -1:
    """One of operations.OPERATIONS: operands from slot D on, the result in their place.  1: it is to be awaited."""
    cdef u64* pc = activation.pc
    cdef u64* operands = activation.sp + F_D(pc)
    cdef u64 op = F_A(pc)
    cdef u32 x = wcy_half(pc + 2, 0), y = wcy_half(pc + 2, 1)
    cdef InstanceData instance = <InstanceData>activation.instance.object
    cdef MemoryRecord* memory
    cdef u64 size
    cdef i64 grown, status
    cdef bint finished = True
    store.stack_top = operands + 5  # for what a collection may run
    if op == OP_MEMORY_GROW:
        grown = (<Memory>instance.memories[x]).grow_pages(operands[0], store)
        operands[0] = as_size(memory_is64(instance, x), grown)
    elif op == OP_MEMORY_INIT:
        finished = init_memory((<Memory>instance.memories[y]), instance, x, operands, activation)
    elif op == OP_DATA_DROP:
        instance.datas[x] = None
    elif op == OP_TABLE_SIZE:
        operands[0] = (<Table>instance.tables[x]).record.size
    elif op == OP_TABLE_GROW:
        grown = grow_table(store, (<Table>instance.tables[x]), operands, activation)
        operands[0] = as_size((<Table>instance.tables[x]).record.is64, grown)
    elif op == OP_TABLE_GET:
        check(operands[0], 1, (<Table>instance.tables[x]).record.size, TRAP_TABLE_BOUNDS, activation)
        operands[0] = (<Table>instance.tables[x]).record.elements[operands[0]]
    elif op == OP_TABLE_SET:
        check(operands[0], 1, (<Table>instance.tables[x]).record.size, TRAP_TABLE_BOUNDS, activation)
        (<Table>instance.tables[x]).record.elements[operands[0]] = operands[1]
    elif op == OP_TABLE_FILL:
        finished = fill_table((<Table>instance.tables[x]), operands, activation)
    elif op == OP_TABLE_COPY:
        finished = copy_table((<Table>instance.tables[x]), (<Table>instance.tables[y]), operands, activation)
    elif op == OP_TABLE_INIT:
        finished = init_table((<Table>instance.tables[y]), instance, x, operands, activation)
    elif op == OP_ELEM_DROP:
        instance.elems[x] = None
    elif op == OP_ARRAY_NEW_DATA or op == OP_ARRAY_NEW_ELEM or op == OP_ARRAY_INIT_DATA or op == OP_ARRAY_INIT_ELEM:
        status = segment_operation(store, instance, op, x, y, operands)
        if status != DONE:
            raise trap(activation, status)
    elif op == OP_MEMORY_ATOMIC_NOTIFY:
        memory = &(<Memory>instance.memories[x]).record
        operands[0] = notify(memory.base + operands[0], operands[1]) if memory.shared else 0
    elif op == OP_MEMORY_ATOMIC_WAIT32 or op == OP_MEMORY_ATOMIC_WAIT64:
        memory = &(<Memory>instance.memories[x]).record
        size = 4 if op == OP_MEMORY_ATOMIC_WAIT32 else 8
        if not memory.shared:
            raise Trap("expected shared memory", backtrace(activation))
        if activation.call != NULL:
            from .awaiting import until_notified  # which takes an event loop, and milliseconds to import
            waiter = loop_waiter(instance.memories[x], memory.base + operands[0], operands[1], size)
            (<Suspended>activation.call).outcome = until_notified(waiter, <i64>operands[2], store.time_left)
            return 1
        operands[0] = wait(store, activation, memory.base + operands[0], operands, size)
    else:
        raise AssertionError(f"no operation {op}")
    if finished:
        activation.value = operands[0]
        activation.pc = pc + 3
    else:  # the operands say what is left: the same instruction again, after a look around
        activation.poll = -1
    return 0


cdef bint memory_is64(InstanceData instance, u32 index) noexcept:
    return (<Memory>instance.memories[index]).record.is64


cdef u64 as_size(bint is64, i64 result) noexcept:
    """The result of memory.grow or table.grow: -1 in the width of the address type."""
    return <u64>result if is64 else <u32>result


cdef int check(u64 at, u64 n, u64 size, u64 reason, Activation* activation) except -1:
    if at > size or n > size - at:
        raise trap(activation, reason)
    return 0


cdef i64 wait(Store store, Activation* activation, u8* address, u64* operands, u64 size) except -1:
    """memory.atomic.wait: 0 woken by a notification, 1 not equal, 2 timed out.

    The time is in nanoseconds, negative for any.  Signals, interrupts and the deadline end a wait, too.
    """
    cdef Waiter waiter
    cdef void* outer = store.waiter  # of an activation that was interrupted by a signal handler
    cdef i64 nanoseconds = <i64>operands[2]
    cdef double now = wcy_now()
    cdef double end = now + <double>nanoseconds * 1e-9
    cdef double until
    if not enter_queue(&waiter, address, operands[1], size, &store.waiter, NULL):
        return 1
    try:
        while True:
            look_around(store, activation, now)
            if nanoseconds >= 0 and now >= end:
                break
            until = end if nanoseconds >= 0 else now + 1e9
            if store.deadline != 0 and store.deadline < until:
                until = store.deadline
            if store.tick != NULL and now + EPOCH_PERIOD < until:
                until = now + EPOCH_PERIOD
            if sleep(&waiter, until - now):
                break
            now = wcy_now()
    finally:
        notified = leave_queue(&waiter, &store.waiter, outer)
    return 0 if notified else 2


cdef u64 next_piece(u64 n, u64 size) noexcept:
    """How many of n things of `size` bytes are done before the next look around."""
    return n if n < PIECE // size else PIECE // size


cdef bint init_memory(
    Memory memory, InstanceData instance, u32 segment, u64* operands, Activation* activation
) except -1:
    """A piece of memory.init; True: it was the last."""
    cdef const u8[::1] data
    cdef u64 start = 0, end = 0, piece = next_piece(operands[2], 1)
    bounds = instance.datas[segment]
    if bounds is not None:
        start, end = bounds
    check(operands[1], operands[2], end - start, TRAP_BOUNDS, activation)
    check(operands[0], operands[2], memory.record.size, TRAP_BOUNDS, activation)
    if piece:
        data = (<Code>instance.code).module.data
        memcpy(memory.record.base + operands[0], &data[start + operands[1]], piece)
    return advance(operands, piece)


cdef bint advance(u64* operands, u64 piece) noexcept:
    operands[0] += piece
    operands[1] += piece
    operands[2] -= piece
    return operands[2] == 0


cdef i64 grow_table(Store store, Table table, u64* operands, Activation* activation) except -2:
    """table.grow: the size before, or -1.  What is new is filled first, and then becomes part of the table."""
    cdef u64 old, count = operands[1], filled = 0, end
    if count <= table.record.max:
        store.find_room(count * sizeof(u64))
    old = table.record.size
    if not table.make_room(count):
        return -1
    while filled < count:
        end = filled + next_piece(count - filled, sizeof(u64))
        while filled < end:
            table.record.elements[old + filled] = operands[0]
            filled += 1
        if filled < count:
            look_around(store, activation, wcy_now())
            if table.record.size != old:  # a signal handler has grown it
                return grow_table(store, table, operands, activation)
    table.add(count)
    return <i64>old


cdef bint fill_table(Table table, u64* operands, Activation* activation) except -1:
    """A piece of table.fill; True: it was the last."""
    cdef u64 i, piece = next_piece(operands[2], sizeof(u64))
    check(operands[0], operands[2], table.record.size, TRAP_TABLE_BOUNDS, activation)
    for i in range(operands[0], operands[0] + piece):
        table.record.elements[i] = operands[1]
    operands[0] += piece
    operands[2] -= piece
    return operands[2] == 0


cdef bint copy_table(Table to, Table source, u64* operands, Activation* activation) except -1:
    """A piece of table.copy; True: it was the last."""
    cdef u64 piece = next_piece(operands[2], sizeof(u64)), rest = operands[2] - piece
    check(operands[0], operands[2], to.record.size, TRAP_TABLE_BOUNDS, activation)
    check(operands[1], operands[2], source.record.size, TRAP_TABLE_BOUNDS, activation)
    if to is not source or operands[0] <= operands[1]:
        memmove(to.record.elements + operands[0], source.record.elements + operands[1], piece * sizeof(u64))
        return advance(operands, piece)
    memmove(  # from the end, where the spans may overlap
        to.record.elements + operands[0] + rest, source.record.elements + operands[1] + rest, piece * sizeof(u64)
    )
    operands[2] = rest
    return rest == 0


cdef bint init_table(Table table, InstanceData instance, u32 segment, u64* operands, Activation* activation) except -1:
    """A piece of table.init; True: it was the last."""
    cdef const u64[::1] words
    cdef u64 n = 0, piece = next_piece(operands[2], sizeof(u64))
    elements = instance.elems[segment]
    if elements is not None:
        n = len(elements)
    check(operands[1], operands[2], n, TRAP_TABLE_BOUNDS, activation)
    check(operands[0], operands[2], table.record.size, TRAP_TABLE_BOUNDS, activation)
    if piece:
        words = elements
        memcpy(table.record.elements + operands[0], &words[operands[1]], piece * sizeof(u64))
    return advance(operands, piece)


# ------------------------------------------------------------------------------------ exceptions
cdef Exception_* new_exception(Store store, TagRecord* tag, u64* values, u64 n) except NULL:
    """An exception; the values lie where a collection finds them. NULL as tag: the cell of a Python exception."""
    cdef Exception_* exception = <Exception_*>new_object(store, 2 + n)
    exception.header |= EXCEPTION | n << 32
    exception.tag = tag
    memcpy(exception.values, values, n * sizeof(u64))
    return exception


cdef int throw(Store store, Activation* activation) except -1:
    """throw and throw_ref: [D operands, A instruction, B their number][tag]."""
    cdef u64* pc = activation.pc
    cdef u64* operands = activation.sp + F_D(pc)
    cdef Exception_* exception
    cdef Held held
    cdef u64 word
    if F_A(pc) == OP_THROW:
        exception = new_exception(store, activation.instance.tags[wcy_half(pc + 2, 0)], operands, F_B(pc))
    else:
        exception = <Exception_*>operands[0]
        if exception == NULL:
            raise Trap("null exception reference", backtrace(activation))
    word = <u64>exception
    store.keep(&held, &word, 1)
    try:
        if unwind(activation, exception, True):
            return 0
        raise uncaught(store, exception, backtrace(activation))
    finally:
        store.release(&held)


cdef uncaught(Store store, Exception_* exception, frames):
    """What Python sees of an exception that no guest caught."""
    cdef u64* at
    if exception.tag == NULL:
        return extern_value(store, exception.values[0])
    tag = <Tag>exception.tag.object
    values = []
    at = exception.values  # the caller holds the exception
    for t in tag.type.params:
        if at[0] and t.is_ref and t.heap == HEAP_EXN:
            values.append(uncaught(store, <Exception_*>at[0], ()))
        else:
            values.append(from_slots(store, t, at))
        at += 2 if t == V128 else 1
    return GuestException("uncaught exception", frames, tag, tuple(values))


cdef bint catch_error(Store store, Activation* activation, error) except -1:
    """Whether a guest catches an exception that a host function raised; then it goes on there."""
    cdef Exception_* exception
    cdef object tag = error.tag if isinstance(error, GuestException) else None
    store.stack_top = above(activation)
    if isinstance(tag, Tag) and (<Tag>tag).store is store:
        exception = exception_of(store, tag, tuple(error.values))
    else:
        exception = caught(store, error)
    return unwind(activation, exception, False)


cdef Exception_* exception_of(Store store, Tag tag, tuple given) except NULL:
    """An exception with a tag of the store and values from Python."""
    cdef object types = tag.type.params
    cdef u64 at = 0, n = len(types), i
    cdef u64* words
    cdef Held held
    if len(given) != len(types):
        raise TypeError(f"{tag!r} takes {n} values, not {given!r}")
    words = <u64*>calloc(tag.record.params + 1, sizeof(u64))
    if words == NULL:
        raise MemoryError
    store.keep(&held, words, tag.record.params)
    try:
        for i in range(n):
            at += <u64>to_slots(store, types[i], given[i], words + at)
        return new_exception(store, &tag.record, words, at)
    finally:
        store.release(&held)
        free(words)


cdef Exception_* caught(Store store, error) except NULL:
    """An exception that stands for a Python exception."""
    cdef u64 word = store.cell(error, ERROR_BYTES)
    cdef Held held
    store.keep(&held, &word, 1)
    try:
        return new_exception(store, NULL, &word, 1)
    finally:
        store.release(&held)


cdef bint unwind(Activation* activation, Exception_* exception, bint inner) except -1:
    """Find the innermost clause that catches, and let the activation go on there; False: none does.

    `inner`: pc is the instruction itself, not the one after a call.
    """
    cdef u64* pc = activation.pc
    cdef u64* sp = activation.sp
    cdef Instance* instance = activation.instance
    cdef FuncCode* function
    cdef CatchClause* clause
    cdef u64 word, i, n
    if activation.reason == LEAVE_TAIL_CALL:  # its frame is gone already
        function = function_at(instance, pc)
        if not pop_frame(&pc, &sp, &instance, function):
            return False
        inner = False
    while True:
        function = function_at(instance, pc if inner else pc - 1)
        if function == NULL:
            raise AssertionError("a frame without a function")
        word = <u64>(pc - function.code) - (not inner)
        i = 0
        while i < function.n_clauses:
            clause = &function.clauses[i]
            i += 1
            if word < clause.start or word >= clause.end:
                continue
            if clause.kind == DELEGATES:
                i = clause.target
                continue
            if not clause.kind & CATCHES_ALL and instance.tags[clause.tag] != exception.tag:
                continue
            n = 0 if clause.kind & CATCHES_ALL else exception.header >> 32
            memcpy(sp + clause.slot, exception.values, n * sizeof(u64))
            if clause.kind & CATCHES_REF:
                sp[clause.slot + n] = <u64>exception
            if clause.kind & CATCHES_OLD:
                sp[clause.slot - 1] = <u64>exception
            activation.pc = function.code + clause.target
            activation.sp = sp
            activation.instance = instance
            activation.reason = 0
            activation.poll -= 1
            return True
        if not pop_frame(&pc, &sp, &instance, function):
            return False
        inner = False


# ------------------------------------------------------------------------------------ functions
# Calls whose error is looked at by the caller: Cython's own `try` costs more than a short call.
ctypedef int (*run_type)(Store, Activation*) noexcept
ctypedef int (*host_call_type)(Func, u64*, PyObject*, void*) noexcept
cdef run_type run_status = <run_type>run


cdef int own_stack(Store store) except -1:
    return store.own_stack()


cdef int exhausted() except -1:
    raise StackExhausted("call stack exhausted")


cdef int take_results(Func func, u64* words, bint raw, PyObject** to) except -1:
    cdef Held held
    if func.traced:
        func.store.keep(&held, words, func.result_slots)
    try:
        result = func.results(words, raw)
    finally:
        if func.traced:
            func.store.release(&held)
    Py_INCREF(result)
    to[0] = <PyObject*>result
    return 0


cdef Suspended put_aside(Store store, Activation* activation):
    """The running call as an object that can go on later."""
    cdef Suspended call = Suspended.__new__(Suspended)
    call.store = store
    call.func = <object>activation.func
    call.raw = activation.raw
    call.activation = activation[0]
    call.activation.reason = 0
    call.activation.call = NULL
    call.put(above(activation))
    return call


cdef int place_again(Suspended call, Activation* activation, u64* sp, u64* limit) except -1:
    """Put a call's part of the stack back, at `sp`."""
    if sp + call.count > limit:
        raise StackExhausted("call stack exhausted")
    memcpy(sp, call.words, call.count * sizeof(u64))
    activation[0] = call.activation
    activation.sp = sp + (call.activation.sp - call.words)
    activation.args = sp + (call.activation.args - call.words)
    activation.base = sp
    call.mark(-1)
    call.drop()
    return 0


cdef str OVERTAKING = (
    "the instance has a suspended call: a guest has one stack in its memory (reentrant=True, queue=True)"
)


cdef int may_not_enter(Func func, Suspended call) except -1:
    if func.store.depth >= MAX_DEPTH:
        raise StackExhausted("call stack exhausted: host functions call back too deeply")
    if call is None or call.words == NULL and not call.reentrant:
        raise WasmError(OVERTAKING)
    return 0


cdef int enter_instance(Suspended call, Instance* instance) except -1:
    """A call that may wait enters another instance."""
    if instance.suspended:
        raise WasmError(OVERTAKING)
    cdef object entered = <object>instance.object
    if call.entered is None:
        call.entered = [<object>(<Func>call.func).ref.instance.object]
    if entered not in call.entered:
        call.entered.append(entered)
    return 0


ctypedef int (*may_not_enter_type)(Func, Suspended) noexcept
cdef may_not_enter_type may_not_enter_status = <may_not_enter_type>may_not_enter
ctypedef int (*place_again_type)(Suspended, Activation*, u64*, u64*) noexcept
cdef place_again_type place_again_status = <place_again_type>place_again
ctypedef int (*results_type)(Func, u64*, bint, PyObject**) noexcept
cdef results_type results_status = <results_type>take_results
ctypedef int (*store_type)(Store) noexcept
ctypedef int (*plain_type)() noexcept
cdef store_type own_stack_status = <store_type>own_stack
cdef plain_type exhausted_status = <plain_type>exhausted


cdef int raise_again(int status) except -1:
    """Let the error that is set propagate."""
    return status


cdef int host_call(Func func, u64* args, PyObject* caller, void* call) except -1:
    return func.host_call(args, <object>caller, call)


cdef host_call_type host_status = <host_call_type>host_call


# What calls.pyx adds: call_async's coroutine.
ctypedef object (*call_maker)(Func, tuple, bint, bint)
cdef call_maker make_call = NULL


cdef void set_call_maker(void* function) noexcept:
    global make_call
    make_call = <call_maker>function


cdef object BARE = object()         # for Func.__new__: its maker fills it in


cdef class Func:
    """Func(callable, params=(), results=(), *, type=None, store=None)
--

    A function: one that a module exports or a reference names, or a Python function with a type.

    Calling it takes and returns ints and floats, and 16 bytes for a v128; several results come as a tuple.

        >>> double = Func(lambda x: 2 * x, ["i32"], ["i32"])
        >>> double(21)
        42

    Spec: 4.2.6 "Function Instances".
    """

    def __cinit__(self, callable, params=(), results=(), *, type=None, Store store=None):
        self.vectorcall = <vectorcallfunc>func_vectorcall
        if callable is BARE:
            return  # made by the engine, which fills it in
        if type is None:
            type = FuncType([parse_type(t) for t in params], [parse_type(t) for t in results])
        elif type.__class__ is not FuncType:
            raise TypeError(f"expected a FuncType, got {type.__class__.__name__}")
        if any([t.is_concrete for t in (*type.params, *type.results)]):
            raise ValueError(f"{type} names types by their index in a module")
        self.set_callable(callable, type)
        self.own.type = canonical_of(type)
        if store is not None:
            self.join(store)

    cdef int set_callable(self, object callable, object type) except -1:
        """Become a host function."""
        if not PyCallable_Check(callable):
            raise TypeError(f"expected a callable, got {callable.__class__.__name__}")
        self.callable = callable
        self.wants_caller = getattr(callable, "wants_caller", False) is True
        self.name = getattr(callable, "__name__", None)
        self.ref = &self.own
        self.own.host = <void*>self
        return self.set_type(type)

    def __dealloc__(self):
        free(self.types)

    cdef int set_type(self, object type) except -1:
        self.type = type
        self.n_params = len(type.params)
        self.n_results = len(type.results)
        self.param_slots = slots_of(type.params)
        self.result_slots = slots_of(type.results)
        self.vectors = self.param_slots + self.result_slots != <u64>(self.n_params + self.n_results)
        self.types = <long long*>malloc((self.n_params + self.n_results + 1) * sizeof(long long))
        if self.types == NULL:
            raise MemoryError
        for i, t in enumerate((*type.params, *type.results)):
            self.types[<size_t>i] = t
            self.traced = self.traced or is_traced(t)
        return 0

    cdef int join(self, Store store) except -1:
        if self.store is not None and self.store is not store:
            from ..errors import LinkError
            raise LinkError("the function belongs to another store")
        if self.store is None:
            self.store = store
            store.kept.append(self)
        self.own.owner = <void*>store
        return 0

    def _word(self, Store store, long long valtype):
        """The reference's word, for a place of type `valtype` in `store`."""
        if self.store is None and store is not None:
            self.join(store)
        if self.store is not store:
            raise TypeError("the function belongs to another store")
        if not matching.heap_matches(matching_heap(self.ref.type), valtype & 0xCFFFFFFFF):
            raise TypeError("the function's type does not match")
        return <size_t>self.ref

    cdef object invoke(self, PyObject** args, Py_ssize_t n):
        """Call with n Python arguments."""
        cdef u64 few[16]
        cdef u64* words = few
        cdef Py_ssize_t i
        cdef long long number
        cdef int overflow = 0
        if n != self.n_params:
            raise TypeError(f"{self.name or 'function'} takes {self.n_params} arguments ({n} given)")
        if self.ref.instance == NULL:
            return self.invoke_host(args, n)
        if n > 16 or self.vectors or self.traced:
            return self.invoke_many(args, n)
        for i in range(n):
            if self.types[i] == T_I32 and PyLong_CheckExact(<object>args[i]):
                number = PyLong_AsLongLongAndOverflow(<object>args[i], &overflow)
                if not overflow and (number == <i32>number or number == <i64><u32>number):
                    words[i] = <u32>number
                    continue
            elif self.types[i] == T_F64 and PyFloat_CheckExact(<object>args[i]):
                words[i] = wcy_bits64(<double><object>args[i])
                continue
            words[i] = self.argument(i, <object>args[i])
        return self.invoke_words(words, False, None)

    cdef object invoke_many(self, PyObject** args, Py_ssize_t n):
        cdef u64* words = <u64*>calloc(self.param_slots + 1, sizeof(u64))
        cdef Held held
        if words == NULL:
            raise MemoryError
        self.store.keep(&held, words, self.param_slots)
        try:
            self.arguments(args, n, words)
            return self.invoke_words(words, False, None)
        finally:
            self.store.release(&held)
            free(words)

    cdef u64 argument(self, Py_ssize_t i, object value) except? 0xFFFFFFFFFFFFFFFF:
        cdef u64 words[2]
        self.arguments_from(i, value, words)
        return words[0]

    cdef int arguments(self, PyObject** args, Py_ssize_t n, u64* words) except -1:
        cdef Py_ssize_t i
        for i in range(n):
            words += self.arguments_from(i, <object>args[i], words)
        return 0

    cdef int arguments_from(self, Py_ssize_t i, object value, u64* words) except -1:
        """One argument into its slots; returns their number."""
        try:
            return to_slots(self.store, self.types[i], value, words)
        except (TypeError, OverflowError) as error:
            raise type(error)(f"argument {i + 1} of {self.name or 'function'}: {error}") from None

    cdef object invoke_words(self, u64* words, bint raw, Suspended call):
        """Call with converted arguments, or go on with a call that was put aside.

        From here on no Python code runs but the guest's host functions.
        """
        cdef Store store = self.store
        cdef Activation activation
        cdef u64* sp
        cdef u64* limit
        cdef FuncCode* function = self.ref.code
        cdef PyObject* result
        cdef object value
        cdef Py_ssize_t i
        cdef long long number
        cdef bint quick = False, resumed = call is not None and call.words != NULL
        cdef int status, taken = wcy_take(&store.owner, PyThread_get_thread_ident())
        cdef bint waited = store.suspendable
        if taken == 0:
            raise WasmError("the store is in use by another thread")
        status = 0
        if store.depth >= MAX_DEPTH or self.ref.instance.suspended:
            status = may_not_enter_status(self, call)
        if taken == 1 and status == 0:
            if not resumed:
                store.interrupted = 0
            if store.stack == NULL:
                status = own_stack_status(store)
            if store.timeout != 0:
                store.deadline = wcy_now() + store.timeout
                if call is not None and call.deadline != 0:
                    store.deadline = call.deadline
        if status == 0:
            status = Py_EnterRecursiveCall(b" in a WebAssembly call")
            if status == 0:
                sp = store.stack_top
                limit = store.stack + store.stack_slots - RESERVE
                if resumed:
                    status = place_again_status(call, &activation, sp, limit)
                else:
                    activation.pc = <u64*>wcy_load_acquire(&function.code)
                    if sp + activation.pc[-1] > limit or sp + max(self.param_slots, self.result_slots) + 2 > limit:
                        status = exhausted_status()
                    else:
                        for i in range(self.param_slots):
                            sp[i] = words[i]
                        sp[self.param_slots] = <u64>RESULT_CELL
                        sp[self.param_slots + 1] = 0
                        activation.sp = sp
                        activation.instance = self.ref.instance
                        activation.value = 0
                        activation.callee = NULL
                        activation.args = sp
                        activation.reason = 0
                        activation.object = 0
                        activation.fuel = &store.fuel_left
                        activation.owed = 0
                        activation.base = sp
                        activation.func = <void*>self
                        activation.raw = raw
                        activation.again = False
                        activation.call = <void*>call if call is not None else NULL
                if status == 0:
                    activation.outer = store.running
                    store.running = &activation
                    store.depth += 1
                    store.suspendable = activation.call != NULL
                    status = run_status(store, &activation)
                    store.depth -= 1
                    store.running = activation.outer
                    store.suspendable = waited
                    store.stack_top = sp
                Py_LeaveRecursiveCall()
        if status == 1:
            call.deadline = store.deadline
            if call.entered is None:
                call.entered = [<object>self.ref.instance.object]
            call.mark(1)
        elif status == 0 and self.n_results == 1 and self.types[self.n_params] == T_I32 and not raw:
            number = <i32>sp[0]
            quick = True
        elif status == 0:
            store.stack_top = sp + self.result_slots  # making a tuple may run Python code (a collection)
            status = results_status(self, sp, raw, &result)
            store.stack_top = sp
        if taken == 1:
            if resumed or status == 1:
                store.lend_stack()
            store.deadline = 0
            wcy_store_release(&store.owner, 0)
        if status == -1:
            raise_again(-1)
        if status == 1:
            return call
        if quick:
            return PyLong_FromLongLong(number)
        value = <object>result
        Py_DECREF(value)
        return value

    def call_async(self, *args, bint reentrant=False, bint queue=False):
        """Call without blocking the event loop: host functions may be coroutines, long work comes in turns.

        The call begins when it is awaited. While it waits, its instance refuses other calls, for a guest has
        one stack in its memory: they raise WasmError, or wait too, if they say `queue`. `reentrant` calls
        neither wait nor are waited for. Cancelling the task ends the call.

            >>> import asyncio
            >>> double = Func(lambda x: 2 * x, ["i32"], ["i32"])
            >>> asyncio.run(double.call_async(21))
            42
        """
        if make_call == NULL:
            from .calls import connect
            connect()
        return make_call(self, args, reentrant, queue)

    cdef object as_results(self, object result):
        """What a guest would see of a host function's result."""
        cdef u64* words = <u64*>calloc(self.result_slots + 1, sizeof(u64))
        if words == NULL:
            raise MemoryError
        try:
            self.take(words, result)
            return self.results(words, False)
        finally:
            free(words)

    cdef object first_turn_of_host(self, tuple args, Suspended call):
        """The result of a host function called by call_async, or `call`, whose outcome is to be awaited."""
        if len(args) != self.n_params:
            raise TypeError(f"{self.described()} takes {self.n_params} arguments ({len(args)} given)")
        result = self.callable(*args)
        if not hasattr(type(result), "__await__"):
            return self.as_results(result)
        call.outcome = result
        return call

    cdef object first_turn(self, tuple args, Suspended call):
        """The result, or `call`, which was put aside."""
        cdef Py_ssize_t i, n = len(args), at = 0
        cdef u64 few[16]
        cdef u64* words = few
        cdef Held held
        if n != self.n_params:
            raise TypeError(f"{self.name or 'function'} takes {self.n_params} arguments ({n} given)")
        if self.param_slots > 16:
            words = <u64*>malloc(self.param_slots * sizeof(u64))
            if words == NULL:
                raise MemoryError
        self.store.keep(&held, words, 0)
        try:
            for i in range(n):
                at += self.arguments_from(i, args[i], words + at)
                held.n = at
            return self.invoke_words(words, False, call)
        finally:
            self.store.release(&held)
            if words != few:
                free(words)

    cdef object results(self, u64* sp, bint raw):
        cdef long long* types = self.types + self.n_params
        cdef Py_ssize_t i
        cdef list values
        if not raw:
            if self.n_results == 1:
                return from_slots(self.store, types[0], sp)
            if self.n_results == 0:
                return None
        values = []
        for i in range(self.n_results):
            values.append(raw_from_slots(self.store, types[i], sp) if raw else from_slots(self.store, types[i], sp))
            sp += 2 if types[i] == T_V128 else 1
        return tuple(values)

    cdef object invoke_host(self, PyObject** args, Py_ssize_t n):
        """A host function called from Python: as a guest would see it."""
        cdef u64* words
        cdef Held held
        cdef Store store
        if self.traced:
            self.join(Store() if self.store is None else self.store)
        words = <u64*>calloc(max(self.param_slots, self.result_slots) + 1, sizeof(u64))
        if words == NULL:
            raise MemoryError
        store = self.store
        if store is not None:
            store.keep(&held, words, max(self.param_slots, self.result_slots))
        try:
            self.arguments(args, n, words)
            self.host_call(words, None, NULL)
            return self.results(words, False)
        finally:
            if store is not None:
                store.release(&held)
            free(words)

    cdef int host_call(self, u64* args, object caller, void* call) except -1:
        """Call the Python function with the words at `args`; its results go there.

        1: it returned something to be awaited, in a call that may wait.
        """
        cdef Held held
        cdef u64 i
        if not self.traced:
            return self.call_python(args, caller, call)
        for i in range(self.param_slots, self.result_slots):
            args[i] = 0
        self.store.keep(&held, args, max(self.param_slots, self.result_slots))
        try:
            return self.call_python(args, caller, call)
        finally:
            self.store.release(&held)

    cdef int call_python(self, u64* args, object caller, void* call) except -1:
        cdef PyObject* values[12]
        cdef Py_ssize_t i, n = self.n_params, first = 1
        cdef Store store = self.store
        cdef object value, result
        if n > 10 or self.vectors:
            arguments = self.values_at(args)
            if self.wants_caller:
                arguments.insert(0, caller_of(caller))
            result = self.callable(*arguments)
        else:
            if self.wants_caller:
                value = caller_of(caller)
                Py_INCREF(value)
                values[1] = <PyObject*>value
                first = 2
            i = 0
            try:
                while i < n:
                    value = from_word(store, self.types[i], args[i])
                    Py_INCREF(value)
                    values[first + i] = <PyObject*>value
                    i += 1
                result = PyObject_Vectorcall(
                    self.callable, values + 1, (n + first - 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL
                )
            finally:
                while i > 0:
                    i -= 1
                    Py_DECREF(<object>values[first + i])
                if self.wants_caller:
                    Py_DECREF(<object>values[1])
        if call != NULL and hasattr(type(result), "__await__"):
            (<Suspended>call).outcome = result
            return 1
        return self.take(args, result)

    cdef int take(self, u64* args, object result) except -1:
        """Convert what the Python function returned; the words go to `args`."""
        if self.n_results == 0:
            if result is not None:
                self.refuse_awaitable(result)
                raise TypeError(f"{self.described()} returned {type(result).__name__}, but its type has no results")
            return 0
        if self.n_results == 1:
            self.result_slots_from(0, result, args)
            return 0
        if not isinstance(result, (tuple, list)) or len(result) != self.n_results:
            self.refuse_awaitable(result)
            raise TypeError(f"{self.described()} must return {self.n_results} results, not {result!r}")
        return self.put_results(tuple(result), args)  # a tuple: converting could change a list

    cdef list values_at(self, u64* args):
        """The arguments in slots as Python values."""
        cdef Py_ssize_t i
        cdef list values = []
        for i in range(self.n_params):
            values.append(from_slots(self.store, self.types[i], args))
            args += 2 if self.types[i] == T_V128 else 1
        return values

    cdef int put_results(self, tuple results, u64* to) except -1:
        """All results, or none where one does not fit its type."""
        cdef u64* words = <u64*>calloc(self.result_slots + 1, sizeof(u64))
        cdef Held held
        cdef Py_ssize_t i
        cdef u64* at = words
        if words == NULL:
            raise MemoryError
        if self.store is not None:
            self.store.keep(&held, words, self.result_slots)
        try:
            for i in range(self.n_results):
                at += self.result_slots_from(i, results[i], at)
            memcpy(to, words, self.result_slots * sizeof(u64))
        finally:
            if self.store is not None:
                self.store.release(&held)
            free(words)
        return 0

    cdef int refuse_awaitable(self, object result) except -1:
        if hasattr(type(result), "__await__"):
            if hasattr(result, "close"):
                result.close()
            raise TypeError(f"{self.described()} is asynchronous: who calls it must be called by call_async")
        return 0

    cdef int result_slots_from(self, Py_ssize_t i, object result, u64* words) except -1:
        """One result into its slots; returns their number."""
        try:
            return to_slots(self.store, self.types[self.n_params + i], result, words)
        except (TypeError, OverflowError) as error:
            self.refuse_awaitable(result)
            number = f" {i + 1}" if self.n_results > 1 else ""
            raise type(error)(f"result{number} of {self.described()}: {error}") from None

    cdef described(self):
        return f"host function {self.name}" if self.name else "host function"

    def call_raw(self, *args):
        """Call with and return the bits of values: unsigned ints; references as objects."""
        cdef u64* words
        cdef Py_ssize_t i
        cdef u64 at = 0
        cdef Held held
        if self.ref.instance == NULL:
            raise TypeError("a host function has no raw form")
        if len(args) != self.n_params:
            raise TypeError(f"{self.name or 'function'} takes {self.n_params} arguments ({len(args)} given)")
        words = <u64*>malloc((self.param_slots + 1) * sizeof(u64))
        if words == NULL:
            raise MemoryError
        self.store.keep(&held, words, 0)
        try:
            for i in range(self.n_params):
                held.n = at
                if not isinstance(args[i], int) or self.types[i] >> 32:
                    at += <u64>self.arguments_from(i, args[i], words + at)
                    continue
                if self.types[i] == T_I32 or self.types[i] == T_F32:
                    words[at] = <u32>args[i]
                elif self.types[i] == T_V128:
                    words[at] = <u64>(args[i] & 0xFFFFFFFFFFFFFFFF)
                    at += 1
                    words[at] = <u64>(args[i] >> 64)
                else:
                    words[at] = <u64>args[i]
                at += 1
            held.n = self.param_slots
            return self.invoke_words(words, True, None)
        finally:
            self.store.release(&held)
            free(words)

    def __getattr__(self, name):
        """`__signature__`, for inspect.signature: the parameters, by position, annotated with their types."""
        if name != "__signature__":  # no property: of the class it would not be a signature
            raise AttributeError(f"a Func has no attribute {name!r}")
        from inspect import Parameter, Signature
        results = self.type.results
        return Signature(
            [
                Parameter(f"p{i}", Parameter.POSITIONAL_ONLY, annotation=str(t))
                for i, t in enumerate(self.type.params)
            ],
            return_annotation=(
                None if not results else str(results[0]) if len(results) == 1 else tuple([str(t) for t in results])
            ),
        )

    def __reduce__(self):
        """A pickle of an exported function runs in a fresh instance; that of a host function has its callable."""
        cdef InstanceData instance
        if self.ref.instance == NULL:
            return _host_function, (self.callable, self.type)
        instance = <InstanceData>self.ref.instance.object
        for name, (kind, index) in instance.module._export_places.items():
            if kind == "func" and index == <object>self.ref.code.index and instance._origin is not None:
                return _exported, (instance._origin, name)
        raise TypeError(f"{self!r} cannot be pickled: it is not exported")

    def __copy__(self):
        raise TypeError("a function cannot be copied: it belongs to its store")

    def __deepcopy__(self, memo):
        return self.__copy__()

    def _resume(self, Suspended call not None):
        """Go on with a call of this function that was put aside."""
        return self.invoke_words(NULL, call.raw, call)

    def __eq__(self, other):
        return isinstance(other, Func) and (<Func>other).ref == self.ref

    def __hash__(self):
        return <Py_hash_t>(<size_t>self.ref >> 4)

    def __repr__(self):
        return f"<wasmcy.Func {self.name or ''}{'' if self.name is None else ' '}{self.type}>"


def _exported(origin, name):
    return origin.export(name)


def _host_function(callable, type):
    return Func(callable, type=type)


cdef object func_vectorcall(object func, PyObject** args, size_t flags, PyObject* names):
    if names != NULL and len(<tuple>names):
        raise TypeError("WebAssembly functions take no keyword arguments")
    return (<Func>func).invoke(args, PyVectorcall_NARGS(flags))


cdef _use_vectorcall():
    cdef Func func = Func.__new__(Func, BARE)
    wcy_use_vectorcall(<PyTypeObject*>Func, <char*>&func.vectorcall - <char*><PyObject*>func)


_use_vectorcall()

cdef object caller_class = None


def set_caller_class(cls):
    global caller_class
    caller_class = cls


cdef object caller_of(object instance):
    """The Caller of an instance, made once."""
    cdef InstanceData data
    if instance is None:
        return caller_class(None)
    data = <InstanceData>instance
    if data.caller is None:
        data.caller = caller_class(instance)
    return data.caller


cdef dict canonical_ids = {}


cdef u64 canonical_of(type_) except? 0xFFFFFFFFFFFFFFFF:
    """The canonical id of a function type without type indices; it is held for ever."""
    if type_ not in canonical_ids:
        from ..types import SubType
        canonical_ids[type_] = matching.canonicalise([SubType(True, (), type_)], [(0, 1)])[0]
    return canonical_ids[type_]


cdef matching_heap(u64 type_):
    from ..types import CONCRETE, EXACT
    return CONCRETE | EXACT | type_


cdef Func host_function(object callable, object type):
    """The Func of a plain callable that is imported with a (closed) type."""
    cdef Func func = Func.__new__(Func, BARE)
    func.set_callable(callable, type)
    return func


def _func_of_address(Store store, size_t address):
    """The Func of a function reference."""
    cdef FuncRef* ref = <FuncRef*>address
    cdef Func func
    cdef InstanceData instance
    if ref.host != NULL:
        return <object>ref.host
    func = store.funcs.get(address)
    if func is None:
        instance = <InstanceData>ref.instance.object
        func = Func.__new__(Func, BARE)
        func.ref = ref
        func.store = store
        func.set_type((<Code>instance.code).type_of(ref.code.index))
        store.funcs[address] = func
    return func


set_reference_types(Func, _func_of_address)


cdef object start_function(Store store, FuncRef* ref):
    """The Func of a reference, for instance.pyx."""
    return _func_of_address(store, <size_t>ref)


def tag_identity(type_):
    """The canonical id of a tag's type, for tags made from Python."""
    return canonical_of(type_)
