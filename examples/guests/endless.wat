(module
  (memory (export "memory") 1)
  (func (export "forever") (loop $again (br $again)))
  (func $deeper (export "deeper") (param i32) (result i32)
    (i32.add (i32.const 1) (call $deeper (local.get 0))))
  (func (export "more") (param $pages i32) (result i32) (memory.grow (local.get $pages)))
  (func $divide (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get $a) (local.get $b)))
  (func $mean (export "mean") (param $sum i32) (param $count i32) (result i32)
    (call $divide (local.get $sum) (local.get $count))))
