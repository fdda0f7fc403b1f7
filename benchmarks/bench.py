"""Compares wasmcy with other engines on kernels and on what surrounds execution.

All engines run in this one process and take turns. A kernel's n is chosen so that pywasm3 takes a
given time; each figure is the lowest CPU time of all rounds; results must agree bit for bit. The last
line of the output is `geomean wasmcy/pywasm3 X.XX, wasmcy/wasmtime Y.YY`, over all kernels.
"""

import argparse
import json
import math
import platform
import re
import struct
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not find_spec("wasmcy"):
    sys.path.append(str(ROOT))

import costs  # noqa: E402
import embedding_costs  # noqa: E402
import kernels  # noqa: E402
import plot  # noqa: E402
import system_costs  # noqa: E402
from engines import ENGINES, Engine, Function, available  # noqa: E402

GROUPS = {
    "given": "the kernels beside the project",
    "own": "programs not tuned for",
    "vectors": "programs with vectors, without and with SIMD, which pywasm3 has not",
    "objects": "programs on the heap that engines collect",
}


@dataclass
class Result:
    """One kernel's figures: seconds by engine, and whether all engines agree."""

    kernel: kernels.Kernel
    n: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    agree: bool = True

    def ratio(self, a: str, b: str) -> float | None:
        """Time of one engine relative to another's."""
        return self.seconds[a] / self.seconds[b] if a in self.seconds and b in self.seconds else None


def bits(value: object) -> tuple[str, int]:
    """A result as type and bits, so that -0.0 differs from 0.0 and a NaN equals itself."""
    if isinstance(value, float):
        return "float", int(struct.unpack("<Q", struct.pack("<d", value))[0])
    if isinstance(value, int):
        return "int", value
    raise TypeError(f"a kernel gave {value!r}")


def timed(run: Function, n: int) -> tuple[float, object]:
    """CPU seconds of one call, and its result."""
    start = time.process_time()
    value = run(n)
    return time.process_time() - start, value


def choose_n(run: Function, seconds: float) -> int:
    """The n for which a kernel takes about so many seconds.

    The time is taken to grow no faster than exponentially: the last two measurements, continued so, give
    a next n that does not overshoot, not even for doubly recursive kernels.
    """
    n, spent = 1, min(timed(run, 1)[0] for _ in range(2))
    before, rate = n, 0.0
    while spent < seconds * 0.8 and n < 1 << 30:
        room = math.log(seconds / max(spent, 1e-6)) / rate if rate > 0 else n
        before, n = n, n + max(1, min(n, int(room)))
        earlier, spent = spent, timed(run, n)[0]
        rate = math.log(spent / earlier) / (n - before) if spent > earlier > 2e-5 else 0.0
    return n


def measure(kernel: kernels.Kernel, engines: list[Engine], seconds: float, rounds: int, n: int = 0) -> Result:
    """Runs one kernel on all engines in turn; n is chosen if it is not given."""
    result = Result(kernel)
    runs = {e.name: e.load(kernel.wasm, "run") for e in engines if e.vectors or not kernel.simd}
    result.n = n or choose_n(runs.get("pywasm3") or next(iter(runs.values())), seconds)
    values = {name: bits(run(result.n)) for name, run in runs.items()}
    for _ in range(rounds):
        for name, run in runs.items():
            spent, value = timed(run, result.n)
            result.seconds[name] = min(spent, result.seconds.get(name, spent))
            result.agree = result.agree and bits(value) == values[name]
    result.agree = result.agree and len(set(values.values())) == 1
    return result


def geomean(results: list[Result], a: str, b: str) -> float | None:
    """The geometric mean of one engine's times relative to another's."""
    ratios = [r for result in results if (r := result.ratio(a, b)) is not None]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def gain(results: list[Result]) -> float | None:
    """The geometric mean of wasmcy's times with SIMD relative to those without, of the kernels that have both."""
    ratios = [
        math.log(simd.seconds["wasmcy"] / plain.seconds["wasmcy"])
        for plain, simd in pairwise(results)
        if simd.kernel.simd and "wasmcy" in simd.seconds
    ]
    return math.exp(sum(ratios) / len(ratios)) if ratios else None


def show(ratio: float | None) -> str:
    """A ratio, or that there is none."""
    return "-" if ratio is None else f"{ratio:.2f}"


def row(result: Result, engines: list[Engine]) -> str:
    """One line of the table of kernels."""
    cells = [f"{result.kernel.name:<10}", f"{result.n:>9}"]
    cells += [f"{result.seconds[e.name] * 1e3:>10.1f}" if e.name in result.seconds else " " * 10 for e in engines]
    cells += [f"{show(result.ratio('wasmcy', peer)):>9}" for peer in ("pywasm3", "wasmtime")]
    return " ".join([*cells, "" if result.agree else "  RESULTS DIFFER"]).rstrip()


