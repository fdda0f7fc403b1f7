"""Calls that wait end when the running call must end: at its timeout, at `interrupt`, at Ctrl-C."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import wasmtime

import wasmcy
from tests.interrupting import ctrl_c, interrupting
from wasmcy.wasi import abi

GUEST = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0) "\\00\\10\\00\\00\\00\\00\\01\\00")  ;; 64 KiB at 4096
  (data (i32.const 16) "fifo")
  (func (export "read") (param i32) (result i32)
    (call $fd_read (local.get 0) (i32.const 0) (i32.const 1) (i32.const 8)))
  (func (export "written") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "close") (param i32) (result i32) (call $fd_close (local.get 0)))
  (func (export "write") (param i32) (result i32) (local $error i32)
    (loop $again
      (local.set $error (call $fd_write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $again (i32.eqz (local.get $error))))
    (local.get $error))
  (func (export "sleep") (param i32) (result i32)
    (i64.store (i32.const 120) (i64.const 3600000000000))
    (call $poll (i32.const 96) (i32.const 200) (i32.const 1) (i32.const 8)))
  (func (export "ready") (param i32) (result i32)
    (i32.store8 (i32.const 104) (i32.const 1))
    (i32.store (i32.const 112) (local.get 0))
    (call $poll (i32.const 96) (i32.const 200) (i32.const 1) (i32.const 8)))
  (func (export "accept") (param i32) (result i32)
    (call $accept (local.get 0) (i32.const 0) (i32.const 8)))
  (func (export "receive") (param i32) (result i32)
    (call $recv (local.get 0) (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 8) (i32.const 12)))
  (func (export "fifo") (param i32) (result i32)
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))
      (then (return (i32.const -1))))
    (call $fd_read (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 8))))"""


@pytest.fixture(scope="module")
def module():
    return wasmcy.Module(wasmtime.wat2wasm(GUEST))


@pytest.fixture
def granted(tmp_path):
    """Streams, directories and sockets in which nothing ever happens."""
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair()
    with (
        open(reading, "rb") as reader,
        open(writing, "wb") as writer,
        socket.create_server(("127.0.0.1", 0)) as server,
        ours,
        theirs,
    ):
        yield {"stdin": reader, "stdout": writer, "dirs": {"/": tmp_path}, "sockets": [server, theirs]}


POSIX = sys.platform != "win32"
WAITS = [
    ("sleep", 0),
    ("accept", 4),
    ("receive", 5),
    ("read", 5),
    ("ready", 5),
    ("write", 5),
    *([("read", 0), ("ready", 0), ("write", 1), ("fifo", 0)] if POSIX else []),  # Windows waits for sockets only
]


@pytest.mark.parametrize(("name", "fd"), WAITS)
def test_a_wait_ends_at_the_timeout(module, granted, name, fd):
    with wasmcy.Wasi(**granted) as wasi:
        exports = module.instantiate(wasi=wasi, limits=wasmcy.Limits(timeout=0.1)).exports
        before = time.monotonic()
        with pytest.raises(wasmcy.Timeout, match=r"timeout of 0\.1 s exceeded"):
            exports[name](fd)
        assert time.monotonic() - before >= 0.1


@pytest.mark.parametrize(("name", "fd"), [wait for wait in WAITS if wait != ("write", 1)])
def test_a_wait_ends_when_another_thread_asks_and_lets_it_run(module, granted, name, fd):
    with wasmcy.Wasi(**granted) as wasi:
        instance = module.instantiate(wasi=wasi)
        with interrupting(instance), pytest.raises(KeyboardInterrupt):
            instance.exports[name](fd)


@pytest.mark.skipif(not POSIX, reason="signals are sent otherwise on Windows")
@pytest.mark.parametrize(("name", "fd"), [("read", 0), ("sleep", 0), ("ready", 0)])
def test_a_wait_ends_at_ctrl_c(module, granted, name, fd):
    with wasmcy.Wasi(**granted) as wasi:
        exports = module.instantiate(wasi=wasi).exports
        with pytest.raises(KeyboardInterrupt), ctrl_c():
            exports[name](fd)


@pytest.mark.skipif(not POSIX, reason="Windows waits for sockets only")
def test_what_python_has_read_ahead_needs_no_waiting():
    program = """
import sys, wasmcy
from tests.wasi.test_waiting import GUEST
import wasmtime
assert sys.stdin.buffer.readline() == b"for the host\\n"
with wasmcy.Wasi(stdin=wasmcy.INHERIT) as wasi:
    exports = wasmcy.Module(wasmtime.wat2wasm(GUEST)).instantiate(wasi=wasi).exports
    assert exports.ready(0) == 0 and exports.read(0) == 0
    print(exports.memory[4096:4096 + exports.memory[8]])
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1) as child:
        child.stdin.write(b"for the host\nfor the guest\n")
        child.stdin.flush()  # and not closed: nothing else ever comes
        assert child.stdout.readline() == b"b'for the guest\\n'\n"
        child.stdin.close()


@pytest.mark.skipif(not POSIX, reason="Windows has no such files")
def test_a_fifo_gives_what_is_written_and_then_its_end(new_guest, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    guest = new_guest(dirs={"/": tmp_path})
    assert guest.open("fifo", 0, abi.FD_WRITE) == "nxio"  # nobody reads it
    fd = guest.open("fifo")
    with open(tmp_path / "fifo", "wb") as writer:
        threading.Timer(0.05, writer.write, [b"late"]).start()
        time.sleep(0.1)
        writer.flush()
        assert guest.read(fd) == b"late"
    assert guest.read(fd) == b""
