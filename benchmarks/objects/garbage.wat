;; Structs that are dead at once.
(module
  (type $pair (struct (field i32) (field i32)))
  (func (export "run") (param $n i32) (result i32) (local $sum i32) (local $p (ref null $pair))
    (loop
      (local.set $p (struct.new $pair (local.get $n) (local.get $sum)))
      (local.set $sum (i32.add (struct.get $pair 0 (local.get $p)) (struct.get $pair 1 (local.get $p))))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
