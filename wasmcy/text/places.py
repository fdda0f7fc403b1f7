"""Where in a text an error lies that was found in the bytes made of it.

Nothing about it is kept while a text is parsed: it is parsed once more, with recording on.
"""

from __future__ import annotations

from bisect import bisect_right

from ..binary.decoder import decode
from ..binary.encoder import encode
from ..errors import ModuleError
from ..features import Features
from .lexer import place
from .parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..module import ModuleSyntax


def placed(error: ModuleError, text: bytes) -> ModuleError:
    """The error with the line and column in the text instead of the offset in its bytes, if they can be told."""
    at = None if error.offset is None and error.function is None else _text_offset(text, error)
    if at is None:
        return error
    line, column, excerpt = place(text, at)
    return type(error)(error.message, None, error.function, error.function_name, line, column, excerpt)


def _text_offset(text: bytes, error: ModuleError) -> int | None:
    parser = Parser(text, 0, len(text), Features.all())
    parser.recording = True
    try:
        ours = parser.parse(False)
        theirs = decode(encode(ours), Features.all())
    except ModuleError:
        return None
    offset = error.offset
    if offset is None:
        defined = (error.function or 0) - theirs.n_imported_funcs
        if defined < 0:
            return None
        offset = theirs.body_start[defined]
    for (start, end), (own_start, _) in zip(_spans(theirs), _spans(ours), strict=True):
        if start <= offset < end:
            return _instruction(parser.places, own_start + offset - start)
    return dict(zip(_items(theirs), _items(ours), strict=True)).get(offset)


def _spans(module: ModuleSyntax) -> list[tuple[int, int]]:
    """The bodies and constant expressions of a module."""
    spans = list(zip(module.body_start, module.body_end, strict=True))
    spans += [item.init for item in module.globals]
    spans += [item.init for item in module.tables if item.init is not None]
    spans += [item.offset for item in module.datas if item.offset is not None]
    for elem in module.elems:
        spans += [] if elem.offset is None else [elem.offset]
        spans += elem.exprs or ()
    return spans


def _items(module: ModuleSyntax) -> list[int]:
    """Where the parts of a module are that know their place."""
    return [
        *[item.offset for item in module.imports],
        *[item.offset for item in module.tables],
        *[item.offset for item in module.globals],
        *[item.offset for item in module.exports],
        *[item.position for item in module.elems],
        *[item.position for item in module.datas],
    ]


def _instruction(places: list[tuple[int, int]], offset: int) -> int | None:
    """Where in the text the instruction is that was written at, or around, an offset."""
    found = bisect_right(places, offset, key=lambda entry: entry[0])
    return places[found - 1][1] if found else None
