"""From bytes to a result: the function `foo` of many an introduction to WebAssembly.

    int foo(void) { int a = 1, b = 2; int c = (a + b) * 5; return c; }

It prints:

    foo() = 15
"""

import wasmcy

WASM = bytes.fromhex(
    "00 61 73 6d  01 00 00 00"  # the magic number and the version
    "01 05 01  60 00 01 7f"  # types: one, () -> i32
    "03 02 01  00"  # functions: one, of type 0
    "07 07 01  03 66 6f 6f  00 00"  # exports: "foo" is function 0
    "0a 19 01  17"  # code: one body of 23 bytes
    "01 03 7f"  # (local i32 i32 i32)
    "41 01 21 00"  # i32.const 1  local.set 0
    "41 02 21 01"  # i32.const 2  local.set 1
    "20 00 20 01 6a"  # local.get 0  local.get 1  i32.add
    "41 05 6c"  # i32.const 5  i32.mul
    "22 02 0f 0b"  # local.tee 2  return  end
)

instance = wasmcy.Module(WASM).instantiate()
print("foo() =", instance.exports.foo())
