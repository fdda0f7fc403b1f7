"""Finds the kernels to measure, and builds our own from C with the compiler of the package ziglang."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
GIVEN = HERE.parent.parent / "shared" / "bench" / "wasm"
"""Where prebuilt kernels lie beside the project, if they do."""

NOT_KERNELS = {"add", "hostcall"}
"""Prebuilt modules that do not export `run(i32) -> T` without imports."""

FLAGS = [
    *("-target", "wasm32-freestanding"),
    *("-O2", "-std=c11", "-fwrapv", "-fno-builtin", "-Wall", "-Wextra", "-nostdlib"),
    *("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=65536"),
]
SCALAR = "mvp+bulk_memory+mutable_globals+nontrapping_fptoint+sign_ext"
VECTOR = f"{SCALAR}+simd128"


@dataclass(frozen=True)
class Kernel:
    """A module that exports `run(i32) -> T` and imports nothing; `simd`: one that uses vectors."""

    group: str
    name: str
    wasm: bytes
    simd: bool = False


def can_build() -> bool:
    """Whether the C compiler is installed."""
    return find_spec("ziglang") is not None


def built(source: Path, cpu: str = SCALAR) -> Path:
    """The module of one C file, compiled unless a copy of the same source and flags is there already."""
    flags = [*FLAGS, f"-mcpu={cpu}"]
    texts = [
        source.read_bytes(),
        *(header.read_bytes() for header in sorted(HERE.glob("*/*.h"))),
    ]
    key = hashlib.sha256(b"\0".join([*texts, *map(str.encode, flags)])).hexdigest()[:16]
    target = BUILD / f"{source.stem}-{key}.wasm"
    if not target.exists():
        BUILD.mkdir(exist_ok=True)
        part = target.with_suffix(".part")
        subprocess.run([sys.executable, "-m", "ziglang", "cc", *flags, "-o", part, source], check=True)
        part.replace(target)
    return target


def build(source: Path, cpu: str = SCALAR) -> bytes:
    """The bytes of one C file's module."""
    return built(source, cpu).read_bytes()


def given(folder: Path) -> list[Kernel]:
    """The prebuilt kernels in a folder of .wasm files."""
    files = sorted(folder.glob("*.wasm"))
    return [Kernel("given", f.stem, f.read_bytes()) for f in files if f.stem not in NOT_KERNELS]


def own() -> list[Kernel]:
    """Our own kernels: programs that the engine was not tuned for."""
    return [Kernel("own", source.stem, build(source)) for source in sorted((HERE / "kernels").glob("*.c"))]


def vectors() -> list[Kernel]:
    """Kernels that work on vectors: each without SIMD, and then with it."""
    found = []
    for source in sorted((HERE / "vectors").glob("*.c")):
        found.append(Kernel("vectors", source.stem, build(source)))
        found.append(Kernel("vectors", f"{source.stem}.simd", build(source, VECTOR), simd=True))
    return found


def can_assemble() -> bool:
    """Whether there is an assembler for the text format."""
    return find_spec("wasmtime") is not None


def objects() -> list[Kernel]:
    """Programs whose data lies in the heap that engines collect, from text."""
    import wasmtime

    sources = sorted((HERE / "objects").glob("*.wat"))
    return [Kernel("objects", source.stem, bytes(wasmtime.wat2wasm(source.read_text()))) for source in sources]


def leb(value: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def read_leb(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number at a place, and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


FUNCTION_SECTION, CODE_SECTION = 3, 10


def enlarge(wasm: bytes, size: int) -> bytes:
    """A valid module of about `size` bytes: the functions of a module again and again."""
    out, at = bytearray(wasm[:8]), 8
    copies = max(1, size // len(wasm))
    while at < len(wasm):
        section = wasm[at]
        length, start = read_leb(wasm, at + 1)
        at = start + length
        body = wasm[start:at]
        if section in (FUNCTION_SECTION, CODE_SECTION):
            count, first = read_leb(body, 0)
            body = leb(count * copies) + body[first:] * copies
        out += bytes([section]) + leb(len(body)) + body
    return bytes(out)
