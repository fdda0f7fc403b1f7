"""A function's instructions beside the words they are translated to.

The names of handlers, and which fields of their words they use, come from the operations from which
the handlers are generated.
"""

from __future__ import annotations

import re

from ..engine.operations import HANDLERS
from ..errors import Unsupported
from ..opcodes import OPS
from ..text.spelling import quoted
from .disassembly import Body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..engine.handlers import Handler
    from ..module import ModuleSyntax
    from ..runtime import Module

# How the lines of a handler name the fields of its words: machine.h.
_FIELD = re.compile(r"F_(D|A|B16|C16|B|C|HALF)\(pc\)|W_(HALF|U16)\(pc, (\d), (\d)\)|(?<!\*>)pc\[(\d)\]")
_BITS = {"D": (0, 16), "A": (16, 16), "B": (32, 16), "C": (48, 16), "HALF": (32, 32)}  # of the second word
_JUMPS = (("HALF", "JUMP", "<i32>F_HALF(pc)"), ("2.0", "JUMP2", "<i32>W_HALF(pc, 2, 0)"))


def find_function(module: ModuleSyntax, name: str) -> int:
    """The index of the function of that index or name.

    Raises:
        LookupError: there is none, or it is imported.
    """
    if name.isdecimal():
        index = int(name)
        if index >= module.n_funcs:
            raise LookupError(f"there is no function {index}: the module has {module.n_funcs}")
    else:
        exported = [item.index for item in module.exports if item.kind == "func" and item.name == name]
        named = (i for i in range(module.n_funcs) if module.function_name(i) == name)
        found = exported[0] if exported else next(named, None)
        if found is None:
            raise LookupError(f"there is no function named {quoted(name)}")
        index = found
    if index < module.n_imported_funcs:
        raise LookupError(f"function {index} is imported: it has no code")
    return index


def listing(module: Module, index: int) -> Iterator[str]:
    """The lines that `wasmcy inspect --code` prints.

    Raises:
        MalformedError, InvalidError: the function is not valid.
    """
    syntax = module._syntax
    defined = index - syntax.n_imported_funcs
    start, end = syntax.body_start[defined], syntax.body_end[defined]
    words: Sequence[int] = ()
    points: dict[int, int] = {}
    remark = ""
    try:
        words, points, frame = module._code.words(index)
        remark = f", {len(words)} words, a frame of {frame} slots"
    except Unsupported as error:
        remark = f", not translated: {error.message}"
    name = syntax.function_name(index)
    yield (
        f"function {index}{'' if name is None else ' ' + quoted(name)} {syntax.func_type(index)}: "
        f"{end - start} bytes at {start:#x}{remark}"
    )
    body = Body(syntax.data, start, end, syntax.function_name)
    if body.locals:
        yield "  locals " + " ".join(f"{type} x {n}" for n, type in body.locals)
    translated = _by_offset(words, points, {i.offset for i in body.instructions})
    width = min(max(len(i.text) + 2 * i.depth for i in body.instructions), 48)
    for line in translated.pop(None, []):
        yield f"  {'':8}  {'':{width}}  {line}"
    for i in body.instructions:
        text = f"  {i.offset:#08x}  {'  ' * i.depth + i.text:{width}}"
        for line in translated.get(i.offset, [""]):
            yield f"{text}  {line}".rstrip()
            text = f"  {'':8}  {'':{width}}"


def _by_offset(words: Sequence[int], points: dict[int, int], known: set[int]) -> dict[int | None, list[str]]:
    """The lines for the translated words, by the offset of the instruction they come from.

    None: what comes before the first instruction.
    """
    lines: dict[int | None, list[str]] = {}
    offset: int | None = None
    at = 0
    while at < len(words):
        found = points.get(at)
        if found in known:
            offset = found
        handler = HANDLERS[words[at]]
        n = handler.words or _table_words(words, at)
        lines.setdefault(offset, []).append(f"{at:5}  {handler.name:24}  {_operands(handler, words, at)}".rstrip())
        at += n
    return lines


def _table_words(words: Sequence[int], at: int) -> int:
    """The words of a br_table: a displacement for each target and the default, two in a word."""
    return 2 + ((words[at + 1] >> 32) + 2) // 2


def _operands(handler: Handler, words: Sequence[int], at: int) -> str:
    second = words[at + 1]
    if handler.words == 0:
        targets = [_half(words[at + 2 + i // 2], i % 2) for i in range((second >> 32) + 1)]
        return f"D={second & 0xFFFF} -> {' '.join(str(_target(at, target)) for target in targets)}"
    if handler.name in ("operation", "throw"):  # handled outside, so the lines say nothing
        name, third = OPS[second >> 16 & 0xFFFF].mnemonic, words[at + 2]
        return f"{name} D={second & 0xFFFF} B={second >> 32 & 0xFFFF} {_half(third, 0)} {_half(third, 1)}"
    text = "\n".join(handler.lines)
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        key, value = _field(match, words, at)
        fields[key] = value
    jump = ""
    for key, statement, displacement in _JUMPS:
        if statement in map(str.strip, handler.lines) or f"(<u8*>pc + {displacement})" in text:
            fields.pop(key, None)
            half = second >> 32 if key == "HALF" else _half(words[at + 2], 0)
            jump = f"-> {_target(at, half)}"
    keys = sorted(fields, key=lambda key: ("DABCH".find(key[0]) % 9, key))
    return " ".join([*(f"{key.lower() if key == 'HALF' else key}={fields[key]}" for key in keys), jump]).strip()


def _field(match: re.Match[str], words: Sequence[int], at: int) -> tuple[str, str]:
    """The name and the value of a field that a handler uses."""
    field, unit, word, part, whole = match.groups()
    if field is not None:
        name = field.removesuffix("16")
        shift, bits = _BITS[name]
        value = words[at + 1] >> shift & (1 << bits) - 1
        return name, _number(value, bits) if field.endswith("16") or name == "HALF" else str(value)
    if whole is not None:
        return whole, _number(words[at + int(whole)], 64)
    bits = 32 if unit == "HALF" else 16
    value = words[at + int(word)] >> bits * int(part) & (1 << bits) - 1
    return f"{word}.{part}", _number(value, bits)


def _number(value: int, bits: int) -> str:
    """A number in decimal if it is small, of either sign."""
    signed = value - (1 << bits) if value >> bits - 1 else value
    return str(signed) if abs(signed) < 1 << 20 else f"{value:#x}"


def _half(word: int, part: int) -> int:
    return word >> 32 * part & 0xFFFFFFFF


def _target(at: int, displacement: int) -> int:
    """The word a displacement leads to: it is in bytes, from the instruction on."""
    signed = displacement - (1 << 32) if displacement >> 31 else displacement
    return at + signed // 8
