"""`python -m spectests [--suite DIR] [--all] [-v] [PATH…]`: a line for each failing command."""

import argparse
import sys
import time
from pathlib import Path

from . import scope
from .runner import Report, run_file


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m spectests", description="Run WebAssembly test scripts (.wast).")
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="scripts and folders (default: the suite)",
    )
    parser.add_argument("--suite", help="folder of the official suite (default: $WASMCY_SUITE, ../shared/testsuite)")
    parser.add_argument("--all", action="store_true", help="also run the scripts that scope.txt leaves out")
    parser.add_argument("-v", "--verbose", action="store_true", help="one line per script with its counts and time")
    options = parser.parse_args(arguments)
    try:
        suite = scope.suite_folder(options.suite)
    except scope.SuiteMissing as error:
        if not options.paths or options.suite:
            print(f"spectests: {error}", file=sys.stderr)
            return 2
        suite = Path("/")
    total, run, left_out = Report(), 0, 0
    exempt = scope.exemptions()
    for path, named in _chosen(options.paths or [suite]):
        name = scope.relative_name(path, suite)
        rule = scope.exemption(name, exempt)
        if rule and rule.state == "out" and not named and not options.all:
            left_out += 1
            continue
        start = time.perf_counter()
        report = run_file(path, name, scope.features_of(name), partial=rule is not None)
        for line in report.failures:
            print(line)
        if options.verbose:
            print(f"{name}: {report}, {time.perf_counter() - start:.2f} s")
        total.add(report)
        run += 1
    _summary(total, run, left_out)
    return 1 if total.failures or not run else 0


def _chosen(paths: list[Path]) -> list[tuple[Path, bool]]:
    """Scripts with whether they were named themselves, not found in a folder."""
    chosen: list[tuple[Path, bool]] = []
    for path in paths:
        chosen += [(script, False) for script in scope.scripts(path)] if path.is_dir() else [(path, True)]
    return chosen


def _summary(total: Report, run: int, left_out: int) -> None:
    for reason, count in sorted(total.unsupported.items()):
        print(f"unsupported {count} times: {reason}")
    print(f"{run} scripts run, {left_out} not in scope (spectests/scope.txt)")
    print(total)


if __name__ == "__main__":
    sys.exit(main())
