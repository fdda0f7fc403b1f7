"""The state of an instance: taken, and put into a fresh one (docs/embedding.md). Of its stacks, stacks.py tells more.

A snapshot holds typed values, not words of this machine: numbers are bits, references are numbers of
functions and objects (graphs.pyx). What is put back is checked against the module, for anybody may have made
the snapshot.
"""

from array import array

from libc.string cimport memcpy

from wasmcy.engine.calls cimport Call, GUEST
from wasmcy.engine.code cimport LINK_CELL, RESULT_CELL, Code, function_at, pop_frame
from wasmcy.engine.graphs cimport Given, Taken, index_of
from wasmcy.engine.machine cimport Func, start_function
from wasmcy.engine.store cimport Global, Image, InstanceData, Memory, Store, Suspended, Table
from wasmcy.engine.structs cimport (
    F_D, LEAVE_CALL, FuncCode, FuncRef, Instance, i64, u64, wcy_store_release,
)

from .. import matching
from ..errors import MemoryLimit, SnapshotError, StackExhausted, TableLimit
from ..turns import take_turn
from ..types import V128


class Snapshot:
    """The state of an instance: memories, globals, tables, calls that were put aside, and the objects they lead to.

    Made by `Instance.snapshot`, given to `Module.restore`, in this process or, pickled, in another one. It
    belongs to one module, named by the SHA-256 of its bytes. On Linux instances that are restored from
    it share its memory until they write to it.

        >>> from wasmcy import Module
        >>> module = Module.from_file("examples/guests/counter.wasm")
        >>> instance = module.instantiate()
        >>> instance.exports.count(), instance.exports.count()
        (1, 2)
        >>> module.restore(instance.snapshot()).exports.count()
        3
    """

    __slots__ = ("_images", "_state", "digest")

    def __init__(self, digest, state):
        if type(state) is not tuple or len(state) != 7 or not all([type(part) is list for part in state]):
            raise SnapshotError("the snapshot is malformed")
        self.digest = digest
        self._state = state
        self._images = [None] * len(state[0])

    @property
    def size(self):
        """Bytes of all memories."""
        return sum(len(data) for _, data in self._state[0])

    def __reduce__(self):
        return Snapshot, (self.digest, self._state)

    def __repr__(self):
        return f"<wasmcy.Snapshot of {self.size} bytes of memory>"


def taken(instance):
    """The state that an instance has now, as a Snapshot."""
    return Snapshot(_digest(instance.module), capture(instance))


def put_into(instance, snapshot):
    """Let a fresh instance have the state of a snapshot."""
    if snapshot.digest != _digest(instance.module):
        raise SnapshotError("the snapshot is of another module")
    put_back(instance, snapshot._state, snapshot._images)


def _digest(module):
    if module._digest is None:
        import hashlib
        module._digest = hashlib.sha256(module.binary).digest()
    return module._digest


def capture(InstanceData instance not None):
    """Memories, globals, tables, segments, calls that were put aside, and objects: those of the instance itself."""
    cdef Store store = instance.store
    refuse_shared((<Code>instance.code).module)
    if store.take() == 2:
        raise SnapshotError("the instance has a call that is running")
    try:
        taken = Taken(instance)
        try:
            return state_of(instance, taken)
        finally:
            taken.close()
    finally:
        wcy_store_release(&store.owner, 0)


cdef tuple state_of(InstanceData instance, Taken taken):
    cdef Memory memory
    cdef Table table
    cdef Global variable
    syntax = (<Code>instance.code).module
    calls = []
    if instance.store.suspended != NULL:
        from .stacks import Stacks
        calls = Stacks(instance, taken).take()
    memories = []
    for memory in instance.memories[syntax.n_memories - len(syntax.memories) :]:
        memories.append((memory.record.size >> memory.record.page, memory.read(0, memory.record.size)))
    variables = []
    for i, variable in enumerate(instance.globals[syntax.n_globals - len(syntax.globals) :]):
        if variable.type.type.is_ref:
            variables.append(taken.number(variable.cell[0], variable.type.type, f"global {i}"))
        elif variable.type.type == V128:
            variables.append(variable.cell[0] | <object>variable.cell[1] << 64)
        else:
            variables.append(variable.cell[0])
    tables = []
    for i, table in enumerate(instance.tables[syntax.n_tables - len(syntax.tables) :]):
        tables.append(numbers_of(taken, table.record.elements, table.record.size, table.type.element, f"table {i}"))
    elems = []
    for i, words in enumerate(instance.elems):
        elems.append(words is None)
        if words is not None and i in instance.traced_elems:
            elems[i] = segment_of(instance, taken, i)
    return memories, variables, tables, [data is None for data in instance.datas], elems, calls, taken.objects()


