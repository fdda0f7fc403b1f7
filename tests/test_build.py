"""What is tested is what was meant to be built; the stubs name all that is public."""

import ast
import importlib
import os
import platform
import sys
from pathlib import Path

import pytest

import wasmcy

FORM = os.environ.get("WASMCY_FORM", "")  # set by ci/test
PACKAGE = Path(wasmcy.__file__).parent
COMPILED = ["binary.reader", "binary.decoder", "binary.types", "validation.validator", "engine.translator"]


def test_package_is_that_of_this_tree() -> None:
    assert Path(__file__).parent.parent == PACKAGE.parent


@pytest.mark.parametrize("name", COMPILED)
def test_modules_are_compiled_or_not(name: str) -> None:
    file = importlib.import_module(f"wasmcy.{name}").__file__
    assert file
    assert file.endswith(".py") == (FORM == "pure")


def test_form_of_dispatch() -> None:
    from wasmcy.engine.machine import DISPATCH

    assert DISPATCH in ("tail", "loop")
    if FORM in ("loop", "sanitize"):
        assert DISPATCH == "loop"
    elif sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64"):
        assert DISPATCH == "tail"


@pytest.mark.parametrize("stub", sorted(PACKAGE.rglob("*.pyi")), ids=lambda p: p.stem)
def test_stub_names_all_that_is_public(stub: Path) -> None:
    name = ".".join(stub.relative_to(PACKAGE.parent).with_suffix("").parts)
    module = importlib.import_module(name)
    declared = {node.name: node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ClassDef)}
    for cls in (value for value in vars(module).values() if isinstance(value, type) and value.__module__ == name):
        assert cls.__name__ in declared
        members = {
            node.name
            for node in declared[cls.__name__].body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        members |= {ast.unparse(n.target) for n in declared[cls.__name__].body if isinstance(n, ast.AnnAssign)}
        assert {member for member in vars(cls) if not member.startswith("_")} - members == set()
