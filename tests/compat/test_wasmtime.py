"""The layer for wasmtime: what wasmtime itself cannot be asked, or does by ending the process."""

import gc
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wasmcy.compat import wasmtime
from wasmcy.compat.wasmtime import (
    Config,
    DirPerms,
    Engine,
    ExitTrap,
    FilePerms,
    Func,
    FuncType,
    Instance,
    Linker,
    Memory,
    MemoryType,
    Module,
    SharedMemory,
    Store,
    Trap,
    TrapCode,
    Val,
    ValType,
    WasiConfig,
    WasmtimeError,
)

EMPTY = "(module)"


def instance(text: str, store: Store | None = None, imports: tuple[Any, ...] = ()) -> tuple[Store, Any]:
    store = store or Store()
    return store, Instance(store, Module(store.engine, text), imports).exports(store)


# ------------------------------------------------------------------------------------ settings
@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("wasm_simd", "(module (func (param v128)))"),
        ("wasm_tail_call", "(module (func (return_call 0)))"),
        ("wasm_multi_value", "(module (func (result i32 i32) unreachable))"),
        ("wasm_bulk_memory", "(module (memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))))"),
        ("wasm_reference_types", "(module (table 1 externref))"),
        ("wasm_multi_memory", "(module (memory 1) (memory 1))"),
        ("wasm_memory64", "(module (memory i64 1))"),
        ("wasm_exceptions", "(module (tag))"),
        ("wasm_gc", "(module (type (struct)))"),
        ("gc_support", "(module (type (struct)))"),
        ("wasm_threads", "(module (memory 1 1 shared))"),
    ],
)
def test_proposals_that_are_switched_off_are_refused(setting: str, text: str) -> None:
    Module.validate(Engine(), wasmtime.wat2wasm(text))
    config = Config()
    setattr(config, setting, False)
    engine = Engine(config)
    with pytest.raises(WasmtimeError):
        Module.validate(engine, wasmtime.wat2wasm(text))
    with pytest.raises(WasmtimeError):
        Module(engine, text)


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("wasm_simd", 1, TypeError),
        ("max_wasm_stack", "1", TypeError),
        ("max_wasm_stack", -1, ValueError),
        ("strategy", "fast", WasmtimeError),
        ("cranelift_opt_level", 3, WasmtimeError),
        ("profiler", "gprof", WasmtimeError),
        ("cache", False, WasmtimeError),
        ("cache", 1, TypeError),
        ("cache", "no/such.toml", WasmtimeError),
        ("target", "not-a-target", WasmtimeError),
        ("target", 1, TypeError),
    ],
)
def test_wrong_settings_are_refused(setting: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        setattr(Config(), setting, value)


def test_settings_are_set_and_not_read() -> None:
    with pytest.raises(AttributeError):
        Config().wasm_simd  # noqa: B018
    with pytest.raises(AttributeError):
        WasiConfig().argv  # noqa: B018


def test_the_stack_is_as_large_as_set() -> None:
    text = """(module (func $f (export "f") (param i32) (result i32) (if (result i32) (local.get 0)
        (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0)))))"""
    store, exports = instance(text)
    assert exports["f"](store, 10_000) == 0
    config = Config()
    config.max_wasm_stack = 1 << 16
    store, exports = instance(text, Store(Engine(config)))
    assert exports["f"](store, 100) == 0
    with pytest.raises(Trap) as caught:
        exports["f"](store, 10_000)
    assert caught.value.trap_code == TrapCode.STACK_OVERFLOW


# ------------------------------------------------------------------------------------ handles
@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.data(),
        lambda store: store.gc(),
        lambda store: store.set_limits(),
        lambda store: store.set_wasi(WasiConfig()),
        lambda store: Memory(store, MemoryType(wasmtime.Limits(1, None))),
        lambda store: Func(store, FuncType([], []), print),
        lambda store: Instance(store, Module(Engine(), EMPTY), []),
        lambda store: Linker(Engine()).instantiate(store, Module(Engine(), EMPTY)),
    ],
)
def test_a_closed_store_is_of_no_use(use: Callable[[Store], object]) -> None:
    with Store() as store:
        pass
    store.close()
    with pytest.raises(ValueError, match="already closed"):
        use(store)


