"""From bytes to `ModuleSyntax`. Spec: 5.5 "Modules".

Checks what the binary grammar says, no more: validation is another layer. What
a proposal added is refused here where its switch is off, but for the insides of
function bodies, which are only spans here.

Compiled with the C types of decoder.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from array import array

from ..errors import InvalidError
from ..features import DEFAULT, Features
from ..module import (
    Custom,
    Data,
    Elem,
    Export,
    Expr,
    Global,
    Import,
    ModuleSyntax,
    Table,
)
from ..opcodes import BY_NAME, ENABLED, N_IDS, OP_END, OPS, UNKNOWN, availability
from ..turns import turns
from ..types import FUNCREF, HEAP_FUNC, ref_type, val_type
from .types import TypeDecoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from ..module import ExternType, Kind, Mode

MAGIC = b"\0asm"
VERSION = b"\1\0\0\0"
COMPONENT_LAYER = b"\1\0"  # where a version of modules has its upper half

# Sections by id, in the order they must have in a module.
(
    CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA,
    DATA_COUNT, TAG,
) = range(14)  # fmt: skip
ORDER = bytes([
    TYPE, IMPORT, FUNCTION, TABLE, MEMORY, TAG, GLOBAL, EXPORT, START, ELEMENT, DATA_COUNT, CODE,
    DATA,
])  # fmt: skip

# Implementation limits. Spec: JavaScript API, "Implementation-defined Limits".
MAX_MODULE_SIZE = 1 << 30
MAX_TYPES = 1_000_000
MAX_FUNCTIONS = 1_000_000
MAX_IMPORTS = 1_000_000
MAX_EXPORTS = 1_000_000
MAX_GLOBALS = 1_000_000
MAX_TAGS = 1_000_000
MAX_DATA_SEGMENTS = 100_000
MAX_ELEM_SEGMENTS = 10_000_000
MAX_TABLES = 100_000
MAX_TABLE_INIT = 10_000_000
MAX_MEMORIES = 100
MAX_BODY_SIZE = 7_654_321

EXTERN_KINDS: tuple[Kind, ...] = ("func", "table", "memory", "global", "tag")
EXACT_FUNC = 0x20

REC = 0x4E
EMPTY = 0x40  # a block type; before a table type: an initialiser follows

# How each kind of immediate is stepped over; IMMEDIATES in opcodes.py describes them.
(
    NONE, STEP_U32, STEP_S32, STEP_S64, STEP_BYTE, STEP_4, STEP_8, STEP_16, STEP_MEMARG,
    STEP_BLOCKTYPE, STEP_HEAPTYPE, STEP_LABELS, STEP_VALTYPES, STEP_CATCHES,
) = range(14)  # fmt: skip
_STEPS = {
    "blocktype": STEP_BLOCKTYPE,
    "i32": STEP_S32,
    "i64": STEP_S64,
    "f32": STEP_4,
    "f64": STEP_8,
    "v128": STEP_16,
    "laneidx16": STEP_16,
    "memarg": STEP_MEMARG,
    "laneidx": STEP_BYTE,
    "castflags": STEP_BYTE,
    "zero": STEP_BYTE,
    "heaptype": STEP_HEAPTYPE,
    "vec(labelidx)": STEP_LABELS,
    "vec(valtype)": STEP_VALTYPES,
    "vec(catch)": STEP_CATCHES,
}
MAX_IMMEDIATES = 4
_steps = bytearray(N_IDS * MAX_IMMEDIATES)
for _row in OPS.values():
    for _i, _kind in enumerate(_row.immediates):
        _steps[_row.id * MAX_IMMEDIATES + _i] = _STEPS.get(_kind, STEP_U32)
STEPS = bytes(_steps)

# What an instruction does to the nesting of blocks.
_nesting = bytearray(N_IDS)
for _name in ("block", "loop", "if", "try", "try_table"):
    _nesting[BY_NAME[_name].id] = 1
for _name in ("end", "delegate"):
    _nesting[BY_NAME[_name].id] = 2
NESTING = bytes(_nesting)


def decode(data: bytes | bytearray | memoryview, features: Features = DEFAULT) -> ModuleSyntax:
    """Decode a module.

    Raises:
        MalformedError: the bytes are not a module, or use a proposal that is off.
        InvalidError: an implementation limit is exceeded.
        TypeError: `data` is no bytes-like object.
    """
    if type(data) is not bytes:
        data = bytes(memoryview(data))
    return Decoder(data, features).decode()


class Decoder(TypeDecoder):
    """Decodes one module, section by section."""

    def __init__(self, data: bytes, features: Features) -> None:
        super().__init__(data, features)
        self.module = ModuleSyntax(data, features)
        self.available = availability(features)

    # Modules

    def decode(self) -> ModuleSyntax:
        r = self.reader
        module = self.module
        size = r.end
        if size > MAX_MODULE_SIZE:
            raise InvalidError(f"module of {size} bytes, at most {MAX_MODULE_SIZE} are supported", 0)
        self.header()
        place = CUSTOM
        rank = -1
        while r.pos < size:
            at = r.pos
            section = r.byte()
            if section > TAG:
                self.check_unfinished_bodies()
                self.fail("malformed section id", at)
            self.begin_section(section, at)
            if section == CUSTOM:
                self.custom_section(place)
            else:
                if ORDER.index(section) <= rank:
                    self.fail(
                        f"unexpected content after last section: section {section} is repeated or out of order",
                        at,
                    )
                rank = ORDER.index(section)
                place = section
                _SECTIONS[section](self)
            if r.pos != r.end:
                self.fail("section size mismatch", r.pos)
            r.end = size
        self.check_counts(size)
        return module

    def header(self) -> None:
        data = self.module.data
        if not data.startswith(MAGIC):
            if len(data) < len(MAGIC):
                self.fail("unexpected end", len(data))
            self.fail("magic header not detected", 0)
        version = data[4:8]
        if version != VERSION:
            if VERSION.startswith(version):
                self.fail("unexpected end", len(data))
            if data[6:8] == COMPONENT_LAYER:
                self.fail("unknown binary version: a component, where a core module is expected", 4)
            self.fail("unknown binary version", 4)
        self.reader.pos = 8

    def begin_section(self, section: int, at: int) -> None:
        """Read the section's size and let the reader end where the section does."""
        r = self.reader
        if section == TAG:
            self.need("exceptions", "malformed section id: the tag section", at)
        elif section == DATA_COUNT:
            self.need("bulk_memory", "malformed section id: the data count section", at)
        size_at = r.pos
        size = r.u32()
        if size > r.end - r.pos:
            self.fail("length out of bounds", size_at)
        r.end = r.pos + size

    def check_counts(self, end: int) -> None:
        module = self.module
        if len(module.funcs) != len(module.body_start):
            self.fail(
                "function and code section have inconsistent lengths: "
                f"{len(module.funcs)} and {len(module.body_start)}",
                end,
            )
        if module.data_count is not None and module.data_count != len(module.datas):
            self.fail(
                f"data count and data section have inconsistent lengths: {module.data_count} and {len(module.datas)}",
                end,
            )

    def custom_section(self, place: int) -> None:
        r = self.reader
        name = r.name()
        self.module.customs.append(Custom(name, r.pos, r.end, place))
        r.pos = r.end

    # Sections

    def type_section(self) -> None:
        r = self.reader
        module = self.module
        for _ in turns(self.count(MAX_TYPES, "recursion groups")):
            first = len(module.types)
            at = r.pos
            n = 1
            if r.pos < r.end and r.buffer[r.pos] == REC:
                self.need("gc", "malformed definition type: a recursion group", at)
                r.pos += 1
                n = self.count(MAX_TYPES, "types in a recursion group")
            if first + n > MAX_TYPES:
                self.limit(first + n, MAX_TYPES, "types", at)
            for _ in turns(n):
                module.types.append(self.sub_type())
            module.rec_groups.append((first, n))

    def import_section(self) -> None:
        for _ in turns(self.count(MAX_IMPORTS, "imports")):
            self.import_()
        self.check_tables(self.reader.pos)
        self.check_memories(self.reader.pos)

    def import_(self) -> None:
        r = self.reader
        module = self.module
        offset = r.pos
        module_name = r.name()
        name = r.name()
        at = r.pos
        lead = r.byte()
        exact = lead == EXACT_FUNC
        if exact:
            self.need("custom_descriptors", "malformed import kind: an exact function", at)
            lead = 0
        desc: ExternType
        if lead == 0:
            desc = index = r.u32()
            module.imported_funcs.append(index)
        elif lead == 1:
            desc = table = self.table_type()
            module.imported_tables.append(table)
        elif lead == 2:
            desc = memory = self.memory_type()
            module.imported_memories.append(memory)
        elif lead == 3:
            desc = variable = self.global_type()
            if variable.mutable:
                self.need("mutable_global", "mutable globals cannot be imported: this", at)
            module.imported_globals.append(variable)
        elif lead == 4:
            self.need("exceptions", "malformed import kind: a tag", at)
            desc = index = self.tag_type()
            module.imported_tags.append(index)
        else:
            self.fail(f"malformed import kind: byte {lead:#04x}", at)
        module.imports.append(Import(module_name, name, EXTERN_KINDS[lead], desc, offset, exact))

    def export_section(self) -> None:
        r = self.reader
        exports = self.module.exports
        for _ in turns(self.count(MAX_EXPORTS, "exports")):
            offset = r.pos
            name = r.name()
            at = r.pos
            lead = r.byte()
            if lead > 4:
                self.fail(f"malformed export kind: byte {lead:#04x}", at)
            if lead == 4:
                self.need("exceptions", "malformed export kind: a tag", at)
            index = r.u32()
            if lead == 3 and not self.features.mutable_global:
                self.check_exported_global(index, at)
            exports.append(Export(name, EXTERN_KINDS[lead], index, offset))

    def check_exported_global(self, index: int, at: int) -> None:
        if index < self.module.n_globals and self.module.global_type(index).mutable:
            self.need("mutable_global", "mutable globals cannot be exported: this", at)

    def start_section(self) -> None:
        self.module.start = self.reader.u32()

    def function_section(self) -> None:
        self.module.funcs = self.indices(MAX_FUNCTIONS, "functions")

    def indices(self, most: int, what: str) -> array[int]:
        """A vector of at most `most` indices."""
        r = self.reader
        n = self.count(most, what)
        result = array("I", bytes(4 * n))
        view = result
        for i in range(n):
            view[i] = r.u32()
        return result

    def table_section(self) -> None:
        r = self.reader
        for _ in turns(self.count(MAX_TABLES, "tables")):
            offset = r.pos
            init = None
            if r.pos < r.end and r.buffer[r.pos] == EMPTY:
                self.need("function_references", "malformed table: an initialiser", offset)
                r.pos += 1
                if r.byte() != 0:
                    self.fail("zero byte expected", r.pos - 1)
                t = self.table_type()
                init = self.expr()
            else:
                t = self.table_type()
            self.module.tables.append(Table(t, init, offset))
        self.check_tables(r.pos)

    def check_tables(self, at: int) -> None:
        n = self.module.n_tables
        self.limit(n, MAX_TABLES, "tables", at)
        if n > 1 and not self.features.reference_types:
            raise InvalidError("multiple tables: need the feature reference_types, which is off", at)

    def memory_section(self) -> None:
        for _ in range(self.count(MAX_MEMORIES, "memories")):
            self.module.memories.append(self.memory_type())
        self.check_memories(self.reader.pos)

    def check_memories(self, at: int) -> None:
        n = self.module.n_memories
        self.limit(n, MAX_MEMORIES, "memories", at)
        if n > 1 and not self.features.multi_memory:
            raise InvalidError("multiple memories: need the feature multi_memory, which is off", at)

    def tag_section(self) -> None:
        for _ in turns(self.count(MAX_TAGS, "tags")):
            self.module.tags.append(self.tag_type())

    def global_section(self) -> None:
        r = self.reader
        for _ in turns(self.count(MAX_GLOBALS, "globals")):
            offset = r.pos
            t = self.global_type()
            self.module.globals.append(Global(t, self.expr(), offset))

    def element_section(self) -> None:
        for _ in turns(self.count(MAX_ELEM_SEGMENTS, "element segments")):
            self.module.elems.append(self.elem())

    def elem(self) -> Elem:
        """Spec: 5.5.12 "Element Section". The flags: 1 not active, 2 explicit, 4 expressions."""
        r = self.reader
        at = r.pos
        flags = r.u32()
        if flags > 7:
            self.fail(f"malformed elements segment kind: {flags}", at)
        if flags != 0:
            feature = "reference_types" if flags & 3 == 3 else "bulk_memory"
            self.need(feature, f"malformed elements segment kind: {flags}", at)
        table = 0
        offset = None
        mode: Mode = "active"
        if flags & 1:
            mode = "declarative" if flags & 2 else "passive"
        else:
            if flags & 2:
                table = r.u32()
            offset = self.expr()
        funcs = exprs = None
        if flags & 4:
            t = self.ref_type() if flags & 3 else FUNCREF
            n = self.count(MAX_TABLE_INIT, "elements in a segment")
            exprs = [self.expr() for _ in turns(n)]
        else:
            t = ref_type(HEAP_FUNC, False)
            if flags & 3:
                kind = r.byte()
                if kind != 0:
                    self.fail(f"malformed element kind: byte {kind:#04x}", r.pos - 1)
            funcs = self.indices(MAX_TABLE_INIT, "elements in a segment")
        return Elem(mode, table, offset, val_type(t), funcs, exprs, at)

    def data_count_section(self) -> None:
        r = self.reader
        at = r.pos
        n = r.u32()
        self.limit(n, MAX_DATA_SEGMENTS, "data segments", at)
        self.module.data_count = n

    def code_section(self) -> None:
        self.module.body_start, self.module.body_end = self.bodies()

    def bodies(self) -> tuple[array[int], array[int]]:
        """Where the function bodies begin and end."""
        r = self.reader
        n = self.count(MAX_FUNCTIONS, "functions")
        starts = array("Q", bytes(8 * n))
        ends = array("Q", bytes(8 * n))
        start_view = starts
        end_view = ends
        for i in range(n):
            at = r.pos
            size = r.u32()
            if size > MAX_BODY_SIZE:
                if size > r.end - r.pos:
                    r.overrun()
                raise InvalidError(
                    f"function body of {size} bytes, at most {MAX_BODY_SIZE} are supported",
                    at,
                    self.module.n_imported_funcs + i,
                )
            start_view[i] = r.skip(size)
            end_view[i] = r.pos
        return starts, ends

    def check_unfinished_bodies(self) -> None:
        """Refuse bodies that do not end with `end` for what is wrong in them.

        If what follows the code section is no section, the sizes before it were too small, or a
        body is longer than it should be; then that comes first.
        """
        r = self.reader
        bodies = zip(self.module.body_start, self.module.body_end, strict=True)
        for start, end in bodies:
            if start < end and r.buffer[end - 1] != OP_END:
                r.pos, r.end = start, end
                for _ in range(r.count()):
                    r.u32()
                    self.val_type()
                self.expr()

    def data_section(self) -> None:
        for _ in turns(self.count(MAX_DATA_SEGMENTS, "data segments")):
            self.module.datas.append(self.data())

    def data(self) -> Data:
        r = self.reader
        at = r.pos
        flags = r.u32()
        if flags > 2:
            self.fail(f"malformed data segment kind: {flags}", at)
        if flags != 0:
            self.need("bulk_memory", f"malformed data segment kind: {flags}", at)
        memory = r.u32() if flags == 2 else 0
        offset = None if flags == 1 else self.expr()
        n = r.count()
        start = r.skip(n)
        return Data("passive" if flags == 1 else "active", memory, offset, start, r.pos, at)

    # Expressions: stepped over, checked for their form only

    def expr(self) -> Expr:
        """Step over an expression up to its `end`. Spec: 5.4.10 "Expressions"."""
        r = self.reader
        start = r.pos
        depth = 1
        while depth > 0:
            at = r.pos
            op_id = r.opcode()
            if op_id < 0 or self.available[op_id] != ENABLED:
                self.refuse_opcode(op_id, at)
            effect = NESTING[op_id]
            if effect == 1:
                depth += 1
            elif effect == 2:
                depth -= 1
            for i in range(MAX_IMMEDIATES):
                step = STEPS[op_id * MAX_IMMEDIATES + i]
                if step == NONE:
                    break
                self.immediate(step)
        return Expr(start, r.pos)

    def refuse_opcode(self, op_id: int, at: int) -> NoReturn:
        r = self.reader
        opcode = r.data[at : r.pos].hex(" ")
        if op_id < 0 or self.available[op_id] == UNKNOWN:
            self.fail(f"illegal opcode {opcode}", at)
        row = OPS[op_id]
        self.fail(
            f"illegal opcode {opcode}: {row.mnemonic} needs the feature {row.feature}, which is off",
            at,
        )

    def immediate(self, step: int) -> None:
        """Step over one immediate."""
        r = self.reader
        if step == STEP_U32:
            r.u32()
        elif step == STEP_S32:
            r.s32()
        elif step == STEP_S64:
            r.s64()
        elif step == STEP_BYTE:
            r.byte()
        elif step == STEP_4:
            r.skip(4)
        elif step == STEP_8:
            r.skip(8)
        elif step == STEP_16:
            r.skip(16)
        elif step == STEP_HEAPTYPE:
            self.heap_type()
        elif step == STEP_MEMARG:
            self.memarg()
        elif step == STEP_BLOCKTYPE:
            self.block_type()
        elif step == STEP_LABELS:
            for _ in range(r.count()):
                r.u32()
        elif step == STEP_VALTYPES:
            for _ in range(r.count()):
                self.val_type()
        else:
            assert step == STEP_CATCHES
            for _ in range(r.count()):
                self.catch()

    def memarg(self) -> None:
        r = self.reader
        at = r.pos
        flags = r.u32()
        if flags >= 0x80:
            self.fail(f"malformed memop flags: {flags:#x}", at)
        if flags & 0x40:
            self.need("multi_memory", "malformed memop flags: a memory index", at)
            r.u32()
        r.u64()

    def block_type(self) -> None:
        r = self.reader
        at = r.pos
        lead = r.buffer[at] if at < r.end else 0
        if lead == EMPTY:
            r.pos = at + 1
        elif lead > EMPTY and lead < 0x80:
            self.val_type()
        elif r.s33() < 0:
            self.fail("malformed block type", at)

    def catch(self) -> None:
        r = self.reader
        at = r.pos
        kind = r.byte()
        if kind > 3:
            self.fail(f"malformed catch clause: byte {kind:#04x}", at)
        if kind < 2:
            r.u32()
        r.u32()


_SECTIONS: dict[int, Callable[[Decoder], None]] = {
    TYPE: Decoder.type_section,
    IMPORT: Decoder.import_section,
    FUNCTION: Decoder.function_section,
    TABLE: Decoder.table_section,
    MEMORY: Decoder.memory_section,
    TAG: Decoder.tag_section,
    GLOBAL: Decoder.global_section,
    EXPORT: Decoder.export_section,
    START: Decoder.start_section,
    ELEMENT: Decoder.element_section,
    DATA_COUNT: Decoder.data_count_section,
    CODE: Decoder.code_section,
    DATA: Decoder.data_section,
}
