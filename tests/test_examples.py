"""Every example prints what its docstring says, and every guest is what its text says."""

import ast
import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
WITH_ARGUMENTS = {"micropython.py"}
"""Examples that need a package of an index; ci/programs runs them."""


def promised(example: Path) -> str:
    """What an example's docstring says it prints."""
    text = ast.get_docstring(ast.parse(example.read_text())) or ""
    return textwrap.dedent(text.split("It prints:\n\n")[1]) + "\n"


def example_names() -> list[str]:
    return sorted(p.name for p in EXAMPLES.glob("*.py") if p.name not in WITH_ARGUMENTS)


@pytest.mark.parametrize("name", example_names())
def test_example_prints_what_it_says(name: str) -> None:
    example = EXAMPLES / name
    package = find_spec("wasmcy")
    assert package and package.origin
    environment = os.environ | {
        "PYTHONPATH": str(Path(package.origin).parent.parent),
        "PYTHONUTF8": "1",
    }
    done = subprocess.run([sys.executable, example], capture_output=True, timeout=60, env=environment)
    assert done.stderr.decode() == ""
    assert done.stdout.decode().splitlines() == promised(example).splitlines()
    assert done.returncode == 0


def test_examples_with_arguments_are_run_by_ci_programs() -> None:
    catalog = (Path(__file__).parent / "programs" / "catalog.py").read_text()
    assert all(f"examples/{name}" in catalog and (EXAMPLES / name).exists() for name in WITH_ARGUMENTS)


@pytest.mark.parametrize("text", sorted(EXAMPLES.glob("guests/*.wat")), ids=lambda p: p.stem)
def test_guest_is_the_assembled_text(text: Path) -> None:
    import wasmtime

    assert text.with_suffix(".wasm").read_bytes() == wasmtime.wat2wasm(text.read_text())
