"""docs/switching.md is true: its examples run."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "switching.md"


def test_the_examples_run() -> None:
    code = "import doctest, sys; sys.exit(doctest.testfile(sys.argv[1], module_relative=False).failed)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code, str(PAGE)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PAGE.read_text().count(">>>") >= 8


def test_the_files_it_names_are_there() -> None:
    named = re.findall(r"`((?:tests|ci|docs|wasmcy)/[\w/.]+)", PAGE.read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
