(module
  (import "host" "ask" (func $ask (param i32) (result i32)))
  (func (export "handle") (param $user i32) (result i32)
    (local $n i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $ask (local.get $user))))
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3))))
    (if (i32.eq (local.get $user) (i32.const 13)) (then (loop $hangs (br $hangs))))
    (local.get $sum)))
