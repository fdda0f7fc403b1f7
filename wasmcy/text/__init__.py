"""The text format. Spec: chapter 6."""

from __future__ import annotations

from ..binary.encoder import encode
from ..errors import expect
from ..features import DEFAULT, Features
from ..module import ModuleSyntax
from .parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    Text = str | bytes | bytearray | memoryview


def parse_module(text: Text, features: Features = DEFAULT) -> ModuleSyntax:
    """Parse the text of a module: `(module …)`, or only the fields of one.

    Its spans are of the code that the text stands for; offsets of its parts are offsets in the text,
    which is UTF-8 if it is bytes.

    Raises:
        MalformedError: with the line and column of what is wrong.
        InvalidError: a branch hint stands where none may.
    """
    data = text_bytes(text)
    return Parser(data, 0, len(data), features).parse(False)


def parse_form(data: bytes, start: int, features: Features = DEFAULT) -> tuple[ModuleSyntax, int]:
    """Parse the form `(module …)` at an offset of a larger text; returns the module and where its text ends.

    Raises:
        As parse_module. What follows the form is not looked at.
    """
    parser = Parser(data, start, len(data), features)
    return parser.parse(True), parser.pos


def wat2wasm(text: Text, features: Features = DEFAULT) -> bytes:
    """The binary format of a module in the text format; it is not checked whether it is valid.

        >>> wat2wasm('(module)').hex(' ')
        '00 61 73 6d 01 00 00 00'

    Raises:
        As parse_module.
    """
    expect(features, Features, "Features")
    return encode(parse_module(text, features))


def text_bytes(text: Text) -> bytes:
    """A text as UTF-8.

    Raises:
        MalformedError: it is not Unicode; with the line and column.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else memoryview(text).tobytes()
    decoded(data)
    return data


def decoded(data: bytes | bytearray | memoryview) -> str:
    """The text that bytes are.

    Raises:
        MalformedError: they are not UTF-8; with the line and column.
    """
    data = memoryview(data).tobytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        Parser(data, 0, len(data), DEFAULT).fail("malformed UTF-8 encoding", error.start)
        raise
