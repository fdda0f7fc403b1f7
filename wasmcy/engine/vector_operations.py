"""The handlers of vector instructions: their operands and results are slots, two for each v128.

    i8x16.add               [D result, A, B]; a third operand in C
    i8x16.bitmask           [D, A]: the result in the accumulator, its twin `>` stores it too
    i8x16.splat:s           [D, A scalar]; r the accumulator
    i8x16.shl:i             [D, A, B count]; s a slot, i the count itself
    i8x16.replace_lane:s    [D, A, B scalar, C lane]
    i8x16.shuffle           [D, A, B][the lanes: two words]
    i8x16.shuffle64         [D, A, B]: the slots of both halves
    v128.load:s             [D, A address, half offset + size]; r, @i and address modes as for scalars
    v128.load8_lane:s       [D, A address, half offset + size][u16: vector, lane]
    v128.load@any           [D, A address, C memory][offset + size]; lanes: vector in B, and [lane]
    2.f32x4.mul.add         A * B + C; `.rsub` has the product on the right
    3.i32x4.shl:i.shr_u:i.v128.or  A << C | A >> B

Instructions are sorted by their rows in the table.  Handlers are named by instruction, but for relaxed
ones that do what another does (vectors.strict).
"""

from ..opcodes import OPS
from ..types import V128
from . import vectors
from .forms import (
    FUSE_ROTATION,
    FUSE_STORE_RI,
    FUSE_STORE_SI,
    FUSE_STORE_SS,
    FUSE_VECTORS,
    FUSE_VECTORS_ORDERED,
    KIND_VECTOR,
    KIND_VECTOR_CONST,
    KIND_VECTOR_LOAD,
    KIND_VECTOR_LOAD_LANE,
    KIND_VECTOR_REPLACE,
    KIND_VECTOR_SCALAR,
    KIND_VECTOR_SHIFT,
    KIND_VECTOR_SHUFFLE,
    KIND_VECTOR_SPLAT,
    KIND_VECTOR_STORE,
    KIND_VECTOR_STORE_LANE,
)
from .handlers import ADDRESS, CTYPE, FUSIONS, ID, NAMES, bounds, one, producer, read

OPERANDS = {name: f"{name} = <v128*>(sp + F_{name.upper()}(pc))" for name in "abc"}
RESULT = "wcy_put(<v128*>(sp + F_D(pc)), &r)"
BITS = {"i32": "xi32", "i64": "xi64", "f32": "wcy_bits32(xf32)", "f64": "wcy_bits64(xf64)"}  # of x, as an integer
LANE_BYTES = {1: "u8", 2: "u16", 4: "u32", 8: "u64"}

KINDS: dict[int, list] = {}


def _kind(op):
    if "memarg" in op.immediates:
        kinds = (KIND_VECTOR_LOAD, KIND_VECTOR_STORE, KIND_VECTOR_LOAD_LANE, KIND_VECTOR_STORE_LANE)
        return kinds[2 * ("laneidx" in op.immediates) + (not op.results)]
    if not op.params:
        return KIND_VECTOR_CONST
    if op.results[0] != V128:
        return KIND_VECTOR_SCALAR
    if set(op.params) == {V128}:
        return KIND_VECTOR_SHUFFLE if op.immediates else KIND_VECTOR
    if len(op.params) == 1:
        return KIND_VECTOR_SPLAT
    return KIND_VECTOR_REPLACE if op.immediates else KIND_VECTOR_SHIFT


for _op in OPS.values():
    if _op.params is not None and V128 in (*_op.params, *_op.results):
        KINDS.setdefault(_kind(_op), []).append(_op)


def result(name, words, lines):
    """A handler that ends by storing r in slot D."""
    one(name, words, [*lines, RESULT, f"NEXT {words}"], "v128")


def loop(statements, count):
    return [f"for i in range({count}):", *("    " + line for line in statements)]


def lanes(mnemonic, *operands, to="r"):
    """A statement of the generator's (vectors.computation): compute `to` from `operands`, a shift's count the last."""
    return f"LANES {mnemonic} {to} {' '.join(operands)}"


def inserted(bits, index, value):
    """r is the vector a with another lane."""
    return [f"wcy_insert(&r, a, {value}, {bits}, {index})"]


def shape(op):
    return op.mnemonic.split(".")[0]


def lane(operand, op, index, signed=False):
    return vectors.lane(operand, shape(op), signed, index)


