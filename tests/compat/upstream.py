"""Runs wasmtime-py's own tests against the layer; `ci/compat tests` calls this.

Their directory (that of a checkout of wasmtime-py, without its tests of components) is $WASMTIME_PY_TESTS, or
../shared/wasmtime-py/tests. What is known to fail stands in known.txt, each with its reason.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RELEASE = 46  # whose tests these are


def known() -> dict[str, str]:
    """The tests that are known to fail, and why."""
    lines = [line.split("#")[0].strip() for line in (HERE / "known.txt").read_text().splitlines()]
    return {name.strip(): reason.strip() for name, _, reason in (line.partition(":") for line in lines if line)}


def outcomes(tests: Path) -> dict[str, str]:
    """Runs the tests; for each, what went wrong, or ""."""
    with tempfile.TemporaryDirectory(prefix="wasmcy-compat-") as folder:
        work = Path(folder)
        shutil.copytree(tests, work / "tests", ignore=shutil.ignore_patterns("component", "__pycache__"))
        (work / "wasmtime").mkdir()  # a directory that one of them grants to a guest
        words = ["-m", "wasmcy.compat", f"wasmtime=={RELEASE}", "-m", "pytest", "-q", "--junitxml=out.xml", "tests"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, *words], cwd=work, env=environment, capture_output=True, text=True)
        if not (work / "out.xml").exists():
            sys.exit(f"the tests did not run:\n{done.stdout}{done.stderr}")
        found = {}
        for case in ElementTree.parse(work / "out.xml").iter("testcase"):
            wrong = [child for child in case if child.tag in ("failure", "error", "skipped")]
            name = f"{case.get('classname', '').removeprefix('tests.')}.{case.get('name')}"
            found[name] = wrong[0].get("message", "").splitlines()[0] if wrong else ""
        return found


def main() -> int:
    """Compares what happened with what is known; fails if they differ, or if fewer than 95 % pass."""
    tests = Path(os.environ.get("WASMTIME_PY_TESTS") or ROOT.parent / "shared" / "wasmtime-py" / "tests")
    if not tests.is_dir():
        print(f"there are no tests of wasmtime-py in {tests}: set WASMTIME_PY_TESTS", file=sys.stderr)
        return 1
    expected, found = known(), outcomes(tests)
    failed = {name for name, wrong in found.items() if wrong}
    for name in sorted(failed):
        print(f"{'known' if name in expected else 'FAILED'}: {name}: {expected.get(name) or found[name]}")
    fixed = sorted(set(expected) - failed)
    for name in fixed:
        print(f"FAILED: {name} passes, or is no more: take it out of known.txt")
    print(f"{len(found) - len(failed)} passed, {len(failed)} failed")
    return bool(fixed or failed - expected.keys() or not found or len(failed) > 0.05 * len(found))


if __name__ == "__main__":
    sys.exit(main())
