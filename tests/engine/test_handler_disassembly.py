"""No handler calls another: in the built code each path ends in a jump, and only CALLS_OUT call anything.

The C compiler promises no tail calls, so the disassembly is read: from each handler's first
instruction along all its branches, into the functions that leave the machine, which alone return.
"""

import importlib
import platform
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from wasmcy.engine.code import handler_addresses
from wasmcy.engine.generate import PARTS
from wasmcy.engine.handlers import Handler
from wasmcy.engine.machine import DISPATCH
from wasmcy.engine.operations import CALLS_OUT, HANDLERS


class Instructions(NamedTuple):
    """How a processor's instructions look in a disassembly, as regular expressions of whole names."""

    call: str
    branch: str  # a condition decides; a direct jump otherwise
    jump: str
    indirect: str
    ret: str


PROCESSORS = {
    "x86_64": Instructions(r"callq?", r"j(?!mp)\w+", r"jmpq?", r"(notrack )?jmpq? +\*.*", r"(repz )?retq?"),
    "aarch64": Instructions(r"blr?", r"b\.\w+|cbn?z|tbn?z", r"b", r"br", r"ret"),
}

pytestmark = pytest.mark.skipif(
    DISPATCH != "tail" or platform.machine() not in PROCESSORS or not Path("/proc/self/maps").exists(),
    reason="the handlers return to a loop here, or the processor's jumps are not known to this test",
)


class Line(NamedTuple):
    """An instruction: its name with operands, where the next one is, and the place and symbol it names."""

    text: str
    after: int
    target: int | None
    symbol: str | None


_LINE = re.compile(r"\s+([0-9a-f]+):\t(.*)")
_TARGET = re.compile(r"\b(?:0x)?([0-9a-f]+) <([^>]*)>\s*(?:#.*)?$")


@cache
def disassembly(path: str) -> dict[int, Line]:
    """The instructions of a library by address."""
    objdump = shutil.which("objdump")
    assert objdump, "this test reads the built code with objdump, of the binutils"
    output = subprocess.run([objdump, "-d", "--no-show-raw-insn", path], check=True, capture_output=True, text=True)
    rows = [(int(m[1], 16), m[2].strip()) for m in map(_LINE.match, output.stdout.splitlines()) if m]
    lines = {}
    for at, (address, text) in enumerate(rows):
        target = _TARGET.search(text)
        lines[address] = Line(
            " ".join(text.split()), rows[at + 1][0] if at + 1 < len(rows) else -1,
            int(target[1], 16) if target else None, target[2] if target else None,
        )  # fmt: skip
    return lines


def loaded(path: str) -> tuple[int, int]:
    """Where a library lies in this process."""
    rows = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(path)]
    spans = [[int(text, 16) for text in row[0].split("-")] for row in rows]
    return min(span[0] for span in spans), max(span[1] for span in spans)


def handlers() -> list[tuple[str, list[tuple[Handler, int]]]]:
    """Of each generated library: its handlers, with their addresses in it."""
    addresses = handler_addresses()
    found = []
    for part in PARTS:
        path = importlib.import_module(f"wasmcy.engine.{part}").__file__
        assert path
        start, end = loaded(path)
        inside = [
            (handler, addresses[handler.id] - start) for handler in HANDLERS if start <= addresses[handler.id] < end
        ]
        found.append((path, inside))
    return found


def is_(line: Line, pattern: str) -> bool:
    return re.fullmatch(pattern, line.text) is not None or re.fullmatch(pattern, line.text.split()[0]) is not None


class Paths:
    """What is met on all paths from an address: the calls, and how the paths end."""

    def __init__(self, lines: dict[int, Line], start: int, known: Instructions) -> None:
        self.calls: list[Line] = []
        self.jumps = self.returns = 0
        todo, seen = [start], set()
        while todo:
            at = todo.pop()
            while at not in seen:
                seen.add(at)
                line = lines[at]
                if is_(line, known.call):
                    self.calls.append(line)
                elif is_(line, known.indirect):
                    self.jumps += 1
                    break
                elif is_(line, known.ret):
                    self.returns += 1
                    break
                elif is_(line, known.jump):
                    assert line.target is not None, line.text
                    at = line.target
                    continue
                elif is_(line, known.branch):
                    assert line.target is not None, line.text
                    todo.append(line.target)
                at = line.after


def goes_on(handler: Handler) -> bool:
    """Whether it goes on to another handler on some path."""
    return any(re.match(r"\s*(if .*: )?(NEXT|GO|JUMP)", line) for line in handler.lines)


def leaves(handler: Handler) -> bool:
    return any(re.match(r"\s*(if .*: )?(TRAP|LEAVE)", line) for line in handler.lines)


def test_every_handler_lies_in_one_of_the_libraries() -> None:
    assert sum(len(inside) for _, inside in handlers()) == sum(handler.lines is not None for handler in HANDLERS)


def test_no_handler_calls_another() -> None:
    wrong = []
    for path, inside in handlers():
        lines = disassembly(path)
        for handler, start in inside:
            allowed = CALLS_OUT.get(handler.name, set())
            paths = Paths(lines, start, PROCESSORS[platform.machine()])
            called = {line.symbol.removesuffix("@plt") if line.symbol else line.text for line in paths.calls}
            if called != allowed:
                wrong.append(f"{handler.name} calls {sorted(called)}")
            if bool(paths.jumps) != goes_on(handler) or bool(paths.returns) != leaves(handler):
                wrong.append(f"{handler.name} has {paths.jumps} paths to other handlers and {paths.returns} back")
    assert wrong == []


def test_a_call_is_seen() -> None:
    """The test itself can fail: of two paths, one calls a function and returns."""
    lines = {
        0: Line("test %rax,%rax", 1, None, None),
        1: Line("je 4 <x>", 2, 4, "x"),
        2: Line("call 9 <memmove@plt>", 3, 9, "memmove@plt"),
        3: Line("ret", 4, None, None),
        4: Line("jmp *(%rdi)", 5, None, None),
    }
    paths = Paths(lines, 0, PROCESSORS["x86_64"])
    assert ([line.symbol for line in paths.calls], paths.jumps, paths.returns) == (["memmove@plt"], 1, 1)
