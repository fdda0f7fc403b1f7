"""The translation of instructions on structs, arrays, i31 and types of references (spec 4.6.6).

An allocation may leave the machine and is done again then: its operands stay in slots, and no
accumulator holds anything.  A cast only looks: its operand stays where it is.  Fields of structs have a word
each, a v128 two, in their order; elements of arrays have the size of their type.
"""

from array import array

from ..matching import MAX_SUBTYPE_DEPTH
from ..opcodes import (
    OP_ANY_CONVERT_EXTERN,
    OP_ARRAY_COPY,
    OP_ARRAY_FILL,
    OP_ARRAY_GET,
    OP_ARRAY_GET_S,
    OP_ARRAY_GET_U,
    OP_ARRAY_LEN,
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
    OP_EXTERN_CONVERT_ANY,
    OP_I31_GET_S,
    OP_I31_GET_U,
    OP_REF_CAST,
    OP_REF_CAST_DESC_EQ,
    OP_REF_CAST_DESC_EQ_NULL,
    OP_REF_CAST_NULL,
    OP_REF_GET_DESC,
    OP_REF_I31,
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
)
from ..types import (
    CONCRETE,
    EXACT,
    F32,
    F64,
    HEAP_ANY,
    HEAP_ARRAY,
    HEAP_EQ,
    HEAP_EXN,
    HEAP_EXTERN,
    HEAP_FUNC,
    HEAP_I31,
    HEAP_STRUCT,
    I8,
    I16,
    I32,
    INDEX_MASK,
    REF,
    V128,
)
from ..types import NULL as NULLABLE
from ..validation.context import KIND_FUNC
from .forms import (
    ACC,
    CONST,
    HIGH_HALF,
    IMMEDIATE,
    IN_ACC,
    IN_SLOT,
    LARGE_CLASS,
    LOCAL,
    NAMED_OBJECTS,
    TEMP,
    size_class,
)
from .translator import TABLES, class_of
from .vector_translator import VectorTranslator

_named = dict(zip(NAMED_OBJECTS, TABLES["named_objects"], strict=True))
H_NEW = [_named[f"struct.new{n}"] for n in range(4)]
H_STRUCT_NEW = _named["struct.new"]
H_STRUCT_NEW_DEFAULT = _named["struct.new_default"]
H_ARRAY_OPERATION = _named["array.operation"]
H_ARRAY_NEW = _named["array.new.8"]  # 16, 32, 64 follow
H_ARRAY_NEW_DEFAULT = _named["array.new_default"]
H_ARRAY_FILL = _named["array.fill.8"]  # 16, 32, 64 follow
H_ARRAY_COPY = _named["array.copy"]
H_ARRAY_GET_V128 = _named["array.get.v128"]
H_ARRAY_SET_V128 = _named["array.set.v128"]
H_ARRAY_LEN = _named["array.len:s"]
H_ARRAY_LEN_R = _named["array.len:r"]
H_SET_SS = _named["struct.set:ss"]
H_SET_SI = _named["struct.set:si"]
H_SET_RS = _named["struct.set:rs"]
H_SET_RI = _named["struct.set:ri"]
FIELD_GETS = {name: array("h", [_named[f"struct.get.{name}:{form}"] for form in "sr"])
              for name in ("i64", "f64", "f32", "i8_s", "i8_u", "i16_s", "i16_u")}  # fmt: skip
FIELD_SETS = array("h", [_named[f"struct.set.{kind}:sr"] for kind in ("i64", "f64", "f32")])
GETS = {name: array("h", [_named[f"array.get.{name}:{form}"] for form in ("ss", "rs", "sr")])
        for name in ("i8_s", "i8_u", "i16_s", "i16_u", "i32", "f32", "i64", "f64")}  # fmt: skip
SETS = array("h", [_named[f"array.set.{kind}:{form}"] for kind in ("i8", "i16", "i32", "i64")
                   for form in ("sss", "ssr", "srs")])  # fmt: skip
