"""Components: they exist for programs that import them; using them raises NotImplementedError."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = [
    *("Component", "ExportIndex", "Linker", "LinkerInstance", "Instance", "Func", "ResourceType", "ResourceAny"),
    *("ResourceHost", "ComponentType", "ModuleType", "ComponentItem", "ComponentInstanceType", "FuncType", "ValType"),
    *("Bool", "U8", "U16", "U32", "U64", "S8", "S16", "S32", "S64", "F32", "F64", "Char", "String", "ErrorContext"),
    *("ListType", "RecordType", "TupleType", "VariantType", "EnumType", "OptionType", "ResultType", "FlagsType"),
    *("StreamType", "FutureType", "OwnType", "BorrowType", "Variant", "Record"),
]


class _Missing:
    """A class of the component model."""

    def __init__(self, *arguments: object, **names: object) -> None:
        raise NotImplementedError("wasmcy does not run components")

    @classmethod
    def from_file(cls, *arguments: object) -> NoReturn:
        raise NotImplementedError("wasmcy does not run components")

    validate = deserialize = deserialize_file = from_file


for _name in __all__:
    globals()[_name] = type(_name, (_Missing,), {"__module__": __name__, "__doc__": _Missing.__doc__})
