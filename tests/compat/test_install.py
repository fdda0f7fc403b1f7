"""How the layers take the place of the packages they stand for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FIB = "AGFzbQEAAAABBgFgAX4BfgMCAQAHBwEDZmliAAAKHwEdACAAQgJUBEAgAA8LIABCAn0QACAAQgF9EAB8Dws="
PROGRAM = f"""
import base64, sys, wasm3
env = wasm3.Environment()
runtime = env.new_runtime(2048)
runtime.load(env.parse_module(base64.b64decode("{FIB}")))
print(runtime.find_function("fib")(24), wasm3.__name__, *sys.argv[1:])
"""


def python(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *words], env=environment, cwd=cwd, capture_output=True, text=True, timeout=60
    )


def run(code: str) -> str:
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("how", ["script", "-m", "-c"])
def test_programs_run_with_a_layer_in_place_of_the_package(how: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    words = {"script": ["program.py"], "-m": ["-m", "program"], "-c": ["-c", PROGRAM]}[how]
    done = python("-m", "wasmcy.compat", "wasm3", *words, "one", "--two", cwd=tmp_path)
    assert done.stdout == "46368 wasmcy.compat.wasm3 one --two\n", done.stderr


def test_the_exit_status_of_a_program_is_passed_on() -> None:
    assert python("-m", "wasmcy.compat", "wasm3", "-c", "raise SystemExit(3)").returncode == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "usage:"),
        (["wasm3"], "usage:"),
        (["wasm3", "-c"], "usage:"),
        (["wasmer", "script.py"], "there is no layer for 'wasmer'"),
        (["wasm3==1", "script.py"], "a version is one of wasmtime's"),
    ],
)
def test_wrong_command_lines_are_explained(words: list[str], message: str) -> None:
    done = python("-m", "wasmcy.compat", *words)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr


def test_install_gives_the_layer_and_its_metadata() -> None:
    code = """
import wasmcy.compat
wasmcy.compat.install("wasm3")
import wasm3, importlib.metadata, wasmcy.compat.wasm3 as layer
print(wasm3 is layer, layer.__spec__.name, importlib.metadata.version("pywasm3"))
wasmcy.compat.install("wasm3")
"""
    assert run(code) == "True wasmcy.compat.wasm3 0.5.0"


def test_other_packages_are_found_as_before() -> None:
    code = """
import wasmcy.compat
wasmcy.compat.install("wasm3")
import importlib.metadata, importlib.util, json.tool
print(importlib.util.find_spec("no_such_module"), importlib.metadata.version("pytest") > "0")
"""
    assert run(code) == "None True"


def test_a_package_that_is_there_already_is_not_replaced() -> None:
    code = """
import sys, types, wasmcy.compat
sys.modules["wasm3"] = types.ModuleType("wasm3")
try:
    wasmcy.compat.install("wasm3")
except RuntimeError as error:
    print(error)
"""
    assert run(code) == "wasm3 has been imported already: call install before that"


def test_importing_wasmcy_imports_no_layer() -> None:
    assert run("import sys, wasmcy; print([name for name in sys.modules if 'compat' in name])") == "[]"


def test_the_release_of_wasmtime_is_chosen() -> None:
    code = """
import wasmcy.compat, sys
wasmcy.compat.install("wasmtime", version=int(sys.argv[1]) if len(sys.argv) > 1 else None)
import wasmtime, wasmtime.component, importlib.metadata
def takes(**names):
    try:
        wasmtime.WasiConfig().preopen_dir(".", ".", **names)
    except TypeError:
        return False
    return True
print(hasattr(wasmtime, "DirPerms"), "DirPerms" in wasmtime.__all__, takes(fs_mutable=False), takes())
print(importlib.metadata.version("wasmtime"), wasmtime.component.Component.__module__)
"""
    tail = "50.0.1 wasmcy.compat.wasmtime.component"
    for version, wanted in ((None, "True True True True"), (46, "True True False True"), (50, "False False True True")):
        done = python("-c", code, *([str(version)] if version else []))
        assert done.stdout.split("\n")[:2] == [wanted, tail], done.stderr


@pytest.mark.parametrize("version", [30, 45, 51])
def test_other_releases_are_refused(version: int) -> None:
    done = python("-m", "wasmcy.compat", f"wasmtime=={version}", "-c", "")
    assert done.stderr.startswith(f"wasmtime {version}: from 46 to 50 are possible\n")
    code = f"""
import sys, wasmcy.compat
found = list(sys.meta_path)
try:
    wasmcy.compat.install("wasmtime", version={version})
except ValueError:
    print(found == sys.meta_path)
"""
    assert run(code) == "True"


def test_processes_that_a_program_starts_find_the_layer_too() -> None:
    code = """
import subprocess, sys
words = [sys.executable, "-c", "import wasmtime, wasmtime.component; print(wasmtime.Store.__module__, hasattr(wasmtime, 'DirPerms'))"]
print(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
"""
    done = python("-m", "wasmcy.compat", "wasmtime==50", "-c", code)
    assert done.stdout.strip() == "wasmcy.compat.wasmtime._store False", done.stderr


@pytest.mark.parametrize("name", ["wasmtime", "wasm3", "pywasm"])
def test_a_directory_on_the_search_path_is_enough(name: str) -> None:
    code = f"""
import sys, wasmcy.compat
sys.path.insert(0, wasmcy.compat.path("{name}"))
import {name}
print({name}.__name__)
wasmcy.compat.install("{name}")
"""
    assert run(code) == f"wasmcy.compat.{name}"


def test_components_are_named_and_not_there() -> None:
    from wasmcy.compat.wasmtime import component

    for name in component.__all__:
        with pytest.raises(NotImplementedError, match="components"):
            getattr(component, name)()
