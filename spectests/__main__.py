"""`python -m spectests [--suite DIR] [--deterministic] [--metered] [-v] [PATH…]`: a line for each failing command."""

import argparse
import sys
import time
from pathlib import Path

from wasmcy import Limits

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
    parser.add_argument("--deterministic", action="store_true", help="in stores whose code makes NaNs canonical")
    parser.add_argument("--metered", action="store_true", help="in stores whose code counts fuel")
    parser.add_argument("-v", "--verbose", action="store_true", help="one line per script with its counts and time")
    options = parser.parse_args(arguments)
    try:
        suite = scope.suite_folder(options.suite)
    except scope.SuiteMissing as error:
        if not options.paths or options.suite:
            print(f"spectests: {error}", file=sys.stderr)
            return 2
        suite = Path("/")
    limits = Limits(fuel=1 << 60) if options.metered else None
    total, run = Report(), 0
    for path in _chosen(options.paths or [suite]):
        name = scope.relative_name(path, suite)
        start = time.perf_counter()
        report = run_file(path, name, scope.features_of(name), limits=limits, deterministic=options.deterministic)
        for line in report.failures:
            print(line)
        if options.verbose:
            print(f"{name}: {report}, {time.perf_counter() - start:.2f} s")
        total.add(report)
        run += 1
    print(f"{run} scripts: {total}")
    return 1 if total.failures or not run else 0


def _chosen(paths: list[Path]) -> list[Path]:
    """The scripts named, and those in the folders named."""
    chosen: list[Path] = []
    for path in paths:
        chosen += scope.scripts(path) if path.is_dir() else [path]
    return chosen


if __name__ == "__main__":
    sys.exit(main())
