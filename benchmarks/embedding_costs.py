"""What it costs to have guests inside a program: calls that may wait, fuel, canonical NaNs, snapshots. Of wasmcy
alone."""

import asyncio
import itertools
import math
import os
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from pathlib import Path
from threading import Thread
from types import coroutine
from typing import Any

import kernels
from costs import Cost, Thunk, lowest
from engines import Engine

HERE = Path(__file__).resolve().parent
GUESTS = 10_000
LARGE = 64 << 20
FLOATS = {"filter", "mandel", "matmul", "matrix", "matrix.simd", "escape", "escape.simd", "nbody", "spectral"}
"""Kernels that compute with floats."""

WAITS = """
    (import "env" "f" (func $f (param i32) (result i32)))
    (func (export "once") (param i32) (result i32) (call $f (local.get 0)))
    (func (export "often") (param i32) (result i32)
      (loop (drop (call $f (local.get 0)))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 0))
"""
LARGE_GUEST = f"""
    (memory (export "memory") {LARGE >> 16})
    (func (export "read") (result i32) (i32.load (i32.const 0x3000000)))
"""


@coroutine
def turn() -> Generator[None, None, None]:
    """Lets the event loop run once, as asyncio.sleep(0) does."""
    yield


async def host(x: int) -> int:
    """A host function that waits for one turn of the event loop."""
    await turn()
    return x


def in_loop(make: Callable[[], Awaitable[object]]) -> Callable[[], object]:
    """A thunk that awaits in an event loop of its own."""

    async def main() -> object:
        return await make()

    return lambda: asyncio.run(main())


def waits(api: Any, rounds: int, count: int) -> list[Cost]:
    """call_async over a plain call where nothing waits; a guest that awaits a coroutine over Python that does."""
    add = api.Module(kernels.build(HERE / "costs" / "add.c")).instantiate().exports.add
    guest = api.Module(WAITS).instantiate({"env": {"f": host}}).exports

    async def plain() -> None:
        for _ in itertools.repeat(None, count):
            add(1, 2)

    async def awaited() -> None:
        for _ in itertools.repeat(None, count):
            await add.call_async(1, 2)

    async def in_python() -> None:
        for i in range(count):
            await host(i)

    thunks = {
        "plain": in_loop(plain),
        "awaited": in_loop(awaited),
        "python": in_loop(in_python),
        "guest": in_loop(lambda: guest.often.call_async(count)),
    }
    times = {name: t / count * 1e6 for name, t in lowest(thunks, rounds).items()}
    return [
        Cost(
            "call_async that does not wait, over a call",
            "µs",
            {"wasmcy": times["awaited"] - times["plain"]},
            f"the call itself takes {times['plain']:.2f}",
        ),
        Cost(
            "to suspend and resume a guest",
            "µs",
            {"wasmcy": times["guest"] - times["python"]},
            f"over the {times['python']:.1f} of the event loop",
        ),
    ]


def crowd(api: Any) -> Cost:
    """What each of ten thousand guests that wait takes of memory."""

    async def main() -> float:
        module = api.Module(WAITS)
        gate = asyncio.Event()

        async def wait(x: int) -> int:
            await gate.wait()
            return x

        before = tracemalloc.get_traced_memory()[0]
        guests = [module.instantiate({"env": {"f": wait}}) for _ in range(GUESTS)]
        tasks = [asyncio.create_task(guest.exports.once.call_async(i)) for i, guest in enumerate(guests)]
        await asyncio.sleep(0)
        used = tracemalloc.get_traced_memory()[0] - before + sum(guest.store.memory_bytes for guest in guests)
        gate.set()
        if sum(await asyncio.gather(*tasks)) != sum(range(GUESTS)):
            raise SystemExit("guests that waited gave wrong results")
        return float(used) / GUESTS

    tracemalloc.start()
    try:
        return Cost(f"each of {GUESTS:,} guests that wait", "KiB", {"wasmcy": asyncio.run(main()) / 1024})
    finally:
        tracemalloc.stop()


