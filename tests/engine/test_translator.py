"""Translation is bounded in space, and the same whether compiled or not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import wasmcy
from tests.differential import generate
from tests.differential.encode import OP, u, vector
from tests.engine.running import GROUPS, instance, job
from tests.engine.words import instructions

HEADER = b"\0asm\1\0\0\0"
I32 = b"\x7f"


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + u(len(content)) + content


def module(types: list[tuple[int, int]], body: bytes, locals_: int = 0) -> wasmcy.Module:
    """A function of the first type; types are numbers of i32 parameters and results."""
    entry = (vector([u(locals_) + I32]) if locals_ else b"\0") + body + OP["end"]
    data = (
        HEADER
        + section(1, vector(b"\x60" + vector([I32] * params) + vector([I32] * results) for params, results in types))
        + section(3, b"\1\0")
        + section(10, vector([u(len(entry)) + entry]))
    )
    return wasmcy.Module(data)


def words(made: wasmcy.Module) -> int:
    return len(made._code.words(0)[0])


GET, CONST, END, BLOCK, LOOP, DROP = (
    OP["local.get"] + b"\0",
    OP["i32.const"] + b"\1",
    OP["end"],
    OP["block"],
    OP["loop"],
    OP["drop"],
)
BR_IF = OP["br_if"]
FEW, MANY = 4, 1000  # values a label takes: moved one by one, and all at once
TWICE = 300


def br_if_many(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    """br_if with many values, which are not where the label wants them."""
    branches = (GET + BR_IF + b"\0") * TWICE
    return [(1, 0), (0, arity)], GET + BLOCK + b"\1" + GET + GET * arity + branches + OP["br"] + b"\0" + END + DROP * (
        arity + 1
    )


def br_if_nested(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    """The same out of blocks inside each other, to each of them."""
    inner = b"".join(GET + BR_IF + u(depth) for depth in range(TWICE)) + OP["br"] + b"\0"
    ends = (END + OP["br"] + b"\0") * (TWICE - 1) + END + DROP * arity
    return [(1, 0), (0, arity)], (BLOCK + b"\1" + CONST) * TWICE + GET * arity + inner + ends


def br_table_many(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    """br_table over many labels of many values."""
    labels = vector(u(depth) for depth in range(TWICE)) + b"\0"
    return (
        [(1, 0), (0, arity)],
        (BLOCK + b"\1" + CONST) * TWICE + GET * (arity + 1) + OP["br_table"] + labels
        + (END + OP["unreachable"]) * TWICE,
    )  # fmt: skip


def loops_with_parameters(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    """br_if backwards with many values."""
    branches = (GET + BR_IF + b"\0") * TWICE
    return [(1, 0), (arity, arity)], GET + GET * arity + LOOP + b"\1" + branches + END + DROP * (arity + 1)


def returns(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    return [(1, arity)], CONST + GET * arity + (GET + BR_IF + b"\0") * TWICE + OP["return"]


def many_locals_waiting(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    """Operands that stand for a local when the local changes, over and over."""
    return [(1, 0)], (GET * arity + (GET + OP["local.set"] + b"\0") + DROP * arity) * TWICE


def blocks_over_locals(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    return [(1, 0)], GET * arity + (BLOCK + b"\x40" + END) * TWICE + DROP * arity


def ifs_over_constants(arity: int) -> tuple[list[tuple[int, int]], bytes]:
    return [(1, 0)], CONST * arity + (GET + OP["if"] + b"\x40" + OP["else"] + END) * TWICE + DROP * arity


BODIES = [
    br_if_many,
    br_if_nested,
    br_table_many,
    loops_with_parameters,
    returns,
    many_locals_waiting,
    blocks_over_locals,
    ifs_over_constants,
]


@pytest.mark.parametrize("arity", [FEW, FEW + 1, MANY])
@pytest.mark.parametrize("make", BODIES, ids=lambda make: make.__name__)
def test_code_is_bounded_by_the_body(make: object, arity: int) -> None:
    types, body = make(arity)  # type: ignore[operator]
    assert words(module(types, body)) <= 8 * len(body) + 100


def test_large_functions() -> None:
    """50,000 locals, a br_table with 100,000 targets, 10,000 nested blocks."""
    assert module([(1, 0)], b"", locals_=49_999)
    labels = vector([b"\0"] * 100_000) + b"\0"
    table = module([(1, 0)], BLOCK + b"\x40" + GET + OP["br_table"] + labels + END)
    assert words(table) < 60_000
    table.instantiate()
    assert words(module([(1, 0)], (BLOCK + b"\x40") * 10_000 + GET + BR_IF + u(9_999) + END * 10_000)) < 100
    with pytest.raises(wasmcy.WasmError):
        words(module([(1, 0)], GET * 70_000 + DROP * 70_000, locals_=10))


# ---- compiled or not

SCRIPT = """
import json, sys
from wasmcy.binary.decoder import decode
from wasmcy.engine import translator, vector_translator
from wasmcy.validation.context import Context
from wasmcy.validation.module import validate
from wasmcy.validation.validator import Validator
print(json.dumps([translator.__file__, vector_translator.__file__]))
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        module = decode(file.read())
    context = Context(module)
    validate(module, context)
    for fuse in (True, False):
        made = vector_translator.VectorTranslator(context, fuse=fuse)
        for at in range(len(module.funcs)):
            Validator(context).function(context.n_imported_funcs + at, module.body_start[at], module.body_end[at], made)
            print(json.dumps([path, fuse, at, list(made.code[made.start : made.length]), made.frame, made.catches]))
