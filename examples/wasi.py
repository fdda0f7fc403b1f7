"""A WASI program whose standard streams are Python objects.

It prints:

    TO BE, OR NOT TO BE:
    THAT IS THE QUESTION.
    the guest ended with 2
"""

import io
from pathlib import Path

import wasmcy

stdin = io.BytesIO(b"To be, or not to be:\nthat is the question.\n")
stdout = io.BytesIO()
module = wasmcy.Module.from_file(Path(__file__).parent / "guests" / "upper.wasm")
instance = module.instantiate(wasi=wasmcy.Wasi(args=["upper"], stdin=stdin, stdout=stdout))
try:
    instance.exports._start()
except wasmcy.Exit as end:
    print(stdout.getvalue().decode(), end="")
    print("the guest ended with", end.code)