cdef segment_of(InstanceData instance, Taken taken, number):
    """An element segment of objects, which its expressions would not make again, but others like them."""
    cdef u64[::1] words = instance.elems[number]
    valtype = closed(instance, (<Code>instance.code).module.elems[number].type)
    return numbers_of(taken, &words[0] if len(words) else NULL, len(words), valtype, f"element segment {number}")


cdef closed(InstanceData instance, valtype):
    return matching.close_val(valtype, (<Code>instance.code).context.canon)


cdef int refuse_shared(syntax) except -1:
    """State that other instances, threads or the host may share is not the instance's own."""
    for item in syntax.imports:
        if item.kind in ("memory", "table") or (item.kind == "global" and item.desc.mutable):
            raise SnapshotError(f"the {item.kind} {item.module}.{item.name} is imported: its state belongs to others")
    if any([memory.shared for memory in syntax.memories]):
        raise SnapshotError("a shared memory may change at any time")
    return 0


cdef numbers_of(Taken taken, const u64* words, u64 n, valtype, where):
    """The numbers of n references of a (closed) type."""
    cdef i64[::1] numbers
    cdef u64 i
    result = array("q", bytes(8 * n))
    if n:
        numbers = result
        for i in range(n):
            numbers[i] = taken.number(words[i], valtype, where) if words[i] else -1
    return result


def put_back(InstanceData instance not None, tuple state, list images):
    """Let a fresh instance, none of whose segments have been copied, have that state; `images`: of its memories.

    Raises:
        SnapshotError: the state does not fit the module.
        MemoryLimit, TableLimit: it does not fit the limits.
    """
    cdef Given given
    syntax = (<Code>instance.code).module
    refuse_shared(syntax)
    sizes = [len(part) for part in state[:5]]
    wanted = [len(part) for part in (syntax.memories, syntax.globals, syntax.tables, syntax.datas, syntax.elems)]
    if sizes != wanted:
        raise SnapshotError("the snapshot is of another module")
    try:
        given = Given(instance, state[6])
        try:
            put_parts(instance, syntax, state, images, given)
        finally:
            given.close()
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        raise SnapshotError(f"the snapshot does not fit the module: {error}") from None


cdef int put_parts(InstanceData instance, syntax, tuple state, list images, Given given) except -1:
    memories, variables, tables, datas, elems, calls, _ = state
    for i, (pages, data) in enumerate(memories):
        put_memory(instance.memories[syntax.n_memories - len(memories) + i], pages, data, images, i)
    for i, value in enumerate(variables):
        put_global(given, instance.globals[syntax.n_globals - len(variables) + i], value)
    for i, numbers in enumerate(tables):
        put_table(given, instance.tables[syntax.n_tables - len(tables) + i], numbers)
    for i, segment in enumerate(syntax.datas):
        if segment.mode == "passive" and not datas[i]:
            instance.datas[i] = (segment.start, segment.end)
    for i, segment in enumerate(syntax.elems):
        if segment.mode != "passive" or elems[i] is True:
            instance.elems[i] = None
        elif i in instance.traced_elems:
            put_segment(instance, given, i, closed(instance, segment.type), elems[i])
    if calls:
        from .stacks import Stacks
        instance.restored = tuple(Stacks(instance, given).put_back(calls))
    return 0


cdef int put_segment(InstanceData instance, Given given, number, valtype, numbers) except -1:
    if type(numbers) is not array or numbers.typecode != "q" or len(numbers) != len(instance.elems[number]):
        raise SnapshotError("an element segment of the snapshot has not its elements")
    instance.elems[number] = array("Q", [given.word(n, valtype) for n in numbers])
    return 0


