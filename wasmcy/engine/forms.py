"""What the handlers (operations.py) and the translator agree on: operand forms, merges, kinds, names."""

FORMS = ("ss", "rs", "sr", "si", "ri", "is", "ir")
STORE_FORMS = ("ss", "rs", "sr", "si", "ri", "rr")

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
    FUSE_STORE_SS,
    FUSE_STORE_SI,
    FUSE_STORE_RI,
    FUSE_STORE_KI,
    FUSE_STORE_KI_NARROW,
    FUSE_STORE_KS,
    FUSE_STEP_RS,
    FUSE_STEP_RI,
    FUSE_STEP_SR,
    FUSE_STEP_Z,
    FUSE_MOVES,
    FUSE_MOVE_BRANCH,
    FUSE_TEST,
    FUSE_VECTORS,
    FUSE_VECTORS_ORDERED,
) = range(26)
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
FLAG_COMMUTATIVE, FLAG_EQZ = 1, 2

# the translator's operand stack: kinds of entries, what `pop` finds, the type of a v128's second entry
LOCAL, CONST, TEMP, ACC, SUM = range(5)
IN_SLOT, IN_ACC, IMMEDIATE = range(3)
HIGH_HALF = 1
LOW32 = 0xFFFFFFFF

# handlers the translator calls by name
NAMED = (
    "move", "move4", "movespan", "const32", "const64", "i32.add:si", "i32.add:ri", "br", "br_nz:s", "br_nz:r",
    "br_z:s", "br_z:r", "br64_nz:s", "br64_nz:r", "br64_z:s", "br64_z:r", "br_table:s", "br_table:r",
    "return.void", "return.many", "call", "call_import", "call_indirect:s", "call_indirect:r", "return_call",
    "return_call_import", "return_call_indirect:s", "return_call_indirect:r", "enter", "enter1", "enter2", "enter3",
    "enter4", "unreachable", "operation",
    "throw", "memory.size", "ref.func", "ref.func.imported", "table.get", "table.set", "index64", "memory.copy",
    "memory.fill", "step2", "move2",
    "call_ref:s", "call_ref:r", "return_call_ref:s", "return_call_ref:r", "ref.as_non_null",
    "i64.eqz:s", "leave.result", "leave.link", "leave.translate",
    "v128.const", "move.v128", "select.v128:s", "select.v128:r", "return.v128", "global.get.v128.own",
    "global.get.v128.imported", "global.set.v128.own", "global.set.v128.imported",
)  # fmt: skip
# one per class of accumulator (integer, f64, f32)
BY_CLASS = (
    "setr.{}", "global.get.{}.own", "global.get.{}.imported",
    "global.set.{}.own:s", "global.set.{}.own:r", "global.set.{}.own:i",
    "global.set.{}.imported:s", "global.set.{}.imported:r", "global.set.{}.imported:i",
    "select.{}:s", "select.{}:r", "return.{}:s", "return.{}:r", "return.{}:i",
)  # fmt: skip
