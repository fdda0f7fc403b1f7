"""Errors: one class per phase, with facts as attributes and a readable text."""

import pickle

import pytest

from wasmcy.errors import (
    Exit,
    Frame,
    FuelExhausted,
    GuestException,
    InvalidError,
    LimitError,
    LinkError,
    MalformedError,
    MemoryLimit,
    StackExhausted,
    Timeout,
    Trap,
    Unsupported,
    WasmError,
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MalformedError("unexpected end", 8), "unexpected end (offset 0x8)"),
        (InvalidError("unknown type 3"), "unknown type 3"),
        (
            InvalidError("type mismatch: expected i32", 0x4F, 3, "fact"),
            'type mismatch: expected i32 (function 3 "fact", offset 0x4f)',
        ),
        (InvalidError("type mismatch", None, 3), "type mismatch (function 3)"),
        (Trap("unreachable"), "unreachable"),
        (
            Trap("integer divide by zero", [Frame(3, "fact", 0x4F), Frame(None, "log", None, "a")]),
            'integer divide by zero\n  at function 3 "fact", offset 0x4f\n  at host function "log", module a',
        ),
        (Exit(3), "exit status 3"),
        (LinkError("no import"), "no import"),
    ],
)
def test_texts(error, text):
    assert str(error) == text


@pytest.mark.parametrize(
    "error",
    [
        InvalidError("type mismatch", 1, 2, "f"),
        Unsupported("simd", 4),
        Trap("unreachable", [Frame(1, "f", 2)]),
        StackExhausted("call stack exhausted"),
        GuestException("uncaught exception", [Frame(1)], "tag", (1, 2)),
        Exit(2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_pickle(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


def test_attributes_may_be_filled_in_later():
    error = InvalidError("type mismatch", 8)
    error.function = 2
    assert str(error) == "type mismatch (function 2, offset 0x8)"


@pytest.mark.parametrize("limit", [StackExhausted, FuelExhausted, Timeout, MemoryLimit])
def test_limits_are_no_traps(limit):
    assert issubclass(limit, LimitError)
    assert not issubclass(limit, Trap)


@pytest.mark.parametrize("error", [MalformedError, InvalidError, LinkError, Trap, LimitError, Exit, GuestException])
def test_all_are_wasm_errors(error):
    assert issubclass(error, WasmError)
