"""The instructions of a function body with their offsets, in the words of the text format."""

from __future__ import annotations

from itertools import groupby

from ..module import Names
from ..opcodes import OPS
from ..text.disassembler import MAX_LOCALS, Disassembler
from ..text.identifiers import Identifiers
from ..text.spelling import quoted
from ..text.type_texts import TypeTexts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    FunctionName = Callable[[int], str | None]


class Instruction:
    """One instruction of a body: its offset in the module, its nesting, its text."""

    __slots__ = ("depth", "offset", "text")

    def __init__(self, offset: int, depth: int, text: str) -> None:
        self.offset = offset
        self.depth = depth
        self.text = text

    def __repr__(self) -> str:
        return f"<Instruction {self.offset:#x} {self.text}>"


class Body:
    """A function body: its declared locals as (number, type), its instructions.

    `function_name` gives the name to write behind a function's index, or None.

    Raises:
        MalformedError: the bytes are no body.
        InvalidError: there are too many locals.
    """

    def __init__(self, data: bytes, start: int, end: int, function_name: FunctionName = lambda index: None) -> None:
        code = _reader(data, start, end)
        types = TypeTexts(Identifiers(Names()))
        self.locals = [(len(list(group)), types.val(t)) for t, group in groupby(code.local_types(MAX_LOCALS))]
        self.instructions = list(_instructions(code, function_name))


def expression(data: bytes, start: int, end: int) -> str:
    """A constant expression on one line, without its `end`."""
    code = _reader(data, start, end)
    return " ".join(f"({i.text})" for i in _instructions(code, lambda index: None) if not code.finished)


def _reader(data: bytes, start: int, end: int) -> Disassembler:
    names = Identifiers(Names())
    code = Disassembler(data, names, TypeTexts(names), marks=False)
    code.begin(start, end, {}, {})
    return code


def _instructions(code: Disassembler, function_name: FunctionName) -> Iterator[Instruction]:
    while not code.finished:
        text = code.next()
        name = function_name(code.x) if OPS[code.op].immediates == ("funcidx",) else None
        yield Instruction(code.offset, code.depth, text if name is None else f"{text} {quoted(name)}")
