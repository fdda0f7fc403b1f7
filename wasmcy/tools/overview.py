"""What is in a module, as lines of text: sections, types, imports, exports and the rest."""

from __future__ import annotations

from ..binary import decoder
from ..binary.decoder import decode
from ..binary.reader import Reader
from ..errors import MalformedError
from ..features import Features
from .disassembly import expression, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..module import Expr, Import, ModuleSyntax

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


def overview(data: bytes) -> Iterator[str]:
    """The lines that `wasmcy inspect` prints.

    Raises:
        MalformedError, InvalidError: the bytes are no module, or one beyond what is supported.
    """
    module = decode(data, Features.all())
    name = f", module {quoted(module.name)}" if module.name else ""
    yield f"{len(data):,} bytes{name}"
    yield from _block(
        "Sections",
        (
            [s.name, f"{s.offset:#x}", f"{s.size:,}", "" if s.items is None else f"{s.items:,}"]
            for s in sections(data)
        ),
        ("section", ">offset", ">bytes", ">items"),
    )
    yield from _block("Types", _types(module))
    counts: dict[str, int] = {}
    yield from _block("Imports", (_import(module, item, counts) for item in module.imports))
    yield from _functions(module)
    yield from _block("Tables", _numbered(module.tables, len(module.imported_tables), _table, data))
    memories = ([str(i), str(memory)] for i, memory in enumerate(module.memories, len(module.imported_memories)))
    yield from _block("Memories", memories)
    tags = ([str(i), _func(module, t, "tag")] for i, t in enumerate(module.tags, len(module.imported_tags)))
    yield from _block("Tags", tags)
    yield from _block(
        "Globals",
        (
            [str(i), str(item.type), f"= {expression(data, *item.init)}"]
            for i, item in enumerate(module.globals, len(module.imported_globals))
        ),
    )
    yield from _block(
        "Exports",
        ([item.kind, str(item.index), quoted(item.name), _described(module, item.kind, item.index)] for item in module.exports),
    )
    if module.start is not None:
        yield ""
        yield f"Start: {_function(module, module.start)}"
    yield from _block("Elements", _elements(module))
    yield from _block("Data", _datas(module))
    yield from _block("Producers", _producers(module))
    yield from _block("Target features", _target_features(module))


def _types(module: ModuleSyntax) -> Iterator[list[str]]:
    group_of = {first: count for first, count in module.rec_groups if count > 1}
    for i, type in enumerate(module.types):
        group = f"rec {i}-{i + group_of[i] - 1}" if i in group_of else ""
        yield [str(i), str(type), group]


def _import(module: ModuleSyntax, item: Import, counts: dict[str, int]) -> list[str]:
    index = counts[item.kind] = counts.get(item.kind, -1) + 1
    described = _func(module, item.desc, item.kind) if isinstance(item.desc, int) else str(item.desc)
    return [item.kind, str(index), quoted(item.module), quoted(item.name), described]


def _functions(module: ModuleSyntax) -> Iterator[str]:
    if not module.funcs:
        return
    sizes = [end - start for start, end in zip(module.body_start, module.body_end, strict=True)]
    first = len(module.imported_funcs)
    largest = max(range(len(sizes)), key=sizes.__getitem__)
    yield ""
    yield f"Functions: {len(sizes):,} from index {first} on, {sum(sizes):,} bytes of code"
    yield f"  largest: {_function(module, first + largest)}, {sizes[largest]:,} bytes"


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


def _described(module: ModuleSyntax, kind: str, index: int) -> str:
    """The type of what stands at an index; empty where the module is not valid."""
    try:
        if kind == "func":
            return str(module.func_type(index))
        if kind == "tag":
            return str(module.tag_type(index))
        types = {"table": module.table_type, "memory": module.memory_type, "global": module.global_type}
        return str(types[kind](index))
    except Exception:
        return ""


def _func(module: ModuleSyntax, type_index: int, kind: str) -> str:
    """A function's or tag's type, by its index, which may be out of range."""
    if type_index >= len(module.types):
        return f"({kind} (type {type_index}))"
    return str(module.types[type_index].comp).replace("(func", f"({kind}", 1)


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


def _block(title: str, rows: Iterable[list[str]], heads: tuple[str, ...] = ()) -> Iterator[str]:
    """A titled block of aligned columns, or nothing. Heads that begin with > stand to the right."""
    lines = []
    try:
        for row in rows:
            lines.append(row)
    except MalformedError:
        lines.append(["(the rest cannot be read)"])
    if not lines:
        return
    right = [head.startswith(">") for head in heads]
    if heads:
        lines.insert(0, [head.lstrip(">") for head in heads])
    widths = [max(len(row[i]) for row in lines if i < len(row)) for i in range(max(map(len, lines)))]
    yield ""
    yield title
    for row in lines:
        cells = [
            cell.rjust(width) if i < len(right) and right[i] else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield ("  " + "  ".join(cells)).rstrip()
