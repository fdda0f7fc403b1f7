(module
  (import "heap" "memory" (memory 1))
  (import "heap" "allocate" (func $allocate (param i32) (result i32)))

  ;; A new block that holds the bytes at `at` in reverse order.
  (func (export "reverse") (param $at i32) (param $length i32) (result i32)
    (local $new i32) (local $i i32)
    (local.set $new (call $allocate (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $length)))
        (i32.store8
          (i32.add (local.get $new) (local.get $i))
          (i32.load8_u
            (i32.add (local.get $at) (i32.sub (i32.sub (local.get $length) (local.get $i)) (i32.const 1)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $new)))
