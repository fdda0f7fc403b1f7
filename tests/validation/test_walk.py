"""What the walk tells a translator: each valid instruction that can be reached, and no other."""

import pytest
from assembling import check, from_text, walk
from test_bodies import BODIES, FIELDS, cases

from wasmcy.opcodes import OPS
from wasmcy.types import val_type
from wasmcy.validation.listener import Listener


class Recorder(Listener):
    """Writes down what it hears, a line each."""

    def __init__(self):
        self.lines = []
        self.offsets = []
        self.locals = None

    def begin(self, index, start, params, locals_, row, types):
        self.locals = [str(val_type(types[i])) for i in range(locals_)]
        self.lines.append(f"begin {index} {params} {locals_} {row}")
        return 0

    def visit(self, op, offset, x, y, z):
        self.lines.append(f"{OPS[op].mnemonic} {x:d} {y:d} {z:d}")
        self.offsets.append(offset)
        return 0

    def target(self, depth):
        self.lines.append(f"target {depth}")
        return 0

    def catch(self, kind, tag, depth):
        self.lines.append(f"clause {kind} {tag} {depth}")
        return 0


def heard(fields, body, index=0):
    """What is told of the first function's body, but for `begin` and the last `end`."""
    recorder = Recorder()
    walk(from_text(f"{fields} (func {body})"), index, recorder)
    assert recorder.lines[0].startswith("begin ")
    assert recorder.lines[-1] in ("end 1 0 0", "end 0 0 0")
    assert recorder.offsets == sorted(set(recorder.offsets))
    return recorder.lines[1:]


# Bodies, and the lines told: mnemonic, x, y, z.
TOLD = [
    ("i32.const -1 drop", "i32.const -1 0 0, drop 127 0 0, end 1 0 0"),
    ("i32.const 0x80000000 drop", "i32.const -2147483648 0 0, drop 127 0 0, end 1 0 0"),
    ("i64.const -5 drop", "i64.const -5 0 0, drop 126 0 0, end 1 0 0"),
    ("f32.const -0 drop", "f32.const 2147483648 0 0, drop 125 0 0, end 1 0 0"),
    ("f64.const -0 drop", "f64.const -9223372036854775808 0 0, drop 124 0 0, end 1 0 0"),
    (
        "v128.const i64x2 1 -2 drop",
        "v128.const 1 -2 0, drop 123 0 0, end 1 0 0",
    ),
    ("return i32.const 1 drop", "return 0 0 0, end 0 0 0"),
    ("unreachable block loop nop end end", "unreachable 0 0 0, end 0 0 0"),
    ("block br 0 nop end nop", "block 1 0 0, br 0 0 0, end 0 0 0, nop 0 0 0, end 1 0 0"),
    (
        "loop i32.const 0 br_if 0 end",
        "loop 1 0 0, i32.const 0 0 0, br_if 0 0 0, end 1 0 0, end 1 0 0",
    ),
    (
        "block i32.const 0 br_table 1 0 1 end",
        "block 1 0 0, i32.const 0 0 0, target 1, target 0, target 1, br_table 2 0 0, end 0 0 0, end 1 0 0",
    ),
    (
        "i32.const 1 if return else nop end",
        "i32.const 1 0 0, if 1 0 0, return 0 0 0, else 0 0 0, nop 0 0 0, end 1 0 0, end 1 0 0",
    ),
    (
        "i32.const 1 if unreachable if else end else unreachable end",
        "i32.const 1 0 0, if 1 0 0, unreachable 0 0 0, else 0 0 0, unreachable 0 0 0, end 0 0 0, end 1 0 0",
    ),
    (
        "unreachable i32.const 1 if else return br_table 0 1 0 end try_table (catch_all 0) end",
        "unreachable 0 0 0, end 0 0 0",
    ),
    (
        "i32.const 1 i32.const 2 i32.const 3 select drop",
        "i32.const 1 0 0, i32.const 2 0 0, i32.const 3 0 0, select 127 0 0, drop 127 0 0, end 1 0 0",
    ),
    (
        "block (result i64) i64.const 1 end drop",
        "block 2 0 0, i64.const 1 0 0, end 1 0 0, drop 126 0 0, end 1 0 0",
    ),
    ("call 0", "call 0 0 0, end 1 0 0"),
]


