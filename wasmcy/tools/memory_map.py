"""How linear memory is laid out by wasm-ld: static data, BSS, stack and heap, as far as the module tells.

What is known comes from active data segments, from the stack pointer's initial value and from the symbols
`__data_end`, `__heap_base` and their like, where the module exports or names them. There are two orders:

    --stack-first (the default from LLVM 22 on)       data first (--no-stack-first, the default before)
    0       stack, downwards from the pointer          0       a gap, 1,024 bytes unless told otherwise
    pointer static data, then BSS                      ...     static data, then BSS
    ...     heap                                       ...     stack, downwards from the pointer
                                                       pointer heap

A stripped module does not name its stack pointer. Then it is known by its use: functions that need a frame take
it from that global, and put back what is left.
"""

from __future__ import annotations

import re

from ..binary.decoder import decode
from ..errors import ModuleError
from ..features import Features
from ..text.spelling import quoted
from ..types import I32, I64
from .disassembly import Body, expression

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..module import ModuleSyntax

STACK_POINTER, DATA_END, HEAP_BASE, HEAP_END = "__stack_pointer", "__data_end", "__heap_base", "__heap_end"
ALIGNMENT = 16  # of the stack and the heap
LOOKED_AT = 300  # functions in which a stack pointer without a name is looked for
MAX_BODY = 1 << 14  # bytes of such a function
_CONST = re.compile(r"\(i(?:32|64)\.const (-?\d+)\)")


class Region:
    """A part of memory: from `start` to `end`, where None is unknown."""

    __slots__ = ("end", "name", "note", "start")

    def __init__(self, name: str, start: int | None, end: int | None, note: str = "") -> None:
        self.name = name
        self.start = start
        self.end = end
        self.note = note

    @property
    def size(self) -> int | None:
        return None if self.start is None or self.end is None else self.end - self.start

    def __repr__(self) -> str:
        return f"<Region {self.name} {self.start}..{self.end}>"


