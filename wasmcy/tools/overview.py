"""What is in a module, as lines of text: sections, types, imports, exports and the rest."""

from __future__ import annotations

import sys
from itertools import islice

from ..binary import decoder
from ..binary.decoder import decode
from ..binary.reader import Reader
from ..errors import MalformedError
from ..features import Features
from ..text.spelling import quoted
from .disassembly import expression

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..module import Expr, ModuleSyntax

SECTIONS = {
    decoder.CUSTOM: "custom",
    decoder.TYPE: "type",
    decoder.IMPORT: "import",
    decoder.FUNCTION: "function",
    decoder.TABLE: "table",
    decoder.MEMORY: "memory",
    decoder.GLOBAL: "global",
    decoder.EXPORT: "export",
    decoder.START: "start",
    decoder.ELEMENT: "element",
    decoder.CODE: "code",
    decoder.DATA: "data",
    decoder.DATA_COUNT: "data count",
    decoder.TAG: "tag",
}
_WITHOUT_COUNT = (decoder.CUSTOM, decoder.START, decoder.DATA_COUNT)


class Section:
    """A section: its id, its offset and size in bytes with its head, how many items it has."""

    __slots__ = ("id", "items", "name", "offset", "size")

    def __init__(self, id: int, name: str, offset: int, size: int, items: int | None) -> None:
        self.id = id
        self.name = name
        self.offset = offset
        self.size = size
        self.items = items


def sections(data: bytes) -> Iterator[Section]:
    """The sections of a module that can be decoded, in order. Spec: 5.5.2 "Sections"."""
    reader = Reader(data, len(decoder.MAGIC + decoder.VERSION), len(data))
    while reader.pos < len(data):
        offset = reader.pos
        id = reader.byte()
        size = reader.u32()
        start = reader.skip(size)
        content = Reader(data, start, start + size)
        name = f"custom {quoted(content.name())}" if id == decoder.CUSTOM else SECTIONS[id]
        items = None if id in _WITHOUT_COUNT else content.u32()
        yield Section(id, name, offset, reader.pos - offset, items)


def overview(data: bytes, most: int = sys.maxsize) -> Iterator[str]:
    """The lines that `wasmcy inspect` prints: of each block at most that many rows.

    Raises:
        MalformedError, InvalidError: the bytes are no module, or one beyond what is supported.
    """
    module = decode(data, Features.all())
    name = f", module {quoted(module.name)}" if module.name else ""
    yield f"{len(data):,} bytes{name}"
    yield from _block("Sections", _sections(data), most, ("section", ">offset", ">bytes", ">items"))
    yield from _block("Types", _types(module), most)
    yield from _block("Imports", _imports(module), most)
    yield from _functions(module)
    yield from _block("Tables", _tables(module), most)
    yield from _block("Memories", _memories(module), most)
    yield from _block("Tags", _tags(module), most)
    yield from _block("Globals", _globals(module), most)
    yield from _block("Exports", _exports(module), most)
    if module.start is not None:
        yield ""
        yield f"Start: {_function(module, module.start)}"
    yield from _block("Elements", _elements(module), most)
    yield from _block("Data", _datas(module), most)
    yield from _block("Producers", _producers(module), most)
    yield from _block("Target features", _target_features(module), most)


# The rows of each block.


def _sections(data: bytes) -> Iterator[list[str]]:
    for s in sections(data):
        yield [s.name, f"{s.offset:#x}", f"{s.size:,}", "" if s.items is None else f"{s.items:,}"]


def _types(module: ModuleSyntax) -> Iterator[list[str]]:
    group_of = {first: count for first, count in module.rec_groups if count > 1}
    for i, type in enumerate(module.types):
        group = f"rec {i}-{i + group_of[i] - 1}" if i in group_of else ""
        yield [str(i), str(type), group]


def _imports(module: ModuleSyntax) -> Iterator[list[str]]:
    counts: dict[str, int] = {}
    for item in module.imports:
        index = counts.get(item.kind, 0)
        counts[item.kind] = index + 1
        type = _at_type_index(module, item.kind, item.desc) if isinstance(item.desc, int) else str(item.desc)
        yield [item.kind, str(index), quoted(item.module), quoted(item.name), type]


def _functions(module: ModuleSyntax) -> Iterator[str]:
    if not module.funcs:
        return
    sizes = [end - start for start, end in zip(module.body_start, module.body_end, strict=True)]
    first = len(module.imported_funcs)
    largest = max(range(len(sizes)), key=sizes.__getitem__)
    yield ""
    yield f"Functions: {len(sizes):,} from index {first} on, {sum(sizes):,} bytes of code"
    yield f"  largest: {_function(module, first + largest)}, {sizes[largest]:,} bytes"


