"""Reader of scripts, on the lexer of the text format: splits a script into forms.

An atom is a `str` as it is spelled, a string literal is a `bytes` (its value), a list is a `Form`, which knows
its place in the source. The fields of a text module are skipped over, not read: the parser of modules reads them.
"""

from bisect import bisect_right

from wasmcy.text.lexer import Lexer
from wasmcy.text.tokens import CLOSE, END, OPEN, STRING


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

    def modules(self) -> "list[Form]":
        """All forms `(module …)` in it, itself included."""
        inside = [module for item in self if isinstance(item, Form) for module in item.modules()]
        return [self] if self.head == "module" else inside


class Source:
    """The text of a script with its lines; `forms()` reads it."""

    def __init__(self, text: str | bytes, name: str = "<script>") -> None:
        self.data = text.encode() if isinstance(text, str) else text
        self.name = name
        self._line_ends = [at for at, byte in enumerate(self.data) if byte == 0x0A]

    def line(self, offset: int) -> int:
        """The line of an offset, counted from 1."""
        return bisect_right(self._line_ends, offset - 1) + 1

    def spelling(self, form: Form, limit: int = 100) -> str:
        """The source text of a form on one line, shortened to `limit` characters."""
        text = " ".join(self.data[form.start : form.end].decode("utf-8", "replace").split())
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def forms(self) -> list[Form]:
        """All top-level forms.

        Raises:
            MalformedError: the script itself cannot be read, with the line.
        """
        lexer = Lexer(self.data, 0, len(self.data))
        lexer.lenient = True  # the words of scripts are none of modules
        top = Form(0)
        stack = [top]
        while (kind := lexer.next()) != END:
            if kind == OPEN:
                form = Form(lexer.paren)
                form.append(self._atom(lexer))
                stack.append(form)
                if form.head == "module":
                    kind = self._module(lexer, form)
            if kind == CLOSE:
                if len(stack) == 1:
                    lexer.fail("parenthesis was never opened", lexer.start)
                form = stack.pop()
                form.end = lexer.pos
                stack[-1].append(form)
            elif kind != OPEN:
                stack[-1].append(self._atom(lexer))
        if len(stack) > 1:
            lexer.fail("parenthesis is never closed", stack[-1].start)
        return [form for form in top if isinstance(form, Form)]

    def _atom(self, lexer: Lexer) -> str | bytes:
        if lexer.kind == STRING:
            return lexer.bytes_of(lexer.start, lexer.stop)
        return self.data[lexer.start : lexer.stop].decode()

    def _module(self, lexer: Lexer, form: Form) -> int:
        """Read the names, keywords and strings of `(module`, skip its fields; the last token is its end."""
        while (kind := lexer.next()) not in (OPEN, CLOSE, END):
            form.append(self._atom(lexer))
        if kind == END:
            lexer.fail("parenthesis is never closed", form.start)
        form.body = lexer.paren if kind == OPEN else lexer.start
        lexer.skip_form()
        if lexer.pos == len(self.data) and not self._is_closed(form.start):
            lexer.fail("parenthesis is never closed", form.start)
        return CLOSE

    def _is_closed(self, start: int) -> bool:
        """Whether the text from an offset on has as many parentheses that close as it has others."""
        lexer = Lexer(self.data, start, len(self.data))
        lexer.lenient = True
        depth = 0
        while (kind := lexer.next()) != END:
            depth += (kind == OPEN) - (kind == CLOSE)
        return depth == 0
