"""How a handler is described, before generate.py writes it.

A body is a list of lines in Cython, with a few statements of the generator's (generate.py):
    NEXT n      go on at pc + n
    JUMP        add the displacement in `half` (bytes, from this instruction) and go on there
    JUMP2       the same with the displacement in the third word's lower half
    GO          go on at pc
    TRAP x      leave with this instruction as the cause
    LEAVE x     leave; (pc, sp) is where to resume
    LANES i r a compute the v128 `r` by the vector instruction `i` from the operands `a` (vectors.py)
"""

from ..types import F32, F64, I32, I64
from .forms import (
    FUSE_LOAD_K,
    FUSE_LOAD_KI,
    FUSE_LOAD_KS,
    FUSE_LOAD_RI,
    FUSE_LOAD_SI,
    FUSE_LOAD_SS,
)
from .semantics import CTYPE

NAMES = {I32: "i32", I64: "i64", F32: "f32", F64: "f64"}
ACCUMULATOR = {"i32": "r0", "i64": "r0", "f64": "f0", "f32": "s0"}


class Handler:
    """One handler: `id`, `name`, `words` it takes (0: br_table), `lines` of its body, `types` of a, b, c."""

    __slots__ = ("id", "lines", "name", "type", "words")

    def __init__(self, number, name, words, lines, type_):
        self.id = number
        self.name = name
        self.words = words
        self.lines = lines
        self.type = type_

    def __repr__(self):
        return f"<{self.id} {self.name}>"


HANDLERS: list[Handler] = []
ID: dict[str, int] = {}
FUSIONS: dict[tuple[int, int], tuple[int, int]] = {}  # (handler, handler) -> (handler, FUSE_...)
BRANCHES: list[tuple] = []  # what `branch` was told of those that also have a metered form

# Pay for the block whose charge stands at pc, and go on behind that; or leave there, and who answers takes it back
CHARGE = [
    "WASMCY_BARRIER()",  # or gcc reads the fuel before it branches, and moves registers out of the way
    "instance.fuel -= F_HALF(pc)",
    "if WASMCY_UNLIKELY(instance.fuel < 0): LEAVE LEAVE_FUEL",
    "NEXT 2",
]


def one(name, words, lines, kind="i64"):
    ID[name] = len(HANDLERS)
    HANDLERS.append(Handler(len(HANDLERS), name, words, lines, kind))


def align():
    if len(HANDLERS) & 1:
        HANDLERS.append(Handler(len(HANDLERS), "", 0, None, None))


def producer(name, words, kind, before, expression, result, field="D"):
    """A pair: the result in its accumulator; there and in slot D."""
    align()
    accumulator = ACCUMULATOR[result]
    compute = [*before, f"{accumulator} = {expression}"]
    one(name, words, [*compute, f"NEXT {words}"], kind)
    store = write(result, f"F_{field}(pc)", accumulator)
    one(name + ">", words, [*compute, store, f"NEXT {words}"], kind)


DISPLACED = {
    "JUMP": "pc = <u64*>(<u8*>pc + <i32>F_HALF(pc))",
    "JUMP2": "pc = <u64*>(<u8*>pc + <i32>W_HALF(pc, 2, 0))",
}


def branch(name, words, before, condition, kind="i64", jump="JUMP"):
    """A pair: forwards; backwards, with a poll."""
    align()
    if kind is None or kind[0] == "i":
        BRANCHES.append((name, words, before, condition, kind, jump))
    back = [
        DISPLACED[jump],
        "instance.poll -= 1",
        "if WASMCY_UNLIKELY(instance.poll < 0): LEAVE LEAVE_POLL",
        "GO",
    ]
    for suffix, jumps in (("", [jump]), ("^", back)):
        if condition is None:
            one(name + suffix, words, [*before, *jumps], kind)
        else:
            taken = ["    " + line for line in jumps]
            one(name + suffix, words, [*before, f"if {condition}:", *taken, f"NEXT {words}"], kind)


def charged_branch(name, words, before, condition, kind, jump):
    """The metered form of a branch, in either direction: it pays for the block it goes to."""
    taken = [DISPLACED[jump], *CHARGE]
    if condition is None:
        one(name + "$", words, [*before, *taken], kind)
    else:
        taken = ["    " + line for line in taken]
        one(name + "$", words, [*before, f"if {condition}:", *taken, f"pc = pc + {words}", *CHARGE], kind)


