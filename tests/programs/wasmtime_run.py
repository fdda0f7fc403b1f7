"""Runs a WASI program on the package wasmtime, by the arguments of `wasmcy run`: the peer to compare with."""

import argparse
import os
import sys
from pathlib import Path

import wasmtime


def main() -> int:
    """Runs the program; its exit code is the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", action="append", default=[])
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("file")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    config = wasmtime.Config()
    config.wasm_exceptions = True
    engine = wasmtime.Engine(config)
    wasi = wasmtime.WasiConfig()
    wasi.argv = [Path(options.file).name, *options.args]
    wasi.env = [pair.split("=", 1) for pair in options.env]
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    for pair in options.dir:
        wasi.preopen_dir(*pair.split("::", 1))
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    store.set_wasi(wasi)
    linker.define_wasi()
    module = wasmtime.Module.from_file(engine, options.file)
    start = linker.instantiate(store, module).exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    try:
        start(store)
    except wasmtime.ExitTrap as end:
        return end.code
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
