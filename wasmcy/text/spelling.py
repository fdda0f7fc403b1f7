"""How numbers, strings and identifiers are written, and how far lines are indented. Spec: 6.3 "Values"."""

from __future__ import annotations

import re
from struct import pack, unpack

MAX_INDENT = 40  # levels: deeper blocks stand below one another
INDENTS = tuple("  " * level for level in range(MAX_INDENT + 1))

# What may stand in an identifier or a string as it is.
_IDENTIFIER = re.compile(r"[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]+")
_PLAIN = {code: chr(code) if 0x20 <= code < 0x7F and chr(code) not in '"\\' else f"\\{code:02x}" for code in range(256)}


def f64_text(bits: int) -> str:
    """A float from its bits, in decimal: it is read back as the same bits."""
    value = unpack("<d", pack("<Q", bits))[0]
    return _nan(bits >> 63, bits, 52) if value != value else repr(value)


def f32_text(bits: int) -> str:
    """A 32-bit float from its bits, with as few digits as tell it from its neighbours."""
    data = pack("<I", bits)
    value = unpack("<f", data)[0]
    if value != value:
        return _nan(bits >> 31, bits, 23)
    if bits & 0x7F80_0000:
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            try:
                short = float(text)
                if pack("<f", short) == data and not _between_floats(short):
                    return repr(short)
            except OverflowError:  # rounded up, beyond the greatest
                continue
    return repr(value)  # as a 64-bit float; small ones have few digits anyway


def _between_floats(value: float) -> bool:
    """Whether it is as near to one 32-bit float as to the next: then it stands for a decimal that is not."""
    return bool(unpack("<Q", pack("<d", value))[0] & 0x1FFF_FFFF == 0x1000_0000)


def _nan(sign: int, bits: int, payload_bits: int) -> str:
    payload = bits & (1 << payload_bits) - 1
    tail = "" if payload == 1 << payload_bits - 1 else f":{payload:#x}"
    return f"{'-' if sign else ''}nan{tail}"


def quoted(name: str) -> str:
    """A name as a string: what a terminal must not see is escaped.

    >>> print(quoted('a "b"'))
    "a \\22b\\22"
    """
    return '"' + "".join([c if c.isprintable() and c not in '"\\' else _escaped(c) for c in name]) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\{number:02x}" if number < 0x80 else f"\\u{{{number:x}}}"


def byte_string(data: bytes) -> str:
    """Bytes as a string, all but printable ASCII escaped.

    >>> print(byte_string(b"one\\n"))
    "one\\0a"
    """
    return f'"{data.decode("latin-1").translate(_PLAIN)}"'


def identifier(name: str) -> str:
    """The identifier that stands for a name, which is not empty.

    >>> identifier("main"), identifier("operator new")
    ('$main', '$"operator new"')
    """
    return "$" + (name if _IDENTIFIER.fullmatch(name) else quoted(name))