def read(kind, place):
    """The value of type `kind` at `place`: A B C D a slot, r the accumulator, half or w2 an immediate."""
    if place == "r":
        return "<u32>r0" if kind == "i32" else ACCUMULATOR[kind]
    if place == "half":
        return {"i32": "F_HALF(pc)", "i64": "<u64><i64><i32>F_HALF(pc)", "f32": "wcy_f32(F_HALF(pc))"}[kind]
    if place == "w2":
        return {
            "i32": "W_HALF(pc, 2, 0)",
            "i64": "pc[2]",
            "f32": "wcy_f32(W_HALF(pc, 2, 0))",
            "f64": "wcy_f64(pc[2])",
        }[kind]
    if place in ("B16", "C16"):
        return f"<{CTYPE[kind]}><i64>F_{place}(pc)"
    return slot(kind, f"F_{place}(pc)")


def slot(kind, index):
    if kind == "i64":
        return f"sp[{index}]"
    return {"i32": "wcy_slot_u32", "f32": "wcy_slot_f32", "f64": "wcy_slot_f64"}[kind] + f"(sp, {index})"


def write(kind, index, value):
    if kind[0] == "i":
        return f"sp[{index}] = {value}"
    return f"wcy_set_{kind}(sp, {index}, {value})"


def bounds(address):
    return [f"ea = {address}", "if WASMCY_UNLIKELY(ea > mem_size): TRAP TRAP_BOUNDS"]


# Address modes.  Offsets (with the access size added) stand in `half`, in C (16 bits) or in the third word
SLOT = "wcy_slot_u32(sp, F_{0}(pc))"
ADDRESS = {  # mode -> (address, offset, words, the instruction merged, how)
    "si": ("<u32>(" + SLOT.format("A") + " + W_HALF(pc, 2, 0))", "F_HALF(pc)", 3, "i32.add:si", FUSE_LOAD_SI),
    "ri": ("<u32>(<u32>r0 + W_HALF(pc, 2, 0))", "F_HALF(pc)", 3, "i32.add:ri", FUSE_LOAD_RI),
    "ss": ("<u32>(" + SLOT.format("A") + " + " + SLOT.format("B") + ")", "F_C(pc)", 2, "i32.add:ss", FUSE_LOAD_SS),
    "rs": ("<u32>(<u32>r0 + " + SLOT.format("B") + ")", "F_C(pc)", 2, "i32.add:rs", FUSE_LOAD_SS),
}
SCALED = {  # the same with a shift count 1..3: three neighbouring pairs
    "sk": ("<u32>(" + SLOT.format("A") + " << {0})", "F_HALF(pc)", 2, "i32.shl:si", FUSE_LOAD_K),
    "rk": ("<u32>(<u32>r0 << {0})", "F_HALF(pc)", 2, "i32.shl:ri", FUSE_LOAD_K),
    "sks": ("<u32>((" + SLOT.format("A") + " << {0}) + " + SLOT.format("C") + ")", "W_HALF(pc, 2, 0)", 3,
            "2.i32.shl:si.add:rs", FUSE_LOAD_KS),
    "rks": ("<u32>((<u32>r0 << {0}) + " + SLOT.format("C") + ")", "W_HALF(pc, 2, 0)", 3,
            "2.i32.shl:ri.add:rs", FUSE_LOAD_KS),
    "ski": ("<u32>((" + SLOT.format("A") + " << {0}) + W_HALF(pc, 2, 0))", "F_HALF(pc)", 3,
            "2i.i32.shl:si.add", FUSE_LOAD_KI),
    "rki": ("<u32>((<u32>r0 << {0}) + W_HALF(pc, 2, 0))", "F_HALF(pc)", 3, "2i.i32.shl:ri.add", FUSE_LOAD_KI),
}  # fmt: skip
NARROW = {"2i.i32.shl:si.add": "2.i32.shl:si.add:ri", "2i.i32.shl:ri.add": "2.i32.shl:ri.add:ri"}
