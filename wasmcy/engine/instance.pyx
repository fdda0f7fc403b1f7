"""Instances: linking, allocation, initialisation, exports (spec 4.7.4 "Instantiation").

    record   one block: Instance, globals inline, then the pointer arrays of memories, imported
             functions, tables, imported globals and tags
    own_funcs one FuncRef for each function of the module: what references to it point to
"""

from array import array

from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from wasmcy.engine.code cimport Code
from wasmcy.engine.collector cimport new_object
from wasmcy.engine.heap cimport MAX_ARRAY
from wasmcy.engine.machine cimport Func, host_function, start_function
from wasmcy.engine.objects cimport define_types, set_element, typed
from wasmcy.engine.store cimport BARE, UNKNOWN, Global, InstanceData, Memory, Store, Table, Tag, is_traced
from wasmcy.engine.structs cimport (
    FuncRef, Held, Instance as Record, MemoryRecord, TableRecord, TagRecord, i64, u32, u64, u8, wcy_load_u64,
)

cdef int OP_ANY_CONVERT_EXTERN, OP_ARRAY_NEW, OP_ARRAY_NEW_DEFAULT, OP_ARRAY_NEW_FIXED, OP_EXTERN_CONVERT_ANY
cdef int OP_REF_I31, OP_STRUCT_NEW, OP_STRUCT_NEW_DEFAULT, OP_END, OP_F32_CONST, OP_F64_CONST, OP_GLOBAL_GET
cdef int OP_I32_ADD, OP_I32_CONST, OP_I32_MUL, OP_I32_SUB, OP_I64_ADD, OP_I64_CONST, OP_I64_MUL, OP_I64_SUB
cdef int OP_REF_FUNC, OP_REF_NULL

from .. import matching
from ..errors import LinkError, MemoryLimit, Trap, Unsupported
from ..opcodes import (
    OP_ANY_CONVERT_EXTERN, OP_ARRAY_NEW, OP_ARRAY_NEW_DEFAULT, OP_ARRAY_NEW_FIXED, OP_EXTERN_CONVERT_ANY, OP_REF_I31,
    OP_STRUCT_NEW, OP_STRUCT_NEW_DEFAULT, OP_STRUCT_NEW_DEFAULT_DESC, OP_STRUCT_NEW_DESC, PREFIX_BASE,
    OP_END, OP_F32_CONST, OP_F64_CONST, OP_GLOBAL_GET, OP_I32_ADD, OP_I32_CONST, OP_I32_MUL, OP_I32_SUB, OP_I64_ADD,
    OP_I64_CONST, OP_I64_MUL, OP_I64_SUB, OP_REF_FUNC, OP_REF_NULL, OP_V128_CONST,
)
from ..binary.types import EXACT_HEAP
from ..types import V128, MemoryType, TableType

cdef int FIRST_PREFIX = min(PREFIX_BASE)
cdef MemoryRecord no_memory
no_memory.base = <u8*>calloc(1, 1)


cdef class Exports:
    """What an instance exports, by attribute or by key; iterating gives the names.

        >>> from wasmcy import Module
        >>> exports = Module(bytes.fromhex("0061736d010000000503010001070a01066d656d6f72790200")).instantiate().exports
        >>> list(exports), exports.memory is exports["memory"]
        (['memory'], True)
    """

    cdef Instance instance
    cdef dict places        # name -> (kind, index)
    cdef dict objects       # name -> what has been asked for

    def __cinit__(self, Instance instance not None):
        self.instance = instance
        self.places = instance.module._export_places
        self.objects = {}

    def __getitem__(self, name):
        found = self.objects.get(name)
        if found is None:
            kind, index = self.places[name]
            found = self.instance.object_at(kind, index, name)
            self.objects[name] = found
        return found

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the instance exports no {name!r}") from None

    def get(self, name, default=None):
        """The export of that name, or `default`."""
        return self[name] if name in self.places else default

    def __contains__(self, name):
        return name in self.places

    def __iter__(self):
        return iter(self.places)

    def __len__(self):
        return len(self.places)

    def keys(self):
        return self.places.keys()

    def values(self):
        return [self[name] for name in self.places]

    def items(self):
        return [(name, self[name]) for name in self.places]

    def __dir__(self):
        return [*object.__dir__(self), *self.places]

    def __repr__(self):
        return f"<wasmcy exports: {', '.join(self.places)}>"


