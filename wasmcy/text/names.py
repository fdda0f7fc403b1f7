"""The name section that a module's identifiers make. Spec: appendix "Name Section"."""

from __future__ import annotations

from ..binary.writer import Writer
from .tokens import (
    N_SPACES,
    SPACE_DATA,
    SPACE_ELEM,
    SPACE_FUNC,
    SPACE_GLOBAL,
    SPACE_MEMORY,
    SPACE_TABLE,
    SPACE_TAG,
    SPACE_TYPE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Assoc = list[tuple[int, str]]

# Subsections.
MODULE, FUNCTIONS, LOCALS, LABELS, TYPES, TABLES, MEMORIES, GLOBALS, ELEMS, DATAS, FIELDS, TAGS = range(12)
_SPACES = {
    FUNCTIONS: SPACE_FUNC,
    TYPES: SPACE_TYPE,
    TABLES: SPACE_TABLE,
    MEMORIES: SPACE_MEMORY,
    GLOBALS: SPACE_GLOBAL,
    ELEMS: SPACE_ELEM,
    DATAS: SPACE_DATA,
    TAGS: SPACE_TAG,
}


class Names:
    """The names in a module: its own, those of each index space, of locals and labels by function."""

    def __init__(self) -> None:
        self.module: str | None = None
        self.spaces: list[dict[int, str]] = [{} for _ in range(N_SPACES)]
        self.locals: list[tuple[int, Assoc]] = []
        self.labels: list[tuple[int, Assoc]] = []

    def payload(self, fields: dict[int, dict[int, str]]) -> bytes:
        """The section's contents, with the names of structs' fields; nothing if there are no names."""
        out = Writer()
        by_type = [(index, sorted(names.items())) for index, names in sorted(fields.items())]
        nested = {LOCALS: self.locals, LABELS: self.labels, FIELDS: by_type}
        for section in range(TAGS + 1):
            start = out.size
            if section == MODULE:
                if self.module is not None:
                    out.name(self.module)
            elif section in nested:
                _indirect(out, nested[section])
            else:
                names = self.spaces[_SPACES[section]]
                if names:
                    _name_map(out, sorted(names.items()))
            content = out.take(start)
            if content:
                out.byte(section)
                out.span(content)
        return out.getvalue()


def _name_map(out: Writer, names: Iterable[tuple[int, str]]) -> None:
    pairs = list(names)
    out.unsigned(len(pairs))
    for index, text in pairs:
        out.unsigned(index)
        out.name(text)


def _indirect(out: Writer, names: list[tuple[int, Assoc]]) -> None:
    if names:
        out.unsigned(len(names))
        for index, inner in names:
            out.unsigned(index)
            _name_map(out, inner)
