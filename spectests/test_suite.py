"""Every script of the official suite is one test."""

from pathlib import Path

import pytest

from . import scope
from .runner import run_file

try:
    SUITE: Path | None = scope.suite_folder()
except scope.SuiteMissing:
    SUITE = None
EXEMPT = scope.exemptions()
NAMES = [scope.relative_name(path, SUITE) for path in scope.scripts(SUITE)] if SUITE else []
OUT = [name for name in NAMES if (rule := scope.exemption(name, EXEMPT)) and rule.state == "out"]


def test_suite_is_there() -> None:
    assert SUITE is not None, "set WASMCY_SUITE to a copy of the official test suite"


def test_every_line_of_scope_txt_matches_a_script() -> None:
    used = {scope.exemption(name, EXEMPT) for name in NAMES}
    assert [one.pattern for one in EXEMPT if one not in used] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OUT])
def test_script_passes(name: str) -> None:
    assert SUITE is not None
    partial = scope.exemption(name, EXEMPT) is not None
    report = run_file(SUITE / name, name, scope.features_of(name), partial)
    assert not report.failures, "\n".join(report.failures)
    assert bool(report.unsupported) == partial, "every module is supported now: remove the line from scope.txt"


@pytest.mark.parametrize("name", OUT)
def test_script_out_of_scope_is_not_passed_yet(name: str) -> None:
    assert SUITE is not None
    report = run_file(SUITE / name, name, scope.features_of(name), partial=True)
    assert report.failures or report.unsupported, "it passes now: remove the line from scope.txt"
