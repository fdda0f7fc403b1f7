"""Runs real programs of the package indexes and compares what they produce with what they must produce.

Prints the CPU seconds (user and system) of each whole process, start of Python and loading included,
beside its target. What must be produced is in expected.json; `--engine wasmtime --update` writes it anew.
"""

import argparse
import difflib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from catalog import INPUTS, PROGRAMS, Program
from packages import PACKAGES, FetchError, cache, fetch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXPECTED = HERE / "expected.json"
TIMEOUT = 900
ENGINES = {
    "wasmcy": [sys.executable, "-m", "wasmcy", "run"],
    "wasmtime": [sys.executable, str(HERE / "wasmtime_run.py")],
}


@dataclass
class Outcome:
    """What a run produced and cost."""

    produced: dict[str, Any]
    stderr: str
    seconds: float


def needed(programs: list[Program]) -> list[str]:
    """The names of the packages that these programs are taken from."""
    texts = " ".join(" ".join((p.wasm, *p.args, *p.dirs)) for p in programs)
    return [name for name in PACKAGES if f"{{{name}}}" in texts]


def compile_c(folder: Path) -> Path:
    """Compiles the programs of c/ with the package ziglang, each unless its module is there already."""
    if not find_spec("ziglang"):
        raise FetchError("the C programs need the package ziglang, which is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted((HERE / "c").glob("*.c")):
        key = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
        target = folder / f"{source.stem}-{key}.wasm"
        if not target.exists():
            compiler = [
                sys.executable,
                "-m",
                "ziglang",
                "cc",
                "-target",
                "wasm32-wasi",
                "-O2",
                "-s",
            ]
            subprocess.run([*compiler, "-o", target.with_suffix(".part"), source], check=True)
            target.with_suffix(".part").replace(target)
        shutil.copyfile(target, folder / f"{source.stem}.wasm")
    return folder


def prepare(work: Path) -> None:
    """Fills the directory in which the programs run."""
    for name in INPUTS:
        shutil.copyfile(HERE / name, work / Path(name).name)
    (work / "tmp").mkdir()
    (work / "tree" / "below").mkdir(parents=True)
    (work / "tree" / "below" / "small.txt").write_text("small\n")
    (work / "tree" / "one.txt").write_text("1\n" * 100)


def command(program: Program, engine: str, places: dict[str, str]) -> list[str]:
    """The command line of a run."""
    wasm = program.wasm.format(**places)
    args = [places["work"] + "/" + a if program.host else a for a in program.args]
    if program.host:
        return [sys.executable, str(ROOT / program.host), wasm, *args]
    options = [word for d in program.dirs for word in ("--dir", d.format(**places))]
    options += [word for e in program.env for word in ("--env", e)]
    return [*ENGINES[engine], *options, wasm, *args]


def execute(words: list[str], stdin: bytes, work: Path) -> tuple[int, bytes, str, float]:
    """Exit code, output, errors and CPU seconds of a process; kills it after a long time."""
    environment = dict(os.environ)
    if not find_spec("wasmcy"):
        environment["PYTHONPATH"] = str(ROOT)
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(stdin)
        given.seek(0)
        child = subprocess.Popen(words, stdin=given, stdout=out, stderr=err, cwd=work, env=environment)
        end = time.monotonic() + TIMEOUT
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                child.kill()
            time.sleep(0.01)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        errors = err.read().decode(errors="replace")
        return child.returncode, out.read(), errors, usage.ru_utime + usage.ru_stime


def run(program: Program, engine: str, places: dict[str, str]) -> Outcome:
    """Runs a program and collects what it produced."""
    work = Path(places["work"])
    for name in program.outputs:
        (work / name).unlink(missing_ok=True)
    stdin = (HERE / program.stdin).read_bytes() if program.stdin in INPUTS else program.stdin.encode()
    code, out, errors, seconds = execute(command(program, engine, places), stdin, work)
    produced: dict[str, Any] = {"code": code, "stdout": out.decode(errors="replace").splitlines()}
    if program.outputs:
        there = [work / name for name in program.outputs if (work / name).exists()]
        produced["files"] = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in there}
    return Outcome(produced, errors, seconds)