H_ARRAY_SET_F32 = _named["array.set.f32:ssr"]
H_ARRAY_SET_F64 = _named["array.set.f64:ssr"]
H_GET_DESC = _named["ref.get_desc:s"]
H_GET_DESC_R = _named["ref.get_desc:r"]
H_TEST_DESC = _named["ref.test.desc"]
H_CAST_DESC = _named["ref.cast.desc"]
H_AS_DESCRIPTOR = _named["ref.as_descriptor"]
H_STRUCT_NEW_DEFAULT_DESC = _named["struct.new_default_desc"]
I31 = {op: array("h", [_named[f"{name}:{form}"] for form in "sr"])
       for op, name in ((OP_REF_I31, "ref.i31"), (OP_I31_GET_S, "i31.get_s"), (OP_I31_GET_U, "i31.get_u"))}  # fmt: skip
TESTS = {kind: (array("h", [_named[f"ref.test.{kind}:{form}"] for form in "sr"]),
                array("h", [_named[f"ref.cast.{kind}:{form}"] for form in "sr"]))
         for kind in ("data", "func", "abstract")}  # fmt: skip
# how references.is_abstract counts the abstract heap types; those that are not here have no values but null
ABSTRACT = {
    HEAP_ANY: 1, HEAP_EXTERN: 1, HEAP_FUNC: 1, HEAP_EXN: 1, HEAP_I31: 2, HEAP_EQ: 3, HEAP_STRUCT: 4, HEAP_ARRAY: 5,
}  # fmt: skip
LARGE = 1 << 31  # flag in the header of an object that is no cell
MAX_DIRECT = 3  # fields that are taken from where they are
NO_DEPTH = MAX_SUBTYPE_DEPTH + 1  # in a test for an exact type: nothing stands there in a display


