"""The engines that are compared, each behind the same few methods.

An engine that is not installed is left out. Peers and their interfaces are those of the package index:
`pywasm3` (module `wasm3`) and `wasmtime`.
"""

import importlib
import importlib.metadata
import os
from collections.abc import Callable
from functools import partial
from typing import Any

Function = Callable[..., Any]


class Engine:
    """What a benchmark needs of an engine; subclasses import their package when they are made."""

    name = ""
    module = ""
    distribution = ""
    vectors = True  # whether it has SIMD
    collects = True  # it has structs and arrays

    def __init__(self) -> None:
        self.api: Any = importlib.import_module(self.module)
        try:
            self.version = importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            self.version = "from its source"

    def prepare(self, wasm: bytes) -> object:
        """What can be made once of a module's bytes, before it is instantiated."""
        raise NotImplementedError

    def instantiate(self, prepared: Any) -> object:
        """A new instance, without imports, of what `prepare` made."""
        raise NotImplementedError

    def load(self, wasm: bytes, export: str, host: Function | None = None) -> Function:
        """An exported function, called with numbers; `host` is the import `env.f (i32 i32) -> i32`."""
        raise NotImplementedError

    def load_logger(self, wasm: bytes, sink: Callable[[str], None]) -> Function:
        """The export `run` of a module whose import `env.log (at, length)` hands a string to `sink`."""
        raise NotImplementedError

    def validate(self, wasm: bytes) -> None:
        """Loads and validates a module, as far as the engine does that, without compiling it."""
        raise NotImplementedError

    has_system = False
    """Whether `load_system` is there."""

    def load_system(self, wasm: bytes, export: str, folder: str) -> Function:
        """An exported function of a WASI module that has `folder` as its "/", the clocks, and a null device as
        standard output."""
        raise NotImplementedError


class Wasmcy(Engine):
    name, module, distribution = "wasmcy", "wasmcy", "wasmcy"

    def __init__(self) -> None:
        super().__init__()
        if not hasattr(self.api, "Module"):
            raise ImportError("the extension modules are not built")

    def prepare(self, wasm: bytes) -> object:
        return self.api.Module(wasm)

    def instantiate(self, prepared: Any) -> object:
        return prepared.instantiate()

    def load(self, wasm: bytes, export: str, host: Function | None = None) -> Function:
        instance = self.api.Module(wasm).instantiate({"env": {"f": host}} if host else {})
        function: Function = instance.exports[export]
        return function

    def load_logger(self, wasm: bytes, sink: Callable[[str], None]) -> Function:
        @self.api.with_caller  # type: ignore[untyped-decorator, unused-ignore]
        def log(caller: Any, at: int, length: int) -> None:
            sink(caller.memory[at : at + length].decode())

        run: Function = self.api.Module(wasm).instantiate({"env": {"log": log}}).exports.run
        return run

    def validate(self, wasm: bytes) -> None:
        self.api.Module(wasm)

    has_system = True

    def load_system(self, wasm: bytes, export: str, folder: str) -> Function:
        out = open(os.devnull, "wb")  # noqa: SIM115 it lives as long as the instance
        wasi = self.api.Wasi(stdout=out, dirs={"/": folder}, clock=self.api.INHERIT)
        function: Function = self.api.Module(wasm).instantiate(wasi=wasi).exports[export]
        return function


class Pywasm3(Engine):
    name, module, distribution = "pywasm3", "wasm3", "pywasm3"
    vectors = False
    STACK = 1 << 20
    collects = False

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[object] = []  # a function does not keep its runtime alive

    def _runtime(self, wasm: bytes) -> tuple[Any, Any]:
        environment = self.api.Environment()
        runtime = environment.new_runtime(self.STACK)
        parsed = environment.parse_module(wasm)
        runtime.load(parsed)
        return runtime, parsed

    def prepare(self, wasm: bytes) -> object:
        return wasm

    def instantiate(self, prepared: Any) -> object:
        return self._runtime(prepared)

    def load(self, wasm: bytes, export: str, host: Function | None = None) -> Function:
        runtime, parsed = self._runtime(wasm)
        self.alive.append((runtime, parsed))
        if host:
            parsed.link_function("env", "f", "i(ii)", host)
        function: Function = runtime.find_function(export)
        return function

    def load_logger(self, wasm: bytes, sink: Callable[[str], None]) -> Function:
        runtime, parsed = self._runtime(wasm)
        self.alive.append((runtime, parsed))
        memory = runtime.get_memory(0)

        def log(at: int, length: int) -> None:
            sink(bytes(memory[at : at + length]).decode())

        parsed.link_function("env", "log", "v(ii)", log)
        run: Function = runtime.find_function("run")
        return run

    def validate(self, wasm: bytes) -> None:
        self.api.Environment().parse_module(wasm)


class Wasmtime(Engine):
    name, module, distribution = "wasmtime", "wasmtime", "wasmtime"

    def __init__(self) -> None:
        super().__init__()
        self.engine = self.api.Engine()

    def prepare(self, wasm: bytes) -> object:
        return self.api.Module(self.engine, wasm)

    def instantiate(self, prepared: Any) -> object:
        return self.api.Instance(self.api.Store(self.engine), prepared, [])

    def load(self, wasm: bytes, export: str, host: Function | None = None) -> Function:
        store = self.api.Store(self.engine)
        imports = [self.api.Func(store, self._type(2, 1), host)] if host else []
        function = self.api.Instance(store, self.prepare(wasm), imports).exports(store)[export]
        return partial(function, store)

    def load_logger(self, wasm: bytes, sink: Callable[[str], None]) -> Function:
        store = self.api.Store(self.engine)

        def log(caller: Any, at: int, length: int) -> None:
            sink(caller["memory"].read(caller, at, at + length).decode())

        host = self.api.Func(store, self._type(2, 0), log, access_caller=True)
        run = self.api.Instance(store, self.prepare(wasm), [host]).exports(store)["run"]
        return partial(run, store)

    def _type(self, params: int, results: int) -> object:
        i32 = self.api.ValType.i32()
        return self.api.FuncType([i32] * params, [i32] * results)

    def validate(self, wasm: bytes) -> None:
        self.api.Module.validate(self.engine, wasm)

    has_system = True

    def load_system(self, wasm: bytes, export: str, folder: str) -> Function:
        store, linker, config = self.api.Store(self.engine), self.api.Linker(self.engine), self.api.WasiConfig()
        config.stdout_file = os.devnull
        config.preopen_dir(folder, "/")
        store.set_wasi(config)
        linker.define_wasi()
        return partial(linker.instantiate(store, self.prepare(wasm)).exports(store)[export], store)


ENGINES: dict[str, type[Engine]] = {e.name: e for e in (Wasmcy, Pywasm3, Wasmtime)}


def available(names: list[str]) -> tuple[list[Engine], list[str]]:
    """The engines of these names that are installed, and why each of the others is left out."""
    found: list[Engine] = []
    missing: list[str] = []
    for name in names:
        try:
            found.append(ENGINES[name]())
        except ImportError as error:
            missing.append(f"{name} is left out: {error}")
    return found, missing