@pytest.mark.parametrize(("body", "lines"), TOLD, ids=[body for body, _ in TOLD])
def test_what_is_told(body, lines):
    assert ", ".join(heard("", body)) == lines


FIELDS_OF_CLAUSES = "(memory 1) (memory i64 1) (tag (param i32)) (tag) (table 1 funcref)"

TOLD_WITH_FIELDS = [
    ("i32.const 0 i32.load offset=8 drop", "i32.load 8 0 0"),
    ("i64.const 0 i64.load 1 offset=0xffffffffffffffff drop", "i64.load -1 1 0"),
    ("i64.const 0 v128.const i64x2 0 0 v128.load8_lane 1 offset=3 7 drop", "v128.load8_lane 3 1 7"),
    ("v128.const i64x2 0 0 i8x16.extract_lane_u 9 drop", "i8x16.extract_lane_u 9 0 0"),
    ("i64.const 0 i32.const 0 i32.const 0 memory.copy 1 0", "memory.copy 1 0 0"),
    ("i32.const 0 call_indirect (type 0)", "call_indirect 0 0 0"),
    ("throw 1", "throw 1 0 0"),
    ("ref.null 0 drop", f"ref.null {1 << 34} 0 0"),
    ("ref.null any drop", f"ref.null {0x6E} 0 0"),
    (
        "block (result i32) try_table (catch 0 0) (catch_all 1) end i32.const 0 end drop",
        "clause 0 0 0, clause 2 -1 1, try_table",
    ),
    ("block ref.null 0 br_on_null 0 drop end", f"br_on_null 0 {7 << 32} 0"),
]


@pytest.mark.parametrize(("body", "line"), TOLD_WITH_FIELDS, ids=[b for b, _ in TOLD_WITH_FIELDS])
def test_what_is_told_of_immediates(body, line):
    types = "(type $void (func)) (type (func (param i32)))"
    assert line in ", ".join(heard(types + FIELDS_OF_CLAUSES, body))


def test_what_is_told_of_older_exception_instructions():
    lines = heard("(tag (param i32))", "try nop catch 0 drop rethrow 0 catch_all end")
    assert ", ".join(lines) == (
        "try 2 0 0, nop 0 0 0, catch 1 0 0, drop 127 0 0, rethrow 0 0 0, catch_all 0 0 0, end 1 0 0, end 1 0 0"
    )
    assert heard("", "block try return delegate 0 end")[1:4] == [
        "try 1 0 0",
        "return 0 0 0",
        "delegate 0 0 0",
    ]


def test_the_beginning_tells_the_locals():
    recorder = Recorder()
    text = "(type (func)) (func) (func (param i32 f64) (result i64) (local funcref i64) i64.const 1)"
    walk(from_text(text), 1, recorder)
    assert recorder.lines[0] == "begin 1 2 4 1"
    assert recorder.locals == ["i32", "f64", "funcref", "i64"]


def test_an_error_of_the_listener_ends_the_walk_unchanged():
    class Failing(Recorder):
        def visit(self, op, offset, x, y, z):
            raise KeyError(op)

    with pytest.raises(KeyError):
        walk(from_text("(func nop)"), 0, Failing())


OPENERS = ("block", "loop", "if", "try", "try_table")
ENDERS = ("br", "br_table", "return", "unreachable", "throw", "throw_ref", "rethrow")
CLOSERS = ("else", "catch", "catch_all", "end", "delegate")


@pytest.mark.parametrize("body", [case.values[0] for case in cases(BODIES) if not case.values[1]])
def test_blocks_are_told_whole_and_dead_code_not(body):
    data = from_text(f"{FIELDS} (func $it {body})")
    recorder = Recorder()
    walk(data, check(data)[1].n_funcs - 1, recorder)
    depth, previous = 1, ""
    for line in recorder.lines[1:]:
        mnemonic = line.split()[0]
        assert depth > 0
        if previous in ENDERS:
            assert mnemonic in CLOSERS
        depth += (mnemonic in OPENERS) - (mnemonic in ("end", "delegate"))
        previous = mnemonic
    assert depth == 0