def _tables(module: ModuleSyntax) -> Iterator[list[str]]:
    for i, table in enumerate(module.tables, len(module.imported_tables)):
        yield [str(i), str(table.type), "" if table.init is None else f"filled with {_at(module, table.init)}"]


def _memories(module: ModuleSyntax) -> Iterator[list[str]]:
    for i, memory in enumerate(module.memories, len(module.imported_memories)):
        yield [str(i), str(memory)]


def _tags(module: ModuleSyntax) -> Iterator[list[str]]:
    for i, type_index in enumerate(module.tags, len(module.imported_tags)):
        yield [str(i), _at_type_index(module, "tag", type_index)]


def _globals(module: ModuleSyntax) -> Iterator[list[str]]:
    for i, item in enumerate(module.globals, len(module.imported_globals)):
        yield [str(i), str(item.type), f"= {_at(module, item.init)}"]


def _exports(module: ModuleSyntax) -> Iterator[list[str]]:
    for item in module.exports:
        yield [item.kind, str(item.index), quoted(item.name), _at_index(module, item.kind, item.index)]


def _elements(module: ModuleSyntax) -> Iterator[list[str]]:
    for i, elem in enumerate(module.elems):
        where = f"table {elem.table} at {_at(module, elem.offset)}" if elem.offset is not None else ""
        yield [str(i), elem.mode, f"{len(elem):,} of {elem.type}", where]


def _datas(module: ModuleSyntax) -> Iterator[list[str]]:
    for i, segment in enumerate(module.datas):
        where = f"memory {segment.memory} at {_at(module, segment.offset)}" if segment.offset is not None else ""
        yield [str(i), segment.mode, f"{len(segment):,} bytes", where]


def _at(module: ModuleSyntax, expr: Expr) -> str:
    return expression(module.data, *expr)


def _at_index(module: ModuleSyntax, kind: str, index: int) -> str:
    """The type of what stands at an index; empty if nothing does, for nothing is validated here."""
    try:
        if kind == "func":
            return _at_type_index(module, kind, module.func_type_index(index))
        if kind == "tag":
            return _at_type_index(module, kind, module.tag_type_index(index))
        types = {"table": module.table_type, "memory": module.memory_type, "global": module.global_type}
        return str(types[kind](index))
    except IndexError:
        return ""


def _at_type_index(module: ModuleSyntax, kind: str, index: int) -> str:
    """The type of a function or tag; an index that is out of range is shown as it is."""
    if index >= len(module.types):
        return f"({kind} (type {index}))"
    return str(module.types[index].comp).replace("(func", f"({kind}", 1)


def _function(module: ModuleSyntax, index: int) -> str:
    name = module.function_name(index)
    return f"function {index}" + (f" {quoted(name)}" if name is not None else "")


# Custom sections of the tool conventions. Lenient: what cannot be read is left out.


def _producers(module: ModuleSyntax) -> Iterator[list[str]]:
    """The "producers" section: rows of a field, a name and a version."""
    for reader in _custom(module, "producers"):
        for _ in range(reader.count()):
            field = reader.name()
            for _ in range(reader.count()):
                yield [_plain(field), _plain(reader.name()), _plain(reader.name())]


def _target_features(module: ModuleSyntax) -> Iterator[list[str]]:
    """The "target_features" section: `+` used, `-` not allowed, `=` required."""
    for reader in _custom(module, "target_features"):
        for _ in range(reader.count()):
            yield [_plain(chr(reader.byte()) + reader.name())]


def _custom(module: ModuleSyntax, name: str) -> Iterator[Reader]:
    for custom in module.customs:
        if custom.name == name:
            yield Reader(module.data, custom.start, custom.end)


def _plain(text: str) -> str:
    return quoted(text)[1:-1]


# Tables of text.


def _block(title: str, rows: Iterator[list[str]], most: int, heads: tuple[str, ...] = ()) -> Iterator[str]:
    """A titled block of aligned columns, or nothing. Heads that begin with > stand to the right."""
    lines: list[list[str]] = []
    remark = ""
    try:
        lines.extend(islice(rows, most))
        left = sum(1 for _ in rows)
        if left:
            remark = f"... and {left:,} more (--verbose shows all)"
    except MalformedError:
        remark = "(the rest cannot be read)"
    if not lines and not remark:
        return
    yield ""
    yield title
    right = [head.startswith(">") for head in heads]
    if heads:
        lines.insert(0, [head.lstrip(">") for head in heads])
    widths = [max(len(row[i]) for row in lines if i < len(row)) for i in range(max(map(len, lines), default=0))]
    for row in lines:
        cells = [
            cell.rjust(width) if i < len(right) and right[i] else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield ("  " + "  ".join(cells)).rstrip()
    if remark:
        yield f"  {remark}"