def enough(run: Callable[[int], object], seconds: float) -> int:
    """A power of two for which a kernel takes that long at least."""
    n, spent = 1, 0.0
    while spent < seconds:
        n *= 2
        spent = lowest({"": partial(run, n)}, 1)[""]
    return n


def relative(kernel: kernels.Kernel, api: Any, rounds: int, seconds: float, **options: Any) -> float:
    """The time of a kernel in a store with some options, relative to that in one without."""
    module = api.Module(kernel.wasm)
    run, other = (module.instantiate(**given).exports.run for given in ({}, options))
    n = enough(run, seconds)
    times = lowest({"plain": partial(run, n), "other": partial(other, n)}, rounds)
    return times["other"] / times["plain"]


def variants(api: Any, rounds: int, seconds: float) -> list[Cost]:
    """What it costs that instructions are counted, and that NaNs of programs that compute with floats are canonical."""
    counted = {k.name: relative(k, api, rounds, seconds, limits=api.Limits(fuel=1 << 60)) for k in kernels.own()}
    floats = [k for k in (*kernels.given(kernels.GIVEN), *kernels.own(), *kernels.vectors()) if k.name in FLOATS]
    fixed = {k.name: relative(k, api, rounds, seconds, deterministic=True) for k in floats}
    rows = []
    for what, ratios in (
        ("counted code, time relative to uncounted", counted),
        ("deterministic code, the same", fixed),
    ):
        mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
        worst = max(ratios, key=lambda name: ratios[name])
        rows.append(Cost(what, "", {"wasmcy": mean}, f"{worst} {ratios[worst]:.2f}"))
    return rows


def threads(api: Any, rounds: int, seconds: float) -> Cost:
    """Two guests in two threads: the machine runs without the GIL."""
    module = api.Module(kernels.own()[0].wasm)
    runs = [module.instantiate().exports.run for _ in range(2)]
    n = enough(runs[0], seconds)

    def side_by_side() -> None:
        workers = [Thread(target=run, args=(n,)) for run in runs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    thunks: dict[str, Thunk] = {"one": lambda: runs[0](n), "two": side_by_side}
    times = lowest(thunks, rounds, time.perf_counter)
    note = f"of {os.cpu_count()} processors"
    return Cost("two guests in two threads, over the time of one", "", {"wasmcy": times["two"] / times["one"]}, note)


def snapshots(api: Any, rounds: int, count: int) -> list[Cost]:
    """A guest of 64 MB: taken, restored, and had from a pool."""
    module = api.Module(LARGE_GUEST)
    guest = module.instantiate()
    guest.exports.memory[0x3000000:0x3000004] = (99).to_bytes(4, "little")
    snapshot = guest.snapshot()
    pool = api.Pool(module, snapshot=snapshot)
    if pool.instantiate().exports.read() != 99:
        raise SystemExit("a restored guest has not the memory of its snapshot")
    thunks: dict[str, Thunk] = {
        "take": lambda: [guest.snapshot() and None for _ in range(3)],
        "restore": lambda: [module.restore(snapshot) and None for _ in range(count)],
        "use": lambda: [pool.instantiate().exports.read() and None for _ in range(count)],
    }
    times = lowest(thunks, rounds)
    return [
        Cost("snapshot of a guest of 64 MiB", "µs", {"wasmcy": times["take"] / 3 * 1e6}),
        Cost("restore it", "µs", {"wasmcy": times["restore"] / count * 1e6}),
        Cost("… from a pool, and call it", "µs", {"wasmcy": times["use"] / count * 1e6}),
    ]


def measure(engines: list[Engine], quick: bool) -> list[Cost]:
    """All rows."""
    if not kernels.can_build() or not (found := [e for e in engines if e.name == "wasmcy"]):
        return []
    api = found[0].api
    rounds, count = (3, 5_000) if quick else (7, 30_000)
    return [
        *waits(api, rounds, count),
        crowd(api),
        *variants(api, rounds, 0.02 if quick else 0.2),
        threads(api, rounds, 0.05 if quick else 0.3),
        *snapshots(api, rounds, 30 if quick else 300),
    ]
