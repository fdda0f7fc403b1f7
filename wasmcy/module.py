"""A module as decoded: plain data. Spec: 2.5 "Modules".

Nothing here is validated: indices may be out of range, expressions ill-typed.
Function bodies and expressions are spans of the module's own bytes.
"""

from __future__ import annotations

from array import array

from .errors import InvalidError
from .features import Features
from .types import (
    FuncType,
    GlobalType,
    MemoryType,
    SubType,
    TableType,
    TagType,
    ValType,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Literal

    Kind = Literal["func", "table", "memory", "global", "tag"]
    Mode = Literal["active", "passive", "declarative"]
    ExternType = int | TableType | MemoryType | GlobalType


class Expr(tuple[int, int]):
    """A constant expression: the offsets of its first byte and past its `end`."""

    __slots__ = ()

    def __new__(cls, start: int, end: int) -> Expr:
        return tuple.__new__(cls, (start, end))

    @property
    def start(self) -> int:
        return self[0]

    @property
    def end(self) -> int:
        return self[1]

    def __getnewargs__(self) -> tuple[int, int]:
        return self[0], self[1]

    def __repr__(self) -> str:
        return f"Expr({self[0]:#x}, {self[1]:#x})"


class _Part:
    """A record of the module: equal if all its fields are."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


class Import(_Part):
    """An import. `desc` is a type index for functions and tags, else the type itself.

    `exact` is the custom descriptors proposal's exact function import.
    """

    __slots__ = ("module", "name", "kind", "desc", "offset", "exact")

    def __init__(
        self,
        module: str,
        name: str,
        kind: Kind,
        desc: ExternType,
        offset: int,
        exact: bool = False,
    ) -> None:
        self.module = module
        self.name = name
        self.kind: Kind = kind
        self.desc = desc
        self.offset = offset
        self.exact = exact


class Export(_Part):
    """An export: its name and the index of what it exports, in that kind's index space."""

    __slots__ = ("name", "kind", "index", "offset")

    def __init__(self, name: str, kind: Kind, index: int, offset: int) -> None:
        self.name = name
        self.kind: Kind = kind
        self.index = index
        self.offset = offset


class Table(_Part):
    """A table; `init` gives its elements' first value, None stands for null."""

    __slots__ = ("type", "init", "offset")

    def __init__(self, type: TableType, init: Expr | None, offset: int) -> None:
        self.type = type
        self.init = init
        self.offset = offset


class Global(_Part):
    """A global variable and its first value."""

    __slots__ = ("type", "init", "offset")

    def __init__(self, type: GlobalType, init: Expr, offset: int) -> None:
        self.type = type
        self.init = init
        self.offset = offset


class Elem(_Part):
    """An element segment: references, given as function indices or as expressions.

    Exactly one of `funcs` and `exprs` is None. `table` and `offset` count for active segments only.
    """

    __slots__ = ("mode", "table", "offset", "type", "funcs", "exprs", "position")

    def __init__(
        self,
        mode: Mode,
        table: int,
        offset: Expr | None,
        type: ValType,
        funcs: array[int] | None,
        exprs: list[Expr] | None,
        position: int,
    ) -> None:
        self.mode: Mode = mode
        self.table = table
        self.offset = offset
        self.type = type
        self.funcs = funcs
        self.exprs = exprs
        self.position = position

    def __len__(self) -> int:
        if self.funcs is not None:
            return len(self.funcs)
        return len(self.exprs or ())


class Data(_Part):
    """A data segment: bytes `start` to `end` of the module."""

    __slots__ = ("mode", "memory", "offset", "start", "end", "position")

    def __init__(self, mode: Mode, memory: int, offset: Expr | None, start: int, end: int, position: int) -> None:
        self.mode: Mode = mode
        self.memory = memory
        self.offset = offset
        self.start = start
        self.end = end
        self.position = position

    def __len__(self) -> int:
        return self.end - self.start


class Custom(_Part):
    """A custom section: its payload is bytes `start` to `end` of the module.

    `place` is the id of the last section before it that is not custom, 0 if there is none.
    """

    __slots__ = ("name", "start", "end", "place")

    def __init__(self, name: str, start: int, end: int, place: int) -> None:
        self.name = name
        self.start = start
        self.end = end
        self.place = place


# Subsections of a name section, by id. Spec: appendix "Name Section", and the proposal "Extended Name Section".
NAMES_OF = (
    "module", "func", "local", "label", "type", "table", "memory", "global", "elem", "data", "field", "tag",
)  # fmt: skip
NESTED_NAMES = ("local", "label", "field")  # maps of maps: by function or type, then by local, label or field


class Names:
    """What a name section says: the module's name, names by index, names by two indices.

    `maps` has the names of what has one index, by kind, `nested` those of locals, labels and fields.
    """

    __slots__ = ("maps", "module", "nested")

    def __init__(self) -> None:
        self.module: str | None = None
        self.maps: dict[str, dict[int, str]] = {}
        self.nested: dict[str, dict[int, dict[int, str]]] = {}


class ModuleSyntax:
    """The parts of a module in the order of its sections.

    Index spaces begin with the imports: function `i` is import number `i` of the
    functions if `i < n_imported_funcs`, else the defined one `i - n_imported_funcs`.

    data          the whole file
    features      those it was decoded with
    types         all defined types; `rec_groups` (first, count) says how they are grouped
    funcs         type index of each defined function
    tags          type index of each defined tag
    body_start    offset of each defined function's body, at its declaration of locals
    body_end      offset past its final `end`
    data_count    what the data count section says, None without one
    imported_*    what is imported, of each kind: type indices for functions and tags, else types
    """

    __slots__ = (
        "data",
        "features",
        "types",
        "rec_groups",
        "imports",
        "funcs",
        "tables",
        "memories",
        "tags",
        "globals",
        "exports",
        "start",
        "elems",
        "data_count",
        "body_start",
        "body_end",
        "datas",
        "customs",
        "imported_funcs",
        "imported_tables",
        "imported_memories",
        "imported_globals",
        "imported_tags",
        "_names",
        "_export_names",
    )

    def __init__(self, data: bytes, features: Features) -> None:
        self.data = data
        self.features = features
        self.types: list[SubType] = []
        self.rec_groups: list[tuple[int, int]] = []
        self.imports: list[Import] = []
        self.funcs: array[int] = array("I")
        self.tables: list[Table] = []
        self.memories: list[MemoryType] = []
        self.tags: list[int] = []
        self.globals: list[Global] = []
        self.exports: list[Export] = []
        self.start: int | None = None
        self.elems: list[Elem] = []
        self.data_count: int | None = None
        self.body_start: array[int] = array("Q")
        self.body_end: array[int] = array("Q")
        self.datas: list[Data] = []
        self.customs: list[Custom] = []
        self.imported_funcs: list[int] = []
        self.imported_tables: list[TableType] = []
        self.imported_memories: list[MemoryType] = []
        self.imported_globals: list[GlobalType] = []
        self.imported_tags: list[int] = []
        self._names: Names | None = None
        self._export_names: dict[int, str] | None = None

    @property
    def n_imported_funcs(self) -> int:
        return len(self.imported_funcs)

    @property
    def n_funcs(self) -> int:
        return len(self.imported_funcs) + len(self.funcs)

    @property
    def n_tables(self) -> int:
        return len(self.imported_tables) + len(self.tables)

    @property
    def n_memories(self) -> int:
        return len(self.imported_memories) + len(self.memories)

    @property
    def n_globals(self) -> int:
        return len(self.imported_globals) + len(self.globals)

    @property
    def n_tags(self) -> int:
        return len(self.imported_tags) + len(self.tags)

    # What stands at an index of an index space. All raise IndexError beyond its end.

    def func_type_index(self, index: int) -> int:
        n = len(self.imported_funcs)
        return self.imported_funcs[index] if index < n else self.funcs[index - n]

    def func_type(self, index: int) -> FuncType:
        """The type of a function.

        Raises:
            InvalidError: its type index is out of range or no function type.
        """
        return self.func_type_at(self.func_type_index(index))

    def func_type_at(self, type_index: int) -> FuncType:
        """The function type at a type index.

        Raises:
            InvalidError: it is out of range or no function type.
        """
        if type_index >= len(self.types):
            raise InvalidError(f"unknown type {type_index}")
        comp = self.types[type_index].comp
        if not isinstance(comp, FuncType):
            raise InvalidError(f"type {type_index} is not a function type: {comp}")
        return comp

    def table_type(self, index: int) -> TableType:
        n = len(self.imported_tables)
        return self.imported_tables[index] if index < n else self.tables[index - n].type

    def memory_type(self, index: int) -> MemoryType:
        n = len(self.imported_memories)
        return self.imported_memories[index] if index < n else self.memories[index - n]

    def global_type(self, index: int) -> GlobalType:
        n = len(self.imported_globals)
        return self.imported_globals[index] if index < n else self.globals[index - n].type

    def tag_type_index(self, index: int) -> int:
        n = len(self.imported_tags)
        return self.imported_tags[index] if index < n else self.tags[index - n]

    def tag_type(self, index: int) -> TagType:
        return TagType(self.func_type_at(self.tag_type_index(index)))

    @property
    def name(self) -> str | None:
        """The module's own name, from the name section."""
        return self._name_section().module

    def own_name(self, index: int) -> str | None:
        """A function's name in the name section."""
        return self._name_section().maps["func"].get(index)

    def function_name(self, index: int) -> str | None:
        """A function's name: from the name section, else that of an export or import of it."""
        name = self.own_name(index)
        if name is not None:
            return name
        if self._export_names is None:
            self._export_names = {}
            for export in self.exports:
                if export.kind == "func":
                    self._export_names.setdefault(export.index, export.name)
            functions = (i for i in self.imports if i.kind == "func")
            for number, imported in enumerate(functions):
                self._export_names.setdefault(number, f"{imported.module}.{imported.name}")
        return self._export_names.get(index)

    def _name_section(self) -> Names:
        """The names of the module and of functions."""
        if self._names is None:
            self._names = self.names(("module", "func"))
            self._names.maps.setdefault("func", {})
        return self._names

    def names(self, wanted: Container[str] = NAMES_OF) -> Names:
        """What the first name section says, of the kinds `wanted`; nothing where there is none."""
        for custom in self.customs:
            if custom.name == "name":
                return parse_names(self.data, custom.start, custom.end, wanted)
        return Names()

    def __repr__(self) -> str:
        return (
            f"<ModuleSyntax of {len(self.data)} bytes, {self.n_funcs} functions, "
            f"{len(self.imports)} imports, {len(self.exports)} exports>"
        )


def parse_names(data: bytes, start: int, end: int, wanted: Container[str] = NAMES_OF) -> Names:
    """The names in a name section, of the kinds `wanted`.

    Lenient, for names only help people: what is malformed is where the reading
    stops, bytes that are not UTF-8 are replaced. Spec: appendix "Name Section".
    """
    names = Names()
    at = start

    def u32(limit: int) -> int:
        nonlocal at
        result = shift = 0
        while True:
            if at >= limit or shift > 28:
                raise ValueError
            byte = data[at]
            at += 1
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result

    def text(limit: int) -> str:
        nonlocal at
        length = u32(limit)
        if length > limit - at:
            raise ValueError
        at += length
        return data[at - length : at].decode("utf-8", "replace")

    def read_map(found: dict[int, str], limit: int) -> None:
        for _ in range(u32(limit)):
            index = u32(limit)
            found.setdefault(index, text(limit))

    try:
        while at < end:
            section = data[at]
            at += 1
            size = u32(end)
            section_end = min(at + size, end)
            kind = NAMES_OF[section] if section < len(NAMES_OF) else ""
            if kind not in wanted:
                pass
            elif kind == "module":
                names.module = text(section_end)
            elif kind in NESTED_NAMES:
                outer = names.nested.setdefault(kind, {})
                for _ in range(u32(section_end)):
                    read_map(outer.setdefault(u32(section_end), {}), section_end)
            else:
                read_map(names.maps.setdefault(kind, {}), section_end)
            at = section_end
    except ValueError:
        pass
    return names
