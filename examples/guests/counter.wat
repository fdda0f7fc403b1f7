(module
  (memory (export "memory") 32)
  (global $calls (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 0x100000) (global.get $calls))
    (i32.load (i32.const 0x100000)))
  (func (export "spin") (loop $again (br $again))))