cdef int put_memory(Memory memory, pages, data, list images, Py_ssize_t number) except -1:
    cdef const unsigned char[::1] view
    cdef int page = memory.record.page
    if type(pages) is not int or not 0 <= pages <= 1 << 48 or type(data) is not bytes or len(data) > pages << page:
        raise SnapshotError("a memory of the snapshot is not as large as its contents")
    if pages << page < memory.record.size:
        raise SnapshotError("a memory of the snapshot is smaller than its type allows")
    if memory.grow_pages(pages - (memory.record.size >> page), memory.store) < 0:
        raise MemoryLimit(f"a memory of {pages} pages: it is over its maximum or the store's limit")
    if images[number] is None:
        images[number] = Image(data)
    if memory.show(images[number]):
        return 0
    if len(data):
        view = data
        memcpy(memory.record.base, &view[0], len(data))
    return 0


cdef int put_global(Given given, Global variable, value) except -1:
    cdef long long valtype = variable.type.type
    if type(value) is not int:
        raise SnapshotError("a global of the snapshot is no int")
    if variable.type.type.is_ref:
        variable.cell[0] = given.word(value, valtype)
    elif valtype == V128:
        if not 0 <= value < 1 << 128:
            raise SnapshotError("a global of the snapshot is out of range")
        variable.cell[0] = <u64>(value & 0xFFFFFFFFFFFFFFFF)
        variable.cell[1] = <u64>(value >> 64)
    else:
        if not 0 <= value < (1 << 32 if valtype in (0x7F, 0x7D) else 1 << 64):
            raise SnapshotError("a global of the snapshot is out of range")
        variable.cell[0] = <u64>value
    return 0


cdef int put_table(Given given, Table table, numbers) except -1:
    cdef const i64[::1] wanted
    cdef u64 i, n
    cdef long long valtype = table.type.element
    if type(numbers) is not array or numbers.typecode != "q" or len(numbers) < table.record.size:
        raise SnapshotError("a table of the snapshot is smaller than its type allows")
    n = len(numbers)
    if table.grow_by(n - table.record.size, 0) < 0:
        raise TableLimit(f"a table of {n} elements: it is over its maximum or the store's limit")
    if n:
        wanted = numbers
        for i in range(n):
            table.record.elements[i] = given.word(wanted[i], valtype)
    return 0


# ------------------------------------------------------------------------------------ stacks
def calls_of(InstanceData instance not None):
    """The calls with frames in an instance that were put aside, the oldest first."""
    cdef void* aside = instance.store.suspended
    cdef list found = []
    while aside != NULL:
        if stands_in(<Suspended>aside, instance.record):
            found.append(<object>aside)
        aside = (<Suspended>aside).older
    found.reverse()
    return found


cdef bint stands_in(Suspended call, Instance* instance) except -1:
    """Whether one of its frames belongs to the instance."""
    cdef Func func = <Func>call.func
    return func.ref.instance == instance or (
        call.entered is not None and <object>instance.object in call.entered
    ) or call.activation.instance == instance


def stack_of(InstanceData instance not None, Suspended call not None):
    """(function, bits, marked, frames, words, host): the call in words, its frames the innermost first.

    Frames are (function, point, slot at which it starts), points as in frames.py; `host` is (function, slot
    of its arguments) of a host function that is to be awaited, or None.
    """
    cdef u64* pc = call.activation.pc
    cdef u64* sp = call.activation.sp
    cdef Instance* running = call.activation.instance
    cdef Func func = <Func>call.func
    cdef Code code = <Code>instance.code
    cdef FuncCode* function
    cdef bint called = call.activation.reason == LEAVE_CALL
    cdef u64[::1] view
    if call.activation.reason and not called or pc == LINK_CELL or pc == RESULT_CELL:
        raise SnapshotError("a guest has stopped inside an instruction: let it go on first")
    if func.ref.instance != instance.record or call.entered is not None and len(call.entered) > 1:
        raise SnapshotError("a call goes through several instances")
    host = None
    if called:
        host = index_of(instance, <u64>call.activation.callee, "the stack"), call.activation.args - call.words
    frames = []
    while True:
        if running != instance.record:
            raise SnapshotError("a call goes through several instances")
        function = function_at(running, pc - called)
        if function != NULL:
            frames.append((function.index, 2 * (pc - function.code) + (not called), sp - call.words))
        else:  # about to be translated
            function = code.of_stub(pc)
            frames.append((function.index, 1, sp - call.words))
        if not pop_frame(&pc, &sp, &running, function):
            break
        called = True
    words = array("Q", bytes(8 * call.count))
    view = words
    memcpy(&view[0], call.words, call.count * sizeof(u64))
    return func.ref.code.index, bool(call.raw), call.marks > 0, frames, words, host


