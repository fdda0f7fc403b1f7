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
