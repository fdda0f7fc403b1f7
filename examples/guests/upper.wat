(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $lines (mut i32) (i32.const 0))

  ;; Copies standard input to standard output in capital letters; exits with the number of lines.
  ;; A buffer of 4096 bytes is at 64; a pair (address, length) at 0; the number of bytes done at 8.
  (func (export "_start")
    (local $at i32) (local $byte i32)
    (loop $more
      (i32.store (i32.const 0) (i32.const 64))
      (i32.store (i32.const 4) (i32.const 4096))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 255))))
      (if (i32.load (i32.const 8))
        (then
          (local.set $at (i32.const 64))
          (loop $next
            (local.set $byte (i32.load8_u (local.get $at)))
            (global.set $lines (i32.add (global.get $lines) (i32.eq (local.get $byte) (i32.const 10))))
            (if (i32.lt_u (i32.sub (local.get $byte) (i32.const 97)) (i32.const 26))
              (then (i32.store8 (local.get $at) (i32.sub (local.get $byte) (i32.const 32)))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $at) (i32.add (i32.const 64) (i32.load (i32.const 8))))))
          (i32.store (i32.const 4) (i32.load (i32.const 8)))
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
          (br $more))))
    (call $exit (global.get $lines))))
