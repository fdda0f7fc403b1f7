(module
  (import "env" "log" (func $log (param $at i32) (param $length i32)))
  (import "env" "hour" (func $hour (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "Good morning!")
  (data (i32.const 32) "Good evening!")

  ;; Says what the hour asks for, by the host's function.
  (func (export "greet")
    (call $log
      (select (i32.const 0) (i32.const 32) (i32.lt_s (call $hour) (i32.const 12)))
      (i32.const 13))))
