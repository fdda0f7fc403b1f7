"""The layer for pywasm: what its programs do, as pywasm does it."""

import io
import os
import struct
from pathlib import Path
from typing import Any

import pytest

import wasmcy
import wasmcy.compat.pywasm as pywasm
from tests.compat.assembling import assemble

GUEST = assemble("""
    (module
      (import "env" "double" (func $double (param i32) (result i32)))
      (import "env" "store" (func $store (param i32)))
      (import "env" "limit" (global $limit i64))
      (memory (export "memory") 1 2)
      (global (export "g") (mut i32) (i32.const 5))
      (data (i32.const 8) "wasm")
      (func (export "quadruple") (param i32) (result i32) (call $double (call $double (local.get 0))))
      (func (export "store") (param i32) (call $store (local.get 0)))
      (func (export "limit") (result i64) (global.get $limit))
      (func (export "all") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
        (local.get 3) (local.get 2) (local.get 1) (local.get 0))
      (func (export "unreachable") unreachable))
""")
I32, I64 = pywasm.ValType.i32(), pywasm.ValType.i64()


@pytest.fixture
def guest() -> tuple[pywasm.Runtime, pywasm.ModuleInst]:
    runtime = pywasm.core.Runtime()

    def store(machine: pywasm.Machine, args: list[Any]) -> list[Any]:
        module = machine.stack.frame[-1].module
        machine.store.mems[module.mems[0]].put(args[0], bytearray(b"Python"))
        return []

    runtime.imports["env"] = {
        "double": runtime.allocate_func_host(pywasm.FuncType([I32], [I32]), lambda m, args: [2 * args[0]]),
        "store": runtime.allocate_func_host(pywasm.FuncType([I32], []), store),
        "limit": runtime.allocate_global(pywasm.GlobalType(I64, 0), pywasm.ValInst.from_i64(77)),
    }
    return runtime, runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(GUEST)))


def test_functions_take_and_return_lists(guest: tuple[pywasm.Runtime, pywasm.ModuleInst]) -> None:
    runtime, module = guest
    assert runtime.invocate(module, "quadruple", [10]) == [40]
    assert runtime.invocate(module, "limit", []) == [77]
    assert runtime.invocate(module, "all", [2**32 - 1, -(2**63), 1.5, 2.5]) == [2.5, 1.5, -(2**63), -1]


def test_host_functions_reach_the_memory_of_their_caller(guest: tuple[pywasm.Runtime, pywasm.ModuleInst]) -> None:
    runtime, module = guest
    assert runtime.invocate(module, "store", [32]) == []
    assert runtime.exported_memory(module, "memory").get(32, 6) == bytearray(b"Python")


def test_memories_are_read_and_written(guest: tuple[pywasm.Runtime, pywasm.ModuleInst]) -> None:
    runtime, module = guest
    memory = runtime.exported_memory(module, "memory")
    assert (memory.size, memory.get(8, 4), bytes(memory.data[8:12])) == (1, bytearray(b"wasm"), b"wasm")
    memory.put(0, bytearray(b"\xff" * 8))
    assert (memory.get_u8(0), memory.get_u16(0), memory.get_i32(0)) == (255, 65535, -1)
    assert (memory.get_u32(0), memory.get_i64(0), memory.get_u64(0)) == (2**32 - 1, -1, 2**64 - 1)
    memory.put_u8(0, 1)
    memory.put_u16(2, 2)
    memory.put_u32(4, 3)
    assert memory.get(0, 8) == bytearray(b"\x01\xff\x02\x00\x03\x00\x00\x00")
    memory.put_i32(0, -2)
    memory.put_i64(8, -3)
    memory.put_u64(16, 4)
    assert struct.unpack("<i4xqQ", memory.get(0, 24)) == (-2, -3, 4)
    memory.grow(1)
    assert memory.size == 2
    with pytest.raises(AssertionError):
        memory.grow(1)
    with pytest.raises(IndexError):
        memory.get(1 << 20, 1)


def test_globals_are_read_and_set(guest: tuple[pywasm.Runtime, pywasm.ModuleInst]) -> None:
    runtime, module = guest
    variable = runtime.exported_global(module, "g")
    assert (variable.data.into_i32(), repr(variable)) == (5, "i32 5")
    variable.data = pywasm.ValInst.from_i32(-1)
    assert runtime.exported_global(module, "g").data.into_u32() == 2**32 - 1


def test_exports_have_addresses(guest: tuple[pywasm.Runtime, pywasm.ModuleInst]) -> None:
    runtime, module = guest
    named = {export.name: export.data for export in module.exps}
    assert (named["memory"].kind, named["g"].kind, named["all"].kind) == (2, 3, 0)
    function = runtime.machine.store.func[named["all"].data]
    assert repr(function.type) == "[i32, i64, f32, f64] -> [f64, f32, i64, i32]"


