"""Branch hints: a custom section that is written as annotations. Spec: appendix "Branch Hints"."""

from __future__ import annotations

from ..binary.decoder import CODE, DATA
from ..binary.reader import Reader
from ..errors import MalformedError
from ..opcodes import OP_BR_IF, OP_IF
from .disassembler import Disassembler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..module import Custom, ModuleSyntax

BRANCH_HINT = "metadata.code.branch_hint"
TARGETS = (OP_IF, OP_BR_IF)

Hints = dict[int, dict[int, str]]


def branch_hints(module: ModuleSyntax, code: Disassembler) -> tuple[Custom | None, Hints]:
    """The section of branch hints, and for each function the annotations by the offset of their instruction.

    Nothing if there is no such section, or one that annotations could not say.
    """
    for custom in module.customs:
        if custom.name == BRANCH_HINT and custom.place not in (CODE, DATA):
            try:
                return custom, _read(module, code, Reader(module.data, custom.start, custom.end))
            except MalformedError:
                break
    return None, {}


def _read(module: ModuleSyntax, code: Disassembler, reader: Reader) -> Hints:
    hints: Hints = {}
    latest = -1
    for _ in range(reader.count()):
        function = reader.u32()
        if not latest < function < module.n_funcs or function < module.n_imported_funcs:
            raise MalformedError("branch hints out of order, or of no function", reader.pos)
        latest = function
        hints[function] = _of_function(module, function - module.n_imported_funcs, code, reader)
    if reader.pos != reader.end:
        raise MalformedError("branch hints end before their section", reader.pos)
    return hints


def _of_function(module: ModuleSyntax, defined: int, code: Disassembler, reader: Reader) -> dict[int, str]:
    start, end = module.body_start[defined], module.body_end[defined]
    hints: dict[int, str] = {}
    latest = -1
    for _ in range(reader.count()):
        offset = reader.u32()
        size, value = reader.u32(), reader.byte()
        if size != 1 or value > 1 or offset <= latest:
            raise MalformedError("branch hints out of order, or of another kind", reader.pos)
        latest = offset
        hints[start + offset] = f'(@{BRANCH_HINT} "\\{value:02x}")'
    targets = {}
    code.begin(start, end, {}, {})
    code.local_types(end - start)
    while not code.finished:
        code.next()
        targets[code.offset] = code.op
    if any(targets.get(offset) not in TARGETS for offset in hints):
        raise MalformedError("branch hints of no branch", reader.pos)
    return hints
