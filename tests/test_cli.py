"""The command line: what it prints, and the status it ends with."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import wasmtime

import wasmcy
from wasmcy.cli import COMMANDS, load, main

PACKAGE = Path(find_spec("wasmcy").origin).parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PACKAGE.parent), "PYTHONUTF8": "1"}

WASI = """
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 0x300) "in.txt")
  ;; write the bytes at 0x1000, as many as are counted at 4, to a descriptor
  (func $put (param $fd i32)
    (i32.store (i32.const 8) (i32.const 0x1000))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $fd_write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 16))))
  ;; copy a descriptor to standard output
  (func $copy (param $fd i32)
    (loop $more
      (i32.store (i32.const 8) (i32.const 0x1000))
      (i32.store (i32.const 12) (i32.const 0x1000))
      (drop (call $fd_read (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 4)))
      (if (i32.load (i32.const 4)) (then (call $put (i32.const 1)) (br $more)))))
"""
GUESTS = {
    "args": WASI + """(func (export "_start")
        (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
        (drop (call $args_get (i32.const 32) (i32.const 0x1000)))
        (call $put (i32.const 1)))""",
    "env": WASI + """(func (export "_start")
        (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
        (drop (call $environ_get (i32.const 32) (i32.const 0x1000)))
        (call $put (i32.const 1)))""",
    "cat": WASI + '(func (export "_start") (call $copy (i32.const 0)))',
    # in.txt of the first directory; its error code is the status
    "file": WASI + """(func (export "_start") (local $error i32)
        (local.set $error (call $path_open (i32.const 3) (i32.const 0) (i32.const 0x300) (i32.const 6)
            (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 20)))
        (if (local.get $error) (then (call $proc_exit (local.get $error))))
        (call $copy (i32.load (i32.const 20))))""",
    "exit": WASI + '(func (export "_start") (call $proc_exit (i32.const 42)))',
    "forever": WASI + """(func (export "_start")
        (i32.store (i32.const 4) (i32.const 1)) (i32.store8 (i32.const 0x1000) (i32.const 10))
        (call $put (i32.const 1))
        (loop (br 0)))""",
    "trap": """(func $inner (unreachable)) (func $middle (call $inner))
        (func (export "_start") (call $middle))""",
    "throw": '(tag (param i32)) (func (export "_start") (throw 0 (i32.const 1)))',
    "deep": '(func $again (export "_start") (call $again))',
    "start": '(func $start) (start $start)',
    "unlinked": '(import "env" "what\\1b\\0ais" (func)) (func (export "_start"))',
    "partly": '(func (export "_start")) (func (i32.const 1))',
    "numbers": """
      (global $ready (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $ready (i32.const 1)))
      (func (export "ready") (result i32) (global.get $ready))
      (func (export "i32") (param i32) (result i32) (local.get 0))
      (func (export "i64") (param i64) (result i64) (local.get 0))
      (func (export "f32") (param f32) (result f32) (local.get 0))
      (func (export "f64") (param f64) (result f64) (local.get 0))
      (func (export "extern") (param externref) (result externref) (local.get 0))
      (func (export "sum") (param i32 i64 f64) (result f64)
        (f64.add (local.get 2) (f64.add (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1)))))
      (func (export "two") (result i32 f32) (i32.const 1) (f32.const 0.1))
      (func (export "none"))
      (memory 1) (func (export "grow") (result i32) (memory.grow (i32.const 16)))
      (global (export "variable") i32 (i32.const 0))""",
}  # fmt: skip


@pytest.fixture(scope="session")
def guests(tmp_path_factory):
    """A directory with all guests as NAME.wasm, and what is no guest."""
    folder = tmp_path_factory.mktemp("guests")
    for name, text in GUESTS.items():
        Path(folder, f"{name}.wasm").write_bytes(wasmtime.wat2wasm(f"(module {text})"))
    Path(folder, "broken.wasm").write_bytes(Path(folder, "args.wasm").read_bytes()[:-3])
    Path(folder, "text.wasm").write_text("no module\n")
    Path(folder, "two.wat").write_text('(func (export "two") (result i32) i32.const 2)')
    Path(folder, "wrong.wat").write_text("(module\n  (func\n    i32.addd))")
    return folder


@pytest.fixture
def cli(guests, monkeypatch, capsys):
    """Runs a command line in this process, among the guests: gives status, output, errors."""
    monkeypatch.chdir(guests)

    def run(*arguments):
        status = main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return run


def process(folder, *arguments, **options):
    """Runs a command line in a process."""
    command = [sys.executable, "-m", "wasmcy", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, **{"env": ENVIRONMENT, **options})


# ---------------------------------------------------------------------------------------------- run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["args.wasm", "a", "", "b c"], "args.wasm|a||b c|"),
        (["./args.wasm"], "args.wasm|"),
        (["--argv0", "me", "args.wasm"], "me|"),
        (["--argv0=-x=y", "args.wasm", "--env", "--", "-v"], "-x=y|--env|--|-v|"),
        (["--", "args.wasm", "--help"], "args.wasm|--help|"),
        (["env.wasm"], ""),
        (["--env", "A=1", "--env=B=x=y", "--env", "C=", "env.wasm"], "A=1|B=x=y|C=|"),
    ],
)
def test_the_guest_gets_its_arguments_and_variables(cli, arguments, expected):
    assert cli("run", *arguments) == (0, expected.replace("|", "\0"), "")


def test_a_variable_without_value_is_ours(cli, monkeypatch):
    monkeypatch.setenv("OURS", "given")
    monkeypatch.delenv("NOBODYS", raising=False)
    assert cli("run", "--env", "OURS", "--env", "NOBODYS", "env.wasm") == (0, "OURS=given\0", "")


def test_a_process_hands_its_streams_and_status_over(guests):
    done = process(guests, "run", "cat.wasm", input=b"\xff\0line\n" * 3000)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\xff\0line\n" * 3000, b"")
    assert process(guests, "run", "exit.wasm").returncode == 42


def test_output_to_a_file_is_complete(guests, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        command = [sys.executable, "-m", "wasmcy", "run", "args.wasm", "x"]
        assert subprocess.run(command, cwd=guests, stdout=out, env=ENVIRONMENT, timeout=60).returncode == 0
    assert (tmp_path / "out").read_bytes() == b"args.wasm\0x\0"


def test_the_guest_finds_the_directories_it_is_given(cli, tmp_path):
    (tmp_path / "in.txt").write_text("from the host")
    assert cli("run", "--dir", f"{tmp_path}::/data", "file.wasm") == (0, "from the host", "")
    assert cli("run", "--dir", str(tmp_path), "file.wasm") == (0, "from the host", "")
    status, out, _ = cli("run", "file.wasm")
    assert status not in (0, 1, 2) and not out


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (["exit.wasm"], 42, ""),
        (["start.wasm"], 0, ""),
        (["partly.wasm"], 0, ""),
        (["trap.wasm"], 134, 'trap.wasm: trap: unreachable (function 0 "inner", offset 0x2*)'),
        (["throw.wasm"], 134, 'throw.wasm: uncaught exception (function 0 "_start", offset 0x*)'),
        (["deep.wasm"], 134, 'deep.wasm: call stack exhausted (function 0 "again", offset 0x*)'),
        (["--max-stack", "4KiB", "deep.wasm"], 134, "deep.wasm: call stack exhausted (function 0 *)"),
        (["--timeout", "0.05", "forever.wasm"], 124, "forever.wasm: timeout of 0.05 s exceeded (function 10 *)"),
        (["--fuel", "10_000", "forever.wasm"], 134, "forever.wasm: fuel exhausted (function 10 *)"),
        (["nothing.wasm"], 1, "nothing.wasm: No such file or directory"),
        (["--dir", "nowhere", "args.wasm"], 1, "nowhere: No such file or directory"),
        (["text.wasm"], 1, "text.wasm: magic header not detected (offset 0x0)"),
        (["broken.wasm"], 1, "broken.wasm: length out of bounds (offset 0x*)"),
        (["unlinked.wasm"], 1, "unlinked.wasm: unknown import: env.what\\x1b is (* was not provided"),
        (["numbers.wasm"], 1, "numbers.wasm: no _start is exported; --invoke may name _initialize, ready, *, grow"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_said_in_one_line(cli, arguments, status, error):
    found, out, err = cli("run", *arguments)
    expected = re.escape(f"wasmcy: {error}\n" if error else "").replace(r"\*", "[^\n]*")
    assert re.fullmatch(expected, err)
    assert (found, out.strip()) == (status, "")


def test_features_are_chosen(cli, tmp_path):
    (tmp_path / "add.wat").write_text('(func (export "f") (result v128) (f32x4.splat (f32.const 1)))')
    add = str(tmp_path / "add.wat")
    assert cli("validate", add)[0] == cli("validate", "--features", "mvp,simd", add)[0] == 0
    for names in ("-simd", "mvp", "all,-simd", "mvp,+tail-call"):
        for command in (["validate"], ["run", "--invoke", "f"]):
            status, _, err = cli(*command, f"--features={names}", add)
            assert (status, "simd" in err) == (1, True), (names, command, err)
        assert cli("wat2wasm", f"--features={names}", add)[0] == 1
    assert cli("wat2wasm", "--features", "mvp,simd", add)[0] == 0


def test_results_are_deterministic_if_they_are_to_be(cli, tmp_path):
    text = '(func (export "f") (param f32) (result i32) (i32.reinterpret_f32 (f32.mul (local.get 0) (f32.const nan:0x400001))))'
    (tmp_path / "nan.wat").write_text(text)
    words = ("--invoke", "f", str(tmp_path / "nan.wat"), "1")
    assert cli("run", "--deterministic", *words)[1].strip() == str(0x7FC00000)
    assert cli("run", *words)[1].strip() == str(0x7FC00001)


def test_verbose_errors_have_a_backtrace(cli):
    status, _, err = cli("run", "-v", "trap.wasm")
    assert status == 134
    assert re.fullmatch(
        r"wasmcy: trap\.wasm: trap: unreachable\n"
        r'  at function 0 "inner", offset 0x\w+\n  at function 1 "middle", offset 0x\w+\n'
        r'  at function 2 "_start", offset 0x\w+\n',
        err,
    )
    assert cli("validate", "--verbose", "text.wasm")[2].startswith("wasmcy: text.wasm: MalformedError: magic header")


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise on Windows")
def test_ctrl_c_stops_a_running_guest(guests):
    command = [sys.executable, "-m", "wasmcy", "run", "forever.wasm"]
    with subprocess.Popen(command, cwd=guests, env=ENVIRONMENT, stdout=-1, stderr=-1) as child:
        assert child.stdout.readline() == b"\n"  # it runs
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=10)
    assert (child.returncode, out, err) == (130, b"", b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot wait for pipes")
def test_a_program_that_waits_for_input_ends_at_its_timeout(guests):
    command = [sys.executable, "-m", "wasmcy", "run", "--timeout", "0.2", "cat.wasm"]
    with subprocess.Popen(command, cwd=guests, env=ENVIRONMENT, stdin=-1, stdout=-1, stderr=-1) as child:
        assert child.wait(30) == 124
        assert b"timeout of 0.2 s exceeded" in child.stderr.read()


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("i32", ["-2147483648"], "-2147483648"),
        ("i32", ["4294967295"], "-1"),
        ("i32", ["-0x2a"], "-42"),
        ("i64", ["0xffffffffffffffff"], "-1"),
        ("i64", ["9_000"], "9000"),
        ("f32", ["0.1"], "0.1"),
        ("f32", ["1e39"], "inf"),
        ("f64", ["0x1.8p1"], "3.0"),
        ("f64", ["-inf"], "-inf"),
        ("f64", ["nan"], "nan"),
        ("extern", ["null"], "null"),
        ("sum", ["1", "-2", "3.5"], "2.5"),
        ("two", [], "1\n0.1"),
        ("ready", [], "1"),
    ],
)
def test_a_function_is_called_with_typed_arguments(cli, name, arguments, output):
    assert cli("run", "--invoke", name, "numbers.wasm", *arguments) == (0, output + "\n", "")


def test_a_function_without_results_prints_nothing(cli):
    assert cli("run", "--invoke=none", "numbers.wasm") == (0, "", "")


@pytest.mark.parametrize(
    ("name", "arguments", "status", "error"),
    [
        ("i32", ["x"], 2, "not an i32: 'x'"),
        ("i32", ["1.5"], 2, "not an i32: '1.5'"),
        ("i32", ["4294967296"], 2, "4294967296 does not fit i32"),
        ("i64", ["-0x8000000000000001"], 2, "-0x8000000000000001 does not fit i64"),
        ("f64", ["one"], 2, "not an f64: 'one'"),
        ("extern", ["x"], 2, "no value of type externref can be written here but null: 'x'"),
        ("sum", ["1"], 2, "sum takes 3 arguments (func (param i32 i64 f64) (result f64)), 1 are given"),
        ("variable", [], 1, "numbers.wasm: no function 'variable' is exported, only _initialize, ready, i32"),
    ],
)
def test_arguments_a_function_does_not_take_are_refused(cli, name, arguments, status, error):
    found, out, err = cli("run", "--invoke", name, "numbers.wasm", *arguments)
    assert (found, out) == (status, "")
    assert err.startswith(f"wasmcy: {error}") and err.count("\n") == 1


def test_memory_is_limited(cli):
    assert cli("run", "--max-memory", "1MB", "--invoke", "grow", "numbers.wasm") == (0, "-1\n", "")
    assert cli("run", "--max-memory", "2MiB", "--invoke", "grow", "numbers.wasm") == (0, "1\n", "")


# ------------------------------------------------------------------------- what it may use besides


def test_preloaded_modules_provide_imports(cli, guests):
    Path(guests, "base.wasm").write_bytes(
        wasmtime.wat2wasm("""(module (global $set (mut i32) (i32.const 0))
            (func (export "_initialize") (global.set $set (i32.const 40)))
            (func (export "get") (result i32) (global.get $set)))""")
    )
    Path(guests, "middle.wasm").write_bytes(
        wasmtime.wat2wasm("""(module (import "base" "get" (func $get (result i32)))
            (func (export "more") (result i32) (i32.add (call $get) (i32.const 1))))""")
    )
    Path(guests, "top.wasm").write_bytes(
        wasmtime.wat2wasm("""(module (import "base" "get" (func $get (result i32)))
            (import "middle" "more" (func $more (result i32)))
            (func (export "sum") (result i32) (i32.add (call $get) (call $more))))""")
    )
    both = ["--preload", "base=base.wasm", "--preload", "middle=middle.wasm"]
    assert cli("run", *both, "--invoke", "sum", "top.wasm") == (0, "81\n", "")
    status, _, err = cli("run", *both[:2], "--invoke", "sum", "top.wasm")
    assert (status, err.partition(" (")[0]) == (1, "wasmcy: top.wasm: unknown import: middle.more")


def test_a_preloaded_module_has_the_programs_system(cli, guests):
    Path(guests, "out.wasm").write_bytes(
        wasmtime.wat2wasm("""(module
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00hi\\n")
            (func (export "hi") (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))""")
    )
    Path(guests, "hi.wasm").write_bytes(
        wasmtime.wat2wasm('(module (import "out" "hi" (func)) (export "_start" (func 0)))')
    )
    done = process(guests, "run", "--preload", "out=out.wasm", "hi.wasm")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hi\n", b"")


def test_read_only_directories(cli, guests, tmp_path):
    (tmp_path / "in.txt").write_text("from the host")
    assert cli("run", "--ro-dir", f"{tmp_path}::/data", "file.wasm") == (0, "from the host", "")
    write = """(module (import "wasi_snapshot_preview1" "path_create_directory"
        (func $mkdir (param i32 i32 i32) (result i32))) (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (data (i32.const 0) "new")
        (func (export "_start") (call $exit (call $mkdir (i32.const 3) (i32.const 0) (i32.const 3)))))"""
    Path(guests, "mkdir.wasm").write_bytes(wasmtime.wat2wasm(write))
    assert cli("run", "--ro-dir", str(tmp_path), "mkdir.wasm")[0] == 69  # rofs
    assert not (tmp_path / "new").exists()
    assert cli("run", "--dir", str(tmp_path), "mkdir.wasm")[0] == 0
    assert (tmp_path / "new").exists()


def test_a_program_serves_and_fetches(guests):
    import socket
    import threading

    examples = PACKAGE.parent / "examples" / "guests"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    command = [sys.executable, "-m", "wasmcy", "run", "--listen", f"127.0.0.1:{address[1]}", examples / "echo.wasm"]
    with subprocess.Popen(command, env=ENVIRONMENT) as child:
        while child.poll() is None:
            try:
                connection = socket.create_connection(address, timeout=10)
            except ConnectionRefusedError:  # it is not there yet
                continue
            with connection:
                connection.sendall(b"hello")
                assert connection.recv(100) == b"hello"
            break
        assert child.wait(30) == 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nbody")

        thread = threading.Thread(target=answer)
        thread.start()
        done = process(guests, "run", "--allow", host, examples / "fetch.wasm", f"http://{host}/")
        assert (done.returncode, done.stdout, done.stderr) == (2, b"body", b"")
        thread.join()
        done = process(guests, "run", "--allow", "example.com:80", examples / "fetch.wasm", f"http://{host}/")
        assert (done.returncode, done.stdout) == (76, b"")  # notcapable


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_every_command_and_option(cli, shell):
    status, out, err = cli("completion", shell)
    assert (status, err) == (0, "")
    for name in COMMANDS:
        assert name in out
        assert all((option if shell != "fish" else f"-l {option[2:]}") in out for option in load(name).options)


@pytest.mark.skipif(not shutil.which("bash") or os.name == "nt", reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["in"], "inspect"),
        (["run", "--pre"], "--preload"),
        (["run", "exit"], "exit.wasm"),
        (["inspect", "--mem"], "--memory"),
    ],
)
def test_bash_completes(cli, guests, words, completed):
    script = cli("completion", "bash")[1]
    test = f"{script}\nCOMP_WORDS=(wasmcy {' '.join(words)}); COMP_CWORD={len(words)}; _wasmcy; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", test], cwd=guests, capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == ([completed], "")


# ---------------------------------------------------------------------- validate, inspect, the rest


def test_valid_modules_are_passed_over_in_silence(cli):
    assert cli("validate", "args.wasm", "numbers.wasm") == (0, "", "")
    assert cli("validate", "-v", "trap.wasm") == (0, "trap.wasm: valid, 3 functions\n", "")


def test_every_module_that_is_not_valid_is_named(cli):
    status, out, err = cli("validate", "broken.wasm", "args.wasm", "partly.wasm", "nothing.wasm", "text.wasm")
    assert (status, out) == (1, "")
    starts = ["broken.wasm: length", "partly.wasm: type mismatch", "nothing.wasm: No such", "text.wasm: magic"]
    for line, start in zip(err.splitlines(), starts, strict=True):
        assert line.startswith(f"wasmcy: {start}")


def test_inspect_shows_the_parts_of_a_module(cli):
    status, out, err = cli("inspect", "args.wasm")
    assert (status, err) == (0, "")
    assert re.findall(r"^[A-Z]\w+", out, re.M) == [
        "Sections",
        "Types",
        "Imports",
        "Functions",
        "Memories",
        "Exports",
        "Data",
        "Features",
    ]
    assert '"args_sizes_get"' in out


def test_inspect_shows_code(cli):
    status, out, err = cli("inspect", "--code", "_start", "--code=0", "trap.wasm")
    assert (status, err) == (0, "")
    assert re.search(r"call 1 \"middle\" +\d+  call ", out)
    assert re.search(r"unreachable +\d+  unreachable", out)


def test_inspect_shows_the_layout_of_memory(cli):
    status, out, err = cli("inspect", "--memory", "args.wasm")
    assert (status, err) == (0, "")
    assert out.startswith("memory 0: (memory 2)\nstack pointer: not known")


def test_inspect_names_the_features_of_a_module_and_says_where_it_cannot(cli):
    assert re.search(r"^Features used\n  multi_value$", cli("inspect", "numbers.wasm")[1], re.M)
    assert "not known, for the module is not valid: type mismatch" in cli("inspect", "partly.wasm")[1]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals")
def test_long_work_shows_a_bar_on_a_terminal_alone(monkeypatch):
    from wasmcy.cli import progress

    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "PACE", 0)
    ours, theirs = os.openpty()
    with open(theirs, "w") as terminal, open(ours, "rb", buffering=0) as screen:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress.Progress("big\x1b.wasm", 4) as bar:
            bar.step(2)
            assert screen.read(100) == b"\rbig?.wasm [###############               ]  50%"
        assert screen.read(100) == b"\r\x1b[K"
    with open(os.devnull, "w") as file:
        monkeypatch.setattr(sys, "stderr", file)
        with progress.Progress("x", 1) as bar:
            bar.step()
            assert not bar._shown


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--code", "none", "trap.wasm"], 'trap.wasm: there is no function named "none"'),
        (["--code", "1", "partly.wasm"], "partly.wasm: type mismatch"),
        (["broken.wasm"], "broken.wasm: length out of bounds"),
        (["nothing.wasm"], "nothing.wasm: No such file or directory"),
    ],
)
def test_what_cannot_be_shown_is_said(cli, arguments, error):
    status, _, err = cli("inspect", *arguments)
    assert status == 1
    assert err.startswith(f"wasmcy: {error}") and err.count("\n") == 1


def test_wasm2wat_writes_the_text_of_a_module(cli, guests):
    with open("numbers.wasm", "rb") as file:
        binary = file.read()
    status, out, err = cli("wasm2wat", "numbers.wasm")
    assert (status, out, err) == (0, wasmcy.wasm2wat(binary), "")
    assert cli("wasm2wat", "--fold", "--no-names", "numbers.wasm", "-o", "numbers.text") == (0, "", "")
    with open("numbers.text", encoding="utf-8") as file:
        assert file.read() == wasmcy.wasm2wat(binary, folded=True, names=False)


def test_wasm2wat_leaves_no_half_written_file(cli, guests):
    with open("unreadable.wasm", "wb") as file:
        file.write(bytes.fromhex("0061736d01000000 0104016000 00 03020100 0a06 0104 00ff0b0b"))
    status, out, err = cli("wasm2wat", "unreadable.wasm", "--output", "unreadable.text")
    assert (status, out) == (1, "")
    assert err == "wasmcy: unreadable.wasm: illegal opcode 0xff (function 0, offset 0x17)\n"
    assert not [name for name in os.listdir() if name.startswith("unreadable.text")]
    assert cli("wasm2wat", "numbers.wasm", "-o", "nowhere/numbers.text") == (
        1,
        "",
        f"wasmcy: nowhere/numbers.text: {os.strerror(errno.ENOENT)}\n",
    )


# ------------------------------------------------------------------------------------------- text format


def test_text_is_taken_wherever_a_module_is(cli):
    assert cli("run", "--invoke", "two", "two.wat") == (0, "2\n", "")
    assert cli("validate", "two.wat") == (0, "", "")
    assert cli("inspect", "--code", "two", "two.wat")[0] == cli("inspect", "two.wat")[0] == 0


def test_text_becomes_a_file_in_the_binary_format(cli, guests):
    assert cli("wat2wasm", "two.wat") == cli("wat2wasm", "-o", "same.wasm", "two.wat") == (0, "", "")
    assert Path(guests, "two.wasm").read_bytes() == Path(guests, "same.wasm").read_bytes()
    assert cli("run", "--invoke", "two", "two.wasm") == (0, "2\n", "")


def test_a_module_in_the_binary_format_is_no_text(cli, guests):
    with open("args.wasm", "rb") as file:
        binary = file.read()
    assert cli("wat2wasm", "args.wasm") == (
        1,
        "",
        "wasmcy: args.wasm: the module is in the binary format already (offset 0x0)\n",
    )
    assert Path(guests, "args.wasm").read_bytes() == binary


def test_text_is_piped_into_the_binary_format(guests):
    text = Path(guests, "two.wat").read_bytes()
    done = process(guests, "wat2wasm", "-", input=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, wasmcy.wat2wasm(text), b"")


@pytest.mark.parametrize("command", ["run", "validate", "inspect", "wat2wasm"])
def test_errors_in_text_show_the_line(cli, guests, command):
    excerpt = "wrong.wat:3:5: unknown operator i32.addd\n    i32.addd))\n    ^\n"
    assert cli(command, "wrong.wat") == (1, "", f"wasmcy: {excerpt}")
    assert not Path(guests, "wrong.wasm").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGPIPE and no status for it")
def test_a_reader_that_has_gone_ends_inspect_quietly(guests):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        command = [sys.executable, "-m", "wasmcy", "inspect", "args.wasm"]
        done = subprocess.run(command, cwd=guests, env=ENVIRONMENT, stdout=out, stderr=-1, timeout=60)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(os.name == "nt", reason="the test closes descriptors as a POSIX shell does")
def test_a_process_without_output_runs(guests):
    command = f'exec "{sys.executable}" -m wasmcy run exit.wasm >&- 2>&- <&-'
    done = subprocess.run(["sh", "-c", command], cwd=guests, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 42


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["walk"], "there is no command 'walk' (see wasmcy --help)"),
        (["args.wasm"], "there is no command 'args.wasm' (see wasmcy run args.wasm)"),
        (["--fast"], "there is no option '--fast' (see wasmcy --help)"),
        (["run"], "wasmcy run needs a FILE (see wasmcy run --help)"),
        (["run", "--fast", "args.wasm"], "wasmcy run has no option --fast (see wasmcy run --help)"),
        (["run", "--env"], "--env needs a value: --env NAME[=VALUE]"),
        (["run", "--env", "=1", "args.wasm"], "--env: no name in '=1'"),
        (["run", "--verbose=2", "args.wasm"], "--verbose takes no value"),
        (["run", "--timeout", "soon", "args.wasm"], "--timeout: no number of seconds: 'soon'"),
        (["run", "--timeout", "-1", "args.wasm"], "--timeout: a timeout of -1.0 s"),
        (["run", "--fuel", "much", "args.wasm"], "--fuel: no number of instructions: 'much'"),
        (["run", "--max-memory", "lots", "args.wasm"], "--max-memory: no size: 'lots'"),
        (["run", "--max-stack", "1TB", "args.wasm"], "--max-stack: no size: '1TB'"),
        (["run", "--max-stack", "8GiB", "args.wasm"], "--max-stack: a stack of 8589934592 bytes"),
        (["run", "--preload", "env", "args.wasm"], "--preload: not NAME=FILE: 'env'"),
        (["run", "--listen", "80", "args.wasm"], "--listen: not HOST:PORT: '80'"),
        (["run", "--listen", "localhost:65536", "args.wasm"], "--listen: not HOST:PORT: 'localhost:65536'"),
        (
            ["run", "--allow", "x", str(PACKAGE.parent / "examples/guests/fetch.wasm")],
            "--allow: not a host and port: 'x'",
        ),
        (
            ["run", "--features", "simd,fast", "args.wasm"],
            "--features: 'fast' is none of mvp, all, mutable_global, sign_extension,",
        ),
        (["wat2wasm", "text.wasm"], "wasmcy wat2wasm would write text.wasm over itself: say where to with --output"),
        (["completion"], "wasmcy completion needs a SHELL (see wasmcy completion --help)"),
        (["completion", "tcsh"], "wasmcy completion takes one of bash, zsh, fish"),
        (["inspect", "args.wasm", "cat.wasm"], "wasmcy inspect takes one FILE"),
        (["wasm2wat", "args.wasm", "cat.wasm"], "wasmcy wasm2wat takes one FILE"),
    ],
)
def test_a_wrong_command_line_is_refused(cli, arguments, error):
    status, out, err = cli(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"wasmcy: {error}") and err.count("\n") == 1


def test_help_names_every_command_and_option(cli):
    for arguments in (["--help"], ["-h"], ["help"]):
        status, out, err = cli(*arguments)
        assert (status, err) == (0, "")
        assert all(f"wasmcy {name} " in out for name in COMMANDS)
    assert cli() == (2, "", out)
    for name in COMMANDS:
        status, out, err = cli(name, "--help")
        assert (status, err) == (0, "")
        assert all(option in out for option in load(name).options)
        assert all(f"\n  {status}  " in out for status in (1, 2, 130, 141))
        assert all((f"\n  {status}  " in out) == (name == "run") for status in (124, 134))
        assert max(map(len, out.splitlines())) <= 100
        assert out.isascii()


def test_the_version_is_that_of_the_package(cli):
    assert cli("--version") == (0, f"wasmcy {wasmcy.__version__}\n", "")


# ----------------------------------------------------------------------------------------- start-up

SLOW = {
    *("argparse", "asyncio", "contextlib", "dataclasses", "enum", "inspect", "logging", "pathlib", "re", "subprocess"),
    *("tempfile", "typing", "wasmcy.engine.generate", "wasmcy.engine.operations", "wasmcy.tools"),
}
PROGRAM = """
import sys
before = set(sys.modules)
from wasmcy.cli import main
status = main(["run", "args.wasm"])
print(*(sys.modules.keys() - before), file=sys.stderr)
sys.exit(status)
"""


def test_running_a_program_imports_nothing_slow(guests):
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=guests, capture_output=True, timeout=60, env=ENVIRONMENT, text=True)
    assert (done.returncode, done.stdout) == (0, "args.wasm\0")
    loaded = set(done.stderr.split())
    assert "wasmcy.runtime" in loaded
    assert loaded & SLOW == set()
