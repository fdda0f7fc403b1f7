;; int foo(void) { int a = 1, b = 2; int c = (a + b) * 5; return c; }
(module
  (func (export "foo") (result i32) (local i32 i32 i32)
    i32.const 1
    local.set 0
    i32.const 2
    local.set 1
    local.get 0
    local.get 1
    i32.add
    i32.const 5
    i32.mul
    local.tee 2
    return))