def print_costs(rows: list[costs.Cost], engines: list[Engine]) -> None:
    """The table of costs."""
    names = [*[e.name for e in engines], "python def"]
    print(f"\n{'cost':<46}", *(f"{name:>11}" for name in names))
    for cost in rows:
        figures = [cost.figures.get(name) for name in names]
        cells = ["" if f is None else f"{f:.1f}" if f < 100 else f"{f:.0f}" for f in figures]
        print(f"{cost.what + ', ' + cost.unit:<46}", *(f"{c:>11}" for c in cells), cost.note)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ci/bench", description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="shorter runs, fewer rounds, no big modules")
    add("--only", metavar="REGEX", help="only kernels whose name matches, and no costs")
    add("--no-costs", action="store_true", help="only kernels")
    add("--kernels", type=Path, default=kernels.GIVEN, metavar="DIR", help="prebuilt kernels")
    add("--engines", default=",".join(ENGINES), metavar="LIST", help="separated by commas")
    add("--rounds", type=int, metavar="N", help="turns of every engine (5, quick: 3)")
    add("--seconds", type=float, metavar="S", help="pywasm3's time of a kernel (0.3, quick: 0.05)")
    add("--svg", type=Path, default=kernels.BUILD / "bench.svg", metavar="FILE", help="the plot")
    add("--json", type=Path, metavar="FILE", help="also write all figures there")
    return parser.parse_args()


def find_kernels(options: argparse.Namespace) -> list[kernels.Kernel]:
    """All kernels that are to be measured."""
    found = kernels.given(options.kernels)
    if not found:
        print(f"no prebuilt kernels in {options.kernels}: only our own are measured")
    if kernels.can_build():
        found += [*kernels.own(), *kernels.vectors()]
    else:
        print("our own kernels are left out: the package ziglang is not installed")
    if kernels.can_assemble():
        found += kernels.objects()
    return [k for k in found if not options.only or re.search(options.only, k.name)]


def write_files(options: argparse.Namespace, results: list[Result], rows: list[costs.Cost]) -> None:
    """The plot, and the figures as JSON."""
    base = [(r, r.seconds["pywasm3"]) for r in results if "pywasm3" in r.seconds]
    ratios = [(r.kernel.name, {e: s / b for e, s in r.seconds.items()}) for r, b in base]
    if ratios:
        title = "Time relative to pywasm3 (shorter is faster)"
        options.svg.parent.mkdir(parents=True, exist_ok=True)
        options.svg.write_text(plot.bars(title, "pywasm3", ratios))
        print(f"\nplot: {options.svg}")
    if options.json:
        figures = {r.kernel.name: {"n": r.n, "agree": r.agree, **r.seconds} for r in results}
        everything = {"kernels": figures, "costs": [vars(c) for c in rows]}
        options.json.write_text(json.dumps(everything, indent=1))


def main() -> int:
    """Measures, prints, and fails if engines disagree."""
    options = arguments()
    rounds = options.rounds or (3 if options.quick else 5)
    seconds = options.seconds or (0.05 if options.quick else 0.3)
    engines, missing = available(options.engines.split(","))
    print(*missing, sep="\n", end="\n" * bool(missing))
    if not engines:
        return 1
    found = find_kernels(options)
    versions = ", ".join(f"{e.name} {e.version}" for e in engines)
    print(f"Python {platform.python_version()} on {platform.machine()}: {versions}")
    print(f"CPU milliseconds, lowest of {rounds} rounds in which the engines take turns")
    results: list[Result] = []
    for group, title in GROUPS.items():
        members = [k for k in found if k.group == group]
        if not members:
            continue
        names = [f"{e.name:>10}" for e in engines]
        print(f"\n{title}\n{'kernel':<10} {'n':>9}", *names, " /pywasm3 /wasmtime")
        here = []
        for kernel in members:
            able = [e for e in engines if e.collects or group != "objects"]
            n = here[-1].n if kernel.simd and here else 0  # as without SIMD
            here.append(measure(kernel, able, seconds, rounds, n))
            print(row(here[-1], engines), flush=True)
        print(
            f"geomean of {len(here)}: wasmcy/pywasm3 {show(geomean(here, 'wasmcy', 'pywasm3'))},",
            end=" ",
        )
        print(f"wasmcy/wasmtime {show(geomean(here, 'wasmcy', 'wasmtime'))}")
        if (ratio := gain(here)) is not None:
            print(f"wasmcy with SIMD/without {ratio:.2f}")
        results += here
    rows: list[costs.Cost] = []
    if not (options.only or options.no_costs):
        rows = [row for part in (costs, system_costs, embedding_costs) for row in part.measure(engines, options.quick)]
    if rows:
        print_costs(rows, engines)
    write_files(options, results, rows)
    wrong = [r.kernel.name for r in results if not r.agree]
    if wrong:
        print("RESULTS DIFFER:", *wrong)
    pywasm3, wasmtime = (
        geomean(results, "wasmcy", "pywasm3"),
        geomean(results, "wasmcy", "wasmtime"),
    )
    print(f"geomean wasmcy/pywasm3 {show(pywasm3)}, wasmcy/wasmtime {show(wasmtime)}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