@pytest.mark.parametrize(
    "use",
    [
        lambda store, exports: exports["f"](store),
        lambda store, exports: exports["m"].read(store),
        lambda store, exports: exports["m"].data_ptr(store),
        lambda store, exports: exports["g"].value(store),
        lambda store, exports: exports["t"].get(store, 0),
    ],
)
def test_nothing_of_a_closed_store_can_be_used(use: Callable[[Store, Any], object]) -> None:
    store, exports = instance(
        """(module (func (export "f")) (memory (export "m") 1) (global (export "g") i32 (i32.const 1))
        (table (export "t") 1 funcref))"""
    )
    store.close()
    with pytest.raises(ValueError, match="already closed"):
        use(store, exports)


def test_closed_modules_linkers_and_engines_are_of_no_use() -> None:
    store = Store()
    module, linker, engine = Module(store.engine, EMPTY), Linker(store.engine), Engine()
    for handle in (module, linker, engine):
        handle.close()
    with pytest.raises(ValueError, match="already closed"):
        Instance(store, module, [])
    with pytest.raises(ValueError, match="already closed"):
        linker.instantiate(store, Module(store.engine, EMPTY))
    with pytest.raises(ValueError, match="already closed"):
        Store(engine)
    with pytest.raises(ValueError, match="already closed"):
        module.serialize()


def test_a_pointer_keeps_the_memory_and_its_place() -> None:
    store, exports = instance('(module (memory (export "m") 1 10) (data (i32.const 0) "wasm"))')
    pointer = exports["m"].data_ptr(store)
    buffer = exports["m"].get_buffer_ptr(store, 4)
    exports["m"].grow(store, 9)
    pointer[0] = ord("W")
    assert bytes(exports["m"].read(store, 0, 4)) == b"Wasm"
    store.close()
    del store, exports
    gc.collect()
    assert bytes(pointer[0:4]) == bytes(buffer) == b"Wasm"


def test_a_buffer_outside_of_the_memory_is_refused() -> None:
    store, exports = instance('(module (memory (export "m") 1))')
    with pytest.raises(ValueError, match="Buffer size too small"):
        exports["m"].get_buffer_ptr(store, 65537)
    with pytest.raises(ValueError, match="offset"):
        exports["m"].get_buffer_ptr(store, 4, -1)


def test_a_memory_without_bytes_has_a_pointer() -> None:
    store, exports = instance('(module (memory (export "m") 0))')
    assert exports["m"].data_ptr(store)
    assert bytes(exports["m"].read(store)) == b""


# ------------------------------------------------------------------------------------ modules that are kept
MODULE = '(module (func (export "f") (result i32) (i32.const 42)))'


def test_a_serialised_module_can_be_loaded_again(tmp_path: Path) -> None:
    engine = Engine()
    data = Module(engine, MODULE).serialize()
    (tmp_path / "module").write_bytes(data)
    for module in (
        Module.deserialize(engine, data),
        Module.deserialize(engine, bytes(data)),
        Module.deserialize_file(engine, os.fspath(tmp_path / "module")),
    ):
        store = Store(engine)
        assert Instance(store, module, []).exports(store)["f"](store) == 42  # type: ignore[operator]


def damaged() -> list[bytes]:
    data = bytes(Module(Engine(), MODULE).serialize())
    flipped = [data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in range(len(data))]
    cut = [data[:i] for i in range(len(data))]
    return [*flipped, *cut, data + b"\0", b"\x7fELF" + data, data[data.index(b"\0asm") :]]


def test_whatever_is_damaged_is_refused() -> None:
    for data in damaged():
        with pytest.raises(WasmtimeError):
            Module.deserialize(Engine(), data)


def test_what_was_serialised_with_other_settings_is_refused() -> None:
    config = Config()
    config.wasm_simd = False
    with pytest.raises(WasmtimeError, match="other settings"):
        Module.deserialize(Engine(config), Module(Engine(), MODULE).serialize())


def test_what_another_release_has_serialised_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Module(Engine(), MODULE).serialize()
    monkeypatch.setattr("wasmcy.__version__", "0.0.1")
    with pytest.raises(WasmtimeError, match="another release"):
        Module.deserialize(Engine(), data)


