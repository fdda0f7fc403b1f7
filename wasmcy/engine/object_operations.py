"""The handlers of instructions on structs, arrays, i31 and types of references.

    struct.new2             [D result, A, B fields, C size class][header]; three take C, too, and [class] follows
    struct.new              [D result, A first slot of the fields, B their number, C size class][header]
    struct.get.i64:s        [D result, A object, half field in words]; r the accumulator
    struct.set:ss           [D object, A value, half field in words]
    array.get.i8_u:ss       [D result, A array, B index]
    array.set.i8:sss        [D array, A index, B value]
    array.new.8             [D result, A value, B length, C shift][type id, instruction]
    array.operation         [D operands, B their number, C shift][type id, instruction]: aggregates.array_step
    array.fill.8            the same, unless it is short; array.copy, too
    array.get.v128          [D result, A array, B index]
    array.set.v128          [D array, A index, B value]
    ref.test.data:s         [D result, A reference, B 1: null is one, 2: the opposite; C depth][type id]
    ref.test.desc           [D result, A reference, B as before, C descriptor]
    ref.as_descriptor       [D a descriptor, which must not be null]

An allocation that finds no cell leaves, and is done again.
"""

from ..opcodes import BY_NAME
from .forms import KIND_OBJECT, NAMED_OBJECTS
from .handlers import ACCUMULATOR, ID, align, one, producer, read, slot, write

ALLOCATED = [  # a cell of size class y
    "cell = instance.heap.free[y]",
    "if WASMCY_UNLIKELY(cell == NULL):",
    "    instance.activation.value = y",
    "    LEAVE LEAVE_ALLOCATE",
    "instance.heap.free[y] = <u64*>cell[1]",
    "cell[0] = pc[2]",
]
EACH = ["while x != 0:", "    dst[0] = {0}", "    dst += 1", "    x -= 1", "    WASMCY_BARRIER()"]
PACKED = {"i8_s": "<u32><i32><i8>{0}", "i8_u": "<u32><u8>{0}", "i16_s": "<u32><i32><i16>{0}", "i16_u": "<u32><u16>{0}"}
ELEMENT = "<u8*>(cell + 1) + (<u64>u << {0})"
ELEMENTS = {  # kind -> (shift, how it is read, what is in the accumulator)
    "i8_s": (0, "<u32><i32><i8>wcy_load_u8({0})", "i32"), "i8_u": (0, "<u32>wcy_load_u8({0})", "i32"),
    "i16_s": (1, "<u32><i32><i16>wcy_load_u16({0})", "i32"), "i16_u": (1, "<u32>wcy_load_u16({0})", "i32"),
    "i32": (2, "wcy_load_u32({0})", "i32"), "f32": (2, "wcy_load_f32({0})", "f32"),
    "i64": (3, "(cell + 1)[u]", "i64"), "f64": (3, "wcy_slot_f64(cell + 1, u)", "f64"),
}  # fmt: skip
ELEMENT_STORES = {
    "i8": (0, "wcy_store_u8({0}, <u8>{1})", "i32"), "i16": (1, "wcy_store_u16({0}, <u16>{1})", "i32"),
    "i32": (2, "wcy_store_u32({0}, {1})", "i32"), "f32": (2, "wcy_store_f32({0}, {1})", "f32"),
    "i64": (3, "(cell + 1)[u] = {1}", "i64"), "f64": (3, "wcy_set_f64(cell + 1, u, {1})", "f64"),
}  # fmt: skip
NEW_ARRAY = [  # a small one; others leave
    "n = wcy_slot_u32(sp, F_B(pc))",
    "if WASMCY_UNLIKELY(n << {0} > 1024): LEAVE LEAVE_HEAP",
    "x = ((n << {0}) + 7) >> 3",
    "y = instance.heap.class_of[x + 1]",
    "cell = instance.heap.free[y]",
    "if WASMCY_UNLIKELY(cell == NULL): LEAVE LEAVE_HEAP",
    "instance.heap.free[y] = <u64*>cell[1]",
    "cell[0] = W_HALF(pc, 2, 0) | n << 32",
    "dst = cell + 1",
]
NEW_DONE = ["r0 = <u64>cell", "sp[F_D(pc)] = r0", "NEXT 3"]
PATTERNS = (  # eight bytes of elements, by shift
    "0x0101010101010101u * <u8>sp[F_A(pc)]",
    "0x0001000100010001u * <u16>sp[F_A(pc)]",
    "0x0000000100000001u * <u32>sp[F_A(pc)]",
    "sp[F_A(pc)]",
)
TYPE_TESTS = {
    "data": "is_data(instance.heap, x, pc[2], F_C(pc))",
    "func": "is_func(instance.heap, x, pc[2], F_C(pc))",
    "abstract": "is_abstract(instance.heap, x, pc[2])",
}
SHORT = 8192  # bytes that are filled or copied without leaving
OBJECTS = (
    "struct.new", "struct.new_default", "struct.get", "struct.get_s", "struct.get_u", "struct.set",
    "array.new", "array.new_default", "array.new_fixed", "array.new_data", "array.new_elem", "array.get", "array.get_s",
    "array.get_u", "array.set", "array.len", "array.fill", "array.copy", "array.init_data", "array.init_elem",
    "ref.i31", "i31.get_s", "i31.get_u", "ref.test", "ref.test_null", "ref.cast", "ref.cast_null", "br_on_cast",
    "br_on_cast_fail", "any.convert_extern", "extern.convert_any", "struct.new_desc", "struct.new_default_desc",
    "ref.get_desc", "ref.cast_desc_eq", "ref.cast_desc_eq_null", "br_on_cast_desc_eq", "br_on_cast_desc_eq_fail",
)  # fmt: skip


