"""What calls of the system cost a guest: WASI, beside wasmtime's."""

import os
import tempfile
from pathlib import Path

import kernels
from costs import Cost, lowest
from engines import Engine

HERE = Path(__file__).resolve().parent
ENTRIES = 10_000

# What is measured, the guest's function, how often one call of it does that, and per how many it is told.
ROWS = [
    ("fd_write of 1 byte", "write_byte", 1),
    ("fd_write of 64 KiB", "write_much", 1),
    ("path_open + fd_close", "open_close", 1),
    ("… three directories deep", "open_deep", 1),
    (f"fd_readdir of {ENTRIES:,} entries", "list", ENTRIES),
    ("clock_time_get", "clock", 1),
]


def fill(folder: Path) -> None:
    """The directory that the guest has."""
    (folder / "many").mkdir()
    for i in range(ENTRIES):
        (folder / "many" / f"a file of many, {i:05}").touch()
    (folder / "few" / "a" / "b" / "c").mkdir(parents=True)
    for place in ("few/file", "few/a/b/c/file"):
        (folder / place).write_bytes(b"content")


def measure(engines: list[Engine], quick: bool) -> list[Cost]:
    """All rows; output goes to the null device, so what is seen is the way there."""
    if not kernels.can_build():
        return []
    wasm = kernels.build(HERE / "costs" / "system.c")
    rounds, count = (3, 5_000) if quick else (5, 50_000)
    able = [e for e in engines if e.has_system]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder))
        for what, export, parts in ROWS:
            here = os.path.join(folder, "many" if export == "list" else "few")
            n = max(count // parts, 1)
            functions = {e.name: e.load_system(wasm, export, here) for e in able}
            wanted = n * (ENTRIES + 2) if export == "list" else 0
            for name, function in functions.items():
                if function(n) != wanted:
                    raise SystemExit(f"{name}: {export} failed")
            times = lowest({name: lambda f=f, n=n: f(n) for name, f in functions.items()}, rounds)  # type: ignore[misc]
            rows.append(Cost(what, "µs", {name: t / n * 1e6 for name, t in times.items()}))
    return rows
