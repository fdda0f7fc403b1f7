"""Reader of S-expressions: splits a script into forms without looking into the modules it contains.

An atom is a `str`, a string literal is a `bytes` (its value, not its spelling), a list is a `Form`,
which knows its place in the source. The fields of a text module are skipped over, not read: its
text is handed to an assembler as it stands.
"""

import re
from bisect import bisect_right


class ReadError(Exception):
    """The script itself cannot be read; `line` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Form(list["Form | str | bytes"]):
    """A parenthesised list.

    `start` and `end` are offsets into the source, parentheses included. `body` is where the unread
    fields of a text module begin (its closing parenthesis if there are none), and None for every
    other form.
    """

    __slots__ = ("body", "end", "start")

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start = start
        self.end = start
        self.body: int | None = None

    @property
    def head(self) -> str:
        return self[0] if self and isinstance(self[0], str) else ""


_STRING = r'"(?:[^"\\\n]|\\.)*"'
_TOKEN = re.compile(
    rf"(?P<blank>[ \t\n\r\f]+|;;[^\n\r]*)|(?P<comment>\(;)|(?P<open>\()|(?P<close>\))"
    rf"|(?P<string>{_STRING})"
    rf'|(?P<atom>(?:{_STRING}|[^\s()";,\[\]{{}}])+)'
)
_BRACKET = re.compile(rf"\(;|;;[^\n\r]*|{_STRING}|[()]")
_COMMENT_MARK = re.compile(r"\(;|;\)")
_ESCAPE = re.compile(rb"\\(?:([tnr\"'\\])|u\{([0-9a-fA-F_]+)\}|([0-9a-fA-F]{2}))")
_SIMPLE = {b"t": b"\t", b"n": b"\n", b"r": b"\r"}


class Source:
    """The text of a script with its lines; `forms()` reads it."""

    def __init__(self, text: str, name: str = "<script>") -> None:
        self.text = text
        self.name = name
        self._line_ends = [match.start() for match in re.finditer("\n", text)]

    def line(self, offset: int) -> int:
        """The line of an offset, counted from 1."""
        return bisect_right(self._line_ends, offset - 1) + 1

    def spelling(self, form: Form, limit: int = 100) -> str:
        """The source text of a form on one line, shortened to `limit` characters."""
        text = " ".join(self.text[form.start : form.end].split())
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def forms(self) -> list[Form]:
        """All top-level forms; annotations among them are dropped."""
        top = Form(0)
        stack = [top]
        text, match_at, pos = self.text, _TOKEN.match, 0
        while pos < len(text):
            match = match_at(text, pos)
            if match is None:
                raise ReadError(f"cannot read {text[pos : pos + 20]!r}", self.line(pos))
            kind, start, pos = match.lastgroup, pos, match.end()
            if kind == "blank":
                continue
            if kind == "comment":
                pos = self._comment_end(start)
            elif kind == "open":
                if text.startswith("@", pos):
                    pos = self._list_end(pos, start)
                else:
                    stack.append(Form(start))
            elif kind == "close":
                pos = self._close(stack, start)
            elif kind == "string":
                stack[-1].append(unescape(match.group()))
            else:
                stack[-1].append(match.group())
            form = stack[-1]
            if form.head == "module" and form.body is None:
                pos = self._module(stack, pos)
        if len(stack) > 1:
            raise ReadError("parenthesis is never closed", self.line(stack[-1].start))
        return [form for form in top if isinstance(form, Form)]

    def _close(self, stack: list[Form], start: int) -> int:
        if len(stack) == 1:
            raise ReadError("parenthesis was never opened", self.line(start))
        form = stack.pop()
        form.end = start + 1
        stack[-1].append(form)
        return form.end

    def _module(self, stack: list[Form], pos: int) -> int:
        """Read the name and keywords after `(module`, and skip its fields if they are text."""
        form, text = stack[-1], self.text
        while True:
            match = _TOKEN.match(text, pos)
            if match is None:
                raise ReadError("module has no end", self.line(form.start))
            kind = match.lastgroup
            if kind == "comment":
                pos = self._comment_end(pos)
            elif kind in ("open", "close"):
                break
            else:
                pos = match.end()
                if kind == "atom":
                    form.append(match.group())
                elif kind == "string":
                    form.append(unescape(match.group()))
        form.body = pos
        return self._close(stack, self._list_end(pos, form.start) - 1)

    def _list_end(self, pos: int, start: int) -> int:
        """The offset after the parenthesis that closes the list in which `pos` stands."""
        depth = 1
        search = _BRACKET.search
        while match := search(self.text, pos):
            pos = match.end()
            token = match.group()
            if token == "(":
                depth += 1
            elif token == ")":
                depth -= 1
                if depth == 0:
                    return pos
            elif token == "(;":
                pos = self._comment_end(match.start())
        raise ReadError("parenthesis is never closed", self.line(start))

    def _comment_end(self, start: int) -> int:
        depth = 0
        for match in _COMMENT_MARK.finditer(self.text, start):
            depth += 1 if match.group() == "(;" else -1
            if depth == 0:
                return match.end()
        raise ReadError("block comment is never closed", self.line(start))


def unescape(literal: str) -> bytes:
    """The bytes that a string literal, quotes included, stands for. Spec: 6.3.3 "Strings"."""
    raw = literal[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_escaped, raw) if b"\\" in raw else raw


def _escaped(match: re.Match[bytes]) -> bytes:
    simple, code_point, byte = match.groups()
    if simple:
        return _SIMPLE.get(simple, simple)
    if code_point:
        return chr(int(code_point.replace(b"_", b""), 16)).encode("utf-8")
    return bytes([int(byte, 16)])