# ------------------------------------------------------------------ without memory
def lanewise():
    for op in KINDS[KIND_VECTOR]:
        if vectors.strict(op.mnemonic) == op.mnemonic:
            names = "abc"[: len(op.params)]
            result(op.mnemonic, 2, [*(OPERANDS[name] for name in names), lanes(op.mnemonic, *names)])
    for name in ("f32x4.canonical", "f64x2.canonical"):  # code of deterministic stores only
        result(name, 2, [OPERANDS["a"], lanes(name, "a")])


def scalars():
    """From a v128 to an i32 and the like."""
    for op in KINDS[KIND_VECTOR_SCALAR]:
        kind = NAMES[op.results[0]]
        if op.immediates:
            signed = op.mnemonic.endswith("_s")
            value = lane("a", op, "F_B(pc)", signed)
            value = f"<{CTYPE[kind]}><i32>{value}" if signed else f"<{CTYPE[kind]}>{value}"
        else:
            value = vectors.predicate(op.mnemonic)
        producer(op.mnemonic, 2, "v128", [OPERANDS["a"]], value, kind)


def from_scalars():
    for op in KINDS[KIND_VECTOR_SPLAT]:
        kind = NAMES[op.params[0]]
        for form, place in (("s", "A"), ("r", "r")):
            value = f"x{kind} = {read(kind, place)}"
            fill = [f"{lane('r', op, 'i')} = x{kind}"]
            result(f"{op.mnemonic}:{form}", 2, [value, *loop(fill, 128 // vectors.width(shape(op)))])
    for op in KINDS[KIND_VECTOR_REPLACE]:
        kind = NAMES[op.params[1]]
        for form, place in (("s", "B"), ("r", "r")):
            value = f"x{kind} = {read(kind, place)}"
            insert = inserted(vectors.width(shape(op)), "F_C(pc)", BITS[kind])
            result(f"{op.mnemonic}:{form}", 2, [OPERANDS["a"], value, *insert])


def shifts():
    for op in KINDS[KIND_VECTOR_SHIFT]:
        mask = vectors.width(shape(op)) - 1
        for form, count in (("s", "wcy_slot_u32(sp, F_B(pc))"), ("i", "<u32>F_B(pc)")):
            lines = [OPERANDS["a"], f"n = {count} & {mask}", lanes(op.mnemonic, "a", "n")]
            result(f"{op.mnemonic}:{form}", 2, lines)


def shuffles():
    result("i8x16.shuffle", 4, [OPERANDS["a"], OPERANDS["b"], "c = <v128*>(pc + 2)", lanes("i8x16.shuffle", *"abc")])
    result("i8x16.shuffle64", 2, ["r.u64x2[0] = sp[F_A(pc)]", "r.u64x2[1] = sp[F_B(pc)]"])


def constants_and_moves():
    result("v128.const", 4, ["r.u64x2[0] = pc[2]", "r.u64x2[1] = pc[3]"])
    result("move.v128", 2, [OPERANDS["a"], "r = a[0]"])
    for form in "sr":
        condition = read("i32", {"s": "C", "r": "r"}[form])
        result(f"select.v128:{form}", 2, [OPERANDS["a"], OPERANDS["b"], f"if {condition} == 0: a = b", "r = a[0]"])
    for name, cell in (("own", "cell = <u64*>(<u8*>instance + F_HALF(pc))"),
                       ("imported", "cell = instance.imported_globals[F_HALF(pc)]")):  # fmt: skip
        result(f"global.get.v128.{name}", 2, [cell, "r = (<v128*>cell)[0]"])
        one(f"global.set.v128.{name}", 2, [OPERANDS["a"], cell, "(<v128*>cell)[0] = a[0]", "NEXT 2"], "v128")
    one("return.v128", 2, [  # [A value, C parameters]
        OPERANDS["a"], "x = F_C(pc)", "pc = <u64*>sp[x]", "y = sp[x + 1]", "r = a[0]", "(<v128*>sp)[0] = r",
        "sp = <u64*>(<u8*>sp - y)", "GO"], "v128")  # fmt: skip


# ------------------------------------------------------------------ memory
ANY = [
    "memory = instance.memories[F_C(pc)]",
    "ea = sp[F_A(pc)] + pc[2]",
    "if WASMCY_UNLIKELY(ea < pc[2] or ea > memory.size): TRAP TRAP_BOUNDS",
]


def loaded(op, at):
    """r from memory."""
    name = op.mnemonic.removeprefix("v128.load")
    if not name:
        return [f"r.u64x2[0] = wcy_load_u64({at})", f"r.u64x2[1] = wcy_load_u64({at} + 8)"]
    unit = LANE_BYTES[op.align]
    if name.endswith("_splat"):
        bits = 8 * op.align
        fill = f"{vectors.lane('r', f'i{bits}x{128 // bits}', False, 'i')} = x"
        return [f"x = wcy_load_{unit}({at})", *loop([fill], 128 // bits)]
    if name.endswith("_zero"):
        return [f"r.u64x2[0] = wcy_load_{unit}({at})", "r.u64x2[1] = 0"]
    bits = int(name.partition("x")[0])  # 8x8_s
    wide = f"i{2 * bits}x{64 // bits}"
    return [f"wcy_load_low(&s, {at})", lanes(f"{wide}.extend_low_i{bits}x{128 // bits}_{name[-1]}", "s")]


def stored(at, vector="a"):
    return [f"wcy_store_u64({at}, {vector}.u64x2[0])", f"wcy_store_u64({at} + 8, {vector}.u64x2[1])"]


def loads_and_stores():
    addresses = {
        ":s": "<u64>wcy_slot_u32(sp, F_{0}(pc)) + <u64>F_HALF(pc)", ":r": "<u64><u32>r0 + <u64>F_HALF(pc)",
        "@i": "F_HALF(pc)",
    }  # fmt: skip
    for op in KINDS[KIND_VECTOR_LOAD]:
        for form, address in addresses.items():
            result(op.mnemonic + form, 2, [*bounds(address.format("A")), *loaded(op, f"mem + ea - {op.align}")])
        result(f"{op.mnemonic}@any", 3, [*ANY, *loaded(op, f"memory.base + ea - {op.align}")])
        for mode, (address, offset, words, merged, how) in ADDRESS.items():
            reach = bounds(f"<u64>{address} + <u64>{offset}")
            result(f"{op.mnemonic}@{mode}", words, [*reach, *loaded(op, f"mem + ea - {op.align}")])
            FUSIONS[ID[merged], ID[f"{op.mnemonic}:r"]] = ID[f"{op.mnemonic}@{mode}"], how
    for op in KINDS[KIND_VECTOR_STORE]:
        for form, address in addresses.items():
            lines = [*bounds(address.format("D")), OPERANDS["a"], *stored("mem + ea - 16")]
            one(op.mnemonic + form, 2, [*lines, "NEXT 2"], "v128")
        value = OPERANDS["a"].replace("F_A", "F_D")
        one(f"{op.mnemonic}@any", 3, [*ANY, value, *stored("memory.base + ea - 16"), "NEXT 3"], "v128")
        for mode, how in (("si", FUSE_STORE_SI), ("ri", FUSE_STORE_RI), ("ss", FUSE_STORE_SS)):
            address, offset, words, merged, _ = ADDRESS[mode]
            if mode != "ri":
                address = address.replace("F_A", "F_D")
            reach = bounds(f"<u64>{address} + <u64>{offset}")
            lines = [*reach, OPERANDS["a"], *stored("mem + ea - 16"), f"NEXT {words}"]
            one(f"{op.mnemonic}@{mode}", words, lines, "v128")
            FUSIONS[ID[merged], ID[f"{op.mnemonic}:r"]] = ID[f"{op.mnemonic}@{mode}"], how


def lane_accesses():
    near = bounds("<u64>wcy_slot_u32(sp, F_A(pc)) + <u64>F_HALF(pc)")
    for kind in (KIND_VECTOR_LOAD_LANE, KIND_VECTOR_STORE_LANE):
        for op in KINDS[kind]:
            bits = 8 * op.align
            place = f"i{bits}x{128 // bits}"
            for form, words, reach, base, vector, index in (
                (":s", 3, near, "mem", "W_U16(pc, 2, 0)", "W_U16(pc, 2, 1)"),
                ("@any", 4, ANY, "memory.base", "F_B(pc)", "pc[3]"),
            ):
                at, fetch = f"{base} + ea - {op.align}", f"a = <v128*>(sp + {vector})"
                if kind == KIND_VECTOR_LOAD_LANE:
                    value = f"xi64 = wcy_load_u{bits}({at})"
                    result(op.mnemonic + form, words, [*reach, fetch, value, *inserted(bits, index, "xi64")])
                else:
                    work = f"wcy_store_u{bits}({at}, {vectors.lane('a', place, False, index)})"
                    one(op.mnemonic + form, words, [*reach, fetch, work, f"NEXT {words}"], "v128")


# ------------------------------------------------------------------ superinstructions
# Two operations, of which the second uses the first's result; a count that is an immediate stands in B.
PAIRS = [
    *((f"{shape}.mul", f"{shape}.add") for shape in ("i16x8", "i32x4", "f32x4", "f64x2")),
    *((f"{shape}.mul", f"{shape}.sub") for shape in ("f32x4", "f64x2")),
    *((f"{shape}.{shift}:i", "v128.or") for shape in ("i16x8", "i32x4", "i64x2") for shift in ("shl", "shr_u")),
    *((f"v128.{first}", f"v128.{second}") for first in ("and", "xor") for second in ("and", "or", "xor")),
    *((f"{shape}.add", f"{shape}.add") for shape in ("i16x8", "i32x4")),
    ("i32x4.dot_i16x8_s", "i32x4.add"),
]


def pairs():
    for first, second in PAIRS:
        mnemonic = first.removesuffix(":i")
        fetch = [OPERANDS["a"], OPERANDS["c"]]
        if mnemonic == first:
            fetch.insert(1, OPERANDS["b"])
            fetch.append(lanes(mnemonic, "a", "b", to="s"))
        else:
            fetch.append(f"n = <u32>F_B(pc) & {vectors.width(mnemonic.split('.')[0]) - 1}")
            fetch.append(lanes(mnemonic, "a", "n", to="s"))
        shape_, name = second.split(".")
        # the value of the first on the left, or on the right
        orders = {"": "sc"} | ({"r": "cs"} if name == "sub" else {})
        for prefix, operands in orders.items():
            same = mnemonic.startswith(shape_ + ".")
            both = f"2.{first}.{prefix}{name if same else shape_ + '.' + name}"
            result(both, 2, [*fetch, lanes(second, *operands)])
        handler = ID[f"2.{first}.{name if same else shape_ + '.' + name}"]
        FUSIONS[ID[first], ID[second]] = handler, FUSE_VECTORS_ORDERED if len(orders) > 1 else FUSE_VECTORS


def rotations():
    """Both shifts of a vector, of which one is merged with the `or`; its count stands in B, the other's in C."""
    for shape_ in ("i16x8", "i32x4", "i64x2"):
        mask = vectors.width(shape_) - 1
        for first, second in (("shl", "shr_u"), ("shr_u", "shl")):
            name, pair = f"3.{shape_}.{first}:i.{second}:i.v128.or", f"2.{shape_}.{second}:i.v128.or"
            lines = [OPERANDS["a"]]
            for count, shift, to in (("C", first, "r"), ("B", second, "s")):
                lines += [f"n = <u32>F_{count}(pc) & {mask}", lanes(f"{shape_}.{shift}", "a", "n", to=to)]
            result(name, 2, [*lines, "r.u64x2[0] |= s.u64x2[0]", "r.u64x2[1] |= s.u64x2[1]"])
            FUSIONS[ID[f"{shape_}.{first}:i"], ID[pair]] = ID[name], FUSE_ROTATION


def define():
    """Append the handlers to all others."""
    lanewise()
    scalars()
    from_scalars()
    shifts()
    shuffles()
    constants_and_moves()
    loads_and_stores()
    lane_accesses()
    pairs()
    rotations()


# ------------------------------------------------------------------ what the translator looks up
FORMS = {
    KIND_VECTOR: ("",),
    KIND_VECTOR_SCALAR: ("",),
    KIND_VECTOR_SPLAT: (":s", ":r"),
    KIND_VECTOR_REPLACE: (":s", ":r"),
    KIND_VECTOR_SHIFT: (":s", ":i"),
    KIND_VECTOR_SHUFFLE: ("", "64"),
    KIND_VECTOR_CONST: ("",),
    KIND_VECTOR_LOAD: (":s", ":r", "@i", "@si"),
    KIND_VECTOR_STORE: (":s", ":r", "@i", "@si"),
    KIND_VECTOR_LOAD_LANE: (":s",),
    KIND_VECTOR_STORE_LANE: (":s",),
}


def fill(t):
    """The rows of vector instructions in the tables of operations.py."""
    for kind, ops in KINDS.items():
        for op in ops:
            strict = vectors.strict(op.mnemonic)
            t["kind"][op.id], t["size"][op.id] = kind, op.align
            t["operand"][op.id] = op.params.count(V128)
            t["result"][op.id] = op.results[0] if op.results else 0
            for i, form in enumerate(FORMS[kind]):
                t["handler"][op.id * 8 + i] = ID[strict + form]
            if op.align:
                t["any"][op.id] = ID[f"{op.mnemonic}@any"]