def object_at(place, trap):
    """Lines that fetch an object's address, which must not be null."""
    return [f"cell = <u64*>{read('i64', place)}", f"if WASMCY_UNLIKELY(cell == NULL): TRAP {trap}"]


def new_structs():
    for n in range(4):
        fields = [f"cell[{i + 1}] = sp[F_{'ABC'[i]}(pc)]" for i in range(n)]
        size_class = "y = pc[3]" if n == 3 else "y = F_C(pc)"
        producer(f"struct.new{n}", 3 + (n == 3), "i64", [size_class, *ALLOCATED, *fields], "<u64>cell", "i64")
    copy = [*(line.format("src[0]") for line in EACH[:3]), "    src += 1", *EACH[3:]]
    lines = ["y = F_C(pc)", *ALLOCATED, "x = F_B(pc)", "src = sp + F_A(pc)", "dst = cell + 1", *copy]
    producer("struct.new", 3, "i64", lines, "<u64>cell", "i64")
    lines = ["y = F_C(pc)", *ALLOCATED, "x = F_B(pc)", "dst = cell + 1", *(line.format("0") for line in EACH)]
    producer("struct.new_default", 3, "i64", lines, "<u64>cell", "i64")


def fields():
    for form, place in (("s", "A"), ("r", "r")):
        lines = object_at(place, "TRAP_NULL_STRUCT")
        for kind in ("i64", "f64", "f32"):
            value = slot(kind, "F_HALF(pc)").replace("sp", "cell")
            producer(f"struct.get.{kind}:{form}", 2, kind, lines, value, kind)
        for kind, value in PACKED.items():
            producer(f"struct.get.{kind}:{form}", 2, "i32", lines, value.format("cell[F_HALF(pc)]"), "i32")
    for form, place in (("s", "D"), ("r", "r")):
        lines = object_at(place, "TRAP_NULL_STRUCT")
        one(f"struct.set:{form}s", 2, [*lines, "cell[F_HALF(pc)] = sp[F_A(pc)]", "NEXT 2"])
        one(f"struct.set:{form}i", 3, [*lines, "cell[F_HALF(pc)] = pc[2]", "NEXT 3"])
    for kind in ("i64", "f64", "f32"):
        store = write(kind, "F_HALF(pc)", ACCUMULATOR[kind]).replace("sp", "cell")
        one(f"struct.set.{kind}:sr", 2, [*object_at("D", "TRAP_NULL_STRUCT"), store, "NEXT 2"], kind)


