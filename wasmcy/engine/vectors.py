"""What each vector instruction computes, as an expression for lane i of its result.

    a[i], b[i], c[i]   lanes of the operands: of the shape in the instruction's name, else of its prefix;
                       signed where the name ends in `_s`
    n                  the count of a shift, below the width of a lane
    N                  the number of lanes of the result
    <S>, <R>, <W>      C types as wide as a lane of the result: signed; signed as the operands are; unsigned
                       and wide enough to multiply in
    LOW, HIGH          the least and the greatest lane, signed where the name ends in `_s`
    X                  `s` or `u`, the end of the name

Several expressions are for an equal share of the lanes each.  The functions are those of lanes.pxd,
numeric.pxd and machine.h.  What a processor does at once, and no compiler finds in such a loop, stands in
vectors.h besides.  Relaxed instructions do what the deterministic profile prescribes
(spec 4.3.1 "Representations", "Non-deterministic profile").
"""

import re
from functools import cache
from pathlib import Path

INTEGER = {
    "add": "a[i] + b[i]",
    "sub": "a[i] - b[i]",
    "mul": "<W>a[i] * b[i]",
    "neg": "0 - a[i]",
    "abs": "0 - a[i] if <S>a[i] < 0 else a[i]",
    "eq": "-<int>(a[i] == b[i])",
    "ne": "-<int>(a[i] != b[i])",
    "lt": "-<int>(a[i] < b[i])",
    "gt": "-<int>(a[i] > b[i])",
    "le": "-<int>(a[i] <= b[i])",
    "ge": "-<int>(a[i] >= b[i])",
    "min": "a[i] if a[i] < b[i] else b[i]",
    "max": "a[i] if a[i] > b[i] else b[i]",
    "add_sat": "clamp(a[i] + b[i], LOW, HIGH)",
    "sub_sat": "clamp(a[i] - b[i], LOW, HIGH)",
    "avgr": "(a[i] + b[i] + 1) >> 1",
    "q15mulr_sat": "clamp((a[i] * b[i] + 0x4000) >> 15, LOW, HIGH)",
    "popcnt": "popcnt8(a[i])",
    "shl": "a[i] << n",
    "shr": "a[i] >> n",
    "narrow": ("clamp(a[i], LOW, HIGH)", "clamp(b[i], LOW, HIGH)"),
    "extend_low": "a[i]",
    "extend_high": "a[i + N]",
    "extmul_low": "<R>a[i] * b[i]",
    "extmul_high": "<R>a[i + N] * b[i + N]",
    "extadd_pairwise": "a[2 * i] + a[2 * i + 1]",
    "dot": "<u32>(a[2 * i] * b[2 * i]) + <u32>(a[2 * i + 1] * b[2 * i + 1])",
    "relaxed_dot": "clamp(dot2(a, b, 2 * i), LOW, HIGH)",
    "relaxed_dot_add": "clamp(dot2(a, b, 4 * i), -32768, 32767) + clamp(dot2(a, b, 4 * i + 2), -32768, 32767) + c[i]",
    "trunc_sat": "sat_X32(<double>a[i])",
    "trunc_sat_zero": ("sat_X32(a[i])", "0"),
    "swizzle": "chosen(a, b[i])",
    "shuffle": "chosen(a if c[i] < 16 else b, c[i] & 15)",
}
FLOAT = {
    "add": "a[i] + b[i]",
    "sub": "a[i] - b[i]",
    "mul": "a[i] * b[i]",
    "div": "a[i] / b[i]",
    "min": "F_min(a[i], b[i])",
    "max": "F_max(a[i], b[i])",
    "pmin": "b[i] if b[i] < a[i] else a[i]",
    "pmax": "b[i] if a[i] < b[i] else a[i]",
    "ceil": "F_ceil(a[i])",
    "floor": "F_floor(a[i])",
    "trunc": "F_trunc(a[i])",
    "nearest": "F_nearest(a[i])",
    "sqrt": "F_sqrt(a[i])",
    "canonical": "F_canonical(a[i])",  # no instruction: it follows those whose NaNs are open
    "convert": "<F>a[i]",
    "convert_low": "<F>a[i]",
    "promote_low": "<F>a[i]",
    "demote_zero": ("<F>a[i]", "0"),
    "relaxed_madd": "a[i] * b[i] + c[i]",
    "relaxed_nmadd": "-a[i] * b[i] + c[i]",
}
# on the bits of floats, without touching a NaN
FLOAT_BITS = {"abs": "a[i] & ~(<W>1 << M)", "neg": "a[i] ^ (<W>1 << M)"}
COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")
BITS = {
    "not": "~a[i]",
    "and": "a[i] & b[i]",
    "andnot": "a[i] & ~b[i]",
    "or": "a[i] | b[i]",
    "xor": "a[i] ^ b[i]",
    "bitselect": "(a[i] & c[i]) | (b[i] & ~c[i])",
}
# from a v128 to an i32
PREDICATES = {
    "any_true": "(a.u64x2[0] | a.u64x2[1]) != 0",
    "all_true": "all_true(a.u64x2[0], a.u64x2[1], REST)",
    "bitmask": "bitmaskWIDTH(a.u64x2[0], a.u64x2[1])",
}
REST = {8: 0x7F7F7F7F7F7F7F7F, 16: 0x7FFF7FFF7FFF7FFF, 32: 0x7FFFFFFF7FFFFFFF, 64: 0x7FFFFFFFFFFFFFFF}
# relaxed instructions that are others in the deterministic profile, but for their name
RELAXED = {
    "relaxed_swizzle": "swizzle",
    "relaxed_trunc": "trunc_sat",
    "relaxed_min": "min",
    "relaxed_max": "max",
    "relaxed_q15mulr": "q15mulr_sat",
}