"""


def translations(folder: Path, paths: list[Path]) -> tuple[str, list[str]]:
    """In a process of its own, by the package in that folder: which translator it was, and each function's words."""
    command = [sys.executable, "-c", SCRIPT, *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    translator, *lines = done.stdout.splitlines()
    return translator, lines


def test_the_uncompiled_translator_gives_the_same_words(tmp_path: Path) -> None:
    package = Path(wasmcy.__file__).parent
    for path in package.rglob("*.py"):
        target = tmp_path / "wasmcy" / path.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    (tmp_path / "wasmcy" / "__init__.py").write_bytes(b"")  # its own imports the machine
    binaries = [job(group).binary for group in GROUPS if len(group.cases) < 300]
    binaries += [generate.module(f"words {number}", 60).encode() for number in range(5)]
    paths = [tmp_path / f"{number}.wasm" for number in range(len(binaries))]
    for path, binary in zip(paths, binaries, strict=True):
        path.write_bytes(binary)
    translator, uncompiled = translations(tmp_path, paths)
    files = [str(tmp_path / "wasmcy" / "engine" / name) for name in ("translator.py", "vector_translator.py")]
    assert json.loads(translator) == files
    _, compiled = translations(package.parent, paths)
    assert len(compiled) == len(uncompiled)
    for mine, other in zip(compiled, uncompiled, strict=True):
        assert mine == other


# ---- what merges with its neighbour stays on its side of a try_table's edges

CAUGHT = """(module (tag $e) (func (export "run") (param i32 i32 i32 i32 i32) (result i32)
  (block $caught {before} (try_table (catch_all $caught) {inside}) {after}) (i32.const 42)))"""
MOVES = [f"(local.set {at} (local.get 4))" for at in range(4)]
STEPS = [f"(local.set {at} (i32.add (local.get {at}) (i32.const 1)))" for at in range(4)]


@pytest.mark.parametrize("lines", [MOVES, STEPS], ids=["moves", "steps"])
@pytest.mark.parametrize("split", range(5))
def test_a_throw_is_caught_where_it_stands_inside(lines: list[str], split: int) -> None:
    throw = "(throw $e)"
    inside = CAUGHT.format(before="".join(lines[:split]), inside="".join(lines[split:]) + throw, after="")
    assert instance(inside).exports["run"](1, 2, 3, 4, 5) == 42
    outside = CAUGHT.format(before="", inside="".join(lines[:split]), after="".join(lines[split:]) + throw)
    with pytest.raises(wasmcy.GuestException):
        instance(outside).exports["run"](1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("(local.set 1 (local.tee 0 X)) (local.set 2 (f64.mul (local.get 0) (local.get 0)))", ["f64.mul:rr>"]),
        ("(local.set 1 (local.tee 0 X)) (local.set 2 (f64.mul (local.get 1) (local.get 0)))", ["f64.mul:rr>"]),
        ("(local.set 1 (local.tee 0 X)) (local.set 0 Y) (local.set 2 (f64.mul (local.get 1) (local.get 1)))",
         ["move", "f64.mul:rr>"]),
        ("(local.set 1 (local.tee 0 X)) (local.set 1 Y) (local.set 2 (f64.mul (local.get 0) (local.get 1)))",
         ["move", "f64.mul:rs>"]),
        ("(local.set 1 (local.tee 0 X)) (loop) (local.set 2 (f64.mul (local.get 0) (local.get 1)))", ["f64.mul:ss>"]),
    ],
)  # fmt: skip
def test_an_accumulator_is_known_to_be_in_two_locals(body: str, names: list[str]) -> None:
    """X is computed, Y a third local."""
    body = body.replace("X", "(f64.neg (local.get 3))").replace("Y", "(local.get 4)")
    made = wasmcy.Module(f'(func (export "f") (param f64 f64 f64 f64 f64) (result f64) {body} (local.get 2))')
    found = [handler.name for _, handler in instructions(made._code.words(0)[0])]
    assert found == ["f64.neg:s>", "setr.f64", *names, "return.f64:r"]
    result = made.instantiate().exports.f(1.0, 2.0, 0.0, 3.0, 5.0)
    assert result == (-15.0 if names == ["move", "f64.mul:rs>"] else 9.0)
