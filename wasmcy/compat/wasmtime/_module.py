"""Module: loading, looking at, and keeping modules."""

from __future__ import annotations

import os
import zlib

import wasmcy

from ._engine import Engine
from ._error import WasmtimeError
from ._managed import Managed
from ._types import ExportType, ImportType
from ._wat2wasm import to_wasm

# What `serialize` makes: this, the release, the engine's features, a checksum; then the module. It is loaded as
# any module is, so damaged or foreign bytes do no harm: they are told apart only to be refused in time.
_MAGIC = b"\0wasmcy module\n"


class Module(Managed):
    """A module, ready to be instantiated."""

    _module: wasmcy.Module

    def __init__(self, engine: Engine, wasm: str | bytes | bytearray) -> None:
        if not isinstance(engine, Engine):
            raise TypeError("expected an Engine")
        engine._open()
        self._load(engine, to_wasm(wasm), lazy=False)

    def _load(self, engine: Engine, wasm: bytes | bytearray | memoryview, lazy: bool) -> None:
        self._engine = engine
        try:
            self._module = wasmcy.Module(_binary(wasm), features=engine._features, lazy=lazy)
        except wasmcy.WasmError as error:
            raise WasmtimeError(f"failed to parse WebAssembly module\n\nCaused by:\n    {error}\n") from None

    @classmethod
    def from_file(cls, engine: Engine, path: str | bytes | os.PathLike[str]) -> Module:
        """Load a file, in the binary or the text format."""
        with open(path, "rb") as file:
            return cls(engine, file.read())

    @classmethod
    def validate(cls, engine: Engine, wasm: bytes | bytearray) -> None:
        """Raise WasmtimeError if a module in the binary format is not valid."""
        if not isinstance(wasm, (bytes, bytearray)):
            raise TypeError("expected wasm bytes")
        features = engine._features
        try:
            wasmcy.Module(_binary(wasm), features=features)
        except wasmcy.WasmError as error:
            raise WasmtimeError(str(error)) from None

    def serialize(self) -> bytearray:
        """Bytes for `deserialize`: the module itself, since wasmcy has nothing to compile."""
        self._open()
        data = self._module.binary
        return bytearray(_head(self._engine, data) + data)

    @classmethod
    def deserialize(cls, engine: Engine, encoded: bytes | bytearray) -> Module:
        """A module from what `serialize` gave, in this release and with the same settings.

        Functions are validated when they are first called. Whatever else the bytes are (another release's, damaged,
        wasmtime's own) is refused by a WasmtimeError.
        """
        if not isinstance(encoded, (bytes, bytearray)):
            raise TypeError("expected bytes")
        engine._open()
        if encoded[: len(_MAGIC)] != _MAGIC:
            raise WasmtimeError("these bytes are not from wasmcy's Module.serialize")
        start = encoded.find(b"\n\n", len(_MAGIC)) + 2
        wasm = memoryview(encoded)[start:]
        if start < 2 or encoded[:start] != _head(engine, wasm):
            raise WasmtimeError("module was serialized by another release or with other settings, or is damaged")
        made = cls.__new__(cls)
        made._load(engine, wasm, lazy=True)
        return made

    @classmethod
    def deserialize_file(cls, engine: Engine, path: str) -> Module:
        """A module from a file with what `serialize` gave."""
        try:
            with open(path, "rb") as file:
                return cls.deserialize(engine, file.read())
        except OSError as error:
            raise WasmtimeError(f"failed to open file\n\nCaused by:\n    {error}\n") from None

    @property
    def imports(self) -> list[ImportType]:
        """What the module wants, in order."""
        self._open()
        return [ImportType(wanted) for wanted in self._module.imports]

    @property
    def exports(self) -> list[ExportType]:
        """What the module offers, in order."""
        self._open()
        return [ExportType(offered) for offered in self._module.exports]


def _binary(wasm: bytes | bytearray | memoryview) -> bytes | bytearray | memoryview:
    """The bytes of a module, which must be in the binary format: wasmcy would take text, too."""
    if bytes(wasm[:4]) != b"\0asm":
        raise wasmcy.MalformedError("magic header not detected", 0)
    return wasm


def _head(engine: Engine, wasm: bytes | memoryview) -> bytes:
    settings = f"{wasmcy.__version__} {engine._features!r} {zlib.crc32(wasm):08x} {len(wasm)}"
    return _MAGIC + settings.encode() + b"\n\n"
