"""Run a Python program with wasmcy in the place of other engines.

python -m wasmcy.compat wasm3 script.py args…
python -m wasmcy.compat wasm3 -m module args…
python -m wasmcy.compat wasm3 -c 'import wasm3; …' args…
"""

from __future__ import annotations

import os
import runpy
import sys

from . import LAYERS, install

USAGE = "usage: python -m wasmcy.compat NAME[,NAME…] (SCRIPT | -m MODULE | -c CODE) [ARGS…]"


def main(words: list[str]) -> None:
    """Install what the first word names, then run the rest as python itself would."""
    if len(words) < 2 or words[0].startswith("-"):
        sys.exit(f"{USAGE}\nnames: {', '.join(LAYERS)}")
    try:
        install(*words[0].split(","))
    except (ValueError, RuntimeError) as error:
        sys.exit(f"{error}\n{USAGE}")
    kind, rest = words[1], words[2:]
    if kind in ("-m", "-c") and not rest:
        sys.exit(USAGE)
    if kind == "-m":
        sys.argv = rest
        sys.path.insert(0, os.getcwd())
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = words[1:]
        sys.path.insert(0, os.path.dirname(os.path.abspath(kind)))
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
