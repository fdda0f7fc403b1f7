"""Large bodies are handled or refused, in time that grows with their size."""

import pytest
from assembling import check, code, from_bodies, leb, vector

from wasmcy.errors import InvalidError, MalformedError

I32 = b"\x7f"
VOID = b"\x60\0\0"
# [i32 * 1000] -> [i32 * 1000], and [] -> [i32 * 1000]
THROUGH = b"\x60" + vector([I32] * 1000) + vector([I32] * 1000)
RESULTS = b"\x60\0" + vector([I32] * 1000)
ARRAY = b"\x5e" + I32 + b"\1"
STRUCT = b"\x5f" + vector([I32 + b"\1"] * 10_000)
TYPES = [VOID, THROUGH, RESULTS, ARRAY, STRUCT]

ZERO = code("i32.const", 0)
PRODUCE = code("call", 0)  # 1000 operands: function 0 is declared to return them


def void(body):
    """A module with this body of a function [] -> [], after one that returns 1000 values."""
    return from_bodies(TYPES, [(2, code(0, "unreachable", "end")), (0, b"\0" + body)])


ACCEPTED = {
    "10,000 nested blocks": code("block", 0x40) * 10_000 + code("end") * 10_001,
    "100,000 targets": ZERO + code("br_table", leb(100_000), bytes(100_001), "end"),
    "100,000 targets of 1,000 values": (
        code("block", 2, PRODUCE, ZERO, "br_table", leb(100_000), bytes(100_001), "end") + code("unreachable", "end")
    ),
    "3,000 labels of 1,000 values": (
        PRODUCE
        + code("loop", 1) * 3000
        + ZERO
        + code("br_table", leb(2999), b"".join(leb(i) for i in range(3000)))
        + code("end") * 3000
        + code("unreachable", "end")
    ),
    "10,000 conditional branches with 1,000 values": (
        code("block", 2, PRODUCE) + (ZERO + code("br_if", 0)) * 10_000 + code("end", "unreachable", "end")
    ),
    "100,000 arrays of 10,000 elements in dead code": (
        code("unreachable") + code("array.new_fixed", 3, leb(10_000), "drop") * 100_000 + code("end")
    ),
    "100,000 structs of 10,000 fields": code("struct.new_default", 4, "drop") * 100_000 + code("end"),
    "as many nested blocks as there can be": (code("block", 0x40) * 131_071 + code("end") * 131_072),
    "1,000 calls with 1,000 results in dead code": (
        code("unreachable") + (PRODUCE + code("br", 0)) * 1000 + code("end")
    ),
}


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED)
def test_large_bodies_are_accepted(body):
    check(void(body))


REFUSED = {
    "too many nested blocks": code("block", 0x40) * (1 << 17),
    "too many operands: at most 1048576": PRODUCE * 1049,
    "too many operands: 10001": code("array.new_fixed", 3, leb(10_001)),
    "unexpected end": ZERO + code("br_table", leb(100_000), bytes(1000)),
}


@pytest.mark.parametrize(("message", "body"), REFUSED.items(), ids=REFUSED)
def test_larger_ones_are_refused(message, body):
    with pytest.raises((InvalidError, MalformedError), match=f"^{message}"):
        check(void(body + code("end")))


def with_locals(*groups):
    """A module whose function declares groups of so many locals."""
    declaration = vector([leb(n) + I32 for n in groups])
    return from_bodies([b"\x60" + vector([I32] * 10) + b"\0"], [(0, declaration + code("end"))])


def test_50_000_locals_with_the_parameters():
    check(with_locals(49_990))
    check(with_locals(*[10] * 4_999))
    with pytest.raises(InvalidError, match="^too many locals: 50001, at most 50000"):
        check(with_locals(49_991))
    with pytest.raises(InvalidError, match="^too many locals"):
        check(with_locals(0xFFFFFFFF - 10))
    with pytest.raises(MalformedError, match="^too many locals"):
        check(with_locals(0xFFFFFFFF, 1))


def test_the_next_body_begins_afresh():
    nested = code(0) + code("block", 0x40) * 500 + code("end") * 501
    large = leb(1) + leb(40_000) + b"\x70" + code("end")
    small = code(0, "local.get", 1, "end")
    check(from_bodies(TYPES, [(0, nested), (0, large), (0, nested)]))
    with pytest.raises(InvalidError, match="^unknown local 1 .function 2,"):
        check(from_bodies(TYPES, [(0, nested), (0, large), (0, small)]))
