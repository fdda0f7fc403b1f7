;; Small arrays of numbers: made, filled, copied, summed.
(module
  (type $ints (array (mut i32)))
  (func (export "run") (param $n i32) (result i32)
    (local $a (ref null $ints)) (local $b (ref null $ints)) (local $i i32) (local $sum i32)
    (loop $again
      (local.set $a (array.new $ints (local.get $n) (i32.const 64)))
      (local.set $b (array.new_default $ints (i32.const 64)))
      (array.fill $ints (local.get $a) (i32.const 8) (local.get $sum) (i32.const 16))
      (array.copy $ints $ints (local.get $b) (i32.const 0) (local.get $a) (i32.const 0) (i32.const 64))
      (local.set $i (i32.const 0))
      (loop $each
        (local.set $sum (i32.add (local.get $sum) (array.get $ints (local.get $b) (local.get $i))))
        (array.set $ints (local.get $a) (local.get $i) (local.get $sum))
        (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
