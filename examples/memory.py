"""Numbers in a module's memory, shared with Python without a copy.

It prints:

    sum of 1 … 1000: 500500.0
    roots from 1.0 to 31.622777
    the first three: [1.0, 1.414214, 1.732051]
    after growing: 131072 bytes
"""

from array import array
from pathlib import Path

import wasmcy

module = wasmcy.Module.from_file(Path(__file__).parent / "guests" / "numbers.wasm")
instance = module.instantiate()
memory, numbers = instance.exports.memory, instance.exports

memory[0:8000] = array("d", range(1, 1001)).tobytes()
print("sum of 1 … 1000:", numbers.sum(0, 1000))

least, most = numbers.roots(0, 1000)
print(f"roots from {least} to {most:.6f}")

view = memoryview(memory)[:8000].cast("d")  # numpy.frombuffer(memory) works as well
print("the first three:", [round(x, 6) for x in view[:3]])

memory.grow(1)
print("after growing:", len(memory), "bytes")
