"""Runs the official tests of WASI preview 1: programs in C, Rust and AssemblyScript, each in a process of its own.

They come from $WASMCY_WASI_SUITE, a checkout of WebAssembly/wasi-testsuite with built programs (its branch
prod/testsuite-base), or are fetched by git into the build directory. Every program must pass; none is skipped.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
URL = "https://github.com/WebAssembly/wasi-testsuite"
COMMIT = "9f80ca35444cfd9e63100725615140a346652e6c"
SUITES = {language: f"tests/{language}/testsuite/wasm32-wasip1" for language in ("c", "rust", "assemblyscript")}
PROGRAMS = 72  # of that commit
TIMEOUT = 60  # seconds, for a program that hangs
ENGINES = {
    "wasmcy": [sys.executable, "-m", "wasmcy", "run"],
    "memory": [sys.executable, str(ROOT / "tests" / "wasi" / "memory_run.py")],
    "wasmtime": [sys.executable, str(ROOT / "tests" / "programs" / "wasmtime_run.py")],
}


class SuiteError(Exception):
    """The suite cannot be had, or is not the one that was pinned."""


@dataclass(frozen=True)
class Program:
    """One test: a program, what it is given, and what it must answer."""

    wasm: Path
    args: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    root: str | None = None
    """The directory beside the program that is its "/"."""
    exit_code: int = 0
    stdout: str | None = None
    stderr: str | None = None

    @property
    def name(self) -> str:
        return f"{self.wasm.parents[2].name}/{self.wasm.stem}"


def fetch() -> Path:
    """The suite's directory.

    Raises:
        SuiteError: git cannot fetch it.
    """
    given = os.environ.get("WASMCY_WASI_SUITE")
    if given:
        return Path(given)
    folder = ROOT / "build" / f"wasi-testsuite-{COMMIT[:12]}"
    if folder.exists():
        return folder
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as part:
        for words in (
            ["init", "--quiet"],
            ["sparse-checkout", "set", *SUITES.values()],
            ["fetch", "--quiet", "--depth=1", "--filter=blob:none", URL, COMMIT],
            ["remote", "add", "origin", URL],  # checkout asks it for the files that the filter left out
            ["config", "remote.origin.promisor", "true"],
            ["checkout", "--quiet", COMMIT],
        ):
            try:
                subprocess.run(["git", *words], cwd=part, check=True, stdin=subprocess.DEVNULL)
            except (OSError, subprocess.CalledProcessError) as error:
                raise SuiteError(f"{URL} cannot be fetched ({error}); set WASMCY_WASI_SUITE to a checkout") from None
        shutil.copytree(part, folder, ignore=shutil.ignore_patterns(".git"))
    return folder


def programs(suite: Path) -> list[Program]:
    """Every program of the suite.

    Raises:
        SuiteError: there are others than those of the pinned commit, or they want what is not known here.
    """
    found = []
    for folder in SUITES.values():
        for wasm in sorted((suite / folder).glob("*.wasm")):
            wants = wasm.with_suffix(".json")
            try:
                found.append(Program(wasm, **(json.loads(wants.read_text()) if wants.exists() else {})))
            except TypeError as error:
                raise SuiteError(f"{wants}: {error}") from None
    if len(found) != PROGRAMS:
        raise SuiteError(f"{suite} has {len(found)} programs for wasm32-wasip1, not the {PROGRAMS} of {COMMIT[:12]}")
    return found


def command(program: Program, engine: str, root: Path) -> list[str]:
    """The command line of a test."""
    words = [*ENGINES[engine]]
    for name, value in program.env.items():
        words += ["--env", f"{name}={value}"]
    if program.root:
        words += ["--dir", f"{root}::/"]
    return [*words, str(program.wasm), *program.args]


def run(program: Program, engine: str) -> str:
    """Run a test; what is wrong, or nothing."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="wasmcy-wasi-") as work:
        root = Path(work, "root")
        if program.root:
            shutil.copytree(program.wasm.parent / program.root, root)
        try:
            words = command(program, engine, root)
            # A pipe that ends at once, as the suite's own runner gives it.
            done = subprocess.run(words, input=b"", capture_output=True, timeout=TIMEOUT, env=environment)
        except subprocess.TimeoutExpired:
            return f"it did not end within {TIMEOUT} seconds"
    wrong = []
    if done.returncode != program.exit_code:
        wrong.append(f"exit code {done.returncode}, expected {program.exit_code}")
    for wanted, given in (program.stdout, done.stdout.decode()), (program.stderr, done.stderr.decode()):
        if wanted is not None and wanted != given:
            wrong.append(f"printed {given!r}, expected {wanted!r}")
    return "\n".join([*wrong, done.stderr.decode().strip()]) if wrong else ""


def main() -> int:
    """Runs what the command line asks for; fails if the suite cannot be had or a program goes wrong."""
    parser = argparse.ArgumentParser(prog="ci/wasi", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", metavar="REGEX", default="", help="only programs whose name matches")
    parser.add_argument("--engine", choices=ENGINES, default="wasmcy", help="memory: wasmcy, files in memory")
    parser.add_argument("--list", action="store_true", help="print the command lines and run nothing")
    options = parser.parse_args()
    try:
        chosen = [p for p in programs(fetch()) if re.search(options.only, p.name)]
    except (SuiteError, OSError) as error:
        print(f"ci/wasi cannot run: {error}", file=sys.stderr)
        return 1
    failed = 0
    for program in chosen:
        if options.list:
            print(shlex.join(command(program, options.engine, Path("ROOT"))))
            continue
        wrong = run(program, options.engine)
        failed += bool(wrong)
        if wrong:
            print(f"{program.name} FAILED\n    " + wrong.replace("\n", "\n    "), flush=True)
    if not options.list:
        print(f"{len(chosen) - failed} passed, {failed} failed")
    return bool(failed) or not chosen


if __name__ == "__main__":
    sys.exit(main())