def differences(expected: dict[str, Any], produced: dict[str, Any]) -> list[str]:
    """What is not as expected, in lines."""
    lines = []
    if produced["code"] != expected["code"]:
        lines.append(f"exit code {produced['code']}, expected {expected['code']}")
    texts = expected["stdout"], produced["stdout"]
    lines += difflib.unified_diff(*texts, "expected", "produced", lineterm="", n=1)
    for name, digest in expected.get("files", {}).items():
        found = produced["files"].get(name)
        if found != digest:
            lines.append(f"{name}: sha256 {found}, expected {digest}" if found else f"{name} is missing")
    return lines


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ci/programs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", metavar="REGEX", help="only programs whose name matches")
    parser.add_argument("--all", action="store_true", help="also those that need more than WASI preview 1")
    parser.add_argument("--engine", choices=ENGINES, default="wasmcy")
    parser.add_argument("--update", action="store_true", help="write what was produced to expected.json")
    parser.add_argument("--list", action="store_true", help="print the command lines and run nothing")
    parser.add_argument("--fetch", action="store_true", help="only fill the cache")
    return parser.parse_args()


def find_places(programs: list[Program], work: str) -> dict[str, str]:
    """The directories that the catalog's names stand for; fetches and compiles what is missing."""
    places = {name: str(fetch(PACKAGES[name])) for name in needed(programs)}
    if any("{c}" in p.wasm for p in programs):
        places["c"] = str(compile_c(cache() / "c"))
    return places | {"work": work}


def run_all(
    programs: list[Program], engine: str, places: dict[str, str], expected: dict[str, Any]
) -> dict[str, Outcome]:
    """Runs the programs and prints a line for each; those that went wrong are in the result."""
    wrong: dict[str, Outcome] = {}
    print(f"{'program':<26} {'CPU s':>7} {'target':>7}")
    for program in programs:
        outcome = run(program, engine, places)
        wanted = expected.get(program.name)
        lines = differences(wanted, outcome.produced) if wanted else ["not in expected.json"]
        target = f"{program.target:>7.2f}" if program.target else " " * 7
        late = " over its target" if program.target and outcome.seconds > program.target else ""
        verdict = ("ok" if not lines else "FAILED" if wanted else "new") + late
        print(f"{program.name:<26} {outcome.seconds:>7.2f} {target} {verdict}", flush=True)
        if lines:
            wrong[program.name] = outcome
            lines = [*lines[:30], *outcome.stderr.splitlines()[-15:]]
            print(*(f"    {line}" for line in lines), sep="\n", flush=True)
    return wrong


def main() -> int:
    """Runs what the command line asks for; fails if a package cannot be had or a program goes wrong."""
    options = arguments()
    chosen = [p for p in PROGRAMS if (options.all or not p.more) and re.search(options.only or "", p.name)]
    if options.engine != "wasmcy":
        chosen = [p for p in chosen if not p.host and not p.more]
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    with tempfile.TemporaryDirectory(prefix="wasmcy-programs-") as work:
        try:
            places = find_places(chosen, work)
        except (FetchError, OSError, subprocess.CalledProcessError) as error:
            print(f"ci/programs cannot run: {error}", file=sys.stderr)
            return 1
        if options.list:
            places["work"] = "WORK"
            print(*(shlex.join(command(p, options.engine, places)) for p in chosen), sep="\n")
        if options.list or options.fetch:
            return 0
        prepare(Path(work))
        wrong = run_all(chosen, options.engine, places, expected)
    if options.update:
        expected |= {name: outcome.produced for name, outcome in wrong.items()}
        EXPECTED.write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
        print(f"{len(wrong)} entries of {EXPECTED} were written")
        return 0
    print(f"{len(chosen) - len(wrong)} passed, {len(wrong)} failed")
    return bool(wrong) or not chosen


if __name__ == "__main__":
    sys.exit(main())
