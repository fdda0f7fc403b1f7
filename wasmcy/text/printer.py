"""Modules as text: what `wasm2wat` gives. Spec: 6.6 "Modules".

Fields stand in the order of the sections, functions where their code is. Indices are kept: every type is
written out, and each function, block and tag says which type it uses.
"""

from __future__ import annotations

from ..binary import decoder
from ..binary.decoder import decode
from ..errors import InvalidError, MalformedError
from ..module import ModuleSyntax, Names
from ..types import FuncType, GlobalType, MemoryType, TableType
from .disassembler import EVERYTHING, MAX_LOCALS, Disassembler
from .folding import Folding
from .hints import branch_hints
from .identifiers import Identifiers, Space
from .spelling import byte_string, quoted
from .type_texts import TypeTexts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from ..module import Elem, Expr, Import

    class Module(Protocol):
        """wasmcy.Module, as far as it matters here."""

        _syntax: ModuleSyntax

    Source = bytes | bytearray | memoryview | Module

BYTES_PER_LINE = 64
INDICES_PER_LINE = 16

# Sections as the place of a custom section names them.
PLACES = {
    decoder.TYPE: "type",
    decoder.IMPORT: "import",
    decoder.FUNCTION: "func",
    decoder.TABLE: "table",
    decoder.MEMORY: "memory",
    decoder.TAG: "tag",
    decoder.GLOBAL: "global",
    decoder.EXPORT: "export",
    decoder.START: "start",
    decoder.ELEMENT: "elem",
    decoder.DATA_COUNT: "datacount",
    decoder.CODE: "code",
    decoder.DATA: "data",
}


def wasm2wat(source: Source, *, folded: bool = False, names: bool = True) -> str:
    """The text of a module, which assembles to the same module.

        >>> print(wasm2wat(bytes.fromhex("0061736d01000000 010401600000 03020100 070501016600 00 0a040102000b")))
        (module
          (type (;0;) (func))
          (export "f" (func 0))
          (func (;0;) (type 0))
        )
        <BLANKLINE>

    `source` need not be valid, only well-formed, with any of the proposals in `Features`. `folded` nests
    operands in parentheses. `names` makes identifiers of the name section; without, it is written as any other
    custom section.

    Raises:
        MalformedError: the bytes are no module, with the offset of what is wrong.
        InvalidError: an implementation limit is exceeded.

    Spec: chapter 6 "Text Format".
    """
    return "".join(pieces(source, folded, names))


def pieces(source: Source, folded: bool = False, names: bool = True) -> Iterator[str]:
    """The same, a piece at a time."""
    syntax: ModuleSyntax | None = getattr(source, "_syntax", None)
    if syntax is None:
        syntax = decode(source, EVERYTHING)  # type: ignore[arg-type]
    return Printer(syntax, folded, names).pieces()