def element_at(array, index):
    return [
        *object_at(array, "TRAP_NULL_ARRAY"),
        f"u = {read('i32', index)}",
        "if WASMCY_UNLIKELY(u >= wcy_half(cell, 1)): TRAP TRAP_ARRAY_BOUNDS",
    ]


def elements():
    for kind, (shift, value, result) in ELEMENTS.items():
        for form, places in (("ss", "AB"), ("rs", "rB"), ("sr", "Ar")):
            value_at = value.format(ELEMENT.format(shift))
            producer(f"array.get.{kind}:{form}", 2, result, element_at(*places), value_at, result)
    for kind, (shift, store, value) in ELEMENT_STORES.items():
        for form, places in (("sss", "DAB"), ("ssr", "DAr"), ("srs", "DrB")):
            if kind[0] == "f" and form != "ssr":
                continue  # in slots they are bits as others
            put = store.format(ELEMENT.format(shift), read(value, places[2]))
            one(f"array.set.{kind}:{form}", 2, [*element_at(*places[:2]), put, "NEXT 2"], value)
    for form, place in (("s", "A"), ("r", "r")):
        lines = object_at(place, "TRAP_NULL_ARRAY")
        producer(f"array.len:{form}", 2, "i64", lines, "<u64>wcy_half(cell, 1)", "i64")


def new_arrays():
    for shift, pattern in enumerate(PATTERNS):
        fill = "dst[0] = ea" if shift == 3 else "wcy_store_u64(<u8*>dst, ea)"
        lines = [line.format(shift) for line in NEW_ARRAY]
        each = [line.replace("dst[0] = {0}", fill) for line in EACH]
        one(f"array.new.{8 << shift}", 3, [*lines, f"ea = {pattern}", *each, *NEW_DONE])
    lines = [line.format("F_C(pc)") for line in NEW_ARRAY]
    one("array.new_default", 3, [*lines, *(line.format("0") for line in EACH), *NEW_DONE])
    one("array.operation", 3, ["LEAVE LEAVE_HEAP"])


def many_elements():
    """array.fill and array.copy of few elements; others leave."""
    checks = ["if WASMCY_UNLIKELY(cell == NULL): TRAP TRAP_NULL_ARRAY",
              "if WASMCY_UNLIKELY(x + n > wcy_half(cell, 1)): TRAP TRAP_ARRAY_BOUNDS"]  # fmt: skip
    for shift in range(4):
        start = [
            "dst = sp + F_D(pc)", "cell = <u64*>dst[0]", "x = dst[1]", "y = dst[2]", "n = dst[3]", *checks,
            f"if WASMCY_UNLIKELY(n > {SHORT >> shift}): LEAVE LEAVE_HEAP",
            f"ea = <u64>(cell + 1) + (x << {shift})", "instance.poll -= n >> 8",
        ]  # fmt: skip
        store = "(<u64*>ea)[0] = y" if shift == 3 else f"wcy_store_u{8 << shift}(<u8*>ea, <u{8 << shift}>y)"
        each = ["while n != 0:", f"    {store}", f"    ea += {1 << shift}", "    n -= 1", "    WASMCY_BARRIER()"]
        if shift == 0:
            each = ["memset(<u8*>ea, <int>(y & 255), n)"]
        one(f"array.fill.{8 << shift}", 3, [*start, *each, "NEXT 3"])
    one("array.copy", 3, [
        "dst = sp + F_D(pc)", "cell = <u64*>dst[0]", "x = dst[1]", "n = dst[4]", *checks,
        "ea = <u64>(cell + 1) + (x << F_C(pc))", "cell = <u64*>dst[2]", "x = dst[3]", *checks,
        "n = n << F_C(pc)", f"if WASMCY_UNLIKELY(n > {SHORT}): LEAVE LEAVE_HEAP",
        "instance.poll -= n >> 8", "memmove(<u8*>ea, <u8*>(cell + 1) + (x << F_C(pc)), n)", "NEXT 3"])  # fmt: skip


