"""Every handler is executed, and what it computes is what wasmtime computes."""

import pytest

from tests.differential.backends import Here, Wasmtime
from tests.differential.compare import difference
from tests.engine.programs import TYPE, Group
from tests.engine.running import (
    ATOMICS,
    DESCRIPTORS,
    GROUPS,
    IMPORTED_CALLS,
    IMPORTED_REFERENCES,
    IMPORTED_VARIABLES,
    IMPORTED_VECTORS,
    RELAXED,
    SHARED,
    VARIABLES,
    VECTORS,
    executed,
    job,
    metered_outcome,
    outcome,
    outcome_with_imports,
)
from wasmcy.engine.operations import HANDLERS


def test_imported_variables_are_like_own_ones() -> None:
    assert outcome_with_imports(IMPORTED_VARIABLES) == outcome(VARIABLES).results
    assert outcome_with_imports(IMPORTED_VECTORS) == outcome(VECTORS).results


def test_atomic_instructions_do_the_same_on_shared_memories() -> None:
    assert outcome(SHARED).error is None
    assert outcome(SHARED).results == outcome(ATOMICS).results
    assert outcome(SHARED).states == outcome(ATOMICS).states


def test_imported_functions_are_called() -> None:
    work = job(IMPORTED_CALLS)
    for (at, values), result in zip(work.calls, outcome_with_imports(IMPORTED_CALLS), strict=True):
        kind = IMPORTED_CALLS.cases[at].result
        assert result == (values[3 * list(TYPE).index(kind)],)


def test_references_to_imported_functions_are_not_null() -> None:
    assert set(outcome_with_imports(IMPORTED_REFERENCES)) == {(0,)}


@pytest.mark.parametrize("fuse", ["1", "0"], ids=["", "unfused"])
def test_what_is_found_by_its_descriptor_is_found(fuse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASMCY_FUSE", fuse)
    assert set(outcome_with_imports(DESCRIPTORS)) == {(1,)}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_metered_code_does_the_same(group: Group) -> None:
    assert metered_outcome(group).results == outcome(group).results
    assert metered_outcome(group).states == outcome(group).states


# Handlers no function's code names: a first call, the end of a call from Python, the return to another instance.
STARTS_AND_ENDS = {"leave.translate", "leave.result", "leave.link"}
# Handlers that only code of deterministic stores has: tests/runtime/test_deterministic.py executes them.
DETERMINISTIC = {
    "f32.canonical:r", "f32.canonical:r>", "f32.canonical", "f64.canonical:r", "f64.canonical:r>", "f64.canonical",
    "f32x4.canonical", "f64x2.canonical",
}  # fmt: skip


def test_every_handler_is_executed() -> None:
    found = STARTS_AND_ENDS | DETERMINISTIC
    for group in (*GROUPS, RELAXED, SHARED):
        found |= executed(group, outcome(group).results)
    for group in GROUPS:
        found |= executed(group, metered_outcome(group).results, metered=True)
    for group in (IMPORTED_VARIABLES, IMPORTED_CALLS, IMPORTED_REFERENCES, IMPORTED_VECTORS, DESCRIPTORS):
        found |= executed(group, outcome_with_imports(group))
    missing = [handler.name for handler in HANDLERS if handler.lines is not None and handler.name not in found]
    print(f"{len(missing)} handlers are not executed: {' '.join(missing)}")
    assert missing == []


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
@pytest.mark.parametrize("fuse", ["1", "0"], ids=["", "unfused"])
def test_results_are_those_of_wasmtime(group: Group, fuse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASMCY_FUSE", fuse)
    work = job(group)
    reference, engine = Wasmtime(), Here()
    reference.start(work)
    engine.start(work)
    expected = reference.finish()
    assert expected.error is None
    found = difference(expected, engine.finish(), work.calls)
    if found is not None:
        index, arguments = work.calls[found[0]]
        pytest.fail(f"{group.cases[index].body}\nof {list(map(hex, arguments))}: {found[1]}")
