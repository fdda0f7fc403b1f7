"""Engines behind one interface: `start` a job, `finish` it with an outcome.

A backend is named by a string: `wasmtime`, `wasmtime:speed` (optimised), `wasmcy` (in a process of
its own, so that a crash is an outcome), `wasmcy:WASMCY_FUSE=0` (with such settings in its
environment), `here` (wasmcy, this process).
"""

import contextlib
import ctypes
import os
import pickle
import select
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

from wasmcy.types import F32, F64, I32, I64, V128

from .encode import Module, Signature
from .numbers import WIDTH, canonical

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120.0  # seconds for one job; generated functions run for milliseconds

Result = tuple[int, ...] | str


@dataclass
class Job:
    """A binary and the calls to make, in this order on one instance.

    `functions` are the signatures by function index, `globals` index and type of the exported ones.
    With `trace` the state is recorded after every call, not only after the last.  A `deterministic` job is
    for engines whose NaNs are canonical, and then results have all their bits.
    """

    binary: bytes
    functions: list[Signature]
    globals: list[tuple[int, int]]
    calls: list[tuple[int, tuple[int, ...]]]
    trace: bool = False
    deterministic: bool = False

    @classmethod
    def of(cls, module: Module, calls: list[tuple[int, tuple[int, ...]]], trace: bool = False) -> "Job":
        return cls(
            module.encode(),
            [function.signature for function in module.functions],
            [(at, module.globals[at][0]) for at in module.exported_globals],
            calls,
            trace,
            module.deterministic,
        )


@dataclass
class Outcome:
    """Of each call the results as raw bits (all NaNs alike, see Job) or the trap; states of the instance."""

    results: list[Result] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    error: str | None = None


class Backend(Protocol):
    name: str

    def start(self, job: Job) -> None: ...

    def finish(self) -> Outcome: ...

    def close(self) -> None: ...


# The two phrases for a table that is too short, and the two for exhaustion, are one kind of trap.
_TRAPS = {
    "undefined element": "out of bounds table access",
    "out of bounds table access": "out of bounds table access",
    "uninitialized element": "uninitialized element",
    "indirect call type mismatch": "indirect call type mismatch",
    "out of bounds memory access": "out of bounds memory access",
    "unaligned atomic": "unaligned atomic",
    "integer divide by zero": "integer divide by zero",
    "integer overflow": "integer overflow",
    "invalid conversion to integer": "invalid conversion to integer",
    "unreachable": "unreachable",
    "call stack exhausted": "call stack exhausted",
    "null exception reference": "null reference",
    "null reference": "null reference",
    "null function reference": "null reference",
    "null structure reference": "null reference",
    "null array reference": "null reference",
    "null i31 reference": "null reference",
}


