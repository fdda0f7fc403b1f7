"""Whatever the bytes: a module is valid, or there is a WasmError."""

import random

import pytest
from assembling import check, from_text
from test_bodies import BODIES, FIELDS, cases

from wasmcy.errors import WasmError

SEED = random.randrange(1 << 32)


def valid_module():
    """One module with all the valid bodies of test_bodies.py."""
    bodies = [case.values[0] for case in cases(BODIES) if not case.values[1]]
    return from_text(FIELDS + "".join(f"(func {body})" for body in bodies))


def judged(data):
    """Whether a module is valid; anything but a WasmError escapes."""
    try:
        check(data)
    except WasmError:
        return False
    return True


@pytest.fixture(scope="module")
def original():
    data = valid_module()
    assert judged(data)
    return data


def test_flipped_bits(original):
    print(f"seed {SEED}")
    choose = random.Random(SEED)
    refused = 0
    for _ in range(2000):
        data = bytearray(original)
        for _ in range(choose.choice((1, 1, 2, 8))):
            data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
        refused += not judged(bytes(data))
    assert refused > 1000


def test_other_bytes_in_place_of_some(original):
    print(f"seed {SEED}")
    choose = random.Random(SEED + 1)
    for _ in range(1000):
        data = bytearray(original)
        at, to = choose.randrange(8, len(data)), choose.randrange(8, len(data))
        n = choose.randrange(1, 6)
        data[to : to + n] = data[at : at + n]
        judged(bytes(data))


def test_truncated_modules(original):
    # An early end can be that of a section, which leaves a module without bodies.
    complete = sum(judged(original[:n]) for n in range(0, len(original), 3))
    assert complete < 10
