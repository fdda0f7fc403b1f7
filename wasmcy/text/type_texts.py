"""Types as text, with identifiers for type indices. Spec: 6.4 "Types"."""

from __future__ import annotations

from ..types import CONCRETE, EXACT, HEAP_NAMES, INDEX_MASK, NULL, REF, ArrayType, FuncType, StructType, val_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..module import ModuleSyntax
    from ..types import FieldType, GlobalType, MemoryType, SubType, TableType
    from .identifiers import Identifiers, Space


class TypeTexts:
    """Writes the types of a module."""

    def __init__(self, names: Identifiers, module: ModuleSyntax | None = None) -> None:
        self._names = names
        self._module = module
        self._types = names.of("type")
        self._vals: dict[int, str] = {}
        self._fields: dict[int, Space] = {}

    def use(self, index: int) -> str:
        """A type use: `(type 3)`."""
        return f"(type {self._types.ref(index)})"

    def fields(self, index: int) -> Space:
        """The identifiers of a struct's fields."""
        space = self._fields.get(index)
        if space is None:
            comp = self._module.types[index].comp if self._module and index < len(self._module.types) else None
            size = len(comp.fields) if isinstance(comp, StructType) else 0
            space = self._fields[index] = self._names.inside("field", index, size)
        return space

    def heap(self, heap: int) -> str:
        if not heap & CONCRETE:
            return HEAP_NAMES[heap & INDEX_MASK]
        name = self._types.ref(heap & INDEX_MASK)
        return f"(exact {name})" if heap & EXACT else name

    def val(self, bits: int) -> str:
        """A value type or packed type."""
        text = self._vals.get(bits)
        if text is None:
            if bits & REF and bits & CONCRETE:
                text = f"(ref {'null ' if bits & NULL else ''}{self.heap(bits)})"
            else:
                text = str(val_type(bits))
            self._vals[bits] = text
        return text

    def params(self, types: Iterable[int], names: Space | None = None, word: str = "param", first: int = 0) -> str:
        """Parameters, or locals from index `first` on: ` (param i32 i64) (param $x i32)`, or nothing."""
        text = ""
        inside = False
        for index, bits in enumerate(types, first):
            if names is not None and names.named(index):
                text += f"{')' if inside else ''} ({word} {names.head(index)} {self.val(bits)})"
                inside = False
            else:
                text += f" {'' if inside else f'({word} '}{self.val(bits)}"
                inside = True
        return text + ")" if inside else text

    def signature(self, func_type: FuncType, names: Space | None = None) -> str:
        """Parameters and results, each part after a blank."""
        return self.params(func_type.params, names) + self.params(func_type.results, word="result")

    def field(self, field: FieldType) -> str:
        return f"(mut {self.val(field.storage)})" if field.mutable else self.val(field.storage)

    def comp(self, index: int, comp: FuncType | StructType | ArrayType) -> str:
        if isinstance(comp, FuncType):
            return f"(func{self.signature(comp)})"
        if isinstance(comp, ArrayType):
            return f"(array {self.field(comp.field)})"
        names = self.fields(index)
        parts = ["(struct"]
        for number, field in enumerate(comp.fields):
            head = names.head(number) + " " if names.named(number) else ""
            parts.append(f"(field {head}{self.field(field)})")
        return " ".join(parts) + ")"

    def sub(self, index: int, type: SubType) -> str:
        """What is defined at a type index."""
        text = self.comp(index, type.comp)
        if type.descriptor is not None:
            text = f"(descriptor {self._types.ref(type.descriptor)}) {text}"
        if type.describes is not None:
            text = f"(describes {self._types.ref(type.describes)}) {text}"
        if type.final and not type.supers:
            return text
        words = ["sub", *(["final"] if type.final else []), *map(self._types.ref, type.supers)]
        return f"({' '.join(words)} {text})"

    def table(self, type: TableType) -> str:
        """What follows the head of a table: `i64 10 20 funcref`."""
        return f"{'i64 ' if type.is64 else ''}{type.size} {self.val(type.element)}"

    def memory(self, type: MemoryType) -> str:
        page = "" if type.page_size_log2 == 16 else f" (pagesize {1 << type.page_size_log2})"
        return f"{'i64 ' if type.is64 else ''}{type.size}{' shared' if type.shared else ''}{page}"

    def variable(self, type: GlobalType) -> str:
        return f"(mut {self.val(type.type)})" if type.mutable else self.val(type.type)