_NAME = re.compile(r"(\w+?)(?:_([if]\d+x\d+))?(?:_i7x16)?(_add)?(?:_([su]))?(_zero)?")


def strict(mnemonic):
    """The instruction that does what a relaxed one does in the deterministic profile."""
    shape, name = mnemonic.split(".")
    if name == "relaxed_laneselect":
        return "v128.bitselect"
    for relaxed, other in RELAXED.items():
        name = re.sub(rf"^{relaxed}(?=_|$)", other, name)
    return f"{shape}.{name}"


def width(shape):
    """Bits of a lane of `i8x16` and the like."""
    return int(shape[1:].partition("x")[0])


def lane(operand, shape, signed, index):
    """A lane of an operand, in C."""
    field = shape if shape[0] == "f" or signed else "u" + shape[1:]
    return f"{operand}.{field}[WASMCY_LANE{width(shape)}({index})]"


def predicate(mnemonic):
    """The expression of an instruction that makes an i32 of a v128."""
    shape, name = mnemonic.split(".")
    bits = 64 if shape == "v128" else width(shape)
    text = PREDICATES[name].replace("REST", f"<u64>{REST[bits]:#x}u").replace("WIDTH", str(bits))
    return f"wcy_{shape}_{name}(a) if WASMCY_SSE2 else <u32>({text})"


FUNCTION_OPERANDS = {
    "UNARY": "v128*", "TEST": "v128*", "SHIFT": "v128*, u32",
    "BINARY": "v128*, v128*", "TERNARY": "v128*, v128*, v128*",
}  # fmt: skip


@cache
def functions():
    """The functions of vectors.h: by name the kind of its macro."""
    text = Path(__file__).with_name("vectors.h").read_text()
    kinds = "|".join(FUNCTION_OPERANDS)
    return {m[2]: m[1] for m in re.finditer(rf"^WCY_((?:{kinds})(?:_41)?)\((\w+),", text, re.MULTILINE)}


def declarations():
    """The functions of vectors.h, for Cython."""
    for name, kind in functions().items():
        operands = FUNCTION_OPERANDS[kind.removesuffix("_41")]
        yield f"u32 wcy_{name}({operands})" if kind == "TEST" else f"void wcy_{name}(v128*, {operands})"


def computation(mnemonic, target, operands, sse41):
    """The lines that compute `target`, a v128, from `operands`: names of pointers, or `s`, also a v128; `n` a count.

    `sse41`: for processors with it.
    """
    kind = functions().get(mnemonic.replace(".", "_"), "41")
    statements, count = by_lane(mnemonic)
    names = dict(zip("abc", operands, strict=False)) | {"r": target}
    statements = [re.sub(r"\b([abcr])\.", lambda m: names[m[1]] + ".", line) for line in statements]
    loop = [f"for i in range({count}):", *("    " + line for line in statements)]
    given = ", ".join(f"&{operand}" if operand == "s" else operand for operand in operands)
    call = f"wcy_{mnemonic.replace('.', '_')}(&{target}, {given})"
    if kind.endswith("41"):
        return [call] if sse41 and kind != "41" else loop
    return ["if WASMCY_SSE2:", "    " + call, "else:", *("    " + line for line in loop)]


def by_lane(mnemonic):
    """How r is computed: the statements for i, and how many values i takes, from 0."""
    shape, name = mnemonic.split(".")
    stem, source, add, sign, zero = _NAME.fullmatch(name).groups("")
    key, to, signed = stem + add + zero, shape, sign == "s" or stem == "narrow"
    if shape == "v128":
        rows, to = BITS[key], "i64x2"
    elif shape[0] == "i":
        rows = INTEGER[key]
    elif key in COMPARISONS:
        rows, source, to = INTEGER[key], shape, "i" + shape[1:]
    elif key in FLOAT_BITS:
        rows, to = FLOAT_BITS[key], "i" + shape[1:]
    else:
        rows = FLOAT[key]
    rows = (rows,) if isinstance(rows, str) else rows
    lanes = 128 // width(to)
    share = lanes // len(rows)
    lines = []
    for k, row in enumerate(rows):
        text = re.sub(r"\b([ab])\[(.*?)\]", lambda m: lane(m[1], source or to, signed, m[2]), row)
        text = re.sub(r"\bc\[(.*?)\]", lambda m: lane("c", to, signed, m[1]), text)
        at = f"i + {k * share}" if k else "i"
        lines.append(f"{lane('r', to, False, at)} = {_types(text, to, sign)}")
    return lines, share


def _types(text, shape, sign):
    bits = width(shape)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "s" else (0, (1 << bits) - 1)
    names = {
        "S": f"i{bits}", "R": f"{'i' if sign == 's' else 'u'}{bits}", "W": f"u{max(bits, 32)}",
        "F": "float" if bits == 32 else "double",
    }  # fmt: skip
    text = re.sub("<([SRWF])>", lambda m: f"<{names[m[1]]}>", text)
    words = {"N": 128 // bits, "M": bits - 1, "LOW": low, "HIGH": high, "sat_X32": f"sat_{sign}32"}
    return re.sub(r"\b(?:N|M|LOW|HIGH|sat_X32|F(?=_))\b", lambda m: str(words[m[0]]), text).replace("F_", f"f{bits}_")
