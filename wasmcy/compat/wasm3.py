"""The API of pywasm3 0.5: `import wasmcy.compat.wasm3 as wasm3`.

    >>> import base64
    >>> fib = base64.b64decode("AGFzbQEAAAABBgFgAX4BfgMCAQAHBwEDZmliAAAKHwEdACAAQgJUBEAgAA8LIABCAn0QACAAQgF9EAB8Dws=")
    >>> env = Environment()
    >>> runtime = env.new_runtime(2048)
    >>> runtime.load(env.parse_module(fib))
    >>> runtime.find_function("fib")(24)
    46368

A module is instantiated, and its start function run, when something of it is first asked for after `load`.
"""

from __future__ import annotations

import wasmcy
from wasmcy.types import F32, F64, I32, I64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["M3_VERSION", "Environment", "Function", "Module", "Runtime"]

M3_VERSION = "0.5.0"

_TYPES = {I32: 1, I64: 2, F32: 3, F64: 4}  # as wasm3 numbers them
_LETTERS = {"i": I32, "*": I32, "I": I64, "f": F32, "F": F64}
_MASKS = {I32: 0xFFFFFFFF, I64: 0xFFFFFFFFFFFFFFFF}
_UNITS_OF_GAS = 10000.0

# What wasm3 says instead of the specification's phrase.
_TRAPS = {
    "unreachable": "unreachable executed",
    "uninitialized element": "undefined element",
    "call stack exhausted": "stack overflow",
}


def _error(error: wasmcy.WasmError) -> RuntimeError:
    if isinstance(error, wasmcy.Exit):
        return RuntimeError("[trap] program called exit")
    if isinstance(error, (wasmcy.Trap, wasmcy.LimitError, wasmcy.GuestException)):
        text = next((theirs for ours, theirs in _TRAPS.items() if error.message.startswith(ours)), error.message)
        return RuntimeError(f"[trap] {text}")
    return RuntimeError(str(error))


def _wrapped(type_: wasmcy.ValType, value: Any) -> Any:
    """A number as wasm3 takes it: integers of any size, of which the low bits count."""
    mask = _MASKS.get(type_)
    return value if mask is None else value & mask


class Environment:
    """Where modules are parsed and runtimes made."""

    def new_runtime(self, stack_size_bytes: int) -> Runtime:
        """A runtime whose calls may use that much stack."""
        return Runtime(self, stack_size_bytes)

    def parse_module(self, data: bytes) -> Module:
        """A module of the binary format; RuntimeError if it is not valid."""
        if not isinstance(data, bytes):
            raise TypeError(f"expected bytes, {type(data).__name__} found")
        try:
            return Module(wasmcy.Module(data))
        except wasmcy.WasmError as error:
            raise RuntimeError(str(error)) from None


class Runtime:
    """Modules that run together."""

    def __init__(self, environment: Environment, stack_size: int) -> None:
        self.environment = environment
        if not isinstance(stack_size, int):
            raise TypeError("an integer is required")
        if stack_size < 0:
            raise OverflowError("a stack cannot be smaller than nothing")
        # wasm3 keeps return addresses elsewhere: a frame takes several times as much here.
        self.store = wasmcy.Store(wasmcy.Limits(depth=min(max(8 * stack_size, 1 << 16), 1 << 32)))
        self.modules: list[Module] = []

    def load(self, module: Module) -> None:
        """Add a module; its functions may be linked until one of its exports is asked for."""
        if not isinstance(module, Module):
            raise TypeError("load expects a Module")
        if module.runtime is not None:
            raise RuntimeError("attempting to bind module to multiple runtimes")
        module.runtime = self
        self.modules.append(module)

    def find_function(self, name: str) -> Function:
        """The exported function of that name, of the module loaded first."""
        for module in self.modules:
            found = module.function(name)
            if found is not None:
                return Function(found, name)
        raise RuntimeError(f"function lookup failed ('{name}')")

    def get_memory(self, index: int) -> memoryview | None:
        """The bytes of the runtime's memory, as a writable view; None if there is none.

        The view stays good when the memory grows, but shows what was there before; wasm3's dangles.
        """
        for module in self.modules:
            try:
                return memoryview(module.instance.object_at("memory", 0))
            except IndexError:
                continue
        return None


