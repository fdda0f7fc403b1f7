;; Gets the URL that is its argument, and writes the answer's body to standard output; ends with the answer's
;; status divided by 100.
(module
  (import "wasmcy_network" "http_request"
    (func $http_request (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "GET")
  (func $length (param $at i32) (result i32) (local $end i32)
    (local.set $end (local.get $at))
    (block $done
      (loop $more
        (br_if $done (i32.eqz (i32.load8_u (local.get $end))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $more)))
    (i32.sub (local.get $end) (local.get $at)))
  (func $check (param $error i32)
    (if (local.get $error) (then (call $proc_exit (local.get $error)))))
  (func (export "_start") (local $url i32)
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 64) (i32.const 4096)))
    (local.set $url (i32.load (i32.const 68)))
    (call $check (call $http_request (i32.const 0) (i32.const 3) (local.get $url) (call $length (local.get $url))
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 24)))  ;; status at 24, descriptor at 28
    (loop $more
      (i32.store (i32.const 32) (i32.const 65536))
      (i32.store (i32.const 36) (i32.const 65536))
      (call $check (call $fd_read (i32.load (i32.const 28)) (i32.const 32) (i32.const 1) (i32.const 36)))
      (if (i32.load (i32.const 36))
        (then
          (call $check (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40)))
          (br $more))))
    (call $proc_exit (i32.div_u (i32.load (i32.const 24)) (i32.const 100)))))
