"""Run a Python program, and those it starts, with wasmcy in the place of other engines.

python -m wasmcy.compat wasmtime script.py args…
python -m wasmcy.compat wasmtime,wasm3 -m module args…
python -m wasmcy.compat wasmtime==46 -c 'import wasmtime; …'
"""

from __future__ import annotations

import os
import runpy
import sys

from . import LAYERS, install, path

USAGE = "usage: python -m wasmcy.compat NAME[==VERSION][,NAME…] (SCRIPT | -m MODULE | -c CODE) [ARGS…]"


def main(words: list[str]) -> None:
    """Install what the first word names, then run the rest as python itself would."""
    if len(words) < 2 or words[0].startswith("-"):
        sys.exit(f"{USAGE}\nnames: {', '.join(LAYERS)}")
    for name in words[0].split(","):
        name, _, version = name.partition("==")
        try:
            release = int(version.partition(".")[0]) if version else None
            install(name, version=release)
        except (ValueError, RuntimeError) as error:
            sys.exit(f"{error}\n{USAGE}")
        inherit(name, release)
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


def inherit(name: str, release: int | None) -> None:
    """Let Python processes that the program starts find the layer, too."""
    paths = [path(name), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if release is not None:
        os.environ["WASMCY_WASMTIME_RELEASE"] = str(release)


if __name__ == "__main__":
    main(sys.argv[1:])