def vector_elements():
    get = ["src = cell + 1 + 2 * <u64>u", "dst = sp + F_D(pc)"]
    one("array.get.v128", 2, [*element_at("A", "B"), *get, "x = src[1]", "dst[0] = src[0]", "dst[1] = x", "NEXT 2"])
    put = ["dst = cell + 1 + 2 * <u64>u", "src = sp + F_B(pc)"]
    one("array.set.v128", 2, [*element_at("D", "A"), *put, "dst[0] = src[0]", "dst[1] = src[1]", "NEXT 2"])


def scalars():
    for form, place in (("s", "A"), ("r", "r")):
        producer(f"ref.i31:{form}", 2, "i32", [f"a = {read('i32', place)}"], "<u32>(a << 1) | 1", "i32")
        for name, value in (("s", "<u32>(<i32><u32>x >> 1)"), ("u", "<u32>x >> 1")):
            lines = [f"x = {read('i64', place)}", "if WASMCY_UNLIKELY(x == 0): TRAP TRAP_NULL_I31"]
            producer(f"i31.get_{name}:{form}", 2, "i64", lines, value, "i32")


def type_tests():
    for kind, test in TYPE_TESTS.items():
        for form, place in (("s", "A"), ("r", "r")):
            lines = [f"x = {read('i64', place)}", "y = F_B(pc) & 1", f"if x != 0: y = {test}"]
            producer(f"ref.test.{kind}:{form}", 3, "i64", lines, "<u32>(y ^ (F_B(pc) >> 1))", "i32")
            one(f"ref.cast.{kind}:{form}", 3, [*lines, "if WASMCY_UNLIKELY(y == 0): TRAP TRAP_CAST", "NEXT 3"])


def descriptors():
    """The handlers of structs with descriptors, apart from the others: what comes between keeps its number."""
    for form, place in (("s", "A"), ("r", "r")):
        value = "descriptor_of(instance.heap, cell)"
        producer(f"ref.get_desc:{form}", 2, "i64", object_at(place, "TRAP_NULL"), value, "i64")
    lines = [f"x = {read('i64', 'A')}", "y = F_B(pc) & 1", "if x != 0: y = is_described(instance.heap, x, sp[F_C(pc)])"]
    producer("ref.test.desc", 2, "i64", lines, "<u32>(y ^ (F_B(pc) >> 1))", "i32")
    one("ref.cast.desc", 2, [*lines, "if WASMCY_UNLIKELY(y == 0): TRAP TRAP_DESCRIPTOR_CAST", "NEXT 2"])
    one("ref.as_descriptor", 2, ["if WASMCY_UNLIKELY(sp[F_D(pc)] == 0): TRAP TRAP_NULL_DESCRIPTOR", "NEXT 2"])
    lines = ["y = F_C(pc)", *ALLOCATED, "x = F_B(pc)", "dst = cell + 1", *(line.format("0") for line in EACH)]
    lines += ["dst[0] = sp[F_A(pc)]"]
    producer("struct.new_default_desc", 3, "i64", lines, "<u64>cell", "i64")


def define():
    """Add the handlers to the others."""
    for group in (new_structs, fields, elements, new_arrays, scalars, type_tests):
        group()
    align()


def fill(t):
    """What the translator looks up: see operations.tables."""
    for mnemonic in OBJECTS:
        t["kind"][BY_NAME[mnemonic].id] = KIND_OBJECT
    t["named_objects"] = [ID[name] for name in NAMED_OBJECTS]