cdef FuncCode* translated(InstanceData instance, i64 index) except NULL:
    """The record of a function that the module defines, with its code."""
    cdef Code code = <Code>instance.code
    index -= code.context.n_imported_funcs
    if not 0 <= index < code.n_functions:
        raise SnapshotError("a frame of the snapshot belongs to no function of the module")
    code.translate(&code.functions[index], take_turn)
    return &code.functions[index]


def room_for_frame(InstanceData instance not None, i64 index, u64 at):
    """Raise StackExhausted if a function's frame does not fit the stack at that slot."""
    cdef u64 slots = instance.store.stack_slots
    if at > slots or translated(instance, index).code[-1] > slots - at:
        raise StackExhausted("call stack exhausted")


def rebuild(InstanceData instance not None, i64 index, bint bits, bint marked, list frames, dict slots, host):
    """A call that was put aside, from its frames, the outermost first: (function, point, slot at which it starts).

    `slots` are the words that are not 0; `host` as in `stack_of`. Frames fit the stack, and each other.
    """
    cdef Call call = Call.__new__(Call)
    cdef FuncCode* function = translated(instance, frames[len(frames) - 1][0])
    cdef FuncCode* caller
    cdef u64 at = frames[len(frames) - 1][2], count = at + function.code[-1], below, point
    cdef u64[::1] view
    words = array("Q", bytes(8 * count))
    view = words
    for slot, word in slots.items():
        view[slot] = word
    for i in range(len(frames)):
        function = translated(instance, frames[i][0])
        at = frames[i][2]
        if i == 0:
            view[at + function.params] = <u64>RESULT_CELL
            continue
        caller = translated(instance, frames[i - 1][0])
        below, point = frames[i - 1][2], frames[i - 1][1]
        view[at + function.params] = <u64>(caller.code + point // 2)
        view[at + function.params + 1] = 8 * (at - below)
    point = frames[len(frames) - 1][1]
    call.store = instance.store
    call.func = start_function(instance.store, own_function(instance, index))
    call.raw = bits
    call.stage = GUEST
    call.reentrant = not marked
    call.entered = [instance]
    call.activation.instance = instance.record
    call.activation.pc = function.code + point // 2
    if host is None and F_D(call.activation.pc) < function.code[-1]:  # what a charge leaves in an accumulator
        call.activation.value = view[at + F_D(call.activation.pc)]
    call.activation.fuel = &instance.store.fuel_left
    call.activation.func = <void*>call.func
    call.activation.raw = bits
    call.activation.again = host is not None
    call.copy(&view[0], count, at, at if host is None else host[1])
    if host is not None:
        call.activation.reason = LEAVE_CALL
        call.activation.callee = host_function(instance, host[0])
    call.mark(1)
    return call


cdef FuncRef* own_function(InstanceData instance, i64 index) except NULL:
    cdef Code code = <Code>instance.code
    translated(instance, index)
    return &instance.record.own_funcs[index - <i64>code.context.n_imported_funcs]


cdef FuncRef* host_function(InstanceData instance, i64 index) except NULL:
    cdef FuncRef* ref
    if not 0 <= index < <i64>(<Code>instance.code).context.n_imported_funcs:
        raise SnapshotError("a call of the snapshot waits for a function that is not imported")
    ref = instance.record.imported_funcs[index]
    if ref.instance != NULL:
        raise SnapshotError("a call of the snapshot waits for a host function, which is one of a module here")
    return ref