class Module:
    """A parsed module."""

    def __init__(self, module: wasmcy.Module) -> None:
        self.module = module
        self.runtime: Runtime | None = None
        self.links: dict[tuple[str, str], Callable[..., Any]] = {}
        self._instance: wasmcy.Instance | None = None
        self._gas = [0.0, 0.0]  # what there was, what is left

    @property
    def name(self) -> str:
        return self.module.name or ".unnamed"

    @property
    def gasLimit(self) -> float:
        """What a module that meters itself (by the import metering.usegas) may use."""
        return self._gas[0] / _UNITS_OF_GAS

    @gasLimit.setter
    def gasLimit(self, limit: float) -> None:
        self._gas = [float(int(limit * _UNITS_OF_GAS))] * 2

    @property
    def gasUsed(self) -> float:
        return (self._gas[0] - self._gas[1]) / _UNITS_OF_GAS

    def link_function(self, module: str, name: str, *signature_and_function: Any) -> None:
        """Provide an import: `link_function(module, name, [signature,] function)`.

        A signature is the result and the parameters: `v(i*)`, `I(iIfF)`. Names that the module does not import
        are ignored; `*` as module's name means any.

        Raises:
            RuntimeError: the signature is malformed, or not that of the import.
            TypeError: `function` cannot be called.
        """
        if len(signature_and_function) not in (1, 2):
            raise TypeError("link_function takes 3 or 4 arguments")
        function = signature_and_function[-1]
        if not callable(function):
            raise TypeError("function should be a callable object")
        signature = _signature(signature_and_function[0]) if len(signature_and_function) == 2 else None
        for wanted in self.module.imports:
            type_ = wanted.type
            if wanted.name != name or module not in ("*", wanted.module) or not isinstance(type_, wasmcy.FuncType):
                continue
            if signature is not None and signature != type_:
                raise RuntimeError("function signature mismatch")
            self.links[wanted.module, name] = function

    def get_global(self, name: str) -> int | float:
        """The value of an exported global."""
        value: int | float = self._global(name).value
        return value

    def set_global(self, name: str, value: int | float) -> None:
        """Set an exported global."""
        variable = self._global(name)
        if not variable.mutable:
            raise RuntimeError("attempting to set a constant global")
        variable.value = _wrapped(variable.type.type, value)

    def _global(self, name: str) -> wasmcy.Global:
        found = self.instance.exports.get(name)
        if not isinstance(found, wasmcy.Global):
            raise RuntimeError("global lookup failed")
        return found

    def function(self, name: str) -> wasmcy.Func | None:
        """The exported function of that name."""
        found = self.instance.exports.get(name)
        return found if isinstance(found, wasmcy.Func) else None

    @property
    def instance(self) -> wasmcy.Instance:
        """The module's instance, made when it is first asked for."""
        if self._instance is None:
            if self.runtime is None:
                raise RuntimeError("the module has not been loaded into a runtime")
            provided: dict[str, dict[str, Any]] = {}
            for wanted in self.module.imports:
                provided.setdefault(wanted.module, {})[wanted.name] = self._provide(wanted)
            try:
                self._instance = self.module.instantiate(provided, store=self.runtime.store)
            except wasmcy.WasmError as error:
                raise _error(error) from None
        return self._instance

    def _provide(self, wanted: wasmcy.ImportType) -> Any:
        """What an import gets: functions are looked up when they are called, all else is made."""
        type_ = wanted.type
        if isinstance(type_, wasmcy.MemoryType):
            return wasmcy.Memory(type=type_)
        if isinstance(type_, wasmcy.TableType):
            return wasmcy.Table(type=type_)
        if isinstance(type_, wasmcy.GlobalType):
            return wasmcy.Global(type=type_)
        if not isinstance(type_, wasmcy.FuncType):
            return wasmcy.Tag(type_.params)
        key, results, links = (wanted.module, wanted.name), type_.results, self.links
        if key == ("metering", "usegas") and key not in links:
            links[key] = self._use_gas

        def call(*arguments: Any) -> Any:
            try:
                function = links[key]
            except KeyError:
                raise RuntimeError(f"missing imported function ('{key[0]}.{key[1]}')") from None
            return _results(results, function(*arguments))

        return call

    def _use_gas(self, gas: int) -> None:
        self._gas[1] -= gas
        if self._gas[1] < 0:
            raise RuntimeError("[trap] Out of gas")


def _signature(text: str) -> wasmcy.FuncType:
    """The type that a signature such as `i(iI)` stands for."""
    result, opened, rest = text.replace(" ", "").partition("(")
    params, closed, more = rest.partition(")")
    letters = [letter for letter in result if letter != "v"]
    if not opened or not closed or more or not {*letters, *params} <= _LETTERS.keys() or len(result) != 1:
        raise RuntimeError("malformed function signature")
    return wasmcy.FuncType([_LETTERS[letter] for letter in params], [_LETTERS[letter] for letter in letters])


def _results(types: tuple[wasmcy.ValType, ...], given: Any) -> Any:
    """What a Python function returned, as the engine wants it."""
    if not types:
        return None
    if isinstance(given, tuple):
        if len(given) != len(types):
            raise RuntimeError("python call: return tuple length mismatch")
        wrapped = tuple(map(_wrapped, types, given))
        return wrapped if len(types) > 1 else wrapped[0]
    if len(types) > 1:
        raise RuntimeError("python call: should return a tuple")
    if given is None:
        raise RuntimeError("python call: should return a value")
    return _wrapped(types[0], given)


class Function:
    """An exported function: takes and returns ints and floats, several results as a tuple."""

    def __init__(self, function: wasmcy.Func, name: str) -> None:
        self._function = function
        self._masks = [_MASKS.get(t) for t in function.type.params]
        self.name = name

    @property
    def num_args(self) -> int:
        return len(self._function.type.params)

    @property
    def num_rets(self) -> int:
        return len(self._function.type.results)

    @property
    def arg_types(self) -> tuple[int, ...]:
        """The types of the parameters: 1 for i32, 2 i64, 3 f32, 4 f64."""
        return tuple([_TYPES[t] for t in self._function.type.params])

    @property
    def ret_types(self) -> tuple[int, ...]:
        return tuple([_TYPES[t] for t in self._function.type.results])

    def __call__(self, *arguments: Any) -> Any:
        if len(arguments) < len(self._masks):
            raise RuntimeError("argument count mismatch")  # where there are too many, the last are dropped
        numbers = [
            number if mask is None else number & mask for number, mask in zip(arguments, self._masks, strict=False)
        ]
        try:
            return self._function(*numbers)
        except wasmcy.WasmError as error:
            raise _error(error) from None

    def call_argv(self, *arguments: str) -> Any:
        """Call with numbers as texts."""
        if not all(isinstance(argument, str) for argument in arguments):
            raise RuntimeError("all arguments should be strings")
        if len(arguments) != len(self._masks):
            raise RuntimeError("argument count mismatch")
        read = [float if mask is None else int for mask in self._masks]
        return self(*[convert(text) for convert, text in zip(read, arguments, strict=True)])
