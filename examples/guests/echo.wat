;; Accepts a connection on the socket it was given, descriptor 3, and sends back what it receives.
(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $fd i32)
    (drop (call $sock_accept (i32.const 3) (i32.const 0) (i32.const 0)))
    (local.set $fd (i32.load (i32.const 0)))
    (loop $more
      (i32.store (i32.const 8) (i32.const 1024))  ;; a buffer: its address and length
      (i32.store (i32.const 12) (i32.const 65536))
      (if (call $fd_read (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 16)) (then (unreachable)))
      (if (i32.load (i32.const 16))
        (then
          (loop $rest
            (i32.store (i32.const 12) (i32.load (i32.const 16)))
            (if (call $fd_write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 20)) (then (unreachable)))
            (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 20))))
            (i32.store (i32.const 16) (i32.sub (i32.load (i32.const 16)) (i32.load (i32.const 20))))
            (br_if $rest (i32.load (i32.const 16))))
          (br $more))))
    (drop (call $fd_close (local.get $fd)))))
