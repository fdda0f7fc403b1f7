"""Python functions that a module calls; the import's own type says how.

It prints:

    the module wants env.log, env.hour and offers memory, greet
    guest: Good morning!
    guest: Good evening!
"""

from pathlib import Path

import wasmcy


@wasmcy.with_caller  # the calling instance comes first
def log(caller: wasmcy.Caller, at: int, length: int) -> None:
    print("guest:", caller.memory[at : at + length].decode())


module = wasmcy.Module.from_file(Path(__file__).parent / "guests" / "greeter.wasm")
wants = ", ".join(f"{i.module}.{i.name}" for i in module.imports)
print(f"the module wants {wants} and offers {', '.join(e.name for e in module.exports)}")

for hour in 9, 21:
    instance = module.instantiate({"env": {"log": log, "hour": lambda hour=hour: hour}})
    instance.exports.greet()
