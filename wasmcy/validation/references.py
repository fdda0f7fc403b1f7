"""The validation rules of references, structs, arrays and tables.

One method per instruction, or per family of instructions with one shape, named after it. A rule
reads the immediates, checks and changes the operands, and reports the instruction.

Spec: 3.4 "Instructions": reference, aggregate and scalar reference instructions, and the
branches on references.
"""

from __future__ import annotations

from ..errors import MalformedError
from ..opcodes import (
    OP_ANY_CONVERT_EXTERN,
    OP_ARRAY_COPY,
    OP_ARRAY_FILL,
    OP_ARRAY_GET,
    OP_ARRAY_GET_S,
    OP_ARRAY_GET_U,
    OP_ARRAY_INIT_DATA,
    OP_ARRAY_INIT_ELEM,
    OP_ARRAY_NEW,
    OP_ARRAY_NEW_DATA,
    OP_ARRAY_NEW_DEFAULT,
    OP_ARRAY_NEW_ELEM,
    OP_ARRAY_NEW_FIXED,
    OP_ARRAY_SET,
    OP_BR_ON_CAST,
    OP_BR_ON_CAST_DESC_EQ,
    OP_BR_ON_CAST_DESC_EQ_FAIL,
    OP_BR_ON_CAST_FAIL,
    OP_BR_ON_NON_NULL,
    OP_BR_ON_NULL,
    OP_EXTERN_CONVERT_ANY,
    OP_REF_AS_NON_NULL,
    OP_REF_CAST,
    OP_REF_CAST_DESC_EQ,
    OP_REF_CAST_DESC_EQ_NULL,
    OP_REF_CAST_NULL,
    OP_REF_FUNC,
    OP_REF_GET_DESC,
    OP_REF_IS_NULL,
    OP_REF_NULL,
    OP_REF_TEST,
    OP_REF_TEST_NULL,
    OP_STRUCT_GET,
    OP_STRUCT_GET_S,
    OP_STRUCT_GET_U,
    OP_STRUCT_NEW,
    OP_STRUCT_NEW_DEFAULT,
    OP_STRUCT_NEW_DEFAULT_DESC,
    OP_STRUCT_NEW_DESC,
    OP_STRUCT_SET,
    OP_TABLE_COPY,
    OP_TABLE_FILL,
    OP_TABLE_GET,
    OP_TABLE_GROW,
    OP_TABLE_INIT,
    OP_TABLE_SET,
)
from ..types import (
    BOT,
    CONCRETE,
    EXACT,
    HEAP_ANY,
    HEAP_EXTERN,
    HEAP_MASK,
    I8,
    I16,
    I32,
    I64,
    INDEX_MASK,
    REF,
    heap_text,
)
from ..types import NULL as NULLABLE
from .context import KIND_ARRAY, KIND_STRUCT
from .operands import Operands, type_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import Context

MAX_FIXED = 10_000  # operands of array.new_fixed