class Layout:
    """What a module tells of its memory 0.

    `segments` are (start, end, name) of active data segments whose place is a constant, in order of place;
    `unplaced` counts the others. `symbols` are addresses by name, `evidence` says how the stack pointer was
    found. `stack_first` is the order, None where it cannot be told.

    Raises:
        MalformedError, InvalidError: the bytes are no module.
    """

    def __init__(self, data: bytes) -> None:
        module = decode(data, Features.all())
        self.module = module
        types = [module.memory_type(i) for i in range(min(len(module.imported_memories) + len(module.memories), 1))]
        self.memory = types[0] if types else None
        self.symbols, self.evidence = _symbols(module)
        self.segments, self.unplaced = _segments(module)
        self.stack_first = self._order()

    def _order(self) -> bool | None:
        top = self.symbols.get(STACK_POINTER)
        if top is None:
            return None
        heap = self.symbols.get(HEAP_BASE)
        end = self.symbols.get(DATA_END)
        if self.segments:
            first, last = self.segments[0][0], max(end for _, end, _ in self.segments)
            return True if top <= first else False if top >= last else None
        if end is not None and end != top:
            return top < end
        return None if heap is None or heap == top else top < heap

    def regions(self) -> list[Region]:
        """The parts of memory, from address 0 on; none if the order is not known, or they contradict each other."""
        if self.stack_first is None:
            return []
        found = self._stack_first() if self.stack_first else self._data_first()
        regions = [region for region in found if region.size != 0]
        return [] if any((region.size or 0) < 0 for region in regions) else regions

    def _stack_first(self) -> Iterator[Region]:
        top = self.symbols[STACK_POINTER]
        yield Region("stack", 0, top, "grows down")
        static, last = self._static(top)
        yield from static
        end, heap = self.symbols.get(DATA_END), self.symbols.get(HEAP_BASE)
        if end is not None:
            yield Region("BSS", last, end)
            yield from self._heap(heap, end)
        elif heap is not None:
            yield Region("BSS", last, heap, f"and up to {ALIGNMENT - 1} bytes of padding")
            yield from self._heap(heap, heap)
        else:
            yield Region("BSS and heap", last, self._memory_end(), "where BSS ends is not recorded")

    def _data_first(self) -> Iterator[Region]:
        top = self.symbols[STACK_POINTER]
        static, last = self._static(0)
        yield from static
        end = self.symbols.get(DATA_END)
        if end is None:
            yield Region("BSS and stack", last, top, "the stack grows down; where BSS ends is not recorded")
        else:
            bottom = -(-end // ALIGNMENT) * ALIGNMENT
            yield Region("BSS", last, end)
            yield Region("padding", end, bottom)
            yield Region("stack", bottom, top, "grows down")
        yield from self._heap(self.symbols.get(HEAP_BASE, top), top)

    def _static(self, at: int) -> tuple[list[Region], int]:
        """What data segments fill, from `at` on, and where they end."""
        found: list[Region] = []
        for start, end, name in self.segments:
            found.append(Region("padding" if found else "gap", at, start))
            found.append(Region("static data", start, end, name))
            at = max(at, end)
        return found, at

    def _heap(self, base: int | None, after: int) -> Iterator[Region]:
        if base is None:
            base = -(-after // ALIGNMENT) * ALIGNMENT
        yield Region("padding", after, base)
        yield Region("heap", base, self.symbols.get(HEAP_END, self._memory_end()), "grows with the memory")

    def _memory_end(self) -> int | None:
        return None if self.memory is None else self.memory.min << self.memory.page_size_log2


def _symbols(module: ModuleSyntax) -> tuple[dict[str, int], str]:
    """The constants of globals by the names that exports, imports or the name section give, and how the stack
    pointer is known."""
    first = len(module.imported_globals)
    values: dict[int, int] = {}
    for i, item in enumerate(module.globals, first):
        match = _CONST.fullmatch(expression(module.data, *item.init))
        if match:
            values[i] = int(match[1]) & (0xFFFF_FFFF if item.type.type == I32 else 0xFFFF_FFFF_FFFF_FFFF)
    names = {i: name for i, name in module.names(("global",)).maps.get("global", {}).items() if i in values}
    names |= {e.index: e.name for e in module.exports if e.kind == "global" and e.index in values}
    symbols = {name: values[i] for i, name in names.items()}
    if STACK_POINTER in symbols:
        return symbols, "named by the module"
    found = _used_as_stack_pointer(module)
    if found is not None and found in values and found not in names:
        symbols[STACK_POINTER] = values[found]
        return symbols, f"global {found}, by its use: functions take their frames from it"
    return symbols, ""


def _used_as_stack_pointer(module: ModuleSyntax) -> int | None:
    """The mutable global from which functions take their frames: it is read, made less by a constant, and set."""
    mutable = {
        i
        for i, item in enumerate(module.globals, len(module.imported_globals))
        if item.type.mutable and item.type.type in (I32, I64)
    }
    found: set[int] = set()
    for start, end in zip(module.body_start[:LOOKED_AT], module.body_end[:LOOKED_AT], strict=True):
        if end - start > MAX_BODY:
            continue
        try:
            texts = [i.text for i in Body(module.data, start, end).instructions]
        except ModuleError:
            continue
        found.update(index for index in _frames(texts) if index in mutable)
    return found.pop() if len(found) == 1 else None


def _frames(texts: list[str]) -> Iterator[int]:
    """The globals that a body reads, makes less by a constant, and sets at once."""
    for at in range(len(texts) - 3):
        read, const, sub = texts[at : at + 3]
        if not (read.startswith("global.get ") and re.match(r"i(32|64)\.const \d", const) and sub in _SUB):
            continue
        index = read.split()[1]
        if f"global.set {index}" in texts[at + 3 : at + 5] and index.isdecimal():
            yield int(index)


_SUB = ("i32.sub", "i64.sub")


def _segments(module: ModuleSyntax) -> tuple[list[tuple[int, int, str]], int]:
    """(start, end, name) of the segments of memory 0 that have a constant place, and how many have none."""
    names = module.names(("data",)).maps.get("data", {})
    found, unplaced = [], 0
    for i, segment in enumerate(module.datas):
        if segment.offset is not None and segment.memory != 0:
            continue
        match = _CONST.fullmatch(expression(module.data, *segment.offset)) if segment.offset is not None else None
        if match is None:
            unplaced += 1
            continue
        start = int(match[1]) & 0xFFFF_FFFF_FFFF_FFFF if int(match[1]) >= 0 else int(match[1]) & 0xFFFF_FFFF
        name = f"segment {i}" + (f" {quoted(names[i])}" if i in names else "")
        found.append((start, start + len(segment), name))
    return sorted(found), unplaced


def memory_map(data: bytes) -> Iterator[str]:
    """The lines that `wasmcy inspect --memory` prints.

    Raises:
        MalformedError, InvalidError: the bytes are no module.
    """
    layout = Layout(data)
    if layout.memory is None:
        yield "The module has no memory."
        return
    yield f"memory 0: {layout.memory}"
    yield from _facts(layout)
    regions = layout.regions()
    if not regions:
        yield "order: not known, so what lies where is not shown"
        for start, end, name in layout.segments:
            yield f"  {start:#010x}  {end - start:>13,} bytes  static data   {name}"
        return
    order = "stack first (--stack-first)" if layout.stack_first else "data first (--no-stack-first)"
    yield f"order: {order}"
    yield ""
    yield from _picture(regions)


def _facts(layout: Layout) -> Iterator[str]:
    top = layout.symbols.get(STACK_POINTER)
    if top is None:
        yield "stack pointer: not known; no export, name or use tells it"
    else:
        yield f"stack pointer: starts at {top:#x} ({layout.evidence})"
    for name in (DATA_END, HEAP_BASE, HEAP_END):
        value = layout.symbols.get(name)
        yield f"{name}: " + (f"{value:#x}" if value is not None else "not recorded")
    if layout.unplaced:
        yield f"{layout.unplaced} data segments are placed when the program runs: where is not recorded"


def _picture(regions: list[Region]) -> Iterator[str]:
    width = max(len(region.name) for region in regions)
    line = f"+{'-' * (width + 24)}+"
    yield f"  {regions[0].start or 0:#010x}  {line}"
    for region in regions:
        size = "size not known" if region.size is None else f"{region.size:,} bytes"
        yield f"{'':14}| {region.name:<{width}} {size:>21} |  {region.note}".rstrip()
        end = "?" if region.end is None else f"{region.end:#010x}"
        yield f"  {end:>10}  {line}"
