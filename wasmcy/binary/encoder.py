"""From `ModuleSyntax` to bytes. Spec: 5.5 "Modules".

Every number is written in as few bytes as it needs, and every section only if it contains something:
`decode(encode(m))` has the parts of `m`, and bytes that are written so come out of
`encode(decode(b))` as they were.
"""

from __future__ import annotations

from ..module import Data, Elem, Export, Global, Import, ModuleSyntax, Table
from ..types import (
    FUNCREF,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    MemoryType,
    StructType,
    SubType,
    TableType,
)
from .decoder import (
    CODE,
    CUSTOM,
    DATA,
    DATA_COUNT,
    ELEMENT,
    EMPTY,
    EXACT_FUNC,
    EXPORT,
    EXTERN_KINDS,
    FUNCTION,
    GLOBAL,
    IMPORT,
    MAGIC,
    MEMORY,
    ORDER,
    REC,
    START,
    TABLE,
    TAG,
    TYPE,
    VERSION,
)
from .types import (
    ARRAY,
    DESCRIBES,
    DESCRIPTOR,
    FUNC,
    LIMITS_64,
    LIMITS_MAX,
    LIMITS_PAGE,
    LIMITS_SHARED,
    STRUCT,
    SUB,
    SUB_FINAL,
)
from .writer import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def encode(module: ModuleSyntax) -> bytes:
    """The binary format of a module; what its spans contain is taken over as it is."""
    return Encoder(module).encode()


def sections_of(module: ModuleSyntax) -> list[int]:
    """The sections that a module has, in their order, but for custom ones."""
    return [section for section in ORDER if _SECTIONS[section][0](module)]