class References(Operands):
    """The walk's rules for everything that deals in references."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.reference_types = context.features.reference_types
        self.custom_descriptors = context.features.custom_descriptors
        self.exact = EXACT if self.custom_descriptors else 0
        self.address: int = I32

    def reference_rule(self, op: int) -> int:
        """Validate one instruction of this file."""
        if op == OP_REF_NULL:
            return self.rule_ref_null()
        if op == OP_REF_IS_NULL:
            return self.rule_ref_is_null()
        if op == OP_REF_FUNC:
            return self.rule_ref_func()
        if op == OP_REF_AS_NON_NULL:
            return self.rule_ref_as_non_null()
        if op == OP_BR_ON_NULL:
            return self.rule_br_on_null()
        if op == OP_BR_ON_NON_NULL:
            return self.rule_br_on_non_null()
        if op == OP_REF_TEST or op == OP_REF_TEST_NULL:
            return self.rule_ref_test(op)
        if op == OP_REF_CAST or op == OP_REF_CAST_NULL:
            return self.rule_ref_cast(op)
        if op == OP_BR_ON_CAST or op == OP_BR_ON_CAST_FAIL:
            return self.rule_br_on_cast(op)
        if op == OP_ANY_CONVERT_EXTERN:
            return self.convert(op, HEAP_EXTERN, HEAP_ANY)
        if op == OP_EXTERN_CONVERT_ANY:
            return self.convert(op, HEAP_ANY, HEAP_EXTERN)
        return self.aggregate_rule(op)

    def aggregate_rule(self, op: int) -> int:
        """Validate one instruction on structs or arrays."""
        if op == OP_STRUCT_GET or op == OP_STRUCT_GET_S or op == OP_STRUCT_GET_U:
            return self.rule_struct_get(op)
        if op == OP_STRUCT_SET:
            return self.rule_struct_set()
        if op == OP_STRUCT_NEW:
            return self.rule_struct_new()
        if op == OP_STRUCT_NEW_DEFAULT:
            return self.rule_struct_new_default()
        if op == OP_ARRAY_GET or op == OP_ARRAY_GET_S or op == OP_ARRAY_GET_U:
            return self.rule_array_get(op)
        if op == OP_ARRAY_SET:
            return self.rule_array_set()
        if op == OP_ARRAY_NEW:
            return self.rule_array_new()
        if op == OP_ARRAY_NEW_DEFAULT:
            return self.rule_array_new_default()
        if op == OP_ARRAY_NEW_FIXED:
            return self.rule_array_new_fixed()
        if op == OP_ARRAY_NEW_DATA or op == OP_ARRAY_NEW_ELEM:
            return self.rule_array_new_segment(op)
        if op == OP_ARRAY_FILL:
            return self.rule_array_fill()
        if op == OP_ARRAY_COPY:
            return self.rule_array_copy()
        if op == OP_ARRAY_INIT_DATA or op == OP_ARRAY_INIT_ELEM:
            return self.rule_array_init(op)
        return self.table_rule(op)

    def table_rule(self, op: int) -> int:
        """Validate one instruction on tables."""
        if op == OP_TABLE_GET:
            return self.rule_table_get()
        if op == OP_TABLE_SET:
            return self.rule_table_set()
        if op == OP_TABLE_GROW:
            return self.rule_table_grow()
        if op == OP_TABLE_FILL:
            return self.rule_table_fill()
        if op == OP_TABLE_COPY:
            return self.rule_table_copy()
        if op == OP_TABLE_INIT:
            return self.rule_table_init()
        return self.descriptor_rule(op)

    def descriptor_rule(self, op: int) -> int:
        """Validate one instruction on structs with descriptors."""
        if op == OP_STRUCT_NEW_DESC or op == OP_STRUCT_NEW_DEFAULT_DESC:
            return self.rule_struct_new_desc(op)
        if op == OP_REF_GET_DESC:
            return self.rule_ref_get_desc()
        if op == OP_REF_CAST_DESC_EQ or op == OP_REF_CAST_DESC_EQ_NULL:
            return self.rule_ref_cast_desc_eq(op)
        if op == OP_BR_ON_CAST_DESC_EQ or op == OP_BR_ON_CAST_DESC_EQ_FAIL:
            return self.rule_br_on_cast(op)
        raise self.unsupported()

    # References

    def rule_ref_null(self) -> int:
        heap = self.heap_type()
        self.tell(OP_REF_NULL, heap, 0, 0)
        return self.push_val(REF | NULLABLE | heap)

    def rule_ref_is_null(self) -> int:
        self.tell(OP_REF_IS_NULL, self.pop_ref(), 0, 0)
        return self.push_val(I32)

    def rule_ref_func(self) -> int:
        index = self.func_index()
        if self.constant:
            self.context.declared[index] = 1
        elif not self.context.declared[index]:
            raise self.invalid(f"undeclared function reference {index}")
        self.tell(OP_REF_FUNC, index, 0, 0)
        exact = self.exact
        if index < self.context.n_imported_funcs and not self.context.exact_imports[index]:
            exact = 0
        return self.push_val(REF | CONCRETE | exact | self.context.func_sig[index])

    def rule_ref_as_non_null(self) -> int:
        valtype = self.pop_ref()
        self.tell(OP_REF_AS_NON_NULL, valtype, 0, 0)
        return self.push_val(valtype & ~NULLABLE)

    def rule_br_on_null(self) -> int:
        depth = self.code.u32()
        self.label(depth)
        valtype = self.pop_ref()
        self.match_vals(self.label_po, self.label_n, True)
        self.tell(OP_BR_ON_NULL, depth, valtype, 0)
        return self.push_val(valtype & ~NULLABLE)

    def rule_br_on_non_null(self) -> int:
        depth = self.code.u32()
        self.label(depth)
        valtype = self.pop_ref()
        self.match_branch(valtype & ~NULLABLE)
        self.tell(OP_BR_ON_NON_NULL, depth, valtype, 0)
        return 0

    def match_branch(self, valtype: int) -> int:
        """Check the operands and a reference of type `valtype` against the label's types.

        The operands but for the reference stay, retyped.
        """
        if self.label_n == 0:
            raise self.invalid("type mismatch: the label of a branch on a reference takes no value")
        self.push_val(valtype)
        self.match_vals(self.label_po, self.label_n, True)
        self.height -= 1
        return 0

    def rule_ref_test(self, op: int) -> int:
        target = REF | self.heap_type()
        if op == OP_REF_TEST_NULL:
            target |= NULLABLE
        self.pop_val(self.context.top_of(target))
        self.tell(op, target, 0, 0)
        return self.push_val(I32)

    def rule_ref_cast(self, op: int) -> int:
        target = REF | self.heap_type()
        if op == OP_REF_CAST_NULL:
            target |= NULLABLE
        self.pop_val(self.context.top_of(target))
        self.tell(op, target, 0, 0)
        return self.push_val(target)

    def rule_br_on_cast(self, op: int) -> int:
        flags = self.code.byte()
        if flags > 3:
            raise MalformedError(f"malformed br_on_cast flags: {flags:#04x}", self.at)
        depth = self.code.u32()
        source = REF | self.heap_type()
        if flags & 1:
            source |= NULLABLE
        target = REF | self.heap_type()
        if flags & 2:
            target |= NULLABLE
        if self.custom_descriptors:
            if self.context.top_of(target) != self.context.top_of(source):
                raise self.invalid(f"type mismatch: {type_text(target)} and {type_text(source)} have nothing in common")
        elif not self.context.matches(target, source):
            raise self.invalid(f"type mismatch: {type_text(target)} is no subtype of {type_text(source)}")
        self.label(depth)
        if op == OP_BR_ON_CAST_DESC_EQ or op == OP_BR_ON_CAST_DESC_EQ_FAIL:
            self.pop_val(self.descriptor_for(target))
        self.pop_val(source)
        rest = source & ~NULLABLE if target & NULLABLE else source
        if op == OP_BR_ON_CAST or op == OP_BR_ON_CAST_DESC_EQ:
            self.match_branch(target)
        else:
            self.match_branch(rest)
            rest = target
        self.tell(op, depth, source, target)
        return self.push_val(rest)

    def convert(self, op: int, source: int, target: int) -> int:
        """The rule of `any.convert_extern` and `extern.convert_any`, which keep nullability."""
        valtype = self.pop_ref()
        if not self.context.matches(valtype, REF | NULLABLE | source):
            self.height += 1
            raise self.mismatch(type_text(REF | NULLABLE | source))
        self.tell(op, 0, 0, 0)
        return self.push_val(REF | valtype & NULLABLE | target)

    # Immediates

    def heap_type(self) -> int:
        """Read a heap type, as types.py represents it."""
        heap = self.decoder.heap_type()
        if heap & CONCRETE:
            self.check_type_index(heap & INDEX_MASK)
        return heap

    def val_type(self) -> int:
        """Read a value type."""
        valtype = self.decoder.val_type()
        if valtype & CONCRETE:
            self.check_type_index(valtype & INDEX_MASK)
        return valtype

    def check_type_index(self, index: int) -> int:
        if index >= self.context.n_types:
            raise self.invalid(f"unknown type {index}")
        return 0

    def struct_index(self) -> int:
        """Read the index of a struct type."""
        index = self.code.u32()
        self.check_type_index(index)
        if self.context.kind_of[index] != KIND_STRUCT:
            raise self.invalid(f"type mismatch: type {index} is no struct type")
        return index

    def array_index(self) -> int:
        """Read the index of an array type."""
        index = self.code.u32()
        self.check_type_index(index)
        if self.context.kind_of[index] != KIND_ARRAY:
            raise self.invalid(f"type mismatch: type {index} is no array type")
        return index

    def func_index(self) -> int:
        index = self.code.u32()
        if index >= self.context.n_funcs:
            raise self.invalid(f"unknown function {index}")
        return index

    def check_data(self, index: int) -> int:
        if self.context.n_data < 0:
            raise MalformedError("data count section required", self.at)
        if index >= self.context.n_data:
            raise self.invalid(f"unknown data segment {index}")
        return 0

    def check_elem(self, index: int) -> int:
        if index >= self.context.n_elems:
            raise self.invalid(f"unknown elem segment {index}")
        return 0

    def segment_index(self, index: int, is_elem: bool) -> int:
        """Read the index of a segment from which elements of array type `index` can come."""
        segment = self.code.u32()
        storage = self.context.field_storage[self.context.field_po[index]]
        if is_elem:
            self.check_elem(segment)
            source = self.context.elem_type[segment]
            if not self.context.matches(source, storage):
                raise self.invalid(
                    f"type mismatch: elem segment {segment} holds {type_text(source)},"
                    f" array type {index} {type_text(storage)}"
                )
        else:
            self.check_data(segment)
            if storage & REF:
                raise self.invalid(f"array type is not numeric or vector: {type_text(storage)}")
        return segment

    # Structs and arrays

    def push_new(self, index: int) -> int:
        return self.push_val(REF | CONCRETE | self.exact | index)

    def pop_object(self, index: int) -> int:
        return self.pop_val(REF | NULLABLE | CONCRETE | index)

    def struct_field(self, index: int) -> int:
        """Read the index of a field of struct type `index`."""
        field = self.code.u32()
        if field >= self.context.field_n[index]:
            raise self.invalid(f"unknown field {field} of type {index}")
        return field

    def check_access(self, storage: int, signed: bool) -> int:
        """Packed fields are read with a sign or without, others have none."""
        if (storage == I8 or storage == I16) != signed:
            raise self.invalid(f"type mismatch: field is {'unpacked' if signed else 'packed'}: {type_text(storage)}")
        return 0

    def check_defaultable(self, index: int) -> int:
        """All fields of type `index` have a default value."""
        field = self.context.no_default[index]
        if field >= 0:
            storage = self.context.field_storage[self.context.field_po[index] + field]
            raise self.invalid(
                f"type mismatch: field {field} of type {index} has no default value: {type_text(storage)}"
            )
        return 0

    def check_mutable(self, index: int) -> int:
        """The elements of array type `index` can be changed."""
        if not self.context.field_mut[self.context.field_po[index]]:
            raise self.invalid(f"immutable array type {index}")
        return 0

    def element(self, index: int) -> int:
        """The type that an element of array type `index` has on the stack."""
        return self.context.pool[self.context.field_ro[index]]

    def check_plain(self, index: int) -> int:
        """Structs of type `index` have no descriptor."""
        if self.context.descriptor_of[index] >= 0:
            raise self.invalid(f"type with descriptor requires descriptor allocation: type {index}")
        return 0

    def rule_struct_new(self) -> int:
        index = self.struct_index()
        self.check_plain(index)
        self.pop_vals(self.context.field_ro[index], self.context.field_n[index])
        self.tell(OP_STRUCT_NEW, index, 0, 0)
        return self.push_new(index)

    def rule_struct_new_default(self) -> int:
        index = self.struct_index()
        self.check_plain(index)
        self.check_defaultable(index)
        self.tell(OP_STRUCT_NEW_DEFAULT, index, 0, 0)
        return self.push_new(index)

    def rule_struct_get(self, op: int) -> int:
        index = self.struct_index()
        field = self.struct_field(index)
        storage = self.context.field_storage[self.context.field_po[index] + field]
        self.check_access(storage, op != OP_STRUCT_GET)
        self.pop_object(index)
        self.tell(op, index, field, 0)
        return self.push_val(self.context.pool[self.context.field_ro[index] + field])

    def rule_struct_set(self) -> int:
        index = self.struct_index()
        field = self.struct_field(index)
        if not self.context.field_mut[self.context.field_po[index] + field]:
            raise self.invalid(f"immutable field {field} of type {index}")
        self.pop_val(self.context.pool[self.context.field_ro[index] + field])
        self.pop_object(index)
        self.tell(OP_STRUCT_SET, index, field, 0)
        return 0

    def rule_array_new(self) -> int:
        index = self.array_index()
        self.pop_val(I32)
        self.pop_val(self.element(index))
        self.tell(OP_ARRAY_NEW, index, 0, 0)
        return self.push_new(index)

    def rule_array_new_default(self) -> int:
        index = self.array_index()
        self.check_defaultable(index)
        self.pop_val(I32)
        self.tell(OP_ARRAY_NEW_DEFAULT, index, 0, 0)
        return self.push_new(index)

    def rule_array_new_fixed(self) -> int:
        index = self.array_index()
        n = self.code.u32()
        if n > MAX_FIXED:
            raise self.invalid(f"too many operands: {n}, at most {MAX_FIXED} are supported")
        for _ in range(n):
            if self.dead and self.height == self.floor:
                break
            self.pop_val(self.element(index))
        self.tell(OP_ARRAY_NEW_FIXED, index, n, 0)
        return self.push_new(index)

    def rule_array_new_segment(self, op: int) -> int:
        index = self.array_index()
        segment = self.segment_index(index, op == OP_ARRAY_NEW_ELEM)
        self.pop_val(I32)
        self.pop_val(I32)
        self.tell(op, index, segment, 0)
        return self.push_new(index)

    def rule_array_get(self, op: int) -> int:
        index = self.array_index()
        storage = self.context.field_storage[self.context.field_po[index]]
        self.check_access(storage, op != OP_ARRAY_GET)
        self.pop_val(I32)
        self.pop_object(index)
        self.tell(op, index, 0, 0)
        return self.push_val(self.element(index))

    def rule_array_set(self) -> int:
        index = self.array_index()
        self.check_mutable(index)
        self.pop_val(self.element(index))
        self.pop_val(I32)
        self.pop_object(index)
        self.tell(OP_ARRAY_SET, index, 0, 0)
        return 0

    def rule_array_fill(self) -> int:
        index = self.array_index()
        self.check_mutable(index)
        self.pop_val(I32)
        self.pop_val(self.element(index))
        self.pop_val(I32)
        self.pop_object(index)
        self.tell(OP_ARRAY_FILL, index, 0, 0)
        return 0

    def rule_array_copy(self) -> int:
        target = self.array_index()
        source = self.array_index()
        self.check_mutable(target)
        to = self.context.field_storage[self.context.field_po[target]]
        of = self.context.field_storage[self.context.field_po[source]]
        if not self.context.matches(of, to):
            raise self.invalid(f"array types do not match: {type_text(of)} is no subtype of {type_text(to)}")
        self.pop_val(I32)
        self.pop_val(I32)
        self.pop_object(source)
        self.pop_val(I32)
        self.pop_object(target)
        self.tell(OP_ARRAY_COPY, target, source, 0)
        return 0

    def rule_array_init(self, op: int) -> int:
        index = self.array_index()
        self.check_mutable(index)
        segment = self.segment_index(index, op == OP_ARRAY_INIT_ELEM)
        self.pop_val(I32)
        self.pop_val(I32)
        self.pop_val(I32)
        self.pop_object(index)
        self.tell(op, index, segment, 0)
        return 0

    # Descriptors

    def descriptor_for(self, target: int) -> int:
        """The type that the descriptor in a cast to reference type `target` must have."""
        index = self.context.descriptor_of[target & INDEX_MASK] if target & CONCRETE else -1
        if index < 0:
            raise self.invalid(f"type {heap_text(target & HEAP_MASK)} does not have a descriptor")
        return REF | NULLABLE | CONCRETE | target & EXACT | index

    def rule_struct_new_desc(self, op: int) -> int:
        index = self.struct_index()
        descriptor = self.context.descriptor_of[index]
        if descriptor < 0:
            raise self.invalid(f"type without descriptor requires non-descriptor allocation: type {index}")
        self.pop_val(REF | NULLABLE | CONCRETE | EXACT | descriptor)
        if op == OP_STRUCT_NEW_DESC:
            self.pop_vals(self.context.field_ro[index], self.context.field_n[index])
        else:
            self.check_defaultable(index)
        self.tell(op, index, 0, 0)
        return self.push_new(index)

    def rule_ref_get_desc(self) -> int:
        index = self.code.u32()
        self.check_type_index(index)
        descriptor = self.context.descriptor_of[index]
        if descriptor < 0:
            raise self.invalid(f"type without descriptor: {index}")
        found = self.stack[self.height - 1] if self.height > self.floor else BOT
        self.pop_object(index)
        # whether its type is exact does not depend on null being a value of it
        exact = EXACT if self.context.matches(found, REF | NULLABLE | CONCRETE | EXACT | index) else 0
        self.tell(OP_REF_GET_DESC, index, descriptor, 0)
        return self.push_val(REF | CONCRETE | exact | descriptor)

    def rule_ref_cast_desc_eq(self, op: int) -> int:
        target = REF | self.heap_type()
        if op == OP_REF_CAST_DESC_EQ_NULL:
            target |= NULLABLE
        self.pop_val(self.descriptor_for(target))
        self.pop_val(self.context.top_of(target))
        self.tell(op, target, 0, 0)
        return self.push_val(target)

    # Tables

    def use_table(self, index: int) -> int:
        """Check a table index; `address` becomes the type of its indices."""
        if index >= self.context.n_tables:
            raise self.invalid(f"unknown table {index}")
        self.address = I64 if self.context.table_is64[index] else I32
        return 0

    def table_index(self) -> int:
        """Read a table index."""
        if self.reference_types:
            index = self.code.u32()
        else:
            index = self.zero_byte()
        self.use_table(index)
        return index

    def zero_byte(self) -> int:
        if self.code.byte() != 0:
            raise MalformedError("zero byte expected", self.code.pos - 1)
        return 0

    def rule_table_get(self) -> int:
        index = self.table_index()
        self.pop_val(self.address)
        self.tell(OP_TABLE_GET, index, 0, 0)
        return self.push_val(self.context.table_element[index])

    def rule_table_set(self) -> int:
        index = self.table_index()
        self.pop_val(self.context.table_element[index])
        self.pop_val(self.address)
        return self.tell(OP_TABLE_SET, index, 0, 0)

    def rule_table_grow(self) -> int:
        index = self.table_index()
        self.pop_val(self.address)
        self.pop_val(self.context.table_element[index])
        self.tell(OP_TABLE_GROW, index, 0, 0)
        return self.push_val(self.address)

    def rule_table_fill(self) -> int:
        index = self.table_index()
        self.pop_val(self.address)
        self.pop_val(self.context.table_element[index])
        self.pop_val(self.address)
        return self.tell(OP_TABLE_FILL, index, 0, 0)

    def rule_table_copy(self) -> int:
        target = self.code.u32()
        source = self.code.u32()
        self.use_table(target)
        to = self.address
        self.use_table(source)
        self.check_elements(self.context.table_element[source], target)
        self.pop_copy(to, self.address)
        return self.tell(OP_TABLE_COPY, target, source, 0)

    def rule_table_init(self) -> int:
        segment = self.code.u32()
        table = self.table_index()
        self.check_elem(segment)
        self.check_elements(self.context.elem_type[segment], table)
        self.pop_val(I32)
        self.pop_val(I32)
        self.pop_val(self.address)
        return self.tell(OP_TABLE_INIT, segment, table, 0)

    def check_elements(self, valtype: int, table: int) -> int:
        """References of a type can be elements of a table."""
        element = self.context.table_element[table]
        if not self.context.matches(valtype, element):
            raise self.invalid(
                f"type mismatch: table {table} has elements of type {type_text(element)}, not {type_text(valtype)}"
            )
        return 0

    def pop_copy(self, to: int, of: int) -> int:
        """Pop the operands of a copy: its length has the smaller of the two address types."""
        self.pop_val(I32 if to == I32 or of == I32 else I64)
        self.pop_val(of)
        return self.pop_val(to)
