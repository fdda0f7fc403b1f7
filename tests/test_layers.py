"""Imports point down: the folders and modules of the package are layers."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    "errors features limits turns types",
    "matching module opcodes",
    "binary text",
    "validation",
    "engine",
    "runtime",
    "linker pool",
    "wasi",
    "network",
    "wasmcy",  # the public names
    "cli compat tools __main__",
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
GENERATED = re.compile(r"_handlers\w+\.pyx|_tables\.py")
CIMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import\s+([^(\n]*)|c?import\s+([\w.]+))", re.MULTILINE)


def sources() -> list[str]:
    files = (p for p in (ROOT / "wasmcy").rglob("*") if p.suffix in (".py", ".pyx", ".pxd"))
    return sorted(p.relative_to(ROOT).as_posix() for p in files if not GENERATED.fullmatch(p.name))


def layer(module: str) -> str:
    """The layer of a dotted name: the first part below the package."""
    return [*module.split("."), "wasmcy"][1] if module != "wasmcy.__init__" else "wasmcy"


def absolute(target: str, dots: int, package: list[str]) -> str:
    """The dotted name of what a file of `package` imports."""
    return ".".join([*package[: len(package) - dots + 1], *filter(None, [target])]) if dots else target


def members(target: str, names: list[str]) -> list[str]:
    """What `from target import names` imports: where target is the package itself, modules or its public names."""
    return [f"wasmcy.{n if n in LEVEL else '__init__'}" for n in names] if target == "wasmcy" else [target]


def imported(source: str) -> list[str]:
    """The modules of the package that a source file imports, wherever in the file."""
    text = (ROOT / source).read_text()
    package = source.split("/")[:-1]
    found = []
    if source.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                target = absolute(node.module or "", node.level, package)
                found += members(target, [alias.name for alias in node.names])
    else:
        for origin, names, alone in CIMPORT.findall(text):
            target = absolute(origin.lstrip("."), len(origin) - len(origin.lstrip(".")), package)
            found += members(target, [n.split()[0] for n in names.split(",") if n.strip()]) if origin else [alone]
    return [name for name in found if name.split(".")[0] == "wasmcy"]


@pytest.mark.parametrize("source", sources())
def test_imports_point_down(source: str) -> None:
    own = layer(source.rpartition(".")[0].replace("/", "."))
    assert own in LEVEL, f"{source} belongs to no layer of tests/test_layers.py"
    wrong = [name for name in imported(source) if LEVEL.get(layer(name), len(LAYERS)) > LEVEL[own]]
    assert wrong == []


def test_relative_names_are_resolved() -> None:
    assert absolute("opcodes", 2, ["wasmcy", "engine"]) == "wasmcy.opcodes"
    assert absolute("", 1, ["wasmcy", "engine"]) == "wasmcy.engine"
    assert "wasmcy.validation.validator" in imported("wasmcy/engine/code.pyx")
    assert "wasmcy.matching" in imported("wasmcy/engine/code.pyx")


def test_package_needs_the_standard_library_alone() -> None:
    known = {*sys.stdlib_module_names, "wasmcy", "cython", "cpython", "libc", "__future__"}
    for source in sources():
        text = (ROOT / source).read_text()
        names = re.findall(r"^(?:from|import|cimport)\s+(\w+)", text, re.MULTILINE)
        assert {n for n in names if n not in known} == set(), source