class Encoder:
    """Writes one module, section by section."""

    def __init__(self, module: ModuleSyntax) -> None:
        self.module = module
        self.out = Writer()

    def encode(self) -> bytes:
        out = self.out
        out.raw(MAGIC + VERSION)
        self.custom_sections(CUSTOM)
        for section in ORDER:
            items, write = _SECTIONS[section]
            self.section(section, items(self.module), write)
            self.custom_sections(section)
        return out.getvalue()

    # Sections: the size is written when what it counts has been cut off again

    def section(self, section: int, items: Sequence[Any] | None, write: Callable[[Encoder, Any], None]) -> None:
        """A section that is a vector."""
        if not items:
            return
        out = self.out
        out.byte(section)
        start = out.size
        if section not in (START, DATA_COUNT):
            out.unsigned(len(items))
        for item in items:
            write(self, item)
        out.span(out.take(start))

    def custom_sections(self, place: int) -> None:
        out = self.out
        for custom in self.module.customs:
            if custom.place == place:
                out.byte(CUSTOM)
                start = out.size
                out.name(custom.name)
                self.copy(custom.start, custom.end)
                out.span(out.take(start))

    def copy(self, start: int, end: int) -> None:
        """Bytes of the module itself."""
        self.out.raw(self.module.data[start:end])

    def number(self, value: int) -> None:
        self.out.unsigned(value)

    # Types

    def rec_group(self, group: tuple[int, int]) -> None:
        first, n = group
        if n != 1:
            self.out.byte(REC)
            self.out.unsigned(n)
        for sub in self.module.types[first : first + n]:
            self.sub_type(sub)

    def sub_type(self, sub: SubType) -> None:
        out = self.out
        if not sub.final or sub.supers:
            out.byte(SUB_FINAL if sub.final else SUB)
            self.indices(sub.supers)
        for lead, index in ((DESCRIBES, sub.describes), (DESCRIPTOR, sub.descriptor)):
            if index is not None:
                out.byte(lead)
                out.unsigned(index)
        comp = sub.comp
        if isinstance(comp, FuncType):
            out.byte(FUNC)
            self.val_types(comp.params)
            self.val_types(comp.results)
        elif isinstance(comp, StructType):
            out.byte(STRUCT)
            out.unsigned(len(comp.fields))
            for field in comp.fields:
                self.field_type(field)
        else:
            assert isinstance(comp, ArrayType)
            out.byte(ARRAY)
            self.field_type(comp.field)

    def val_types(self, types: Sequence[int]) -> None:
        self.out.unsigned(len(types))
        for t in types:
            self.out.val_type(t)

    def field_type(self, field: FieldType) -> None:
        self.out.val_type(field.storage)
        self.out.byte(field.mutable)

    def limits(self, flags: int, t: TableType | MemoryType) -> None:
        flags |= (LIMITS_MAX if t.max is not None else 0) | (LIMITS_64 if t.is64 else 0)
        self.out.byte(flags)
        self.out.unsigned(t.min)
        if t.max is not None:
            self.out.unsigned(t.max)

    def table_type(self, t: TableType) -> None:
        self.out.val_type(t.element)
        self.limits(0, t)

    def memory_type(self, t: MemoryType) -> None:
        page = t.page_size_log2
        self.limits((LIMITS_SHARED if t.shared else 0) | (LIMITS_PAGE if page != 16 else 0), t)
        if page != 16:
            self.out.unsigned(page)

    def global_type(self, t: GlobalType) -> None:
        self.out.val_type(t.type)
        self.out.byte(t.mutable)

    def tag_type(self, index: int) -> None:
        self.out.byte(0)
        self.out.unsigned(index)

    # Imports, definitions and exports

    def import_(self, item: Import) -> None:
        out = self.out
        out.name(item.module)
        out.name(item.name)
        out.byte(EXACT_FUNC if item.exact else EXTERN_KINDS.index(item.kind))
        desc = item.desc
        if isinstance(desc, TableType):
            self.table_type(desc)
        elif isinstance(desc, MemoryType):
            self.memory_type(desc)
        elif isinstance(desc, GlobalType):
            self.global_type(desc)
        elif item.kind == "tag":
            self.tag_type(desc)
        else:
            out.unsigned(desc)

    def table(self, table: Table) -> None:
        if table.init is not None:
            self.out.byte(EMPTY)
            self.out.byte(0)
        self.table_type(table.type)
        if table.init is not None:
            self.copy(*table.init)

    def global_(self, item: Global) -> None:
        self.global_type(item.type)
        self.copy(*item.init)

    def export(self, item: Export) -> None:
        self.out.name(item.name)
        self.out.byte(EXTERN_KINDS.index(item.kind))
        self.out.unsigned(item.index)

    # Segments and code

    def indices(self, indices: Sequence[int]) -> None:
        self.out.unsigned(len(indices))
        for index in indices:
            self.out.unsigned(index)

    def elem(self, elem: Elem) -> None:
        """Spec: 5.5.12 "Element Section". The flags: 1 not active, 2 explicit, 4 expressions."""
        out = self.out
        active = elem.mode == "active"
        flags = 0 if elem.exprs is None else 4
        if not active:
            flags |= 3 if elem.mode == "declarative" else 1
        elif elem.table or (elem.exprs is not None and elem.type != FUNCREF):
            flags |= 2
        out.byte(flags)
        if active and flags & 2:
            out.unsigned(elem.table)
        if active:
            assert elem.offset is not None
            self.copy(*elem.offset)
        if elem.exprs is not None:
            if flags & 3:
                out.val_type(elem.type)
            out.unsigned(len(elem.exprs))
            for expr in elem.exprs:
                self.copy(*expr)
        else:
            assert elem.funcs is not None
            if flags & 3:
                out.byte(0)
            self.indices(elem.funcs)

    def body(self, span: tuple[int, int]) -> None:
        start, end = span
        self.out.unsigned(end - start)
        self.copy(start, end)

    def data(self, data: Data) -> None:
        out = self.out
        active = data.mode == "active"
        out.byte((2 if data.memory else 0) if active else 1)
        if active:
            assert data.offset is not None
            if data.memory:
                out.unsigned(data.memory)
            self.copy(*data.offset)
        out.unsigned(data.end - data.start)
        self.copy(data.start, data.end)


_SECTIONS: dict[int, tuple[Callable[[ModuleSyntax], Sequence[Any] | None], Callable[[Encoder, Any], None]]] = {
    TYPE: (lambda m: m.rec_groups, Encoder.rec_group),
    IMPORT: (lambda m: m.imports, Encoder.import_),
    FUNCTION: (lambda m: m.funcs, Encoder.number),
    TABLE: (lambda m: m.tables, Encoder.table),
    MEMORY: (lambda m: m.memories, Encoder.memory_type),
    TAG: (lambda m: m.tags, Encoder.tag_type),
    GLOBAL: (lambda m: m.globals, Encoder.global_),
    EXPORT: (lambda m: m.exports, Encoder.export),
    START: (lambda m: None if m.start is None else (m.start,), Encoder.number),
    ELEMENT: (lambda m: m.elems, Encoder.elem),
    DATA_COUNT: (lambda m: None if m.data_count is None else (m.data_count,), Encoder.number),
    CODE: (lambda m: list(zip(m.body_start, m.body_end, strict=True)), Encoder.body),
    DATA: (lambda m: m.datas, Encoder.data),
}
