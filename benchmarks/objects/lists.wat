;; A list of a thousand elements, made, reversed in place and summed.
(module
  (type $list (struct (field i32) (field (mut (ref null $list)))))
  (func $once (result i32) (local $l (ref null $list)) (local $r (ref null $list)) (local $t (ref null $list))
    (local $i i32)
    (local.set $i (i32.const 1000))
    (loop
      (local.set $l (struct.new $list (local.get $i) (local.get $l)))
      (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (loop
      (local.set $t (struct.get $list 1 (local.get $l)))
      (struct.set $list 1 (local.get $l) (local.get $r))
      (local.set $r (local.get $l))
      (local.set $l (local.get $t))
      (br_if 0 (i32.eqz (ref.is_null (local.get $l)))))
    (loop
      (local.set $i (i32.add (local.get $i) (struct.get $list 0 (local.get $r))))
      (local.set $r (struct.get $list 1 (local.get $r)))
      (br_if 0 (i32.eqz (ref.is_null (local.get $r)))))
    (local.get $i))
  (func (export "run") (param $n i32) (result i32) (local $sum i32)
    (loop
      (local.set $sum (i32.xor (i32.add (local.get $sum) (call $once)) (local.get $n)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