def _compared(job: Job, types: tuple[int, ...], bits: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(bits) if job.deterministic else tuple(map(canonical, types, bits))


class Wasmtime:
    """wasmtime through its raw calls, which keep the bits of NaNs."""

    def __init__(self, level: str = "none") -> None:
        import wasmtime

        self.name = f"wasmtime:{level}"
        self._wasmtime = wasmtime
        self._level = level
        self._engines: dict[bool, Any] = {}
        code = wasmtime.TrapCode
        self._codes: dict[Any, str] = {
            code.STACK_OVERFLOW: "call stack exhausted",
            code.MEMORY_OUT_OF_BOUNDS: "out of bounds memory access",
            code.HEAP_MISALIGNED: "unaligned atomic",
            code.TABLE_OUT_OF_BOUNDS: "out of bounds table access",
            code.INDIRECT_CALL_TO_NULL: "uninitialized element",
            code.BAD_SIGNATURE: "indirect call type mismatch",
            code.INTEGER_OVERFLOW: "integer overflow",
            code.INTEGER_DIVISION_BY_ZERO: "integer divide by zero",
            code.BAD_CONVERSION_TO_INTEGER: "invalid conversion to integer",
            code.UNREACHABLE: "unreachable",
            code.NULL_REFERENCE: "null reference",
        }

    def _engine(self, deterministic: bool) -> Any:
        if deterministic in self._engines:
            return self._engines[deterministic]
        config = self._wasmtime.Config()
        config.wasm_tail_call = True
        config.wasm_threads = True
        config.wasm_exceptions = True
        config.wasm_wide_arithmetic = True
        config.wasm_function_references = True
        config.wasm_relaxed_simd = True
        config.wasm_relaxed_simd_deterministic = True
        config.wasm_gc = True
        config.wasm_memory64 = True
        config.wasm_multi_memory = True
        config.cranelift_opt_level = self._level
        config.memory_reservation = 1 << 20
        config.cranelift_nan_canonicalization = deterministic
        self._engines[deterministic] = self._wasmtime.Engine(config)
        return self._engines[deterministic]

    def start(self, job: Job) -> None:
        self._job = job

    def finish(self) -> Outcome:
        job, outcome = self._job, Outcome()
        engine = self._engine(job.deterministic)
        try:
            module = self._wasmtime.Module(engine, job.binary)
        except self._wasmtime.WasmtimeError as error:
            outcome.error = f"refused: {error}"
            return outcome
        store = self._wasmtime.Store(engine)
        exports = self._wasmtime.Instance(store, module, []).exports(store)
        for index, arguments in job.calls:
            outcome.results.append(self._call(store, exports[f"f{index}"], job, index, arguments))
            if job.trace:
                outcome.states.append(self._state(store, exports, job))
        outcome.states.append(self._state(store, exports, job))
        store.close()
        module.close()
        return outcome

    def _call(self, store: Any, func: Any, job: Job, index: int, arguments: tuple[int, ...]) -> Result:
        ffi = self._wasmtime._ffi
        params, results = job.functions[index]
        count = max(len(params), len(results))
        slots = (ffi.wasmtime_val_raw_t * count)()
        size = ctypes.sizeof(ffi.wasmtime_val_raw_t)
        packed = b"".join(bits.to_bytes(size, "little") for bits in arguments)
        ctypes.memmove(slots, packed, len(packed))
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call_unchecked(
            store._context(), ctypes.byref(func._func), slots, count, ctypes.byref(trap)
        )
        if error:
            raise self._wasmtime.WasmtimeError._from_ptr(error)
        if trap:
            raised = self._wasmtime.Trap._from_ptr(trap)
            if raised.message.rstrip().endswith("thrown Wasm exception"):
                return "uncaught exception"
            code = raised.trap_code
            if code in self._codes:
                return self._codes[code]
            phrase = str(raised.message).rpartition("wasm trap: ")[2].strip()  # newer than the package's codes
            return _TRAPS.get(phrase, phrase)
        raw = bytes(slots)
        bits = tuple(
            int.from_bytes(raw[at * size : at * size + WIDTH[type] // 8], "little") for at, type in enumerate(results)
        )
        return _compared(job, results, bits)

    def _state(self, store: Any, exports: Any, job: Job) -> Any:
        memory = exports["m"]
        content = ctypes.string_at(memory.data_ptr(store), memory.data_len(store))
        values = [_global_bits(type, self._value(store, exports[f"g{at}"], type)) for at, type in job.globals]
        return len(content), crc32(content), _compared(job, tuple(type for _, type in job.globals), tuple(values))

    def _value(self, store: Any, variable: Any, type: int) -> Any:
        if type != V128:
            return variable.value(store)
        ffi = self._wasmtime._ffi  # the package has no vectors
        raw = ffi.wasmtime_val_t()
        ffi.wasmtime_global_get(store._context(), ctypes.byref(variable._global), ctypes.byref(raw))
        return bytes(raw.of.v128)

    def close(self) -> None:
        pass


def _global_bits(type: int, value: Any) -> int:
    if type == F32:
        return int(struct.unpack("<I", struct.pack("<f", value))[0])
    if type == F64:
        return int(struct.unpack("<Q", struct.pack("<d", value))[0])
    if type == V128:
        return int.from_bytes(value, "little")
    assert type in (I32, I64)
    return int(value) & ((1 << WIDTH[type]) - 1)


class Here:
    """wasmcy in this process; `options` are for `instantiate`."""

    def __init__(self, **options: Any) -> None:
        import wasmcy

        self.name = "wasmcy"
        self._wasmcy: Any = wasmcy
        self._options = options

    def start(self, job: Job) -> None:
        self._job = job

    def finish(self) -> Outcome:
        job, outcome = self._job, Outcome()
        try:
            options = {"deterministic": job.deterministic, **self._options}
            exports = self._wasmcy.Module(job.binary).instantiate({}, **options).exports
        except Exception as error:
            outcome.error = f"refused: {type(error).__name__}: {error}"
            return outcome
        for index, arguments in job.calls:
            outcome.results.append(self._call(exports[f"f{index}"], job, index, arguments))
            if job.trace:
                outcome.states.append(self._state(exports, job))
        outcome.states.append(self._state(exports, job))
        return outcome

    def _call(self, func: Any, job: Job, index: int, arguments: tuple[int, ...]) -> Result:
        try:
            return _compared(job, job.functions[index][1], func.call_raw(*arguments))
        except (self._wasmcy.Trap, self._wasmcy.StackExhausted) as error:
            message = error.message
            return next((kind for phrase, kind in _TRAPS.items() if message.startswith(phrase)), message)
        except self._wasmcy.GuestException:
            return "uncaught exception"
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _state(self, exports: Any, job: Job) -> Any:
        content = bytes(exports["m"])
        values = [_global_bits(type, exports[f"g{at}"].value) for at, type in job.globals]
        return len(content), crc32(content), _compared(job, tuple(type for _, type in job.globals), tuple(values))

    def close(self) -> None:
        pass


class Process:
    """wasmcy in another process, with its own environment; a crash or a hang is an outcome."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.name = ":".join(["wasmcy", *(f"{key}={value}" for key, value in settings.items())])
        self._environment = {**os.environ, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, job: Job) -> None:
        if self._process is None:
            command = [sys.executable, "-m", "tests.differential", "--worker"]
            path = [*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)]
            self._environment["PYTHONPATH"] = os.pathsep.join(path)
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment
            )
        assert self._process.stdin is not None
        try:
            pickle.dump(job, self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process is gone, which finish() will see

    def finish(self) -> Outcome:
        assert self._process is not None and self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], TIMEOUT)[0]:
            return self._ended(f"no answer in {TIMEOUT:.0f} seconds")
        try:
            outcome = pickle.load(self._process.stdout)
        except EOFError:
            return self._ended("")
        assert isinstance(outcome, Outcome)
        return outcome

    def _ended(self, reason: str) -> Outcome:
        assert self._process is not None
        if reason:
            self._process.kill()
        code = self._process.wait()
        self.close()
        return Outcome(error=reason or f"process ended with {code}")

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
            self._process = None


def serve() -> None:
    """The other end of Process: answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything else prints must not get between the answers
    backend = Here()
    while True:
        try:
            job = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        backend.start(job)
        pickle.dump(backend.finish(), answers)
        answers.flush()


def backend(name: str) -> Backend:
    """The backend of a name, see the top of this file."""
    kind, *settings = name.split(":")
    if kind == "wasmtime":
        return Wasmtime(*settings)
    if kind == "here":
        return Here()
    if kind == "wasmcy":
        return Process(dict(setting.split("=", 1) for setting in settings))
    raise ValueError(f"no backend is named {name!r}")