class ObjectTranslator(VectorTranslator):
    """A translator that knows the layout of objects."""

    def __init__(self, context, functions=0, function_size=1, cells=0, fuse=True, metered=False, deterministic=False):
        super().__init__(context, functions, function_size, cells, fuse, metered, deterministic)
        self.depths = array("q")
        self.field_words = array("q")
        self.struct_words = array("q")

    def object_instruction(self, op, x, y, z):
        if op == OP_STRUCT_GET or op == OP_STRUCT_GET_S or op == OP_STRUCT_GET_U:
            return self.struct_get(op, self.context.field_po[x] + y)
        if op == OP_STRUCT_SET:
            return self.struct_set(self.context.field_po[x] + y)
        if op == OP_STRUCT_NEW:
            return self.object_of(x, self.words_of(x), 0)
        if op == OP_STRUCT_NEW_DEFAULT:
            return self.struct_new_default(x, H_STRUCT_NEW_DEFAULT, 0)
        if op == OP_ARRAY_GET or op == OP_ARRAY_GET_S or op == OP_ARRAY_GET_U:
            return self.array_get(op, x)
        if op == OP_ARRAY_SET:
            return self.array_set(x)
        if op == OP_ARRAY_LEN:
            return self.look(H_ARRAY_LEN, H_ARRAY_LEN_R, 0, I32)
        if op == OP_REF_I31 or op == OP_I31_GET_S or op == OP_I31_GET_U:
            return self.look(I31[op][0], I31[op][1], 0, REF | HEAP_I31 if op == OP_REF_I31 else I32)
        if op == OP_REF_TEST or op == OP_REF_TEST_NULL:
            return self.ref_test(x)
        if op == OP_REF_CAST or op == OP_REF_CAST_NULL:
            return self.ref_cast(x)
        if op == OP_BR_ON_CAST or op == OP_BR_ON_CAST_FAIL:
            self.emit_test(0, z, test_flags(op, z))
            return self.branch_on_cast(op, x, y, z)
        if op == OP_REF_GET_DESC:
            return self.look(H_GET_DESC, H_GET_DESC_R, 0, REF | CONCRETE | y)
        if op == OP_BR_ON_CAST_DESC_EQ or op == OP_BR_ON_CAST_DESC_EQ_FAIL:
            self.emit_descriptor_test(0, test_flags(op, z))
            return self.branch_on_cast(op, x, y, z)
        if op == OP_REF_CAST_DESC_EQ or op == OP_REF_CAST_DESC_EQ_NULL:
            self.emit_descriptor_test(1, test_flags(op, x))
            self.types[self.height - 1] = x
            return 0
        if op == OP_STRUCT_NEW_DESC:
            self.descriptor()
            return self.object_of(x, self.words_of(x) + 1, 0)
        if op == OP_STRUCT_NEW_DEFAULT_DESC:
            return self.struct_new_default(x, H_STRUCT_NEW_DEFAULT_DESC, 1)
        if op == OP_ANY_CONVERT_EXTERN or op == OP_EXTERN_CONVERT_ANY:  # the same words
            self.types[self.height - 1] = REF | NULLABLE | (HEAP_ANY if op == OP_ANY_CONVERT_EXTERN else HEAP_EXTERN)
            return 0
        return self.array_instruction(op, x, y)

    def array_instruction(self, op, x, y):
        """Those that make or change many elements."""
        made = REF | CONCRETE | x
        shift = self.element_shift(x)
        slots = 2 if shift == 4 else 1
        if op == OP_ARRAY_NEW:
            return self.array_new(x, H_ARRAY_NEW + shift if shift < 4 else H_ARRAY_OPERATION, 1 + slots, op)
        if op == OP_ARRAY_NEW_DEFAULT:
            return self.array_new(x, H_ARRAY_NEW_DEFAULT, 1, op)
        if op == OP_ARRAY_NEW_FIXED:
            if shift >= 3 or y == 0:
                return self.object_of(x, y * slots, y)
            return self.array_operation(H_ARRAY_OPERATION, op, x, y, made)
        if op == OP_ARRAY_FILL:
            return self.array_operation(H_ARRAY_FILL + shift if shift < 4 else H_ARRAY_OPERATION, op, x, 3 + slots, 0)
        if op == OP_ARRAY_COPY:
            return self.array_operation(H_ARRAY_COPY, op, x, 5, 0)
        new = op == OP_ARRAY_NEW_DATA or op == OP_ARRAY_NEW_ELEM
        return self.operation(op, 2 if new else 4, made if new else 0, self.context.canon[x], y)

    # ------------------------------------------------------------------ layout
    def lay_out(self):
        """Note where in a struct each field is, in words from its header, and how many words those of a type take."""
        n = self.context.n_types
        field_words = array("q", bytes(8 * len(self.context.field_storage)))
        self.field_words = field_words
        self.struct_words = array("q", bytes(8 * n))
        for i in range(n):
            word = 1
            for field in range(self.context.field_po[i], self.context.field_po[i] + self.context.field_n[i]):
                field_words[field] = word
                word += 2 if self.context.field_storage[field] == V128 else 1
            self.struct_words[i] = word - 1

    def words_of(self, index):
        """How many words the fields of a struct type take."""
        if len(self.struct_words) == 0:
            self.lay_out()
        return self.struct_words[index]

    def word_of(self, field):
        """Where in its struct a field is, in words."""
        if len(self.field_words) == 0:
            self.lay_out()
        return self.field_words[field]

    def element_shift(self, index):
        """The size of an array type's elements, as a number of bits."""
        storage = self.context.field_storage[self.context.field_po[index]]
        if storage == I8:
            return 0
        if storage == I16:
            return 1
        if storage == V128:
            return 4
        return 2 if storage == I32 or storage == F32 else 3

    def depth(self, index):
        """How many types are above a type."""
        n = self.context.n_types
        if len(self.depths) < n:
            depths = array("q", bytes(8 * n))
            self.depths = depths
            for i in range(n):
                above = self.context.super_of[i]
                if above >= 0:
                    depths[i] = depths[above] + 1
        return self.depths[index]

    # ------------------------------------------------------------------ allocation
    def place_of(self, i):
        """The slot of entry i, which stays on the stack."""
        if self.kinds[i] != LOCAL:
            self.settle(i)
        return self.values[i]

    def place_of_vector(self, i):
        """The first slot of entries i and i + 1, a v128, which stay on the stack."""
        if self.kinds[i] != self.kinds[i + 1] or self.kinds[i] == CONST or self.values[i + 1] != self.values[i] + 1:
            self.settle(i)
            self.settle(i + 1)
        return self.values[i]

    def lose_accumulators(self):
        """The next instruction may leave."""
        self.clobber(0)
        self.clobber(1)
        self.clobber(2)

    def object_of(self, index, n, length):
        """A struct of the topmost n operands, the last its descriptor if it has one; or an array of that length."""
        first = self.height - n
        size = size_class(1 + n)
        header = self.context.canon[index] | length << 32
        if size == LARGE_CLASS:
            header |= LARGE
        if n > MAX_DIRECT:
            for i in range(first, self.height):
                self.settle(i)
            self.lose_accumulators()
            self.emit(H_STRUCT_NEW, 0, self.base + first, n | size << 16)
        else:
            a = self.place_of(first) if n > 0 else 0
            b = self.place_of(first + 1) if n > 1 else 0
            c = self.place_of(first + 2) if n > 2 else size
            self.lose_accumulators()
            self.emit(H_NEW[n], 0, a, b | c << 16)
        self.word(header)
        if n == MAX_DIRECT:
            self.word(size)
        self.truncate(first)
        self.push_result(REF | CONCRETE | index)
        return 0

    def struct_new_default(self, index, handler, described):
        """A struct of zeros; `described`: its descriptor is on top."""
        n = self.words_of(index)
        size = size_class(1 + n + described)
        descriptor = self.descriptor() if described else 0
        self.lose_accumulators()
        self.emit(handler, 0, descriptor, n | size << 16)
        self.word(self.context.canon[index] | (LARGE if size == LARGE_CLASS else 0))
        self.truncate(self.height - described)
        self.push_result(REF | CONCRETE | index)
        return 0

    def array_new(self, index, handler, operands, op):
        """[D result, A value, B length, C shift][type id, instruction]"""
        first = self.height - operands
        value = self.place_of_vector(first) if operands == 3 else self.place_of(first)
        length = self.place_of(self.height - 1)
        home = self.base + first
        self.lose_accumulators()
        self.emit(handler, home, value, length | self.element_shift(index) << 16)
        self.word(self.context.canon[index] | op << 32)
        self.result_at(first, REF | CONCRETE | index)
        return 0

    def result_at(self, first, type_):
        """The instruction has replaced the operands from `first` on by its result, in a slot and an accumulator."""
        self.truncate(first)
        self.forget()
        self.push(TEMP, self.base + first, type_)
        self.mirror[0] = self.base + first

    def array_operation(self, handler, op, index, operands, result):
        """[D operands, B their number, C shift][type id, instruction]: what takes long leaves."""
        first = self.height - operands
        for i in range(first, self.height):
            self.settle(i)
        self.lose_accumulators()
        self.emit(handler, self.base + first, 0, operands | self.element_shift(index) << 16)
        self.word(self.context.canon[index] | op << 32)
        if result:
            self.result_at(first, result)
        else:
            self.truncate(first)
            self.forget()
        return 0

    # ------------------------------------------------------------------ access
    def look(self, in_slot, in_accumulator, half, result):
        """Pop one operand, push one result."""
        self.pop()
        found = self.found
        value = self.value
        if found == IMMEDIATE:
            value = self.slot_of(found, value, self.type_, self.base + self.height)
            found = IN_SLOT
        self.clobber(class_of(result))
        self.emit(in_slot if found == IN_SLOT else in_accumulator, 0, value if found == IN_SLOT else 0, half)
        self.push_result(result)
        return 0

    def struct_get(self, op, field):
        storage = self.context.field_storage[field]
        word = self.word_of(field)
        if storage == V128:
            return self.struct_get_vector(word)
        if storage == I8 or storage == I16:
            bits = "i8" if storage == I8 else "i16"
            forms = FIELD_GETS[bits + ("_s" if op == OP_STRUCT_GET_S else "_u")]
            return self.look(forms[0], forms[1], word, I32)
        forms = FIELD_GETS["f64" if storage == F64 else "f32" if storage == F32 else "i64"]
        return self.look(forms[0], forms[1], word, storage)

    def struct_get_vector(self, word):
        """The high half first: the low half's home may hold the struct."""
        slot = self.place_of(self.height - 1)
        self.truncate(self.height - 1)
        home = self.base + self.height
        self.clobber(0)
        for half in (1, 0):
            self.emit(FIELD_GETS["i64"][0] | 1, home + half, slot, word + half)
            self.wrote(home + half, -1)
        self.last = -1
        self.push(TEMP, home, V128)
        self.push(TEMP, home + 1, HIGH_HALF)
        return 0

    def separate_operands(self, home):
        """Pop two operands, of which one accumulator holds one at most; the upper goes to `found` and `value`.

        Returns the lower one's slot, or -1: it is in the accumulator.
        """
        self.pop()
        found = self.found
        value = self.value
        type_ = self.type_
        self.pop()
        below = self.value
        if self.found == IMMEDIATE:
            below = self.slot_of(IMMEDIATE, below, self.type_, home)
        elif self.found == IN_ACC:
            if found == IN_ACC and class_of(type_) == 0 and value >= 0:
                found = IN_SLOT  # the same value
            if found == IN_ACC:
                below = self.slot_of(IN_ACC, below, self.type_, home)
            else:
                below = -1
        self.found = found
        self.value = value
        self.type_ = type_
        return below

    def struct_set(self, field):
        word = self.word_of(field)
        if self.context.field_storage[field] == V128:
            value = self.place_of_vector(self.height - 2)
            below = self.place_of(self.height - 3)
            for half in range(2):
                self.emit(H_SET_SS, below, value + half, word + half)
            self.truncate(self.height - 3)
            self.last = -1
            return 0
        self.resolve(1)
        home = self.base + self.height - 2
        below = self.separate_operands(home)
        found = self.found
        accumulator = class_of(self.type_)
        if found == IN_ACC:
            self.emit(FIELD_SETS[accumulator], below, 0, word)
        elif found == IN_SLOT:
            self.emit(H_SET_RS if below < 0 else H_SET_SS, 0 if below < 0 else below, self.value, word)
        else:
            self.emit(H_SET_RI if below < 0 else H_SET_SI, 0 if below < 0 else below, 0, word)
            self.word(self.value)
        self.last = -1
        return 0

    def array_get(self, op, index):
        storage = self.context.field_storage[self.context.field_po[index]]
        if storage == V128:
            value = self.place_of(self.height - 1)
            array_slot = self.place_of(self.height - 2)
            self.truncate(self.height - 2)
            return self.emit_vector(H_ARRAY_GET_V128, array_slot, value)
        self.resolve(1)
        home = self.base + self.height - 2
        array_slot = self.separate_operands(home)
        found = self.found
        value = self.value
        if found == IMMEDIATE:
            value = self.slot_of(IMMEDIATE, value, I32, home + 1)
            found = IN_SLOT
        result = I32 if storage == I8 or storage == I16 else storage
        self.clobber(class_of(result))
        forms = GETS[element_kind(op, storage)]
        if found == IN_ACC:
            self.emit(forms[2], 0, array_slot, 0)
        else:
            self.emit(forms[1] if array_slot < 0 else forms[0], 0, 0 if array_slot < 0 else array_slot, value)
        self.push_result(result)
        return 0

    def array_set(self, index):
        storage = self.context.field_storage[self.context.field_po[index]]
        if storage == V128:
            value = self.place_of_vector(self.height - 2)
            at = self.place_of(self.height - 3)
            array_slot = self.place_of(self.height - 4)
            self.emit(H_ARRAY_SET_V128, array_slot, at, value)
            self.truncate(self.height - 4)
            self.last = -1
            return 0
        self.resolve(2)
        home = self.base + self.height - 3
        self.pop()
        found = self.found
        value = self.value
        accumulator = class_of(self.type_)
        if found == IMMEDIATE:
            value = self.slot_of(IMMEDIATE, value, self.type_, home + 2)
            found = IN_SLOT
        if found == IN_ACC and value >= 0:
            found = IN_SLOT
        at = self.in_slot(home + 1) if found == IN_ACC else self.array_index(home + 1)
        array_slot = self.in_slot(home)
        shift = 3 if storage & REF else self.element_shift(index)
        if found == IN_ACC:
            handler = SETS[3 * shift + 1]
            if accumulator:
                handler = H_ARRAY_SET_F64 if storage == F64 else H_ARRAY_SET_F32
            self.emit(handler, array_slot, at, 0)
        else:
            self.emit(SETS[3 * shift + (2 if at < 0 else 0)], array_slot, 0 if at < 0 else at, value)
        self.last = -1
        return 0

    def array_index(self, home):
        """Pop an index: its slot, or -1 for the accumulator."""
        self.pop()
        if self.found == IN_ACC and self.value < 0:
            return -1
        return self.slot_of(self.found, self.value, I32, home)

    # ------------------------------------------------------------------ types
    def type_test(self, target):
        """The kind of a test for a reference type, its type id and depth."""
        index = target & INDEX_MASK
        if not target & CONCRETE:
            return "abstract", ABSTRACT.get(index, 0), 0
        kind = "func" if self.context.kind_of[index] == KIND_FUNC else "data"
        return kind, self.context.canon[index], NO_DEPTH if target & EXACT else self.depth(index)

    def emit_test(self, cast, target, flags):
        """Test the topmost entry, which stays."""
        kind, type_id, depth = self.type_test(target)
        n = self.height - 1
        if self.kinds[n] == CONST:
            self.settle(n)
        held = self.kinds[n] == ACC
        if not cast and held:
            self.settle(n)
        in_accumulator = held or self.holds(0, self.values[n])
        if not cast:
            self.clobber(0)
        self.emit(TESTS[kind][cast][in_accumulator], 0, 0 if in_accumulator else self.values[n], flags | depth << 16)
        self.word(type_id)
        return 0

    def ref_test(self, target):
        self.emit_test(0, target, 1 if target & NULLABLE else 0)
        self.truncate(self.height - 1)
        self.push_result(I32)
        return 0

    def ref_cast(self, target):
        n = self.height - 1
        if not self.types[n] & REF or not self.context.matches(self.types[n], target):
            self.emit_test(1, target, 1 if target & NULLABLE else 0)
            self.last = -1
        self.types[n] = target
        return 0

    def branch_on_cast(self, op, x, source, target):
        """A br_if after a test of the topmost entry, which stays."""
        n = self.height - 1
        fails = op == OP_BR_ON_CAST_FAIL or op == OP_BR_ON_CAST_DESC_EQ_FAIL
        rest = source & ~NULLABLE if target & NULLABLE else source
        self.push_result(I32)
        self.types[n] = rest if fails else target
        self.branch_on(self.labels - 1 - x)
        self.types[n] = target if fails else rest
        return 0

    # ------------------------------------------------------------------ descriptors
    def descriptor(self):
        """The slot of the topmost entry, a descriptor; it stays, and is no null from here on."""
        n = self.height - 1
        slot = self.place_of(n)
        if self.types[n] & NULLABLE:
            self.emit(H_AS_DESCRIPTOR, slot, 0, 0)
            self.last = -1
        return slot

    def emit_descriptor_test(self, cast, flags):
        """Pop a descriptor and compare that of the entry below, which stays, with it."""
        descriptor = self.descriptor()
        reference = self.place_of(self.height - 2)
        if not cast:
            self.clobber(0)
        self.emit(H_CAST_DESC if cast else H_TEST_DESC, 0, reference, flags | descriptor << 16)
        if cast:
            self.last = -1
        self.truncate(self.height - 1)
        return 0


def test_flags(op, target):
    """Of a test for reference type `target`: 1, null is one; 2, it is for a branch where the cast fails."""
    fails = op == OP_BR_ON_CAST_FAIL or op == OP_BR_ON_CAST_DESC_EQ_FAIL
    return (1 if target & NULLABLE else 0) | (2 if fails else 0)


def element_kind(op, storage):
    """The kind of array.get for elements of that type."""
    if storage == I8:
        return "i8_s" if op == OP_ARRAY_GET_S else "i8_u"
    if storage == I16:
        return "i16_s" if op == OP_ARRAY_GET_S else "i16_u"
    if storage == I32:
        return "i32"
    if storage == F32:
        return "f32"
    return "f64" if storage == F64 else "i64"
