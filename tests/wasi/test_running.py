"""`wasmcy.run`: a program from start to end."""

import io

import pytest
import wasmtime

import wasmcy
from wasmcy.wasi import abi

IMPORTS = """
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (func $put (param $fd i32)  ;; as many bytes at 4096 as stand at 4
    (i32.store (i32.const 8) (i32.const 4096))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $fd_write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 16))))
"""
PROGRAMS = {
    "args": """(func (export "_start")
        (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
        (drop (call $args_get (i32.const 32) (i32.const 4096)))
        (call $put (i32.const 1)))""",
    "cat": """(func (export "_start")
        (i32.store (i32.const 8) (i32.const 4096)) (i32.store (i32.const 12) (i32.const 4096))
        (drop (call $fd_read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 4)))
        (call $put (i32.const 1)) (call $put (i32.const 2))
        (call $proc_exit (i32.load (i32.const 4))))""",
    "trap": """(data (i32.const 4096) "so far") (func (export "_start")
        (i32.store (i32.const 4) (i32.const 6)) (call $put (i32.const 1)) (unreachable))""",
    "endless": '(func (export "_start") (loop (br 0)))',
    "no_program": '(func (export "run"))',
}


@pytest.fixture(scope="module")
def programs():
    return {name: bytes(wasmtime.wat2wasm(f"(module ${name} {IMPORTS} {text})")) for name, text in PROGRAMS.items()}


def test_output_and_status_are_in_the_result(programs):
    done = wasmcy.run(programs["cat"], stdin=b"abc")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"abc", b"abc")
    assert done.args == ["cat"]
    with pytest.raises(wasmcy.Exit) as exit:
        done.check_returncode()
    assert exit.value.code == 3
    wasmcy.run(programs["cat"]).check_returncode()


def test_text(programs):
    done = wasmcy.run(programs["cat"], stdin="grüße", text=True)
    assert (done.returncode, done.stdout) == (7, "grüße")
    assert wasmcy.run(programs["cat"], stdin=b"\xff", text=True).stdout == "\ufffd"


def test_a_program_is_a_module_bytes_or_a_file(programs, tmp_path):
    (tmp_path / "app.wasm").write_bytes(programs["args"])
    assert wasmcy.run(tmp_path / "app.wasm", ["-v"]).stdout == b"app.wasm\0-v\0"
    assert wasmcy.run(str(tmp_path / "app.wasm"), argv0="me").stdout == b"me\0"
    assert wasmcy.run(programs["args"]).stdout == b"args\0"
    module = wasmcy.Module(programs["args"])
    assert [wasmcy.run(module, [str(i)]).stdout for i in range(3)] == [b"args\0%d\0" % i for i in range(3)]


@pytest.mark.parametrize("args", ["-v", b"-v"])
def test_one_string_is_not_taken_for_arguments_of_one_letter(programs, args):
    with pytest.raises(TypeError, match="args is a sequence of arguments, not one string"):
        wasmcy.run(programs["args"], args)


def test_streams_that_are_not_captured(programs):
    out = io.BytesIO()
    done = wasmcy.run(programs["cat"], stdin=b"abc", stdout=out, stderr=None)
    assert (out.getvalue(), done.stdout, done.stderr) == (b"abc", None, None)


def test_check_raises_with_what_was_written(programs):
    with pytest.raises(wasmcy.Exit) as caught:
        wasmcy.run(programs["cat"], stdin=b"abc", check=True)
    assert (caught.value.code, caught.value.stdout) == (3, b"abc")


def test_what_ends_a_program_is_raised_with_what_was_written(programs):
    with pytest.raises(wasmcy.Trap, match="unreachable") as caught:
        wasmcy.run(programs["trap"])
    assert caught.value.stdout == b"so far"
    with pytest.raises(wasmcy.Timeout):
        wasmcy.run(programs["endless"], limits=wasmcy.Limits(timeout=0.05))
    with pytest.raises(wasmcy.WasmError, match="no _start is exported"):
        wasmcy.run(programs["no_program"])


def test_captured_output_is_limited(programs):
    done = wasmcy.run(programs["cat"], stdin=b"x" * 100, buffer=150)
    assert (len(done.stdout), done.stderr) == (100, b"")


def test_files_in_a_dict_are_read_and_written():
    program = f"""(module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "in") (data (i32.const 8) "out") (data (i32.const 16) "\\00\\04\\00\\00\\00\\04\\00\\00")
      (func (export "_start")
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0)
          (i64.const {abi.FD_READ}) (i64.const 0) (i32.const 0) (i32.const 32)))
        (drop (call $read (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 20)))
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 3) (i32.const {abi.O_CREAT})
          (i64.const {abi.FD_WRITE}) (i64.const 0) (i32.const 0) (i32.const 32)))
        (drop (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 36)))))"""
    files = {"in": b"copied"}
    assert wasmcy.run(bytes(wasmtime.wat2wasm(program)), dirs={"/": files}).returncode == 0
    assert files == {"in": b"copied", "out": b"copied"}


def test_nothing_stays_open(programs, host_descriptors, tmp_path):
    before = host_descriptors()
    for _ in range(3):
        wasmcy.run(programs["cat"], stdin=b"x", dirs={"/": tmp_path})
        with pytest.raises(wasmcy.Trap):
            wasmcy.run(programs["trap"], dirs={"/": tmp_path})
        with pytest.raises(FileNotFoundError):
            wasmcy.run(programs["cat"], dirs={"/": tmp_path, "/none": tmp_path / "none"})
    assert host_descriptors() == before
