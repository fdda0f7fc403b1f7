"""What the walk over a body tells, and to whom: the narrow interface between validation and execution."""


class Listener:
    """Hears of each valid, reachable instruction of a body; a translator is one.

    validator.py describes the protocol: `begin`, then `visit` for each instruction, after `target` for
    each label of a br_table or `catch` for each clause of a try_table.
    """

    def begin(self, index, start, params, locals_, row, types):
        raise NotImplementedError

    def visit(self, op, offset, x, y, z):
        raise NotImplementedError

    def target(self, depth):
        raise NotImplementedError

    def catch(self, kind, tag, depth):
        raise NotImplementedError