def test_a_forged_module_is_validated() -> None:
    from wasmcy.compat.wasmtime._module import _head

    engine = Engine()
    wasm = bytes(wasmtime.wat2wasm("(module (func (result i32) (i64.const 0)))"))
    module = Module.deserialize(engine, _head(engine, wasm) + wasm.replace(b"\7\5\1\1", b"\7\5\1\1"))
    assert module.imports == []
    store = Store(engine)
    forged = wasm[:8] + b"\1\5\1\x60\0\1\x7f\3\2\1\0\7\5\1\1f\0\0\x0a\6\1\4\0\x42\0\x0b"
    function = Instance(store, Module.deserialize(engine, _head(engine, forged) + forged), []).exports(store)["f"]
    with pytest.raises(WasmtimeError, match="type mismatch"):
        function(store)  # type: ignore[operator]


# ------------------------------------------------------------------------------------ host functions
def test_a_guest_cannot_catch_what_a_host_function_raises() -> None:
    store = Store()
    raises = Func(store, FuncType([], []), lambda: 1 // 0)
    text = '(module (import "" "" (func)) (func (export "f") (block $b (try_table (catch_all $b) (call 0)))))'
    _, exports = instance(text, store, (raises,))
    with pytest.raises(ZeroDivisionError):
        exports["f"](store)


def test_a_trap_inside_of_a_host_function_comes_out_as_it_is() -> None:
    store, inner = instance('(module (func (export "f") unreachable))')
    calls = Func(store, FuncType([], []), lambda: inner["f"](store))
    text = '(module (import "" "" (func)) (func (export "f") (block $b (try_table (catch_all $b) (call 0)))))'
    _, exports = instance(text, store, (calls,))
    with pytest.raises(Trap) as caught:
        exports["f"](store)
    assert caught.value.trap_code == TrapCode.UNREACHABLE


def test_exceptions_keep_their_cause_and_context() -> None:
    def fails() -> None:
        try:
            raise KeyError("cause")
        except KeyError as error:
            raise ValueError("effect") from error

    store = Store()
    _, exports = instance(
        '(module (import "" "" (func)) (func (export "f") (call 0)))', store, (Func(store, FuncType([], []), fails),)
    )
    with pytest.raises(ValueError, match="effect") as caught:
        exports["f"](store)
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.__context__ is caught.value.__cause__


def test_a_caller_is_a_store_while_the_call_lasts() -> None:
    kept = []

    def host(caller: wasmtime.Caller, at: int) -> int:
        kept.append(caller)
        memory = caller["m"]
        assert isinstance(memory, Memory) and caller.get("nope") is None
        with pytest.raises(KeyError):
            caller["nope"]
        return int(memory.read(caller, at, at + 1)[0])

    store = Store()
    i32 = ValType.i32()
    function = Func(store, FuncType([i32], [i32]), host, access_caller=True)
    text = """(module (import "" "" (func (param i32) (result i32))) (memory (export "m") 1) (data (i32.const 5) "x")
        (func (export "f") (result i32) (call 0 (i32.const 5))))"""
    _, exports = instance(text, store, (function,))
    assert exports["f"](store) == ord("x")
    assert kept[0].get("m") is None
    with pytest.raises(ValueError, match="no longer valid"):
        exports["m"].read(kept[0])


def test_functions_come_and_go_as_functions() -> None:
    store = Store()
    funcref, i32 = ValType.funcref(), ValType.i32()

    def pick(function: Func | None) -> Func | None:
        assert function is None or function(store, 20) == 40
        return function

    double = Func(store, FuncType([i32], [i32]), lambda x: 2 * x)
    picks = Func(store, FuncType([funcref], [funcref]), pick)
    text = '(module (import "" "" (func (param funcref) (result funcref))) (func (export "f") (param funcref) (result funcref) (call 0 (local.get 0))))'
    _, exports = instance(text, store, (picks,))
    assert exports["f"](store, double)(store, 4) == 8
    assert exports["f"](store, Val.funcref(None)) is None


def test_a_linker_serves_stores_in_threads() -> None:
    engine = Engine()
    linker = Linker(engine)
    i32 = ValType.i32()
    linker.define_func("env", "double", FuncType([i32], [i32]), lambda x: 2 * x)
    text = '(module (import "env" "double" (func (param i32) (result i32))) (func (export "f") (param i32) (result i32) (call 0 (local.get 0))))'
    prepared = linker.instantiate_pre(Module(engine, text))
    found: dict[int, int] = {}

    def work(number: int) -> None:
        for _ in range(50):
            store = Store(engine)
            found[number] = prepared.instantiate(store).exports(store)["f"](store, number)  # type: ignore[operator]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: 2 * n for n in range(4)}
    assert prepared.module.exports[0].name == "f"


def test_stores_are_freed() -> None:
    store, exports = instance('(module (memory (export "m") 1) (func (export "f")))')
    exports["f"](store)
    gone = weakref.ref(store)
    del store, exports
    gc.collect()
    assert gone() is None


def test_shared_memories_need_leave_and_a_shared_type() -> None:
    shared = MemoryType(wasmtime.Limits(1, 2), shared=True)
    with pytest.raises(WasmtimeError, match="disabled"):
        SharedMemory(Engine(), shared)
    with pytest.raises(WasmtimeError, match="SharedMemory"):
        Memory(Store(), shared)


FUELLED = """
    (module
      (func (export "forever") (loop (br 0)))
      (func (export "one") (result i32) (i32.const 1)))
"""


def fuelled() -> Store:
    config = Config()
    config.consume_fuel = True
    return Store(Engine(config))


def test_fuel_is_counted_and_its_end_is_a_trap() -> None:
    store = fuelled()
    assert store.get_fuel() == 0
    exports = Instance(store, Module(store.engine, FUELLED), []).exports(store)
    store.set_fuel(1000)
    assert (exports["one"](store), store.get_fuel()) == (1, 999)
    for name in ("forever", "one"):  # the second time there is none left
        with pytest.raises(Trap, match="all fuel consumed by WebAssembly") as caught:
            exports[name](store)
        assert caught.value.trap_code is TrapCode.OUT_OF_FUEL and len(caught.value.frames) == 1
        assert store.get_fuel() == 0
    store.set_fuel(7)
    assert (exports["one"](store), store.get_fuel()) == (1, 6)


def test_fuel_ends_start_functions_and_survives_other_limits() -> None:
    store = fuelled()
    store.set_fuel(1000)
    store.set_limits(memory_size=1 << 16)
    assert store.get_fuel() == 1000
    with pytest.raises(Trap, match="all fuel consumed"):
        Instance(store, Module(store.engine, "(module (func $f (loop (br 0))) (start $f))"), [])
    assert store.get_fuel() == 0


def test_fuel_can_be_set_by_a_function_that_the_guest_calls() -> None:
    store = fuelled()
    text = '(module (import "" "more" (func $more)) (func (export "run") (loop (call $more) (br 0))))'
    seen: list[int] = []

    def more() -> None:
        seen.append(store.get_fuel())
        if len(seen) < 5:
            store.set_fuel(10)

    function = Func(store, FuncType([], []), more)
    run = Instance(store, Module(store.engine, text), [function]).exports(store)["run"]
    store.set_fuel(10)
    with pytest.raises(Trap, match="all fuel consumed"):
        run(store)
    assert seen[0] == 8 and len(seen) > 5 and store.get_fuel() == 0


@pytest.mark.parametrize("fuel", [0, 1, (1 << 62) + 5, (1 << 64) - 1])
def test_fuel_is_a_number_of_64_bits(fuel: int) -> None:
    store = fuelled()
    store.set_fuel(fuel)
    assert store.get_fuel() == fuel


# ------------------------------------------------------------------------------------ WASI
WRITES = """
    (module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\\20\\00\\00\\00\\06\\00\\00\\00")
      (data (i32.const 32) "Hello\\n")
      (func (export "write") (param i32) (result i32)
        (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (func (export "read") (result i32) (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (func (export "exit") (param i32) (call $exit (local.get 0))))
"""


def wasi(config: WasiConfig | None, text: str = WRITES) -> tuple[Store, Any]:
    store = Store()
    linker = Linker(store.engine)
    linker.define_wasi()
    if config is not None:
        store.set_wasi(config)
    return store, linker.instantiate(store, Module(store.engine, text)).exports(store)


def test_streams_are_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"abcdefgh")
    config = WasiConfig()
    config.stdin_file = tmp_path / "in"
    config.stdout_file = os.fspath(tmp_path / "out")
    config.stderr_file = os.fsencode(tmp_path / "err")
    store, exports = wasi(config)
    assert [exports["write"](store, fd) for fd in (1, 2)] == [0, 0]
    assert (tmp_path / "out").read_bytes() == (tmp_path / "err").read_bytes() == b"Hello\n"  # before anything is closed
    assert exports["read"](store) == 0
    assert bytes(exports["memory"].read(store, 32, 38)) == b"abcdef"
    store.close()


