"""Identifiers for what a module defines, from its name section.

Names need not be unique, and may be empty; identifiers are unique in their index space. So a name that
is taken already gets a number, `$f#1`, and a `@name` annotation says what it was. Spec: 6.3.5
"Identifiers", appendix "Custom Annotations".
"""

from __future__ import annotations

from .spelling import identifier, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..module import ModuleSyntax, Names

    Map = dict[int, str]


SPACES = ("type", "func", "table", "memory", "tag", "global", "elem", "data")


def _sizes(module: ModuleSyntax) -> tuple[int, ...]:
    counts = module.n_funcs, module.n_tables, module.n_memories, module.n_tags, module.n_globals
    return len(module.types), *counts, len(module.elems), len(module.datas)


class Space:
    """The identifiers of an index space: `refs` says `$f` by index, `notes` those names that it does not."""

    __slots__ = ("notes", "refs")

    def __init__(self, names: Map | None, size: int) -> None:
        self.refs: Map = {}
        self.notes: Map = {}
        if names:
            self._add({index: name for index, name in names.items() if index < size})

    def _add(self, names: Map) -> None:
        given = set(names.values())
        taken = set()
        numbers: dict[str, int] = {}
        for index in sorted(names):
            name = own = names[index]
            if not name:
                self.notes[index] = name
                continue
            if own in taken:
                self.notes[index] = name
                number = numbers.get(name, 0)
                while own in given or own in taken:
                    number += 1
                    own = f"{name}#{number}"
                numbers[name] = number
            taken.add(own)
            self.refs[index] = identifier(own)

    def ref(self, index: int) -> str:
        """How the index is written where it is used."""
        return self.refs.get(index) or str(index)

    def head(self, index: int) -> str:
        """How it is written where it is defined: `$f`, or its number as a comment."""
        note = f" (@name {quoted(self.notes[index])})" if index in self.notes else ""
        return (self.refs.get(index) or f"(;{index};)") + note

    def named(self, index: int) -> bool:
        return index in self.refs or index in self.notes


class Identifiers:
    """The identifiers of a module: by kind as in `module.NAMES_OF`; those of locals, labels and fields
    also by the function or type they belong to. Only what is there has one.
    """

    __slots__ = ("_names", "_spaces", "module")

    def __init__(self, names: Names, module: ModuleSyntax | None = None) -> None:
        self._names = names
        self.module = Space({} if names.module is None else {0: names.module}, 1)
        sizes = dict.fromkeys(SPACES, 0) if module is None else dict(zip(SPACES, _sizes(module), strict=True))
        self._spaces = {kind: Space(names.maps.get(kind), size) for kind, size in sizes.items()}

    def of(self, kind: str) -> Space:
        return self._spaces[kind]

    def inside(self, kind: str, index: int, size: int) -> Space:
        """Those of the locals or fields of one function or type."""
        return Space(self._names.nested.get(kind, {}).get(index), size)

    def labels(self, function: int) -> Map:
        """Those of a function's labels, in the order of its blocks. An inner one hides an outer one of that name."""
        names = self._names.nested.get("label", {}).get(function, {})
        return {index: identifier(name) for index, name in names.items() if name}