class Printer:
    """Writes one module."""

    def __init__(self, module: ModuleSyntax, folded: bool, names: bool) -> None:
        self.module = module
        self.folded = folded
        self.names = Identifiers(module.names() if names else Names(), module)
        self.types = TypeTexts(self.names, module)
        self.code = Disassembler(module.data, self.names, self.types)
        self.folding = Folding(module)
        hint_section, self.hints = branch_hints(module, self.code)
        # Custom sections that are written otherwise: as annotations, as identifiers.
        name_section = next((custom for custom in module.customs if names and custom.name == "name"), None)
        self.said = [custom for custom in (hint_section, name_section) if custom is not None]
        self.n_before_names = module.customs.index(name_section) if name_section is not None else len(module.customs)

    def pieces(self) -> Iterator[str]:
        names = self.names.module
        yield f"(module{f' {names.head(0)}' if names.named(0) else ''}"
        yield from self._customs(decoder.CUSTOM)
        for section in PLACES:
            fields = self._fields().get(section)
            if fields is not None:
                yield from fields()
            yield from self._customs(section)
        yield "\n)\n"

    def _fields(self) -> dict[int, Callable[[], Iterator[str]]]:
        """What writes each section; functions are written with their code."""
        return {
            decoder.TYPE: self._type_fields,
            decoder.IMPORT: self._imports,
            decoder.TABLE: self._tables,
            decoder.MEMORY: self._memories,
            decoder.TAG: self._tags,
            decoder.GLOBAL: self._globals,
            decoder.EXPORT: self._exports,
            decoder.START: self._start,
            decoder.ELEMENT: self._elems,
            decoder.CODE: self._functions,
            decoder.DATA: self._datas,
        }

    def _customs(self, section: int) -> Iterator[str]:
        """The custom sections that follow a section, 0: that come first."""
        place = f" (after {PLACES[section]})" if section else " (before first)"
        for number, custom in enumerate(self.module.customs):
            if custom.place == section and not any(custom is other for other in self.said):
                content = self._bytes(custom.start, custom.end) if custom.end > custom.start else ""
                # What follows the names follows them as it comes last, which need not be said.
                where = place if number < self.n_before_names else ""
                yield f"\n  (@custom {quoted(custom.name)}{where}{content})"

    def _bytes(self, start: int, end: int) -> str:
        """Bytes of the module as strings: one after a blank, or several on lines of their own."""
        data = self.module.data
        if end - start <= BYTES_PER_LINE:
            return " " + byte_string(data[start:end])
        steps = range(start, end, BYTES_PER_LINE)
        return "".join([f"\n    {byte_string(data[at : min(at + BYTES_PER_LINE, end)])}" for at in steps])

    # Definitions

    def _type_fields(self) -> Iterator[str]:
        module = self.module
        for first, count in module.rec_groups:
            if count != 1:
                yield "\n  (rec"
            for index in range(first, first + count):
                head = self.names.of("type").head(index)
                yield f"\n  {'' if count == 1 else '  '}(type {head} {self.types.sub(index, module.types[index])})"
            if count != 1:
                yield "\n  )"

    def _imports(self) -> Iterator[str]:
        counts = dict.fromkeys(decoder.EXTERN_KINDS, 0)
        for item in self.module.imports:
            index = counts[item.kind]
            counts[item.kind] += 1
            head = f"{item.kind} {self.names.of(item.kind).head(index)} {self._import_type(item, index)}"
            yield f"\n  (import {quoted(item.module)} {quoted(item.name)} ({head}))"

    def _import_type(self, item: Import, index: int) -> str:
        desc = item.desc
        if isinstance(desc, TableType):
            return self.types.table(desc)
        if isinstance(desc, MemoryType):
            return self.types.memory(desc)
        if isinstance(desc, GlobalType):
            return self.types.variable(desc)
        if item.exact:
            return f"(exact {self.types.use(desc)})"
        if item.kind == "tag":
            return self._type_use(desc)
        return self._type_use(desc, self.names.inside("local", index, len(self._func_type(desc).params)))

    def _type_use(self, type_index: int, names: Space | None = None) -> str:
        """A type use and what it stands for, with the names of a function's parameters."""
        return self.types.use(type_index) + self.types.signature(self._func_type(type_index), names)

    def _func_type(self, type_index: int) -> FuncType:
        """The function type at an index; an empty one if there is none, for nothing is validated here."""
        types = self.module.types
        comp = types[type_index].comp if type_index < len(types) else None
        return comp if isinstance(comp, FuncType) else FuncType()

    def _tables(self) -> Iterator[str]:
        for index, table in enumerate(self.module.tables, len(self.module.imported_tables)):
            init = "" if table.init is None else self._expr(table.init)
            yield f"\n  (table {self.names.of('table').head(index)} {self.types.table(table.type)}{init})"

    def _memories(self) -> Iterator[str]:
        for index, memory in enumerate(self.module.memories, len(self.module.imported_memories)):
            yield f"\n  (memory {self.names.of('memory').head(index)} {self.types.memory(memory)})"

    def _tags(self) -> Iterator[str]:
        for index, type_index in enumerate(self.module.tags, len(self.module.imported_tags)):
            yield f"\n  (tag {self.names.of('tag').head(index)} {self._type_use(type_index)})"

    def _globals(self) -> Iterator[str]:
        for index, item in enumerate(self.module.globals, len(self.module.imported_globals)):
            head = f"{self.names.of('global').head(index)} {self.types.variable(item.type)}"
            yield f"\n  (global {head}{self._expr(item.init)})"

    def _exports(self) -> Iterator[str]:
        for item in self.module.exports:
            yield f"\n  (export {quoted(item.name)} ({item.kind} {self.names.of(item.kind).ref(item.index)}))"

    def _start(self) -> Iterator[str]:
        if self.module.start is not None:
            yield f"\n  (start {self.names.of('func').ref(self.module.start)})"

    # Segments

    def _elems(self) -> Iterator[str]:
        for index, elem in enumerate(self.module.elems):
            where = " declare" if elem.mode == "declarative" else ""
            if elem.offset is not None:
                where = self._place("table", elem.table) + self._expr(elem.offset, "offset")
            yield f"\n  (elem {self.names.of('elem').head(index)}{where}{self._elements(elem)})"

    def _elements(self, elem: Elem) -> str:
        if elem.funcs is not None:
            refs = self.names.of("func").ref
            return " func" + _wrapped([" " + refs(index) for index in elem.funcs])
        return f" {self.types.val(elem.type)}" + _wrapped([self._expr(expr, "item") for expr in elem.exprs or ()])

    def _datas(self) -> Iterator[str]:
        for index, data in enumerate(self.module.datas):
            where = ""
            if data.offset is not None:
                where = self._place("memory", data.memory) + self._expr(data.offset, "offset")
            yield f"\n  (data {self.names.of('data').head(index)}{where}{self._bytes(data.start, data.end)})"

    def _place(self, kind: str, index: int) -> str:
        """The table or memory of an active segment, if it is not the first."""
        return f" ({kind} {self.names.of(kind).ref(index)})" if index else ""

    def _expr(self, expr: Expr, word: str = "") -> str:
        """A constant expression after a blank; in parentheses with `word` if it is not just one."""
        self.code.begin(expr.start, expr.end, {}, {})
        nodes = self.folding.nodes(self.code, 1, {})
        text = self.folding.after_blank(nodes)
        return text if len(nodes) == 1 or not word else f" ({word}{text})"

    # Functions

    def _functions(self) -> Iterator[str]:
        module = self.module
        for defined, type_index in enumerate(module.funcs):
            index = module.n_imported_funcs + defined
            try:
                yield self._function(index, type_index, module.body_start[defined], module.body_end[defined])
            except (MalformedError, InvalidError) as error:
                name = module.function_name(index)
                raise type(error)(error.message, error.offset, index, name) from None

    def _function(self, index: int, type_index: int, start: int, end: int) -> str:
        func_type, code = self._func_type(type_index), self.code
        code.begin(start, end, {}, self.names.labels(index))
        local_types, first = code.local_types(MAX_LOCALS), len(func_type.params)
        names = self.names.inside("local", index, first + len(local_types))
        code.local_refs = names.refs
        body = "\n   " + self.types.params(local_types, names, "local", first) if local_types else ""
        hints = self.hints.get(index, {})
        if self.folded:
            body += self.folding.rendered(self.folding.nodes(code, len(func_type.results), hints), 2)
        else:
            body += "".join(["\n" + line for line in code.lines(2, hints)])
        head = f"{self.names.of('func').head(index)} {self._type_use(type_index, names)}"
        return f"\n  (func {head}{body}\n  )" if body else f"\n  (func {head})"


def _wrapped(words: Iterable[str]) -> str:
    """Words, each after a blank, so many on a line."""
    found = list(words)
    if len(found) <= INDICES_PER_LINE:
        return "".join(found)
    starts = range(0, len(found), INDICES_PER_LINE)
    return "".join(["\n   " + "".join(found[at : at + INDICES_PER_LINE]) for at in starts])
