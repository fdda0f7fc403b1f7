"""Runs a JavaScript file in a build of QuickJS that wants more calls for sockets than WASI has, and others.

Started as quickjs.py WASM SCRIPT. All its calls for sockets answer ENOSYS.
"""

import sys
from pathlib import Path

import wasmcy
from wasmcy.wasi import INHERIT

ENOSYS = 52


def unsupported(*_: int) -> int:
    """What stands in for a missing call."""
    return ENOSYS


def main(guest: str, script: str) -> int:
    """Runs the script; the guest's exit code is the result."""
    module = wasmcy.Module.from_file(guest, lazy=True)
    wasi = wasmcy.Wasi(
        args=["quickjs", "/" + Path(script).name],
        dirs={"/": Path(script).parent},
        stdout=INHERIT,
        stderr=INHERIT,
        clock=INHERIT,
        random=INHERIT,
    )
    imports = wasi.imports()
    for wanted in module.imports:
        if wanted.name.startswith("sock_"):
            imports[wanted.module][wanted.name] = unsupported
    try:
        module.instantiate(imports).exports._start()
    except wasmcy.Exit as end:
        return end.code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
