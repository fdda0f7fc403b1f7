"""Code that is not trusted: how long it may run, how deep, with how much memory, and what its errors say.

It prints:

    forever: Timeout
    deeper: StackExhausted
    more memory: -1
    mean of nothing: integer divide by zero, in divide called by mean
    mean of 12 and 30: 21
"""

from pathlib import Path

import wasmcy

module = wasmcy.Module.from_file(Path(__file__).parent / "guests" / "endless.wasm")
limits = wasmcy.Limits(memory="1MiB", timeout=0.2, depth="64KiB")
guest = module.instantiate(limits=limits).exports

for name, arguments in (("forever", ()), ("deeper", (1,))):
    try:
        guest[name](*arguments)
    except wasmcy.LimitError as error:
        print(f"{name}: {type(error).__name__}")

print("more memory:", guest.more(100))

try:
    guest.mean(42, 0)
except wasmcy.Trap as trap:
    print(f"mean of nothing: {trap.message}, in {' called by '.join(str(f.name) for f in trap.frames)}")

print("mean of 12 and 30:", guest.mean(42, 2))