cdef object DOOR = object()


cdef class Instance(InstanceData):
    """An instance of a module: made by `Module.instantiate`.

        >>> from wasmcy import Module
        >>> instance = Module(bytes.fromhex("0061736d010000000503010001070a01066d656d6f72790200")).instantiate()
        >>> instance.exports.memory.size        # pages
        1

    Spec: 4.2.5 "Module Instances".
    """

    cdef readonly object module
    cdef readonly Exports exports
    cdef const u8* bytes    # of the module, which its syntax keeps
    cdef list funcs         # imported functions, as Func
    cdef public object _origin  # how it was made, for pickles of its functions

    def __cinit__(self, module, Store store, list imports, door=None, snapshot=None):
        """`imports`: one object for each import, checked by `link`; `snapshot`: its state, if not that of a new one."""
        if door is not DOOR:
            raise TypeError("instances are made by Module.instantiate")
        self.module = module
        self.store = store
        store.admit(0)
        self.code = (<Code>module._code).variant(store.metered, store.deterministic_)
        self.bytes = <const u8*><char*><bytes>module._syntax.data
        self.memories = []
        self.tables = []
        self.globals = []
        self.tags = []
        self.funcs = []
        self.exports = Exports(self)
        self.elems = []
        store.unfinished.append(self)
        try:
            self.allocate(module._syntax, imports)
            store.instances.append(self)
            for variable in self.globals[module._syntax.n_globals - len(module._syntax.globals):]:
                if (<Global>variable).traced:
                    store.traced.append(variable)
        finally:
            store.unfinished.remove(self)
        if snapshot is None:
            self.initialise(module._syntax)
        else:
            from .snapshots import put_into

            put_into(self, snapshot)

    cdef int allocate(self, syntax, list imports) except -1:
        """Steps that touch no shared object."""
        cdef Store store = self.store
        cdef Code code = self.code
        cdef Record* record
        cdef u64* cursor
        cdef Py_ssize_t i, n_cells = code.context.n_cells, cell, n
        cdef Func func
        cdef Global variable
        n = len(syntax.imports) + len(syntax.memories) + len(syntax.tables) + len(syntax.tags)
        record = <Record*>calloc(1, sizeof(Record) + (n_cells + n + 8) * sizeof(u64))
        if record == NULL:
            raise MemoryError
        self.record = record
        record.object = <void*>self
        record.code = <void*>code
        record.heap = &store.heap
        record.n_cells = n_cells
        record.n_imported_globals = syntax.n_globals - len(syntax.globals)
        record.tables = <TableRecord**>(record.cells + n_cells + 1)  # translated calls know the place
        cursor = record.cells + n_cells + 1 + <Py_ssize_t>syntax.n_tables
        for item in imports:
            item_class = type(item)
            if item_class is Func:
                self.funcs.append(item)
            elif item_class is Memory:
                self.memories.append(item)
            elif item_class is Table:
                self.tables.append(item)
            elif item_class is Global:
                self.globals.append(item)
            else:
                self.tags.append(item)
            join(item, store)
        define_types(store, syntax, code.context)
        # functions
        record.imported_funcs = <FuncRef**>cursor
        for func in self.funcs:
            cursor[0] = <u64>func.ref
            cursor += 1
        record.own_funcs = <FuncRef*>calloc(code.n_functions + 1, sizeof(FuncRef))
        if record.own_funcs == NULL:
            raise MemoryError
        canon = code.context.canon
        func_sig = code.context.func_sig
        n = len(self.funcs)
        fill_refs(record, code, canon, func_sig, n)
        # memories, tables
        for memory_type in syntax.memories:
            self.memories.append(new_memory(memory_type))
            join_own(self.memories[-1], store, "memory", len(self.memories) - 1)
        record.memories = <MemoryRecord**>cursor
        for memory in self.memories:
            cursor[0] = <u64>&(<Memory>memory).record
            cursor += 1
        record.memory0 = record.memories[0] if self.memories else &no_memory
        # globals see those before them
        record.imported_globals = <u64**>cursor
        for variable in self.globals:
            cursor[0] = <u64>variable.cell
            cursor += 1
        global_cell = code.context.global_cell
        for definition in syntax.globals:
            global_type = matching.close_global(definition.type, canon)
            cell = global_cell[len(self.globals)]
            if global_type.type == V128:
                self.vector_constant(definition.init, &record.cells[cell])
            else:
                record.cells[cell] = self.constant(definition.init)
            variable = Global(type=global_type, value=BARE)
            variable.cell = &record.cells[cell]
            variable.keeper = store
            variable.store = store
            self.globals.append(variable)
        for table in syntax.tables:
            self.tables.append(Table(type=matching.close_table(table.type, canon)))
            join_own(self.tables[-1], store, "table", len(self.tables) - 1)
            if table.init is not None:
                fill(self.tables[-1], self.constant(table.init))
        for i, table in enumerate(self.tables):
            record.tables[i] = &(<Table>table).record
        for type_index in syntax.tags:
            tag = Tag(type=matching.close_func(syntax.func_type_at(type_index), canon))
            (<Tag>tag).record.type = canon[type_index]
            join(tag, store)
            self.tags.append(tag)
        record.tags = <TagRecord**>cursor
        for tag in self.tags:
            cursor[0] = <u64>&(<Tag>tag).record
            cursor += 1
        self.traced_elems = tuple([
            i for i, elem in enumerate(syntax.elems) if is_traced(matching.close_val(elem.type, canon))
        ])
        for elem in syntax.elems:
            self.elements(elem)
        self.datas = [None] * len(syntax.datas)  # passive segments are noted when they are reached
        return 0

    cdef int elements(self, elem) except -1:
        """Add the words of an element segment."""
        cdef u64[::1] words
        cdef Py_ssize_t i, n = len(elem)
        cdef const u32[::1] indices
        self.elems.append(array("Q", bytes(8 * n)))
        if n == 0:
            return 0
        words = self.elems[-1]
        if elem.funcs is not None:
            indices = elem.funcs
            for i in range(n):
                words[i] = <u64>self.func_ref(indices[i])
        else:
            for i in range(n):
                words[i] = self.constant(elem.exprs[i])
        return 0

    cdef FuncRef* func_ref(self, Py_ssize_t index) except NULL:
        cdef Py_ssize_t n = len(self.funcs)
        if index < n:
            return self.record.imported_funcs[index]
        return &self.record.own_funcs[index - n]

    cdef int initialise(self, syntax) except -1:
        """Active segments, in order, then the start function: traps leave what was done before."""
        cdef Table table
        cdef Memory memory
        cdef const u8* data = self.bytes
        cdef const u64[::1] words
        cdef u64 at, n, start
        cdef u64 nothing[1]
        cdef Func func
        cdef Py_ssize_t i
        for i, elem in enumerate(syntax.elems):
            if elem.mode == "active":
                table = self.tables[elem.table]
                at = self.offset(elem.offset, table.record.is64)
                n = len(self.elems[i])
                if at > table.record.size or n > table.record.size - at:
                    raise Trap("out of bounds table access")
                if n:
                    words = self.elems[i]
                    memcpy(table.record.elements + at, &words[0], n * sizeof(u64))
            if elem.mode != "passive":
                self.elems[i] = None
        for i, segment in enumerate(syntax.datas):
            start = segment.start
            n = <u64>segment.end - start
            if segment.mode == "active":
                memory = self.memories[segment.memory]
                at = self.offset(segment.offset, memory.record.is64)
                if at > memory.record.size or n > memory.record.size - at:
                    raise Trap("out of bounds memory access")
                memcpy(memory.record.base + at, data + start, n)
            else:
                self.datas[i] = (segment.start, segment.end)
        if syntax.start is not None:
            func = start_function(self.store, self.func_ref(syntax.start))
            if func.ref.instance == NULL:  # a host function: its caller is this instance
                func.host_call(nothing, self, NULL)
            else:
                func()
        return 0

    cdef u64 offset(self, expr, bint is64) except? 0xFFFFFFFFFFFFFFFF:
        cdef u64 word = self.constant(expr)
        return word if is64 else <u32>word

    cdef u64 constant(self, expr) except? 0xFFFFFFFFFFFFFFFF:
        """The word of a constant expression, which has been validated."""
        cdef Py_ssize_t at = expr[0], end = expr[1]
        cdef u64 few[16]
        cdef u64* stack = few
        cdef Held held
        if end - at > 16:  # each byte pushes one value at most
            stack = <u64*>malloc((end - at) * sizeof(u64))
            if stack == NULL:
                raise MemoryError
        self.store.keep(&held, stack, 0)
        try:
            while self.bytes[at] != OP_END:
                at = self.constant_step(at, stack, &held.n)
            if held.n != 1 or at + 1 != end:
                raise Unsupported("this constant expression cannot be evaluated yet")
            return stack[0]
        finally:
            self.store.release(&held)
            if stack != few:
                free(stack)

    cdef Py_ssize_t constant_step(self, Py_ssize_t at, u64* stack, u64* depth) except -1:
        """Evaluate the instruction at offset `at`, which lies in the bytes: the decoder made an expression's bounds.

        Returns the offset of the next one.
        """
        cdef const u8* data = self.bytes
        cdef Py_ssize_t i
        cdef int op = data[at]
        cdef u64 n, x
        at += 1
        if op >= FIRST_PREFIX:
            return self.constant_object(PREFIX_BASE[op] + <int>read_signed(data, &at, False), at, stack, depth)
        if op == OP_I32_CONST or op == OP_I64_CONST:
            x = <u64>read_signed(data, &at)
            stack[depth[0]] = <u32>x if op == OP_I32_CONST else x
        elif op == OP_F32_CONST or op == OP_F64_CONST:
            n = 4 if op == OP_F32_CONST else 8
            stack[depth[0]] = 0
            for i in range(<Py_ssize_t>n):
                stack[depth[0]] |= <u64>data[at + i] << (8 * i)
            at += n
        elif op == OP_GLOBAL_GET:
            i = <Py_ssize_t>read_signed(data, &at, False)
            stack[depth[0]] = self.cell(i)[0]
            if (<Global>self.globals[i]).valtype == V128:
                depth[0] += 1
                stack[depth[0]] = self.cell(i)[1]
        elif op == OP_REF_FUNC:
            stack[depth[0]] = <u64>self.func_ref(<Py_ssize_t>read_signed(data, &at, False))
        elif op == OP_REF_NULL:
            at += data[at] == EXACT_HEAP
            read_signed(data, &at)
            stack[depth[0]] = 0
        else:
            depth[0] -= 1
            constant_operation(op, stack + depth[0] - 1)
            return at
        depth[0] += 1
        return at

    cdef Py_ssize_t constant_object(self, int op, Py_ssize_t at, u64* stack, u64* depth) except -1:
        """The same for instructions on references, structs and arrays; `at` is behind the opcode."""
        cdef const u8* data = self.bytes
        cdef u64 index, n, each
        cdef object context = (<Code>self.code).context
        if op == OP_V128_CONST:
            stack[depth[0]], stack[depth[0] + 1] = wcy_load_u64(data + at), wcy_load_u64(data + at + 8)
            depth[0] += 2
            return at + 16
        if op == OP_REF_I31:
            stack[depth[0] - 1] = <u32>(stack[depth[0] - 1] << 1) | 1
            return at
        if op == OP_ANY_CONVERT_EXTERN or op == OP_EXTERN_CONVERT_ANY:
            return at
        index = <u64>read_signed(data, &at, False)
        if op == OP_STRUCT_NEW_DESC or op == OP_STRUCT_NEW_DEFAULT_DESC:
            if stack[depth[0] - 1] == 0:
                raise Trap("null descriptor reference")
            n = self.words(context.canon[index]) - 1 if op == OP_STRUCT_NEW_DESC else 0
            self.new_struct(context.canon[index], stack + depth[0] - 1 - n, n + 1, stack + depth[0] - 1 - n)
            depth[0] -= n
            return at
        if op < OP_STRUCT_NEW or op > OP_ARRAY_NEW_FIXED:
            raise Unsupported("this constant expression cannot be evaluated yet")
        if op == OP_STRUCT_NEW or op == OP_STRUCT_NEW_DEFAULT:
            n = self.words(context.canon[index]) if op == OP_STRUCT_NEW else 0
            self.new_struct(context.canon[index], stack + depth[0] - n, n, stack + depth[0] - n)
            depth[0] += 1 - n
            return at
        each = 2 if self.store.heap.types[<u64>context.canon[index]].shift == 4 else 1
        if op == OP_ARRAY_NEW:
            self.new_array(context.canon[index], stack + depth[0] - 1 - each, 0, <u32>stack[depth[0] - 1])
            depth[0] -= each
        elif op == OP_ARRAY_NEW_DEFAULT:
            stack[depth[0] - 1] = <u64>self.zero_array(context.canon[index], <u32>stack[depth[0] - 1])
        else:
            n = <u64>read_signed(data, &at, False)
            self.new_array(context.canon[index], stack + depth[0] - n * each, each, n)
            depth[0] += 1 - n * each
        return at

    cdef u64 words(self, u64 type_id) noexcept:
        """How many words the fields of a struct take, with its descriptor."""
        return self.store.heap.types[type_id].words - 1

    cdef int new_struct(self, u64 type_id, u64* values, u64 n, u64* to) except -1:
        """A struct whose last n words have values, the others their default."""
        cdef u64 words = self.store.heap.types[type_id].words
        cdef u64* place = typed(new_object(self.store, words), type_id, 0)
        memcpy(place + words - n, values, n * sizeof(u64))
        to[0] = <u64>place
        return 0

    cdef u64* zero_array(self, u64 type_id, u64 n) except NULL:
        cdef u64 shift = self.store.heap.types[type_id].shift
        if n << shift > MAX_ARRAY:
            raise MemoryLimit(f"an array of {n} elements")
        return typed(new_object(self.store, 1 + (((n << shift) + 7) >> 3)), type_id, n)

    cdef int new_array(self, u64 type_id, u64* values, u64 step, u64 n) except -1:
        """An array of values, each `step` slots above the last; it replaces the first one on the stack."""
        cdef u64 shift = self.store.heap.types[type_id].shift, i
        cdef u64* place = self.zero_array(type_id, n)
        for i in range(n):
            set_element(<u8*>(place + 1) + (i << shift), shift, values + i * step)
        values[0] = <u64>place
        return 0

    cdef u64* cell(self, Py_ssize_t index):
        """Where the value of a global is that exists already."""
        return (<Global>self.globals[index]).cell

    cdef int vector_constant(self, expr, u64* to) except -1:
        """A validated constant expression of type v128: one global.get or v128.const, and the end."""
        cdef const u8* data = self.bytes
        cdef Py_ssize_t at = expr[0] + 1, end = expr[1]
        cdef u64* cell
        if data[expr[0]] == OP_GLOBAL_GET:
            cell = self.cell(<Py_ssize_t>read_signed(data, &at, False))
            to[0], to[1] = cell[0], cell[1]
        else:
            to[0], to[1] = wcy_load_u64(data + end - 17), wcy_load_u64(data + end - 9)
        return 0

    def object_at(self, kind, Py_ssize_t index, name=None):
        """The object at an index of an index space."""
        cdef Func func
        objects = {"memory": self.memories, "table": self.tables, "global": self.globals, "tag": self.tags}
        n = len(self.funcs) + (<Code>self.code).n_functions if kind == "func" else len(objects[kind])
        if not 0 <= index < n:
            raise IndexError(f"there is no {kind} {index}")
        if kind == "func":
            func = start_function(self.store, self.func_ref(index))
            if func.name is None:
                func.name = name
            return func
        return objects[kind][index]

    @property
    def suspended(self):
        """The calls that the snapshot held it was restored from, the oldest first.

        Each goes on once: by `resume(fuel=0)` as a plain call, or by being awaited like a `call_async`. A host
        function it waited for is called again, with the same arguments.
        """
        return self.restored or ()

    def snapshot(self):
        """Its state, as a Snapshot, from which `Module.restore` makes others: also of calls that were put aside.

        Raises:
            SnapshotError: a call is running, or stopped where it cannot go on elsewhere; a memory, table or mutable
                global is imported; or a reference names something that is no function of the module.
        """
        from .snapshots import taken
        return taken(self)

    def __reduce__(self):
        raise TypeError("an instance cannot be pickled: pickle its module, its functions or a snapshot")

    def interrupt(self):
        """Stop what runs in the instance's store, from any thread: it raises KeyboardInterrupt there."""
        self.store.interrupt()

    def __repr__(self):
        return f"<wasmcy.Instance of {self.module!r}>"