@pytest.mark.parametrize(
    ("name", "args", "error"),
    [("nope", [], IndexError), ("all", [1], AssertionError), ("memory", [], AssertionError)],
)
def test_wrong_calls_are_errors(
    guest: tuple[pywasm.Runtime, pywasm.ModuleInst], name: str, args: list[int], error: type[Exception]
) -> None:
    runtime, module = guest
    with pytest.raises(error):
        runtime.invocate(module, name, args)


def test_traps_are_exceptions(guest: tuple[pywasm.Runtime, pywasm.ModuleInst]) -> None:
    runtime, module = guest
    with pytest.raises(wasmcy.Trap, match="unreachable"):
        runtime.invocate(module, "unreachable", [])


def test_missing_imports_are_errors() -> None:
    with pytest.raises(KeyError):
        pywasm.core.Runtime().instance(pywasm.ModuleDesc.from_reader(io.BytesIO(GUEST)))


def test_memories_and_tables_are_allocated() -> None:
    runtime = pywasm.core.Runtime()
    limits = pywasm.Limits(1, 2)
    runtime.imports["env"] = {
        "memory": runtime.allocate_memory(pywasm.MemType(limits)),
        "table": runtime.allocate_table(pywasm.TableType(pywasm.ValType.ref_func(), limits)),
    }
    text = '(module (import "env" "memory" (memory 1 2)) (import "env" "table" (table 1 2 funcref)) (export "m" (memory 0)))'
    module = runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(assemble(text))))
    assert runtime.exported_memory(module, "m") is runtime.machine.store.mems[0]


@pytest.mark.parametrize(
    ("make", "take", "value"),
    [
        ("from_i32", "into_i32", -5),
        ("from_i64", "into_i64", -5),
        ("from_u32", "into_u32", 2**32 - 1),
        ("from_u64", "into_u64", 2**64 - 1),
        ("from_f32", "into_f32", 1.5),
        ("from_f64", "into_f64", 0.1),
        ("from_v128", "into_v128", bytearray(range(16))),
        ("from_v128_i8", "into_v128_i8", list(range(-8, 8))),
        ("from_v128_u16", "into_v128_u16", list(range(8))),
        ("from_v128_f64", "into_v128_f64", [1.5, -2.5]),
    ],
)
def test_values_keep_what_they_are_made_of(make: str, take: str, value: object) -> None:
    assert getattr(getattr(pywasm.ValInst, make)(value), take)() == value


def test_values_of_references_may_be_null() -> None:
    assert pywasm.ValInst.zero(pywasm.ValType.ref_extern()).into_all() is None
    assert pywasm.ValInst.from_ref(pywasm.ValType.ref_extern(), 7).into_ref() == 7
    with pytest.raises(AssertionError):
        pywasm.ValInst.zero(pywasm.ValType.ref_func()).into_ref()


HELLO = Path(__file__).parent.parent.parent / "examples" / "guests" / "hello.wasm"


def test_a_wasi_program_writes_into_a_pipe() -> None:
    runtime = pywasm.core.Runtime()
    wasi = pywasm.wasi.Preview1(["hello"], {}, {})
    wasi.fd[1].pipe = io.BytesIO(bytearray())
    wasi.bind(runtime)
    assert wasi.main(runtime, runtime.instance_from_file(os.fspath(HELLO))) == 0
    assert wasi.fd[1].pipe.read() == b"Hello from WebAssembly!\n"


EXITS = assemble("""
    (module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const 7))))
""")


def test_the_exit_code_of_a_wasi_program_is_returned_or_the_processs() -> None:
    for process in (False, True):
        runtime = pywasm.core.Runtime()
        wasi = pywasm.wasi.Preview1(["exits"], {}, {})
        wasi.return_on_exit = int(not process)
        wasi.bind(runtime)
        module = runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(EXITS)))
        if process:
            with pytest.raises(SystemExit) as caught:
                wasi.main(runtime, module)
            assert caught.value.code == 7
        else:
            assert wasi.main(runtime, module) == 7


OLDER = assemble("""
    (module
      (import "env" "fib" (func $fib (param i32) (result i32)))
      (import "env" "n" (global i32))
      (memory 1)
      (data (i32.const 0) "!")
      (func (export "get") (param i32) (result i32) (call $fib (local.get 0)))
      (func (export "n") (result i32 i32) (global.get 0) (i32.const 1)))
""")


def test_the_older_api_loads_and_executes(tmp_path: Path) -> None:
    (tmp_path / "env.wasm").write_bytes(OLDER)

    def fib(ctx: pywasm.Ctx, n: int) -> int:
        return n + ctx.memory_list[0].get_u8(0)

    runtime = pywasm.load(os.fspath(tmp_path / "env.wasm"), {"env": {"fib": fib, "n": 9}})
    assert runtime.exec("get", [10]) == 43
    assert runtime.exec("n", []) == [9, 1]
    with pytest.raises(Exception, match="function not found"):
        runtime.exec("nope", [])


def test_messages_are_printed_when_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pywasm.log.debugln("nothing")
    monkeypatch.setattr(pywasm.log, "lvl", 1)
    pywasm.log.debugln("something")
    assert capsys.readouterr().out.endswith("pywasm: something\n")
