"""Validation of a module: all that stands outside of bodies, and the bodies unless they wait.

Spec: 3.5 "Modules", and 3.2 "Types" for the types in it.
"""

from __future__ import annotations

from ..errors import InvalidError
from ..matching import comp_matches, is_subtype
from ..types import CONCRETE, I32, I64, INDEX_MASK, FuncType, StructType
from .context import Context
from .validator import Validator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Data, Elem, Expr, Global, Import, ModuleSyntax, Table
    from ..types import MemoryType, SubType, TableType

MAX_TABLE_32 = (1 << 32) - 1
MAX_TABLE_64 = (1 << 64) - 1


def validate(module: ModuleSyntax, context: Context | None = None, bodies: bool = True) -> Context:
    """Validate a module; returns the context that its bodies are validated in.

    `bodies=False` leaves the bodies for later, to `Validator.function`.

    Raises:
        InvalidError: the module is not valid, or exceeds an implementation limit.
        MalformedError: the bytes of an expression or body are none.
    """
    if context is None:
        context = Context(module)
    ModuleValidator(module, context).validate(bodies)
    return context


class ModuleValidator:
    """The checks of `validate`, one method for each kind of part."""

    def __init__(self, module: ModuleSyntax, context: Context) -> None:
        self.module = module
        self.context = context
        self.validator = Validator(context)

    def validate(self, bodies: bool) -> None:
        for index in range(len(self.module.types)):
            self.sub_type(index)
        for item in self.module.imports:
            self.import_(item)
        self.functions()
        for table in self.module.tables:
            self.table(table)
        for memory in self.module.memories:
            self.memory_type(memory, None)
        for index in self.module.tags:
            self.tag_type(index, None)
        for number, variable in enumerate(self.module.globals):
            self.global_(number, variable)
        self.exports()
        self.start()
        for number, elem in enumerate(self.module.elems):
            self.elem(number, elem)
        for data in self.module.datas:
            self.data(data)
        if bodies:
            self.bodies()

    # Types

    def sub_type(self, index: int) -> None:
        """Spec: 3.2.11 "Recursive Types". What indices a type may use was checked before."""
        types = self.module.types
        sub = types[index]
        if sub.describes is not None or sub.descriptor is not None:
            self.descriptor_clauses(index, sub)
        if len(sub.supers) > 1:
            raise InvalidError(f"sub type {index} has more than one super type")
        for above in sub.supers:
            sup = types[above]
            self.descriptors_match(index, sub, above, sup)
            if sup.final or not comp_matches(sub.comp, sup.comp, self.context.canon_ids):
                why = ", which is final" if sup.final else f": {sub.comp} and {sup.comp}"
                raise InvalidError(f"sub type {index} does not match super type {above}{why}")

    # Descriptors. Spec: the proposal "Custom Descriptors", "Custom Descriptor Definitions".

    def descriptor_clauses(self, index: int, sub: SubType) -> None:
        """A type and its descriptor, which comes later in the group, name each other."""
        types = self.module.types
        if sub.describes is not None:
            if sub.describes >= index:
                raise InvalidError(f"forward use of described type {sub.describes} in type {index}")
            if types[sub.describes].descriptor != index:
                raise InvalidError(f"described type is not described by descriptor: {sub.describes} by {index}")
        if sub.descriptor is not None and types[sub.descriptor].describes != index:
            raise InvalidError(f"type is not described by its descriptor: {index} by {sub.descriptor}")
        if not isinstance(sub.comp, StructType):
            which = "described" if sub.descriptor is None else "descriptor"
            raise InvalidError(f"{which} type must be a struct: type {index} is {sub.comp}")

    def descriptors_match(self, index: int, sub: SubType, above: int, sup: SubType) -> None:
        """What describes a type, and what it describes, match those of its super type."""
        lost = sub.descriptor is None and sup.descriptor is not None
        if lost or (sub.describes is None) is not (sup.describes is None):
            raise InvalidError(f"sub type {index} does not match super type {above}: {sub} and {sup}")
        for what, mine, its in (
            ("described", sub.describes, sup.describes),
            ("descriptor", sub.descriptor, sup.descriptor),
        ):
            if mine is not None and its is not None:
                canon = self.context.canon_ids
                if not is_subtype(canon[mine], canon[its]):
                    raise InvalidError(f"{what} type {mine} does not match {its}, that of super type {above}")

    def val_type(self, valtype: int, offset: int | None) -> None:
        if valtype & CONCRETE and valtype & INDEX_MASK >= self.context.n_types:
            raise InvalidError(f"unknown type {valtype & INDEX_MASK}", offset)

    def func_type(self, index: int, offset: int | None, function: int | None = None) -> FuncType:
        if index >= self.context.n_types:
            raise InvalidError(f"unknown type {index}", offset, function)
        comp = self.module.types[index].comp
        if not isinstance(comp, FuncType):
            message = f"type mismatch: type {index} is no function type"
            raise InvalidError(message, offset, function)
        return comp

    def table_type(self, table: TableType, offset: int | None) -> None:
        self.val_type(table.element, offset)
        self.size_range(table, offset)
        most = MAX_TABLE_64 if table.is64 else MAX_TABLE_32
        if max(table.min, table.max or 0) > most:
            raise InvalidError(f"table size must be at most {most} elements", offset)

    def memory_type(self, memory: MemoryType, offset: int | None) -> None:
        if memory.page_size_log2 not in (0, 16):
            size = 1 << memory.page_size_log2
            raise InvalidError(f"invalid custom page size: {size}, it can be 1 or 65536", offset)
        self.size_range(memory, offset)
        most = (1 << ((64 if memory.is64 else 32) - memory.page_size_log2)) - (memory.page_size_log2 == 0)
        if max(memory.min, memory.max or 0) > most:
            bytes_ = "16EiB" if memory.is64 else "4GiB"
            raise InvalidError(f"memory size must be at most {most} pages ({bytes_})", offset)
        if memory.shared and memory.max is None:
            raise InvalidError("shared memory must have maximum", offset)

    def size_range(self, limits: TableType | MemoryType, offset: int | None) -> None:
        if limits.max is not None and limits.min > limits.max:
            raise InvalidError(f"size minimum must not be greater than maximum: {limits.min}, {limits.max}", offset)

    def tag_type(self, index: int, offset: int | None) -> None:
        results = self.func_type(index, offset).results
        if results:
            raise InvalidError(f"non-empty tag result type in type {index}", offset)

    # Imports and exports

    def import_(self, item: Import) -> None:
        desc: Any = item.desc  # its type depends on the kind
        offset = item.offset
        if item.kind == "func":
            self.func_type(desc, offset)
        elif item.kind == "table":
            self.table_type(desc, offset)
        elif item.kind == "memory":
            self.memory_type(desc, offset)
        elif item.kind == "global":
            self.val_type(desc.type, offset)
        else:
            self.tag_type(desc, offset)

    def exports(self) -> None:
        context = self.context
        spaces = {
            "func": (context.n_funcs, "function"),
            "table": (context.n_tables, "table"),
            "memory": (context.n_memories, "memory"),
            "global": (context.n_globals, "global"),
            "tag": (context.n_tags, "tag"),
        }
        names = set()
        for export in self.module.exports:
            if export.name in names:
                raise InvalidError(f'duplicate export name "{export.name}"', export.offset)
            names.add(export.name)
            count, what = spaces[export.kind]
            if export.index >= count:
                raise InvalidError(f"unknown {what} {export.index}", export.offset)
            if export.kind == "func":
                context.declared[export.index] = 1

    def start(self) -> None:
        index = self.module.start
        if index is None:
            return
        if index >= self.context.n_funcs:
            raise InvalidError(f"unknown function {index}")
        t = self.module.func_type(index)
        if t.params or t.results:
            raise InvalidError(f"start function must take and return nothing, not {t}", None, index)

    # Definitions

    def functions(self) -> None:
        first = self.context.n_imported_funcs
        for index in sorted(set(self.module.funcs)):
            if index >= self.context.n_types or self.context.sig_np[index] < 0:
                self.func_type(index, None, first + self.module.funcs.index(index))

    def table(self, table: Table) -> None:
        self.table_type(table.type, table.offset)
        element = table.type.element
        if table.init is not None:
            # Globals that are not imported come into being after the tables.
            self.constant(table.init, element, self.context.n_imported_globals)
        elif not element.is_defaultable:
            raise InvalidError(f"type mismatch: elements of type {element} need a first value", table.offset)

    def global_(self, number: int, item: Global) -> None:
        self.val_type(item.type.type, item.offset)
        n_globals = self.context.n_imported_globals
        if self.module.features.gc:
            n_globals += number
        self.constant(item.init, item.type.type, n_globals)

    def elem(self, number: int, elem: Elem) -> None:
        context = self.context
        self.val_type(elem.type, elem.position)
        if elem.mode == "active":
            if elem.table >= context.n_tables:
                raise InvalidError(f"unknown table {elem.table}", elem.position)
            table = self.module.table_type(elem.table)
            if not context.matches(elem.type, table.element):
                raise InvalidError(
                    f"type mismatch: table {elem.table} has elements of type {table.element}, not {elem.type}",
                    elem.position,
                )
            self.offset(elem.offset, table.is64)
        for expr in elem.exprs or ():
            self.constant(expr, elem.type, self.visible_globals)
        for index in sorted(set(elem.funcs or ())):
            if index >= context.n_funcs:
                raise InvalidError(f"unknown function {index}", elem.position)
            context.declared[index] = 1

    def data(self, data: Data) -> None:
        if data.mode == "active":
            if data.memory >= self.context.n_memories:
                raise InvalidError(f"unknown memory {data.memory}", data.position)
            self.offset(data.offset, self.module.memory_type(data.memory).is64)

    @property
    def visible_globals(self) -> int:
        """How many globals the expressions of segments may use."""
        context = self.context
        return context.n_globals if self.module.features.gc else context.n_imported_globals

    def offset(self, expr: Expr | None, is64: bool) -> None:
        assert expr is not None
        self.constant(expr, I64 if is64 else I32, self.visible_globals)

    def constant(self, expr: Expr, valtype: int, n_globals: int) -> None:
        self.validator.constant_expression(expr.start, expr.end, valtype, n_globals)

    def bodies(self) -> None:
        function = self.validator.function
        first = self.context.n_imported_funcs
        spans = zip(self.module.body_start, self.module.body_end, strict=True)
        for index, (start, end) in enumerate(spans, first):
            function(index, start, end)
