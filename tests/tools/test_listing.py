"""`wasmcy inspect --code`: instructions, and beside them the words they are translated to."""

import re

import pytest
import wasmtime

import wasmcy
from wasmcy.engine.operations import HANDLERS
from wasmcy.tools.listing import find_function, listing

TEXT = """
(module
  (import "env" "f" (func $imported))
  (memory 1)
  (table 1 funcref)
  (func $sum (export "total") (param i32) (result i32) (local $at i32) (local i64 i64)
    (loop $again
      (local.set $at (i32.add (local.get $at) (i32.load offset=4 (local.get 0))))
      (call $imported)
      (br_if $again (i32.lt_u (local.get $at) (i32.const 1000))))
    (local.get $at))
  (func $pick (param i32) (result i32)
    (block (block (br_table 0 1 0 1 (local.get 0))) (return (i32.const 7)))
    (drop (memory.grow (i32.const 1)))
    (f64.const 0.5) (i32.trunc_sat_f64_s) (call_indirect (result i32) (i32.const 0)) (drop))
  (func $wrong (i32.const 1))
)
"""


@pytest.fixture(scope="module")
def module():
    return wasmcy.Module(bytes(wasmtime.wat2wasm(TEXT)), lazy=True)


def lines_of(module, name):
    return list(listing(module, find_function(module._syntax, name)))


def words_in(lines):
    """(word, handler, operands) of each translated instruction."""
    rows = (re.search(r" (\d+)  (\S+) *(.*)$", line[12:]) for line in lines)
    return [(int(row[1]), row[2], row[3]) for row in rows if row and row[2] in {h.name for h in HANDLERS}]


def test_the_head_tells_what_the_function_is(module):
    lines = lines_of(module, "sum")
    assert re.fullmatch(
        r'function 1 "sum" \(func \(param i32\) \(result i32\)\): \d+ bytes at 0x\w+, \d+ words, a frame of \d+ slots',
        lines[0],
    )
    assert lines[1] == "  locals i32 x 1 i64 x 2"


def test_every_instruction_and_every_word_stands_there(module):
    lines = lines_of(module, "sum")
    text = "\n".join(line[2:50].rstrip() for line in lines)
    for instruction in ("loop", "  i32.load offset=4", '  call 0 "imported"', "  br_if 0", "end"):
        assert re.search(rf"^0x\w+  {re.escape(instruction)}( |$)", text, re.M), text
    words, _, _ = module._code.words(1)
    listed = words_in(lines)
    expected, at = [], 0
    while at < len(words):
        expected.append((at, HANDLERS[words[at]].name))
        at += HANDLERS[words[at]].words
    assert [(at, name) for at, name, _ in listed] == expected


def test_branches_lead_to_words_of_the_listing(module):
    for name in "sum", "pick":
        listed = words_in(lines_of(module, name))
        starts = {at for at, _, _ in listed}
        targets = [int(n) for _, _, operands in listed if "->" in operands for n in operands.split("->")[1].split()]
        assert targets and set(targets) <= starts


def test_backward_branches_lead_back(module):
    ((at, _, operands),) = [row for row in words_in(lines_of(module, "sum")) if row[1].endswith("^")]
    assert int(operands.split("->")[1]) < at


def test_immediates_are_read_as_their_handlers_read_them(module):
    wasm = wasmtime.wat2wasm("(module (func (param i32) (result i32) (i32.sub (local.get 0) (i32.const 3))))")
    ((_, name, operands), _) = words_in(lines_of(wasmcy.Module(bytes(wasm)), "0"))
    assert (name, operands) in [("i32.add:si", "A=0 half=-3"), ("i32.sub:si", "A=0 half=3")]


def test_what_is_done_outside_the_handlers_is_named(module):
    assert any(
        name == "operation" and operands.startswith("memory.grow D=")
        for _, name, operands in words_in(lines_of(module, "pick"))
    )


def test_a_function_that_is_not_valid_is_refused(module):
    with pytest.raises(wasmcy.InvalidError, match="type mismatch"):
        lines_of(module, "wrong")


@pytest.mark.parametrize(("name", "index"), [("1", 1), ("sum", 1), ("total", 1), ("pick", 2)])
def test_a_function_is_found_by_index_name_and_export(module, name, index):
    assert find_function(module._syntax, name) == index


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("4", "there is no function 4: the module has 4"),
        ("nobody\n", 'there is no function named "nobody\\0a"'),
        ("0", "function 0 is imported: it has no code"),
        ("imported", "function 0 is imported: it has no code"),
    ],
)
def test_a_function_without_code_is_refused(module, name, message):
    with pytest.raises(LookupError) as caught:
        find_function(module._syntax, name)
    assert str(caught.value) == message
