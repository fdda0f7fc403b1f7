"""Leaving the machine and resuming at every poll, calls included, changes no result, nor does collecting at every
allocation."""

import secrets
from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime

import spectests.engine
import wasmcy
from spectests import scope
from spectests.runner import run_file
from spectests.test_suite import NAMES, SUITE
from tests.differential.__main__ import check
from tests.differential.backends import Backend, Here, Wasmtime
from tests.engine import programs
from tests.engine.programs import Group
from tests.engine.running import GROUPS, IMPORTED_CALLS, imports, job, outcome, outcome_with_imports

FUNCTIONS = 300


def stressed_store() -> wasmcy.Store:
    store = wasmcy.Store()
    store.stress()
    return store


class StressedModule(wasmcy.Module):
    """A module whose instances leave at every poll."""

    def instantiate(self, imports: Any = None, **options: Any) -> wasmcy.Instance:
        return super().instantiate(imports, store=stressed_store(), **options)


def stressed() -> Here:
    """The differential test's engine, under stress."""
    engine = Here()
    engine.name = "wasmcy under stress"
    engine._wasmcy = SimpleNamespace(**{**vars(wasmcy), "Module": StressedModule})
    return engine


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_programs(group: Group) -> None:
    engine = stressed()
    engine.start(job(group))
    assert engine.finish() == outcome(group)


def test_calls_of_other_instances_and_the_host() -> None:
    text = f"(module {programs.EXPORTED_FIELDS})"
    other = StressedModule(bytes(wasmtime.wat2wasm(text))).instantiate()
    assert outcome_with_imports(IMPORTED_CALLS, {**imports(), "other": other}) == outcome_with_imports(IMPORTED_CALLS)


def test_random_functions_agree_with_wasmtime() -> None:
    seed = secrets.token_hex(4)
    print(f"seed {seed}")
    engines: list[Backend] = [Wasmtime(), stressed()]
    functions = number = 0
    while functions < FUNCTIONS:
        (made, _), found = check(engines, f"{seed}/{number}", 60, 3)
        assert not found, f"seed {seed}/{number}: {found[0][1].text}"
        functions += made
        number += 1


@pytest.mark.skipif(SUITE is None, reason="WASMCY_SUITE does not name a copy of the official test suite")
@pytest.mark.parametrize("name", NAMES)
def test_official_suite(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Engine(spectests.engine.Engine):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.store.stress(heap=True)

    assert SUITE is not None
    features = scope.features_of(name)
    expected = run_file(SUITE / name, name, features)
    monkeypatch.setattr("spectests.runner.Engine", Engine)
    assert run_file(SUITE / name, name, features) == expected
