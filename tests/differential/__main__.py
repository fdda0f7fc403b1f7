"""`python -m tests.differential --count N --seed S`: random functions; engines must agree."""

import argparse
import secrets
import sys
import time
from pathlib import Path

from . import generate
from .backends import Backend, Job, backend, serve
from .compare import Call, Disagreement, difference, run, shrink
from .listing import listing
from .pools import ALL, OPTIONAL

FUNCTIONS = 60  # in a module: enough to amortise compiling and instantiating


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="number of functions (default: 1000)")
    parser.add_argument("--seed", help="seed; the same one gives the same modules (default: a random one)")
    parser.add_argument("--calls", type=int, default=3, help="argument tuples for each function (default: 3)")
    parser.add_argument("--reference", default="wasmtime", help="backend that is right (default: wasmtime)")
    parser.add_argument(
        "--test",
        action="append",
        help="backend to test: wasmcy, wasmcy:WASMCY_FUSE=0, here, wasmtime:speed; repeats",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=sorted(OPTIONAL),
        help="leave a feature out; repeats",
    )
    parser.add_argument("--deterministic", action="store_true", help="NaNs are canonical, and their bits compared")
    parser.add_argument("--stop", type=int, default=5, help="stop after so many disagreements (default: 5)")
    parser.add_argument("--output", type=Path, default=Path("."), help="folder for reproducers (default: here)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        serve()
        return 0
    seed = options.seed or secrets.token_hex(4)
    print(f"seed {seed}", flush=True)
    backends = [backend(name) for name in (options.reference, *(options.test or ["wasmcy"]))]
    features = ALL - set(options.without)
    functions = calls = disagreements = number = 0
    start = shown = time.monotonic()
    while functions < options.count and disagreements < options.stop:
        size = min(FUNCTIONS, options.count - functions)
        made, found = check(backends, f"{seed}/{number}", size, options.calls, features, options.deterministic)
        functions += made[0]
        calls += made[1]
        for name, disagreement in found:
            disagreements += 1
            report(disagreement, name, options.output / f"differential-{seed}-{number}")
        number += 1
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"… {functions} functions in {shown - start:.0f} s", flush=True)
    for one in backends:
        one.close()
    seconds = time.monotonic() - start
    print(f"{functions} functions, {calls} calls, {disagreements} disagreements, {seconds:.0f} s")
    return 1 if disagreements else 0


def check(
    backends: list[Backend],
    seed: str,
    functions: int,
    tuples: int,
    features: frozenset[str] = ALL,
    deterministic: bool = False,
) -> tuple[tuple[int, int], list[tuple[str, Disagreement]]]:
    """One module: how many functions and calls, and where backends differ from the first."""
    module = generate.module(seed, functions, features, deterministic)
    calls: list[Call] = [
        (index, values)
        for index, function in enumerate(module.functions)
        for values in generate.arguments(f"{seed}/{index}", function.signature, tuples)
    ]
    expected, *others = run(backends, Job.of(module, calls))
    if expected.error:
        raise AssertionError(f"{backends[0].name}, module {seed}: {expected.error}")
    found = [
        (tested.name, shrink(backends[0], tested, module, calls))
        for tested, got in zip(backends[1:], others, strict=True)
        if difference(expected, got, calls)
    ]
    return (len(module.functions), len(calls)), found


def report(found: Disagreement, name: str, path: Path) -> None:
    """Print a disagreement and write its module and what to call."""
    text = "\n".join([
        f"{name}: {found.text}",
        *(f"call f{index}({', '.join(map(hex, values))})" for index, values in found.calls),
        *(
            f"f{index} {listing(function)}"
            for index, function in enumerate(found.module.functions)
            if len(function.code) > 2
        ),
    ])  # fmt: skip
    path.with_suffix(".wasm").write_bytes(found.module.encode())
    path.with_suffix(".txt").write_text(text + "\n")
    print(f"{text}\nwritten to {path}.wasm", flush=True)


if __name__ == "__main__":
    sys.exit(main())
