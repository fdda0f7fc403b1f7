"""Every script of the official suite is one test."""

import re
from pathlib import Path

import pytest

from wasmcy import Limits

from . import scope
from .runner import run_file

try:
    SUITE: Path | None = scope.suite_folder()
except scope.SuiteMissing:
    SUITE = None
NAMES = [scope.relative_name(path, SUITE) for path in scope.scripts(SUITE)] if SUITE else []


def test_suite_is_there() -> None:
    assert SUITE is not None, "set WASMCY_SUITE to a copy of the official test suite"


@pytest.mark.parametrize("name", NAMES)
def test_script_passes(name: str) -> None:
    assert SUITE is not None
    report = run_file(SUITE / name, name, scope.features_of(name))
    assert not report.failures, "\n".join(report.failures)


@pytest.mark.parametrize("name", [name for name in NAMES if re.search("f32|f64|float|conversions|relaxed", name)])
def test_scripts_of_floats_pass_with_canonical_nans(name: str) -> None:
    assert SUITE is not None
    report = run_file(SUITE / name, name, scope.features_of(name), deterministic=True)
    assert not report.failures, "\n".join(report.failures)


CONTROL = "block|br|call|catch|end|fac|if|label|loop|nop|return|select|stack|switch|throw|traps|try|unwind"


@pytest.mark.parametrize("name", [name for name in NAMES if re.search(CONTROL, name.rpartition("/")[2])])
def test_scripts_of_control_pass_where_fuel_is_counted(name: str) -> None:
    assert SUITE is not None
    report = run_file(SUITE / name, name, scope.features_of(name), limits=Limits(fuel=1 << 60))
    assert not report.failures, "\n".join(report.failures)