cdef Memory new_memory(type_):
    try:
        return Memory(type=type_)
    except ValueError as error:  # a valid type, but more than this implementation has
        raise MemoryLimit(str(error)) from None


cdef int fill_refs(
    Record* record, Code code, const long long[::1] canon, const long long[::1] func_sig, Py_ssize_t imported
) except -1:
    cdef Py_ssize_t i
    cdef FuncRef* ref
    cdef Store store = (<InstanceData>record.object).store
    for i in range(code.n_functions):
        ref = &record.own_funcs[i]
        ref.code = &code.functions[i]
        ref.instance = record
        ref.type = canon[func_sig[imported + i]]
        ref.owner = <void*>store
    return 0


cdef int constant_operation(int op, u64* operands) except -1:
    if op == OP_I32_ADD:
        operands[0] = <u32>(operands[0] + operands[1])
    elif op == OP_I32_SUB:
        operands[0] = <u32>(operands[0] - operands[1])
    elif op == OP_I32_MUL:
        operands[0] = <u32>(operands[0] * operands[1])
    elif op == OP_I64_ADD:
        operands[0] = operands[0] + operands[1]
    elif op == OP_I64_SUB:
        operands[0] = operands[0] - operands[1]
    elif op == OP_I64_MUL:
        operands[0] = operands[0] * operands[1]
    else:
        raise Unsupported("this constant expression cannot be evaluated yet")
    return 0


