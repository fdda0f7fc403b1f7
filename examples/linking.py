"""Two modules that work together: one brings a memory and its allocator, the other uses both.

It prints:

    ycmsaw -> wasmcy
    the other way round: LinkError
"""

from pathlib import Path

import wasmcy

guests = Path(__file__).parent / "guests"
heap = wasmcy.Module.from_file(guests / "heap.wasm").instantiate()
text_module = wasmcy.Module.from_file(guests / "text.wasm")
text = text_module.instantiate({"heap": {"memory": heap.exports.memory, "allocate": heap.exports.allocate}})

word = b"ycmsaw"
at = heap.exports.allocate(len(word))
heap.exports.memory[at : at + len(word)] = word
turned = text.exports.reverse(at, len(word))
print(word.decode(), "->", heap.exports.memory.read(turned, len(word)).decode())

try:
    text_module.instantiate({"heap": {"memory": heap.exports.allocate, "allocate": heap.exports.memory}})
except wasmcy.LinkError as error:
    print("the other way round:", type(error).__name__)
