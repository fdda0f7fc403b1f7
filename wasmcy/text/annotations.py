"""Annotations that mean something: custom sections and branch hints.

Spec: appendix "Custom Sections and Annotations", and the branch hinting proposal.
"""

from __future__ import annotations

from ..binary.decoder import (
    CODE,
    DATA,
    DATA_COUNT,
    ELEMENT,
    EXPORT,
    FUNCTION,
    GLOBAL,
    IMPORT,
    MEMORY,
    ORDER,
    START,
    TABLE,
    TAG,
    TYPE,
)
from ..binary.writer import Writer
from .lexer import BRANCH_HINT, Lexer
from .tokens import (
    CLOSE,
    END,
    KW_AFTER,
    KW_BEFORE,
    KW_CODE,
    KW_DATA,
    KW_DATACOUNT,
    KW_ELEM,
    KW_EXPORT,
    KW_FIRST,
    KW_FUNC,
    KW_GLOBAL,
    KW_IMPORT,
    KW_LAST,
    KW_MEMORY,
    KW_START,
    KW_TABLE,
    KW_TAG,
    KW_TYPE,
    OPEN,
    STRING,
    WORD,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    Note = tuple[bytes, int, int, int]

SECTIONS = {
    KW_TYPE: TYPE,
    KW_IMPORT: IMPORT,
    KW_FUNC: FUNCTION,
    KW_TABLE: TABLE,
    KW_MEMORY: MEMORY,
    KW_TAG: TAG,
    KW_GLOBAL: GLOBAL,
    KW_EXPORT: EXPORT,
    KW_START: START,
    KW_ELEM: ELEMENT,
    KW_DATACOUNT: DATA_COUNT,
    KW_CODE: CODE,
    KW_DATA: DATA,
}
# Places of custom sections among the others: even ones are before the section of that rank, odd ones after it.
FIRST, LAST = -1, 2 * len(ORDER)
BEFORE_CODE = 2 * ORDER.index(CODE)


def contents(parser: Lexer, note: Note) -> Lexer:
    """A lexer at the first token of what an annotation contains."""
    lexer = Lexer(parser.data, note[2], note[3])
    lexer.lenient = True
    lexer.next()
    return lexer


def branch_hint(parser: Lexer, notes: list[Note]) -> int:
    """The value of the branch hint that `notes`, all branch hints, are: 1 for likely, 0 for not.

    Raises:
        MalformedError: there are several, or it is no string of one such byte.
    """
    phrase = f"@{BRANCH_HINT.decode()} annotation"
    if len(notes) > 1:
        parser.fail(f"{phrase}: duplicate annotation", notes[1][1])
    lexer = contents(parser, notes[0])
    value = lexer.bytes_of(lexer.start, lexer.stop) if lexer.kind == STRING else b""
    if value not in (b"\0", b"\1") or lexer.next() != END:
        parser.fail(f"{phrase}: a string of one byte, 0 or 1, expected", notes[0][1])
    return value[0]


def name(parser: Lexer, note: Note) -> str:
    """The name that a @name annotation gives."""
    lexer = contents(parser, note)
    if lexer.kind != STRING:
        parser.fail("@name annotation: missing name", note[1])
    start, stop = lexer.start, lexer.stop
    if lexer.next() != END:
        parser.fail("@name annotation: unexpected token", lexer.start)
    return parser.text_of(start, stop)


def custom_section(parser: Lexer, note: Note) -> tuple[int, str, bytes]:
    """A @custom annotation: the section's place, name and payload."""
    phrase = "@custom annotation: "
    lexer = contents(parser, note)
    if lexer.kind != STRING:
        parser.fail(phrase + "missing section name", note[1])
    raw = lexer.bytes_of(lexer.start, lexer.stop)
    try:
        title = raw.decode("utf-8")
    except UnicodeDecodeError:
        parser.fail(phrase + "malformed UTF-8 encoding", lexer.start)
    place = _placement(parser, lexer, phrase) if lexer.next() == OPEN else LAST
    parts = []
    while lexer.kind == STRING:
        parts.append(lexer.bytes_of(lexer.start, lexer.stop))
        lexer.next()
    if lexer.kind != END:
        parser.fail(f"{phrase}unexpected token {lexer.spelling()}", lexer.start)
    return place, title, b"".join(parts)


def _placement(parser: Lexer, lexer: Lexer, phrase: str) -> int:
    """`(before section)` or `(after section)`."""
    word = lexer.code
    if word not in (KW_BEFORE, KW_AFTER):
        parser.fail(phrase + "malformed placement: (before …) or (after …) expected", lexer.start)
    lexer.next()
    if lexer.kind == WORD and (word, lexer.code) in ((KW_BEFORE, KW_FIRST), (KW_AFTER, KW_LAST)):
        place = FIRST if word == KW_BEFORE else LAST
    elif lexer.kind == WORD and lexer.code in SECTIONS:
        place = 2 * ORDER.index(SECTIONS[lexer.code]) + (word == KW_AFTER)
    else:
        parser.fail(phrase + "malformed section kind", lexer.start)
    if lexer.next() != CLOSE:
        parser.fail(phrase + "malformed placement: ) expected", lexer.start)
    lexer.next()
    return place


def hints_payload(hints: list[tuple[int, list[tuple[int, int]]]]) -> bytes:
    """The custom section for the branch hints of functions, each (index, [(where in its body, 0 or 1)])."""
    out = Writer()
    out.unsigned(len(hints))
    for function, places in hints:
        out.unsigned(function)
        out.unsigned(len(places))
        for place, value in places:
            out.unsigned(place)
            out.span(bytes([value]))
    return out.getvalue()
