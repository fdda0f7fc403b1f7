(module
  (memory (export "memory") 1 16)

  ;; The sum of `count` f64 numbers that lie in memory at `at`.
  (func (export "sum") (param $at i32) (param $count i32) (result f64)
    (local $total f64)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $total (f64.add (local.get $total) (f64.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $total))

  ;; Replaces each of the numbers by its square root; gives the smallest and the largest result.
  (func (export "roots") (param $at i32) (param $count i32) (result f64 f64)
    (local $end i32) (local $root f64) (local $least f64) (local $most f64)
    (local.set $end (i32.add (local.get $at) (i32.shl (local.get $count) (i32.const 3))))
    (local.set $least (f64.const inf))
    (local.set $most (f64.const -inf))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $root (f64.sqrt (f64.load (local.get $at))))
        (f64.store (local.get $at) (local.get $root))
        (local.set $least (f64.min (local.get $least) (local.get $root)))
        (local.set $most (f64.max (local.get $most) (local.get $root)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $next)))
    (local.get $least)
    (local.get $most)))
