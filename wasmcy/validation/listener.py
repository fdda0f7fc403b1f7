"""What the walk over a body tells, and to whom: the narrow interface between validation and execution."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array


class Listener:
    """Hears of each valid, reachable instruction of a body; a translator is one.

    validator.py describes the protocol: `begin`, then `visit` for each instruction, after `target` for
    each label of a br_table or `catch` for each clause of a try_table.
    """

    def begin(self, index: int, start: int, params: int, locals_: int, row: int, types: array[int]) -> int:
        raise NotImplementedError

    def visit(self, op: int, offset: int, x: int, y: int, z: int) -> int:
        raise NotImplementedError

    def target(self, depth: int) -> int:
        raise NotImplementedError

    def catch(self, kind: int, tag: int, depth: int) -> int:
        raise NotImplementedError
