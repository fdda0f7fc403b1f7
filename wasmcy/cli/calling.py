"""An exported function from the command line: its arguments from their texts, its results as text."""

from __future__ import annotations

from ..errors import WasmError
from .options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..runtime import ExternType, Module
    from ..types import FuncType, ValType


def entry(module: Module, name: str | None, arguments: list[str]) -> tuple[str | None, list[Any]]:
    """The export to call, and its arguments.

    Raises:
        WasmError: there is no such function.
        UsageError: arguments that the function does not take.
    """
    functions: dict[str, FuncType] = {item.name: item.type for item in module.exports if item.kind == "func"}  # type: ignore[misc]
    if name is None:
        if "_start" in functions:
            return "_start", []
        if module._syntax.start is not None:
            return None, []
        known = ", ".join(functions)
        raise WasmError(f"no _start is exported; --invoke may name {known or 'nothing, for it exports no function'}")
    if name not in functions:
        raise WasmError(f"no function {name!r} is exported{', only ' + ', '.join(functions) if functions else ''}")
    params = functions[name].params
    if len(arguments) != len(params):
        raise UsageError(f"{name} takes {len(params)} arguments {functions[name]}, {len(arguments)} are given")
    return name, [_value(text, valtype) for text, valtype in zip(arguments, params, strict=True)]


def _value(text: str, valtype: ValType) -> int | float | None:
    """An argument from its text: 42, -0x2a, 1.5, inf, 0x1.8p3, null."""
    from ..types import F32, F64, I32, I64

    try:
        if valtype in (I32, I64):
            number = int(text, 0) if "x" in text.lower() else int(text)
            bits = 32 if valtype == I32 else 64
            if not -(1 << bits - 1) <= number < 1 << bits:
                raise UsageError(f"{text} does not fit {valtype}")
            return number
        if valtype in (F32, F64):
            return float.fromhex(text) if "x" in text.lower() else float(text)
    except (ValueError, OverflowError):
        raise UsageError(f"not an {valtype}: {text!r}") from None
    if valtype.is_nullable and text == "null":
        return None
    only = " but null" if valtype.is_nullable else ""
    raise UsageError(f"no value of type {valtype} can be written here{only}: {text!r}")


def print_results(module: Module, name: str, results: Any) -> None:
    """The results of a function, one in a line."""
    from struct import pack, unpack

    from ..text.spelling import f32_text
    from ..types import F32

    func_type: ExternType = next(item.type for item in module.exports if item.name == name)
    types: tuple[ValType, ...] = func_type.results  # type: ignore[union-attr]
    for valtype, value in zip(types, results if len(types) > 1 else (results,), strict=False):
        if valtype == F32:
            print(f32_text(unpack("<I", pack("<f", value))[0]))
        else:
            print("null" if value is None else value)
