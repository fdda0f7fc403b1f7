"""A plugin host: code that others wrote, each plugin with limits of its own, none able to stop the host.

It prints:

    greeter: Good morning!
    greeter: 0 left to pay for
    endless: stopped, fuel exhausted
    endless: stopped, timeout of 0.05 s exceeded
    endless: mean(42, 7) is 6
"""

from pathlib import Path

import wasmcy

GUESTS = Path(__file__).parent / "guests"


@wasmcy.with_caller
def log(caller: wasmcy.Caller, at: int, length: int) -> None:
    print("greeter:", caller.memory[at : at + length].decode())


def load(name: str, **limits: float) -> wasmcy.Instance:
    module = wasmcy.Module.from_file(GUESTS / f"{name}.wasm")
    imports = {"env": {"log": log, "hour": lambda: 9}}
    return module.instantiate(imports, limits=wasmcy.Limits(memory="4MiB", **limits))  # type: ignore[arg-type]


def main() -> None:
    greeter = load("greeter", fuel=1_000)
    greeter.exports.greet()
    print("greeter:", greeter.store.memory_bytes // 65536 - 1, "left to pay for")

    for limits in ({"fuel": 1_000_000}, {"timeout": 0.05}):
        endless = load("endless", **limits)
        try:
            endless.exports.forever()
        except wasmcy.LimitError as error:
            print("endless: stopped,", error.message)
    print("endless: mean(42, 7) is", endless.exports.mean(42, 7))


if __name__ == "__main__":
    main()
