"""Runs a WASI program by the arguments of `wasmcy run`, with copies of the directories in memory."""

import argparse
import sys
from pathlib import Path

import wasmcy


def in_memory(folder: Path) -> wasmcy.MemoryDirectory:
    """A copy of a directory of the host."""
    files = wasmcy.MemoryDirectory()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        files.add(
            name, wasmcy.MemoryDirectory(limit=files.volume) if path.is_dir() else wasmcy.MemoryFile(path.read_bytes())
        )
    return files


def main() -> int:
    """Runs the program; its exit status is the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", action="append", default=[])
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("file")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    inherit = wasmcy.INHERIT
    streams = {"stdin": inherit, "stdout": inherit, "stderr": inherit, "clock": inherit, "random": inherit}
    env = dict(pair.split("=", 1) for pair in options.env)
    dirs = {guest: in_memory(Path(host)) for host, guest in (pair.split("::") for pair in options.dir)}
    return wasmcy.run(options.file, options.args, env=env, dirs=dirs, **streams).returncode


if __name__ == "__main__":
    sys.exit(main())
