"""The calls on the process: arguments, environment, clocks, randomness, exit.

Specification: preview 1, "Modules", `wasi_snapshot_preview1`.
"""

from __future__ import annotations

from struct import pack

from wasmcy.errors import Exit
from wasmcy.wasi.abi import EINVAL, ENOTSUP, U64, WasiError
from wasmcy.wasi.calls import call
from wasmcy.wasi.waiting import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmcy.wasi.abi import Caller, Memory
    from wasmcy.wasi.preview1 import Wasi
    from wasmcy.wasi.waiting import Steps

# ---------------------------------------------------------------------- arguments and environment


def _put_strings(memory: Memory, strings: Sequence[bytes], pointers: int, at: int) -> None:
    starts = []
    start = at
    for string in strings:
        starts.append(start & 0xFFFF_FFFF)
        start += len(string) + 1
    memory.write(pointers, pack(f"<{len(starts)}I", *starts))
    memory.write(at, b"".join(string + b"\0" for string in strings))


def _put_sizes(memory: Memory, strings: Sequence[bytes], count: int, size: int) -> None:
    memory.write(count, pack("<I", len(strings)))
    memory.write(size, pack("<I", sum(map(len, strings)) + len(strings)))


@call("i32 i32")
def args_get(wasi: Wasi, memory: Memory, pointers: int, at: int) -> None:
    """The arguments, each ended by a NUL, and the addresses of them."""
    _put_strings(memory, wasi.args, pointers, at)


@call("i32 i32")
def args_sizes_get(wasi: Wasi, memory: Memory, count: int, size: int) -> None:
    """How many arguments there are, and how many bytes they take."""
    _put_sizes(memory, wasi.args, count, size)


@call("i32 i32")
def environ_get(wasi: Wasi, memory: Memory, pointers: int, at: int) -> None:
    """The variables as `name=value`, each ended by a NUL, and the addresses of them."""
    _put_strings(memory, wasi.env, pointers, at)


@call("i32 i32")
def environ_sizes_get(wasi: Wasi, memory: Memory, count: int, size: int) -> None:
    """How many variables there are, and how many bytes they take."""
    _put_sizes(memory, wasi.env, count, size)


# ------------------------------------------------------------------------- clocks and randomness

_u64 = U64.pack


@call("i32 i32")
def clock_res_get(wasi: Wasi, memory: Memory, clock: int, out: int) -> None:
    """A clock's resolution in nanoseconds, at least 1. Errors as `clock_time_get`."""
    wasi.clock(clock)
    memory.write(out, U64.pack(wasi.resolution(clock)))


@call("i32 u64 i32")
def clock_time_get(wasi: Wasi, memory: Memory, clock: int, precision: int, out: int) -> None:
    """A clock's time in nanoseconds. EINVAL: no such clock. ENOTCAPABLE: none was granted."""
    read = wasi.clocks.get(clock) or wasi.clock(clock)
    memory.write(out, _u64(read()))


RANDOM_CHUNK = 1 << 16


@call("i32 i32")
def random_get(wasi: Wasi, memory: Memory, at: int, length: int) -> None:
    """Fill a buffer with random bytes. ENOTCAPABLE: no randomness was granted."""
    if length <= RANDOM_CHUNK:
        memory.write(at, wasi.random(length))
        return
    if at + length > len(memory):
        raise IndexError("a buffer outside the memory")
    for start in range(at, at + length, RANDOM_CHUNK):
        memory.write(start, wasi.random(min(RANDOM_CHUNK, at + length - start)))


# --------------------------------------------------------------------------------- the process

# SIGNALS: by position none hup int quit ill trap abrt bus fpe kill usr1 segv usr2 pipe alrm term
# chld cont stop tstp ttin ttou urg xcpu xfsz vtalrm prof winch poll pwr sys
_N_SIGNALS = 31
_IGNORED = frozenset([0, 13, 16, 17, 22, 27])  # none, pipe, chld, cont, urg, winch
_STOPPING = frozenset([18, 19, 20, 21])


@call("i32", result="")
def proc_exit(wasi: Wasi, memory: Memory, code: int) -> None:
    """End the guest: flushes what it has written and raises `wasmcy.errors.Exit`."""
    try:  # noqa: SIM105 contextlib takes milliseconds to import
        wasi.descriptors.flush()
    except OSError:  # nobody is left to be told
        pass
    raise Exit(code)


@call("i32")
def proc_raise(wasi: Wasi, memory: Memory, signal: int) -> None:
    """A signal to itself: ends the guest with status 128 + `signal`, as a shell tells it.

    Signals that are ignored by default do nothing. EINVAL: no such signal. ENOTSUP: one that
    would stop the guest.
    """
    if signal >= _N_SIGNALS:
        raise WasiError(EINVAL)
    if signal in _STOPPING:
        raise WasiError(ENOTSUP)
    if signal not in _IGNORED:
        proc_exit(wasi, memory, 128 + signal)


@call("", waits=True)
def sched_yield(wasi: Wasi, caller: Caller, memory: Memory) -> Steps[None]:
    """Let other threads run, or in an event loop other tasks."""
    yield Turn()