cdef int fill(Table table, u64 word) except -1:
    cdef u64 i
    for i in range(table.record.size):
        table.record.elements[i] = word
    return 0


cdef i64 read_signed(const u8* data, Py_ssize_t* at, bint signed=True) noexcept:
    cdef u64 result = 0
    cdef int shift = 0
    cdef u8 byte
    while True:
        byte = data[at[0]]
        at[0] += 1
        if shift < 64:
            result |= <u64>(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if signed and shift < 64 and byte & 0x40:
        result |= ~<u64>0 << shift
    return <i64>result


# ------------------------------------------------------------------------------------ linking
cdef int join(item, Store store) except -1:
    if type(item) is Func:
        (<Func>item).join(store)
    elif type(item) is Memory:
        (<Memory>item).join(store)
    elif type(item) is Table:
        (<Table>item).join(store)
    elif type(item) is Global:
        (<Global>item).join(store)
    else:
        (<Tag>item).join(store)
    return 0


cdef int join_own(item, Store store, kind, index) except -1:
    """Let a memory or table that a module defines be the store's."""
    try:
        join(item, store)
    except MemoryLimit as error:
        raise type(error)(f"{kind} {index}: {error}") from None
    return 0


def instantiate(module, lookup, Store store=None, limits=None, bint deterministic=False, snapshot=None):
    """An instance, in `store`, else in that of its imports, else in a new one with `limits`, perhaps `deterministic`.

    `lookup(module name, name)` gives what was provided, or raises KeyError.

    Raises:
        LinkError: an import is missing, does not match, or two live in different stores; or the store is another
            one than was asked for.
    """
    objects, found = link(module, lookup)
    if store is None:
        if found is not None and limits is not None:
            raise LinkError("the imports live in a store that has limits of its own")
        store = Store(limits, deterministic) if found is None else found
    elif found is not None and found is not store:
        raise LinkError("the imports live in another store")
    elif limits is not None:
        raise LinkError("the store has limits of its own")
    if deterministic and not store.deterministic_:
        raise LinkError("the store the instance would live in is not deterministic")
    store.check_owner()
    return Instance(module, store, objects, DOOR, snapshot)


cdef tuple link(module, lookup):
    """The objects for a module's imports, in order, and the store some of them live in (or None)."""
    cdef Store store = None, own
    syntax = module._syntax
    canon = module._code.context.canon
    objects = []
    first = None
    for item in syntax.imports:
        try:
            given = lookup(item.module, item.name)
        except (KeyError, AttributeError):
            wants = wanted(syntax, canon, item)
            raise LinkError(f"unknown import: {item.module}.{item.name} ({wants}) was not provided") from None
        found = matched(syntax, canon, item, given)
        if found is None:
            raise LinkError(
                f"incompatible import type: {item.module}.{item.name} is {described(given)}, "
                f"wanted {wanted(syntax, canon, item)}"
            )
        own = store_of(found)
        if own is not None:
            if store is not None and own is not store:
                raise LinkError(f"imports of two stores: {first} and {item.module}.{item.name}")
            store = own
            first = f"{item.module}.{item.name}"
        objects.append(found)
    return objects, store


cdef store_of(item):
    if type(item) is Func:
        return (<Func>item).store
    if type(item) is Memory:
        return (<Memory>item).store
    if type(item) is Table:
        return (<Table>item).store
    if type(item) is Global:
        return (<Global>item).store
    return (<Tag>item).store


cdef wanted(syntax, canon, item):
    if item.kind == "func":
        exact = "of just the type " if item.exact else ""
        return f"a function {exact}{matching.close_func(syntax.func_type_at(item.desc), canon)}"
    if item.kind == "tag":
        return f"a tag {matching.close_func(syntax.func_type_at(item.desc), canon)}"
    return f"a {item.kind} {item.desc}"


cdef signature(type_):
    """A function type as providers write it: `i32 i64 -> i32`."""
    return f"{' '.join(map(str, type_.params))} -> {' '.join(map(str, type_.results))}".strip()


cdef described(given):
    if isinstance(getattr(given, "signature", None), str):
        return f"a function {given.signature}"
    if type(given) is Func:
        return f"a function {given.type}"
    if type(given) is Memory:
        return f"a memory of {given.size} pages, {given.type}"
    if type(given) in (Table, Global, Tag):
        return f"a {type(given).__name__.lower()} {given.type}"
    if isinstance(given, (int, float)):
        return repr(given)
    return f"a Python {type(given).__name__}"


cdef matched(syntax, canon, item, given):
    """`given` as the object for an import, or None where it does not match."""
    cdef Func func
    kind = item.kind
    if kind == "func":
        if type(given) is Func:
            func = given
            if item.exact:
                return func if func.ref.type == <u64>canon[item.desc] else None
            return func if matching.is_subtype(func.ref.type, canon[item.desc]) else None
        if callable(given):
            func_type = matching.close_func(syntax.func_type_at(item.desc), canon)
            declared = getattr(given, "signature", None)
            if isinstance(declared, str) and declared != signature(func_type):
                return None
            func = host_function(given, func_type)
            func.own.type = canon[item.desc]
            func.name = func.name or f"{item.module}.{item.name}"
            return func
        return None
    if kind == "memory":
        if type(given) is not Memory:
            return None
        t = given.type
        actual = MemoryType(given.size, t.max, t.shared, t.is64, t.page_size_log2)
        return given if matching.matches(actual, item.desc) else None
    if kind == "table":
        if type(given) is not Table:
            return None
        t = given.type
        actual = TableType(t.element, len(given), t.max, t.is64)
        return given if matching.matches(actual, matching.close_table(item.desc, canon)) else None
    if kind == "global":
        wanted_type = matching.close_global(item.desc, canon)
        if type(given) is Global:
            return given if matching.matches(given.type, wanted_type) else None
        if isinstance(given, (int, float, bytes)) and not wanted_type.mutable and not wanted_type.type.is_ref:
            try:
                return Global(type=wanted_type, value=given)
            except (TypeError, OverflowError):
                return None
        return None
    if type(given) is not Tag:
        return None
    if (<Tag>given).record.type == UNKNOWN:
        from .machine import tag_identity
        (<Tag>given).record.type = tag_identity(given.type.type)
    return given if (<Tag>given).record.type == <u64>canon[item.desc] else None