def test_streams_are_functions() -> None:
    written: list[tuple[str, bytes]] = []
    config = WasiConfig()
    config.stdout_custom = lambda data: written.append(("out", data))
    config.stderr_custom = lambda data: written.append(("err", data)) or len(data)  # type: ignore[func-returns-value]
    store, exports = wasi(config)
    exports["write"](store, 1)
    exports["write"](store, 2)
    assert written == [("out", b"Hello\n"), ("err", b"Hello\n")]


def test_streams_are_inherited(capfd: pytest.CaptureFixture[str]) -> None:
    config = WasiConfig()
    config.inherit_stdout()
    config.inherit_stderr()
    store, exports = wasi(config)
    exports["write"](store, 1)
    exports["write"](store, 2)
    store.close()
    assert capfd.readouterr() == ("Hello\n", "Hello\n")


def test_an_exit_is_an_exit_trap() -> None:
    store, exports = wasi(WasiConfig())
    for code in (0, 3):
        with pytest.raises(ExitTrap, match=f"Exited with i32 exit status {code}") as caught:
            exports["exit"](store, code)
        assert caught.value.code == code
        assert isinstance(caught.value, WasmtimeError)


def test_wasi_may_be_granted_after_instantiation() -> None:
    store, exports = wasi(None)
    with pytest.raises(WasmtimeError, match="set_wasi"):
        exports["write"](store, 1)
    written: list[bytes] = []
    config = WasiConfig()
    config.stdout_custom = written.append
    store.set_wasi(config)
    assert exports["write"](store, 1) == 0
    assert written == [b"Hello\n"]


