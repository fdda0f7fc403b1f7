"""Characters become tokens, or an error at the place of what is wrong."""

import pytest

from wasmcy.errors import MalformedError
from wasmcy.text import tokens
from wasmcy.text.lexer import Lexer

KINDS = {
    getattr(tokens, name): name.lower() for name in "OPEN CLOSE WORD ID STRING NAT INT FLOAT OFFSET_EQ ALIGN_EQ".split()
}


def lexer(text):
    data = text.encode() if isinstance(text, str) else text
    return Lexer(data, 0, len(data))


def spelled(text):
    """The tokens of a text as `kind:spelling`."""
    found, source = [], lexer(text)
    while source.next() != tokens.END:
        found.append(f"{KINDS[source.kind]}:{source.data[source.start : source.stop].decode()}")
    return " ".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("(module)", "open:module close:)"),
        ("( \n module ) ", "open:module close:)"),
        ("(;c;)((;c;)func(;c;))", "open:func close:)"),
        ("(func(nop)nop)", "open:func open:nop close:) word:nop close:)"),
        ("nop;;comment\nend", "word:nop word:end"),
        ("nop;;comment\rend", "word:nop word:end"),
        (";; no end of line", ""),
        ("(; a (; b ;) ;; ;) nop", "word:nop"),
        ('"a\\"b;;(" $x', 'string:"a\\"b;;(" id:$x'),
        ('$"a b" $!#$%&\'*+-./:<=>?@\\^_`|~', 'id:$"a b" id:$!#$%&\'*+-./:<=>?@\\^_`|~'),
        ("0 1_000 0xfF_0 +1 -0x1", "nat:0 nat:1_000 nat:0xfF_0 int:+1 int:-0x1"),
        ("1. 1.5 1e5 1.E-5 1_0.5_0e+0_5", "float:1. float:1.5 float:1e5 float:1.E-5 float:1_0.5_0e+0_5"),
        ("0x1. 0x1.8 0x1p5 0x1.P-5 0xA.b_cp+1", "float:0x1. float:0x1.8 float:0x1p5 float:0x1.P-5 float:0xA.b_cp+1"),
        ("inf -inf nan +nan nan:0x1_2", "float:inf float:-inf float:nan float:+nan float:nan:0x1_2"),
        ("offset=8 align=0x4", "offset_eq:8 align_eq:0x4"),
        ("i32.add nan:canonical funcref", "word:i32.add word:nan:canonical word:funcref"),
        ("(@a (b) \")\" [;] $)nop(@\"c d\" (;);)) (@@)", "word:nop"),
    ],
)  # fmt: skip
def test_tokens(text, expected):
    assert spelled(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("nop é", "illegal character 'é'", 5),
        ("nop\0", "illegal character '\\x00'", 4),
        ("nop \x7f", "illegal character", 5),
        ("nop ; end", "unknown operator ;", 5),
        ("[", "unknown operator [", 1),
        ("foo", "unknown operator foo", 1),
        ("(foo)", "unknown operator foo", 2),
        ("Nop", "unknown operator Nop", 1),
        ("nop0", "unknown operator nop0", 1),
        ('nop"a"', 'unknown operator nop"a"', 1),
        ('"a"nop', 'unknown operator "a"nop', 1),
        ('"a""b"', 'unknown operator "a""b"', 1),
        ('$a"b"', 'unknown operator $a"b"', 1),
        ('$"b"a', 'unknown operator $"b"a', 1),
        ("$a,", "unknown operator $a,", 1),
        ("$", "empty identifier", 1),
        ('$""', "empty identifier", 1),
        ('$ "a"', "empty identifier", 1),
        ('$"a\nb"', "empty identifier", 1),
        ("()", "unexpected token", 1),
        ("((module", "unexpected token", 1),
        ('("a"', "unexpected token", 1),
        ("(", "unexpected token", 1),
        ("0_ ", "unknown operator 0_", 1),
        ("1__0", "unknown operator 1__0", 1),
        ("_1", "unknown operator _1", 1),
        ("0x", "unknown operator 0x", 1),
        ("0x_1", "unknown operator 0x_1", 1),
        ("0xg", "unknown operator 0xg", 1),
        ("1e", "unknown operator 1e", 1),
        ("1.0_", "unknown operator 1.0_", 1),
        ("1._0", "unknown operator 1._0", 1),
        ("0x1p", "unknown operator 0x1p", 1),
        ("0x1pA", "unknown operator 0x1pA", 1),
        (".5", "unknown operator .5", 1),
        ("nan:1", "unknown operator nan:1", 1),
        ("nan:0x", "unknown operator nan:0x", 1),
        ("infinity", "unknown operator infinity", 1),
        ("+", "unknown operator +", 1),
        ("offset=", "unknown operator offset=", 1),
        ("align=-1", "unknown operator align=-1", 1),
        ('"abc', "unclosed string literal", 1),
        ('"abc\n"', "unclosed string literal", 1),
        ('"a\tb"', "illegal control character in string literal", 3),
        ('"a\\q"', "illegal escape", 3),
        ('"a\\0"', "illegal escape", 3),
        ('"a\\u{d800}"', "illegal escape", 3),
        ('"a\\u{110000}"', "illegal escape", 3),
        ('"a\\u{fffffffffffffffff}"', "illegal escape", 3),
        ('"a\\u{1__0}"', "illegal escape", 3),
        ('"a\\u{}"', "illegal escape", 3),
        ('"a\\u0"', "illegal escape", 3),
        ('"a\\', "illegal escape", 3),
        ("nop (; (; ;)", "unclosed comment", 5),
        ("nop (@x (y) ", "unclosed annotation", 5),
        ("(@ x)", "empty annotation id", 1),
        ('(@"")', "empty annotation id", 1),
        ("(@x \1)", "illegal character", 5),
        ('(@x "a)', "unclosed string literal", 5),
    ],
)  # fmt: skip
def test_what_is_no_token(text, message, column):
    with pytest.raises(MalformedError) as caught:
        spelled(text)
    error = caught.value
    assert error.message.startswith(message)
    assert (error.line, error.column) == (1, column)
    assert error.excerpt.splitlines()[-1] == " " * (column - 1) + "^"


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('""', b""),
        ('"a b"', b"a b"),
        (r'"\t\n\r\"\'\\"', b"\t\n\r\"'\\"),
        (r'"\00\ff\Ab"', b"\0\xff\xab"),
        (r'"\u{41}\u{1_F600}\u{0}"', "A\U0001f600\0".encode()),
        ('"é\U0001f600"', "é\U0001f600".encode()),
        (r'"a\\nb"', b"a\\nb"),
    ],
)
def test_values_of_strings(literal, value):
    source = lexer(literal)
    assert source.next() == tokens.STRING
    assert source.bytes_of(source.start, source.stop) == value


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("\n\n  foo", 3, 3), ("\r\n\r\nfoo", 3, 1), ("\r\rfoo", 3, 1), ('"é" foo', 1, 5), ("(; é\n ;) foo", 2, 5)],
)
def test_lines_and_columns_count_characters_from_one(text, line, column):
    with pytest.raises(MalformedError) as caught:
        spelled(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_of_a_long_line_only_a_part_is_shown():
    with pytest.raises(MalformedError) as caught:
        spelled("nop " * 10_000 + "foo" + " nop" * 10_000)
    shown, mark = caught.value.excerpt.splitlines()
    assert caught.value.column == 40_001 and len(shown) <= 100
    assert shown[mark.index("^") :].startswith("foo")


def test_every_word_has_one_code():
    assert len(set(tokens.KEYWORDS.values())) == len(tokens.KEYWORDS)
    assert {row.keyword.encode() for row in tokens.OPS.values()} <= set(tokens.KEYWORDS)
