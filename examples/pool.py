"""A pool of guests that are ready: started once, then copied for each request, which cannot see the others.

It prints:

    every guest counts from 3: [3, 3, 3]
    one that spins is stopped: fuel exhausted
    in another process: 3
"""

import pickle
import subprocess
import sys
from pathlib import Path

import wasmcy

MODULE = wasmcy.Module.from_file(Path(__file__).parent / "guests" / "counter.wasm")


def start(guest: wasmcy.Instance) -> None:
    """What takes long, and is done once."""
    guest.exports.count()
    guest.exports.count()


def main() -> None:
    pool = wasmcy.Pool(MODULE, setup=start, limits=wasmcy.Limits(fuel=10_000))
    print("every guest counts from 3:", [pool.instantiate().exports.count() for _ in range(3)])
    try:
        pool.instantiate().exports.spin()
    except wasmcy.FuelExhausted as error:
        print("one that spins is stopped:", error.message)
    script = "import pickle, sys; print('in another process:', pickle.load(sys.stdin.buffer)())"
    count = pool.instantiate().exports.count  # its pickle carries the module and the snapshot
    print(end="", flush=True)
    subprocess.run([sys.executable, "-c", script], input=pickle.dumps(count), check=True)


if __name__ == "__main__":
    main()
