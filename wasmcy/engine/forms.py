"""What the handlers (operations.py) and the translator agree on: operand forms, merges, kinds, names."""

FORMS = ("ss", "rs", "sr", "si", "ri", "is", "ir", "rr")  # rr: one value twice
STORE_FORMS = ("ss", "rs", "sr", "si", "ri", "rr")

# the translator's entries, and what popping one finds
LOCAL, CONST, TEMP, ACC, SUM = range(5)
IN_SLOT, IN_ACC, IMMEDIATE = range(3)

# how two neighbours merge (translator.merge): what becomes of their fields
(
    FUSE_NONE,
    FUSE_ALU_RS,
    FUSE_ALU_RI,
    FUSE_ALU_SR,
    FUSE_LOAD_SI,
    FUSE_LOAD_RI,
    FUSE_LOAD_SS,
    FUSE_LOAD_K,
    FUSE_LOAD_KS,
    FUSE_LOAD_KI,
    FUSE_LOAD_KI_NARROW,
    FUSE_STORE_KI,
    FUSE_STORE_KI_NARROW,
    FUSE_STORE_KS,
    FUSE_STORE_SS,
    FUSE_STORE_SI,
    FUSE_STORE_RI,
    FUSE_STEP_RS,
    FUSE_STEP_RI,
    FUSE_STEP_SR,
    FUSE_STEP_Z,
    FUSE_MOVES,
    FUSE_MOVE_BRANCH,
    FUSE_TEST,
    FUSE_GLOBAL,
    FUSE_GLOBAL_SAME,
    FUSE_VECTORS,
    FUSE_VECTORS_ORDERED,
    FUSE_ROTATION,
) = range(29)
FUSE_FIRST_IMMEDIATE = 32  # flag: the first of two ALU operations has its immediate in `half`

# how the translator treats an instruction
KIND_BINARY, KIND_COMPARE, KIND_UNARY, KIND_LOAD, KIND_STORE = 1, 2, 3, 4, 5
KIND_ATOMIC_LOAD, KIND_ATOMIC_STORE, KIND_ATOMIC_RMW, KIND_ATOMIC_CMPXCHG, KIND_OPERATION, KIND_WIDE = (
    6,
    7,
    8,
    9,
    10,
    11,
)
(
    KIND_VECTOR,  # vectors to a vector, lane by lane
    KIND_VECTOR_SCALAR,  # a vector to a scalar; perhaps a lane
    KIND_VECTOR_SPLAT,
    KIND_VECTOR_REPLACE,
    KIND_VECTOR_SHIFT,
    KIND_VECTOR_SHUFFLE,
    KIND_VECTOR_CONST,
    KIND_VECTOR_LOAD,
    KIND_VECTOR_STORE,
    KIND_VECTOR_LOAD_LANE,
    KIND_VECTOR_STORE_LANE,
) = range(32, 43)
KIND_OBJECT = 50  # object_translator.py
FLAG_COMMUTATIVE, FLAG_EQZ = 1, 2

# the translator's operand stack: kinds of entries, what `pop` finds, the type of a v128's second entry
LOCAL, CONST, TEMP, ACC, SUM = range(5)
IN_SLOT, IN_ACC, IMMEDIATE = range(3)
HIGH_HALF = 1
LOW32 = 0xFFFFFFFF

# kinds of clause: those of try_table are numbered by the binary format (bit 0: passes the exception, 1: any tag)
OLD_CATCH, OLD_CATCH_ALL, DELEGATE = 4, 6, 8

# handlers the translator calls by name
NAMED = (
    "move", "move4", "movespan", "const32", "const64", "i32.add:si", "i32.add:ri", "br", "br_nz:s", "br_nz:r",
    "br_z:s", "br_z:r", "br64_nz:s", "br64_nz:r", "br64_z:s", "br64_z:r", "br_table:s", "br_table:r",
    "return.void", "return.many", "call", "call_import", "call_indirect:s", "call_indirect:r", "return_call",
    "return_call_import", "return_call_indirect:s", "return_call_indirect:r", "enter", "enter1", "enter2", "enter3",
    "enter4", "unreachable", "operation",
    "throw", "memory.size", "ref.func", "ref.func.imported", "table.get", "table.set", "index64", "memory.copy",
    "memory.fill", "step2", "move.step", "move2",
    "memory.size@any", "atomic.fence", "atomic.address", "call_ref:s", "call_ref:r", "return_call_ref:s",
    "return_call_ref:r", "ref.as_non_null",
    "i64.eqz:s", "leave.result", "leave.link", "leave.translate", "charge", "charge.length",
    "v128.const", "move.v128", "select.v128:s", "select.v128:r", "return.v128", "global.get.v128.own",
    "global.get.v128.imported", "global.set.v128.own", "global.set.v128.imported",
)  # fmt: skip
# the same, for object_translator.py
NAMED_OBJECTS = (
    "struct.new0", "struct.new1", "struct.new2", "struct.new3", "struct.new", "struct.new_default",
    *(f"struct.get.{kind}:{form}" for kind in ("i64", "f64", "f32", "i8_s", "i8_u", "i16_s", "i16_u") for form in "sr"),
    "struct.set:ss", "struct.set:si", "struct.set:rs", "struct.set:ri",
    "struct.set.i64:sr", "struct.set.f64:sr", "struct.set.f32:sr",
    *(f"array.get.{kind}:{form}" for kind in ("i8_s", "i8_u", "i16_s", "i16_u", "i32", "f32", "i64", "f64")
      for form in ("ss", "rs", "sr")),
    *(f"array.set.{kind}:{form}" for kind in ("i8", "i16", "i32", "i64") for form in ("sss", "ssr", "srs")),
    "array.set.f32:ssr", "array.set.f64:ssr", "array.len:s", "array.len:r",
    "array.new.8", "array.new.16", "array.new.32", "array.new.64", "array.new_default", "array.operation",
    "ref.i31:s", "ref.i31:r", "i31.get_s:s", "i31.get_s:r", "i31.get_u:s", "i31.get_u:r",
    *(f"ref.{name}.{kind}:{form}" for name in ("test", "cast") for kind in ("data", "func", "abstract")
      for form in "sr"),
    "ref.get_desc:s", "ref.get_desc:r", "ref.test.desc", "ref.cast.desc", "ref.as_descriptor",
    "struct.new_default_desc",
    "array.fill.8", "array.fill.16", "array.fill.32", "array.fill.64", "array.copy", "array.get.v128", "array.set.v128",
)  # fmt: skip
# one per class of accumulator (integer, f64, f32)
BY_CLASS = (
    "setr.{}", "global.get.{}.own", "global.get.{}.imported",
    "global.set.{}.own:s", "global.set.{}.own:r", "global.set.{}.own:i",
    "global.set.{}.imported:s", "global.set.{}.imported:r", "global.set.{}.imported:i",
    "select.{}:s", "select.{}:r", "return.{}:s", "return.{}:r", "return.{}:i",
)  # fmt: skip

# words of the heap's cells, by size class; what is larger is allocated by itself
CELL_WORDS = (
    2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256,
)  # fmt: skip
LARGE_CLASS = len(CELL_WORDS)


def size_class(words: int) -> int:
    """The size class of an object of that many words, its header included."""
    for i, size in enumerate(CELL_WORDS):
        if words <= size:
            return i
    return LARGE_CLASS
