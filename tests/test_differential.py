"""Random functions agree with wasmtime, and the tool that says so finds what is wrong."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.differential import generate
from tests.differential.__main__ import check
from tests.differential.backends import Backend, Job, Outcome, Wasmtime, backend
from tests.differential.compare import difference, run, shrink
from tests.differential.encode import OP

FUNCTIONS = 300


@pytest.fixture(scope="module")
def reference() -> Backend:
    return Wasmtime()


@pytest.fixture(params=["wasmcy", "wasmcy:WASMCY_FUSE=0", "wasmcy:WASMCY_SSE41=0"])
def tested(request: pytest.FixtureRequest) -> Iterator[Backend]:
    one = backend(request.param)
    yield one
    one.close()


@pytest.mark.parametrize("deterministic", [False, True], ids=["", "deterministic"])
def test_random_functions_agree_with_wasmtime(reference: Backend, tested: Backend, deterministic: bool) -> None:
    seed = secrets.token_hex(4)
    option = " --deterministic" * deterministic
    print(f"python -m tests.differential --count {FUNCTIONS} --seed {seed} --test {tested.name}{option}")
    functions = number = 0
    while functions < FUNCTIONS:
        (made, _), found = check([reference, tested], f"{seed}/{number}", 60, 3, deterministic=deterministic)
        assert not found, found[0][1].text
        functions += made
        number += 1


def test_a_seed_gives_the_same_module() -> None:
    assert generate.module("a", 30).encode() == generate.module("a", 30).encode()
    assert generate.module("a", 30).encode() != generate.module("b", 30).encode()


class Mutated:
    """An engine with a mistake: it takes i64.xor for i64.or."""

    name = "mutated"

    def __init__(self) -> None:
        self._engine = Wasmtime()

    def start(self, job: Job) -> None:
        binary = job.binary.replace(OP["i64.xor"] + OP["local.set"], OP["i64.or"] + OP["local.set"])
        self._engine.start(replace(job, binary=binary))

    def finish(self) -> Outcome:
        return self._engine.finish()

    def close(self) -> None:
        pass


def test_a_mistake_is_found_and_made_small(reference: Backend) -> None:
    mutated = Mutated()
    for number in range(60, 500):
        module = generate.module(f"mistake {number}", 60)
        calls = [
            (index, values)
            for index, function in enumerate(module.functions)
            for values in generate.arguments(number, function.signature, 2)
        ]
        expected, got = run([reference, mutated], Job.of(module, calls))
        if difference(expected, got, calls):
            break
    small = shrink(reference, mutated, module, calls)
    bodies = [function.code for function in small.module.functions if len(function.code) > 2]
    assert OP["i64.xor"] + OP["local.set"] in b"".join(bodies)
    assert sum(map(len, bodies)) < 200 and len(small.calls) <= 3, small.text