def test_a_wasi_config_is_used_up() -> None:
    config = WasiConfig()
    Store().set_wasi(config)
    with pytest.raises(ValueError, match="already closed"):
        Store().set_wasi(config)
    with pytest.raises(ValueError, match="already closed"):
        config.argv = ["a"]
    with pytest.raises(ValueError, match="already closed"):
        config.inherit_env()


def test_files_that_cannot_be_opened_are_refused() -> None:
    config = WasiConfig()
    for name in ("stdin_file", "stdout_file", "stderr_file"):
        with pytest.raises(WasmtimeError, match="failed to set"):
            setattr(config, name, "no/such/directory/file")
    with pytest.raises(WasmtimeError, match="failed to add preopen dir"):
        config.preopen_dir("no/such/directory", "/")


PATHS = """
    (module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "file")
      (data (i32.const 8) "made")
      (func (export "open") (param $flags i32) (param $rights i64) (result i32)
        (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (local.get $flags) (local.get $rights)
          (i64.const 0) (i32.const 0) (i32.const 16)))
      (func (export "mkdir") (result i32) (call $mkdir (i32.const 3) (i32.const 8) (i32.const 4))))
"""
READ, WRITE = 2, 64


@pytest.mark.parametrize(
    ("arguments", "names", "writable"),
    [
        ((), {}, True),
        ((DirPerms.READ_WRITE, FilePerms.READ_WRITE), {}, True),
        ((True,), {}, True),
        ((False,), {}, False),
        ((), {"fs_mutable": False}, False),
        ((DirPerms.READ_ONLY, FilePerms.READ_ONLY), {}, False),
        ((DirPerms.READ_ONLY,), {}, False),
        ((DirPerms.READ_ONLY, FilePerms.READ_WRITE), {}, False),
        ((DirPerms.READ_WRITE, FilePerms.WRITE_ONLY), {}, True),
    ],
)
def test_directories_are_granted_as_far_as_said(
    arguments: tuple[Any, ...], names: dict[str, Any], writable: bool, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("text")
    config = WasiConfig()
    config.preopen_dir(os.fspath(tmp_path), "/", *arguments, **names)
    store, exports = wasi(config, PATHS)
    assert exports["open"](store, 0, READ) == 0
    assert (exports["open"](store, 0, READ | WRITE) == 0) == writable
    assert (exports["mkdir"](store) == 0) == writable
    assert (tmp_path / "made").exists() == writable


CREATE = 1


@pytest.mark.parametrize("arguments", [(None, FilePerms.READ_ONLY), (DirPerms.READ_WRITE, FilePerms.READ_ONLY)])
def test_a_directory_may_be_changed_where_its_files_may_not(arguments: tuple[Any, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    config = WasiConfig()
    config.preopen_dir(os.fspath(tmp_path), "/", *arguments)
    store, exports = wasi(config, PATHS)
    assert exports["open"](store, 0, READ) == 0
    assert exports["open"](store, 0, READ | WRITE) != 0
    assert exports["open"](store, CREATE, READ) != 0
    assert exports["mkdir"](store) == 0 and (tmp_path / "made").is_dir()


def test_a_directory_may_be_changed_where_nothing_in_it_may_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    config = WasiConfig()
    config.preopen_dir(os.fspath(tmp_path), "/", DirPerms.WRITE_ONLY, FilePerms.READ_WRITE)
    store, exports = wasi(config, PATHS)
    assert exports["open"](store, 0, READ) != 0
    assert exports["mkdir"](store) == 0 and (tmp_path / "made").is_dir()


ARGUMENTS = """
    (module
      (import "wasi_snapshot_preview1" "{what}_get" (func $get (param i32 i32) (result i32)))
      (memory (export "memory") 2)
      (func (export "get") (result i32) (call $get (i32.const 0) (i32.const 65536))))
"""


@pytest.mark.parametrize(
    ("what", "set_up", "start"),
    [
        ("args", lambda config: setattr(config, "argv", ("prog", "one two")), b"prog\0one two\0\0"),
        ("environ", lambda config: setattr(config, "env", [["A", "1"], ("B", "2")]), b"A=1\0B=2\0\0"),
    ],
)
def test_arguments_and_variables(what: str, set_up: Callable[[WasiConfig], None], start: bytes) -> None:
    config = WasiConfig()
    set_up(config)
    store, exports = wasi(config, ARGUMENTS.format(what=what))
    assert exports["get"](store) == 0
    assert bytes(exports["memory"].read(store, 65536, 65536 + len(start))) == start


def test_arguments_and_variables_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["this", "process"])
    monkeypatch.setattr("os.environ", {"ONLY": "this"})
    for what, start in (("args", b"this\0process\0\0"), ("environ", b"ONLY=this\0\0")):
        config = WasiConfig()
        config.inherit_argv()
        config.inherit_env()
        store, exports = wasi(config, ARGUMENTS.format(what=what))
        assert exports["get"](store) == 0
        assert bytes(exports["memory"].read(store, 65536, 65536 + len(start))) == start


def test_a_collection_lets_go_of_host_values() -> None:
    class Value:
        pass

    store = Store()
    module = Module(store.engine, '(module (func (export "f") (param externref)))')
    value = Value()
    gone = weakref.ref(value)
    Instance(store, module, []).exports(store)["f"](store, value)  # type: ignore[operator]
    del value
    store.gc()
    assert gone() is None


def test_instances_share_a_shared_memory() -> None:
    config = Config()
    config.shared_memory = True
    engine = Engine(config)
    memory = SharedMemory(engine, MemoryType(wasmtime.Limits(1, 2), shared=True))
    add = Module(
        engine,
        '(module (import "a" "m" (memory 1 2 shared)) '
        '(func (export "f") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 7))))',
    )
    found = []
    for _ in range(2):
        store, linker = Store(engine), Linker(engine)
        linker.define(store, "a", "m", memory)
        found.append(linker.instantiate(store, add).exports(store)["f"](store))  # type: ignore[operator]
    assert found == [0, 7]
