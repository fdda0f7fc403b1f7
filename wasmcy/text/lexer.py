"""Tokens of the text format. Spec: 6.2 "Lexical Format", 6.3 "Values".

A parenthesis and the word after it are one token, for nowhere in the grammar is there one without
the other. Annotations are stepped over, but for those that mean something, which are noted.

Compiled with the C types of lexer.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from ..errors import InvalidError, MalformedError
from .tokens import (
    ALIGN_EQ,
    CLASS_TABLE,
    CLOSE,
    DIGIT_TABLE,
    END,
    FLOAT,
    ID,
    ILLEGAL,
    INT,
    KEYWORDS,
    LPAR,
    NAME,
    NAT,
    OFFSET_EQ,
    OPEN,
    OTHER,
    QUOTE,
    RPAR,
    SEMICOLON,
    STRING,
    UNKNOWN_WORD,
    WORD,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

CLASSES = CLASS_TABLE
DIGITS = DIGIT_TABLE
SIMPLE_ESCAPES = {0x74: 9, 0x6E: 10, 0x72: 13, 0x22: 0x22, 0x27: 0x27, 0x5C: 0x5C}  # \t \n \r \" \' \\
MAX_U64 = 0xFFFFFFFFFFFFFFFF

# Annotations that mean something, by their names. Spec: appendix "Custom Sections and Annotations".
CUSTOM_SECTION, GIVEN_NAME, BRANCH_HINT = b"custom", b"name", b"metadata.code.branch_hint"
NOTED = (CUSTOM_SECTION, GIVEN_NAME, BRANCH_HINT)
LINE = 100  # characters of a line that an error shows
SHOWN = 40  # bytes of a token that it shows


class Lexer:
    """The current token of bytes `start` to `end` of a text, in UTF-8; `next()` goes to the one after it.

    kind            of the token
    code            of the word, of a word's and an opening parenthesis's token
    start, stop     its place; that of the word, if a parenthesis precedes it
    paren           place of the last parenthesis before a word
    noting          whether annotations are kept in `notes`
    notes           annotations just before the token, each (name, start, start of its contents, their end)
    lenient         whether unknown words get the code UNKNOWN_WORD instead of an error

    Raises:
        MalformedError: with the line and column, from every method.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        if not 0 <= start <= end <= len(data):
            raise IndexError(f"from {start} to {end} is not within a text of {len(data)} bytes")
        self.data = data
        self.buffer = data
        self.pos = start
        self.end = end
        self.kind = END
        self.code = 0
        self.start = start
        self.stop = start
        self.paren = start
        self.noting = False
        self.noted = False
        self.lenient = False
        self.notes: list[tuple[bytes, int, int, int]] = []

    # Errors

    def fail(self, message: str, at: int) -> NoReturn:
        line, column, excerpt = place(self.data, at)
        raise MalformedError(message, line=line, column=column, excerpt=excerpt)

    def refuse(self, message: str, at: int) -> NoReturn:
        line, column, excerpt = place(self.data, at)
        raise InvalidError(message, line=line, column=column, excerpt=excerpt)

    def spelling(self) -> str:
        """The current token as messages show it."""
        return self.shown(self.start, self.stop) if self.kind != END else "the end"

    def shown(self, start: int, stop: int) -> str:
        text = self.data[start : min(stop, start + SHOWN)].decode("utf-8", "replace")
        return text + "…" if stop > start + SHOWN else text

    def unexpected(self, expected: str) -> NoReturn:
        opening = "(" if self.kind == OPEN else ""
        self.fail(f"unexpected token: {expected} expected, found {opening}{self.spelling()}", self.start)

    # Tokens

    def next(self) -> int:
        """Go to the next token; returns its kind."""
        if self.noted:
            self.misplaced()
        self.blanks()
        pos = self.pos
        self.start = pos
        self.stop = pos
        if pos >= self.end:
            self.kind = END
            return END
        kind = CLASSES[self.buffer[pos]]
        if kind == LPAR:
            return self.open()
        if kind == RPAR:
            self.stop = self.pos = pos + 1
            self.kind = CLOSE
        else:
            self.kind = self.word()
        return self.kind

    def open(self) -> int:
        self.paren = self.pos
        self.pos += 1
        self.blanks()
        self.start = self.pos
        self.kind = self.word() if self.pos < self.end and CLASSES[self.buffer[self.pos]] == NAME else END
        if self.kind != WORD:
            self.fail("unexpected token: a word expected after the parenthesis", self.paren)
        self.kind = OPEN
        return OPEN

    def word(self) -> int:
        """Read a token that is no parenthesis; returns its kind. Spec: 6.3.1 "Tokens"."""
        start = pos = self.pos
        strings = 0
        other = False
        while pos < self.end:
            kind = CLASSES[self.buffer[pos]]
            if kind == NAME:
                pos += 1
            elif kind == QUOTE:
                pos = self.string_end(pos)
                strings += 1
            elif kind == OTHER:
                pos += 1
                other = True
            else:
                break
        if pos == start:
            self.illegal(pos)
        self.pos = self.stop = pos
        lead = self.buffer[start]
        if lead >= 0x61 and lead <= 0x7A:  # a to z
            found = KEYWORDS.get(self.data[start:pos])
            if found is not None:
                self.code = found
                return WORD
            if strings == 0 and not other:
                return self.rare_word()
        elif lead == 0x22:
            if strings == 1 and self.string_end(start) == pos:
                return STRING
        elif lead == 0x24:  # $
            if self.identifier(strings, other):
                return ID
        elif strings == 0 and not other:
            kind = self.number(start, pos)
            if kind != END:
                return kind
        self.unknown_word()
        return WORD

    def unknown_word(self) -> None:
        if not self.lenient:
            self.fail(f"unknown operator {self.shown(self.start, self.stop)}", self.start)
        self.code = UNKNOWN_WORD

    def illegal(self, at: int) -> NoReturn:
        byte = self.buffer[at]
        if byte == 0x3B:
            self.fail("unknown operator ;", at)
        character = self.data[at : at + 4].decode("utf-8", "replace")[0]
        self.fail(f"illegal character {character!r}", at)

    def rare_word(self) -> int:
        """A word that is a float, or a memarg's offset or alignment."""
        start = self.start
        stop = self.stop
        text = self.data[start:stop]
        if text.startswith(b"offset=") and self.digits(start + 7, stop) == stop:
            self.start = start + 7
            return OFFSET_EQ
        if text.startswith(b"align=") and self.digits(start + 6, stop) == stop:
            self.start = start + 6
            return ALIGN_EQ
        kind = self.number(start, stop)
        if kind == END:
            self.unknown_word()
            return WORD
        return kind

    def identifier(self, strings: int, other: bool) -> bool:
        """Whether the token, which begins with `$`, is an identifier. Spec: 6.3.5 "Identifiers"."""
        start = self.start + 1
        if start == self.stop:
            self.fail("empty identifier", self.start)
        if strings == 0:
            return not other
        if strings > 1 or self.buffer[start] != 0x22 or self.string_end(start) != self.stop:
            return False
        if start + 2 == self.stop:
            self.fail("empty identifier", self.start)
        return True

    # Blanks. Spec: 6.2.4 "White Space", 6.2.5 "Comments", 6.2.6 "Annotations"

    def blanks(self) -> int:
        """Step over white space, comments and annotations."""
        pos = self.pos
        while pos < self.end:
            byte = self.buffer[pos]
            if byte == 0x20 or byte == 0x0A or byte == 0x0D or byte == 0x09:
                pos += 1
            elif byte == 0x28 and pos + 1 < self.end:
                byte = self.buffer[pos + 1]
                if byte == 0x3B:
                    pos = self.block_comment_end(pos)
                elif byte == 0x40:
                    pos = self.annotation(pos)
                else:
                    break
            elif byte == 0x3B and pos + 1 < self.end and self.buffer[pos + 1] == 0x3B:
                pos = self.line_end(pos)
            else:
                break
        self.pos = pos
        return 0

    def line_end(self, pos: int) -> int:
        while pos < self.end and self.buffer[pos] != 0x0A and self.buffer[pos] != 0x0D:
            pos += 1
        return pos

    def block_comment_end(self, start: int) -> int:
        depth = 1
        pos = start + 2
        while pos + 1 < self.end:
            byte = self.buffer[pos]
            after = self.buffer[pos + 1]
            if byte == 0x28 and after == 0x3B:
                depth += 1
                pos += 2
            elif byte == 0x3B and after == 0x29:
                depth -= 1
                pos += 2
                if depth == 0:
                    return pos
            else:
                pos += 1
        self.fail("unclosed comment", start)

    def annotation(self, start: int) -> int:
        """Where the annotation at `start` ends; note it if it means something."""
        pos = start + 2
        while pos < self.end and CLASSES[self.buffer[pos]] == NAME:
            pos += 1
        if pos > start + 2:
            name = self.data[start + 2 : pos]
        else:
            if pos < self.end and self.buffer[pos] == 0x22:
                pos = self.string_end(pos)
            if pos <= start + 4:
                self.fail("empty annotation id", start)
            name = self.text_of(start + 2, pos).encode()
        end = self.annotation_end(start, pos)
        if self.noting and name in NOTED:
            self.notes.append((name, start, pos, end - 1))
            self.noted = True
        return end

    def annotation_end(self, start: int, pos: int) -> int:
        """Where the parenthesis is closed that was opened at `start`; what is before `pos` has been read."""
        depth = 1
        while pos < self.end:
            kind = CLASSES[self.buffer[pos]]
            if kind == QUOTE:
                pos = self.string_end(pos)
            elif kind == LPAR:
                if pos + 1 < self.end and self.buffer[pos + 1] == 0x3B:
                    pos = self.block_comment_end(pos)
                else:
                    depth += 1
                    pos += 1
            elif kind == SEMICOLON and pos + 1 < self.end and self.buffer[pos + 1] == 0x3B:
                pos = self.line_end(pos)
            elif kind == ILLEGAL:
                self.illegal(pos)
            else:
                pos += 1
                if kind == RPAR:
                    depth -= 1
                    if depth == 0:
                        return pos
        self.fail("unclosed annotation", start)

    def misplaced(self) -> NoReturn:
        self.misplaced_note(self.notes[0])

    def misplaced_note(self, note: tuple[bytes, int, int, int]) -> NoReturn:
        name = note[0].decode()
        if note[0] == BRANCH_HINT:
            self.fail(f"@{name} annotation: not in a function, before an instruction", note[1])
        self.fail(f"misplaced @{name} annotation", note[1])

    def take_notes(self) -> list[tuple[bytes, int, int, int]]:
        """The annotations before the current token, which whoever takes them accounts for."""
        notes = self.notes
        self.notes = []
        self.noted = False
        return notes

    def skip_form(self) -> int:
        """Go past the parenthesis that closes the form in which the current token stands, or which it closes."""
        if self.kind == CLOSE:
            return 0
        depth = 2 if self.kind == OPEN else 1
        pos = self.pos
        while pos < self.end:
            kind = CLASSES[self.buffer[pos]]
            if kind <= OTHER:
                pos += 1
            elif kind == QUOTE:
                pos = self.string_end(pos)
            elif kind == SEMICOLON:
                pos = self.line_end(pos) if pos + 1 < self.end and self.buffer[pos + 1] == 0x3B else pos + 1
            elif kind == RPAR:
                pos += 1
                depth -= 1
                if depth == 0:
                    break
            elif pos + 1 < self.end and self.buffer[pos + 1] == 0x3B:
                pos = self.block_comment_end(pos)
            else:
                pos += 1
                depth += 1
        self.pos = pos
        return 0

    # Strings. Spec: 6.3.3 "Strings"

    def string_end(self, start: int) -> int:
        """Where the string that begins at `start` ends."""
        pos = start + 1
        while pos < self.end:
            byte = self.buffer[pos]
            if byte == 0x22:
                return pos + 1
            if byte == 0x5C:
                pos = self.escape_end(pos)
            elif byte < 0x20 or byte == 0x7F:
                break
            else:
                pos += 1
        self.bad_string(start, pos)

    def bad_string(self, start: int, at: int) -> NoReturn:
        lead = self.buffer[start - 1] if start > 0 else 0
        if lead == 0x24:
            self.fail("empty identifier: its string is not closed", start - 1)
        if lead == 0x40:
            self.fail("empty annotation id: its string is not closed", start - 1)
        if at >= self.end or self.buffer[at] == 0x0A or self.buffer[at] == 0x0D:
            self.fail("unclosed string literal", start)
        self.fail(f"illegal control character in string literal: {self.buffer[at]:#04x}", at)

    def escape_end(self, start: int) -> int:
        """Where the escape that begins at `start` with a backslash ends."""
        pos = start + 1
        if pos < self.end:
            byte = self.buffer[pos]
            if byte in SIMPLE_ESCAPES:
                return pos + 1
            if byte == 0x75:  # u
                stop = pos + 2
                while stop < self.end and self.buffer[stop] != 0x7D and CLASSES[self.buffer[stop]] == NAME:
                    stop += 1
                if stop < self.end and self.buffer[stop] == 0x7D and self.buffer[pos + 1] == 0x7B:
                    if self.hex_digits(pos + 2, stop) == stop and self.is_scalar(pos + 2, stop):
                        return stop + 1
            elif pos + 1 < self.end and DIGITS[byte] < 16 and DIGITS[self.buffer[pos + 1]] < 16:
                return pos + 2
        self.fail("illegal escape", start)

    def is_scalar(self, start: int, stop: int) -> bool:
        """Whether hexadecimal digits are the number of a Unicode character."""
        value = 0
        for pos in range(start, stop):
            if self.buffer[pos] != 0x5F:
                value = value << 4 | DIGITS[self.buffer[pos]]
                if value > 0x10FFFF:
                    return False
        return value < 0xD800 or value >= 0xE000

    def bytes_of(self, start: int, stop: int) -> bytes:
        """The value of the string from quote to quote."""
        raw = self.data[start + 1 : stop - 1]
        if b"\\" not in raw:
            return raw
        value = bytearray()
        pos = 0
        while pos < len(raw):
            at = raw.find(b"\\", pos)
            if at < 0:
                at = len(raw)
            value += raw[pos:at]
            if at == len(raw):
                break
            byte = raw[at + 1]
            pos = at + 2
            if byte in SIMPLE_ESCAPES:
                value.append(SIMPLE_ESCAPES[byte])
            elif byte == 0x75:
                pos = raw.index(b"}", at) + 1
                value += chr(int(raw[at + 3 : pos - 1].replace(b"_", b""), 16)).encode()
            else:
                value.append(DIGITS[byte] << 4 | DIGITS[raw[at + 2]])
                pos = at + 3
        return bytes(value)

    def text_of(self, start: int, stop: int) -> str:
        """The value of the string from quote to quote, which must be UTF-8."""
        try:
            return self.bytes_of(start, stop).decode("utf-8")
        except UnicodeDecodeError:
            self.fail("malformed UTF-8 encoding", start)

    def id_of(self) -> bytes:
        """The name of the identifier that is the current token."""
        return self.id_between(self.start, self.stop)

    def id_between(self, start: int, stop: int) -> bytes:
        if self.buffer[start + 1] == 0x22:
            return self.text_of(start + 1, stop).encode()
        return self.data[start + 1 : stop]

    # Numbers. Spec: 6.3.2 "Integers", "Floating-Point"

    def number(self, pos: int, stop: int) -> int:
        """The kind of a number from `pos` to `stop`; END if it is none."""
        lead = self.buffer[pos]
        signed = lead == 0x2B or lead == 0x2D
        if signed:
            pos += 1
        if pos == stop:
            return END
        lead = self.buffer[pos]
        if lead == 0x69 or lead == 0x6E:  # inf, nan
            text = self.data[pos:stop]
            if text == b"inf" or text == b"nan":
                return FLOAT
            return FLOAT if text.startswith(b"nan:0x") and self.hex_digits(pos + 6, stop) == stop else END
        is_hex = lead == 0x30 and pos + 1 < stop and self.buffer[pos + 1] == 0x78
        pos = self.digits(pos, stop)
        if pos == stop:
            return INT if signed else NAT
        if pos < 0:
            return END
        if self.buffer[pos] == 0x2E:
            pos += 1
            if pos < stop and DIGITS[self.buffer[pos]] < (16 if is_hex else 10):
                pos = self.hex_digits(pos, stop) if is_hex else self.decimal_digits(pos, stop)
        if pos < stop and self.buffer[pos] | 0x20 == (0x70 if is_hex else 0x65):  # p, e
            pos += 1
            if pos < stop and (self.buffer[pos] == 0x2B or self.buffer[pos] == 0x2D):
                pos += 1
            pos = self.decimal_digits(pos, stop)
        return FLOAT if pos == stop else END

    def digits(self, pos: int, stop: int) -> int:
        """Where the digits at `pos`, `0x` and hexadecimal or decimal ones, end; -1 if there are none."""
        if pos + 1 < stop and self.buffer[pos] == 0x30 and self.buffer[pos + 1] == 0x78:
            return self.hex_digits(pos + 2, stop)
        return self.decimal_digits(pos, stop)

    def decimal_digits(self, pos: int, stop: int) -> int:
        return self.digits_below(10, pos, stop)

    def hex_digits(self, pos: int, stop: int) -> int:
        return self.digits_below(16, pos, stop)

    def digits_below(self, base: int, pos: int, stop: int) -> int:
        """Where digits with single underscores between them end; -1 if there are none."""
        if pos >= stop or DIGITS[self.buffer[pos]] >= base:
            return -1
        pos += 1
        while pos < stop:
            if DIGITS[self.buffer[pos]] < base:
                pos += 1
            elif self.buffer[pos] == 0x5F and pos + 1 < stop and DIGITS[self.buffer[pos + 1]] < base:
                pos += 2
            else:
                break
        return pos

    def natural(self, start: int, stop: int, most: int, phrase: str) -> int:
        """The value of digits, which must be at most `most`."""
        pos = start
        base = 10
        if stop - pos > 2 and self.buffer[pos + 1] == 0x78:
            base = 16
            pos += 2
        value = 0
        while pos < stop:
            digit = DIGITS[self.buffer[pos]]
            pos += 1
            if digit == 0xFF:  # an underscore
                continue
            if value > (most - digit) // base:
                self.fail(f"{phrase}: at most {most}", start)
            value = value * base + digit
        return value

    def integer(self, kind: int, start: int, stop: int, bits: int) -> int:
        """The value of an integer token modulo 2**bits. Spec: 6.3.2 "Integers"."""
        if kind != NAT and kind != INT:
            self.fail(f"constant out of range: an integer of {bits} bits expected", start)
        most = MAX_U64 >> (64 - bits)
        if kind == NAT:
            return self.natural(start, stop, most, "constant out of range")
        if self.buffer[start] == 0x2B:
            return self.natural(start + 1, stop, most, "constant out of range")
        value = self.natural(start + 1, stop, (most >> 1) + 1, "constant out of range")
        return (~value + 1) & most


def place(data: bytes, at: int) -> tuple[int, int, str]:
    """Line and column of an offset, counted from 1, and the line with a mark below it."""
    text = data[:at].decode("utf-8", "replace")
    lines = (text + "x").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    column = len(lines[-1])
    before = lines[-1][:-1][-LINE // 2 :]
    after = data[at : at + 4 * LINE].decode("utf-8", "replace").replace("\r", "\n").partition("\n")[0][: LINE // 2]
    shown = "".join([c if c.isprintable() else " " for c in before + after])
    return len(lines), column, f"{shown}\n{' ' * len(before)}^"
