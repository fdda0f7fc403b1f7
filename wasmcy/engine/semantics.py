"""What each numeric instruction computes, as one Cython expression over its operands a and b.

Operands have the C types u32, u64, float and double; `S` is the signed type of the same width, `U`
the unsigned one, `N` the width in bits and `M` N - 1.  The functions are those of numeric.pxd and
machine.h.  GUARDS lists, for instructions that trap, the conditions that do so and why.
"""

INTEGER = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div_s": "<U>(<S>a / <S>b)",
    "div_u": "a / b",
    "rem_s": "<U>(<S>a % <S>(b if b != <U>-1 else 1))",  # INT_MIN % -1 is 0, but a C division fault
    "rem_u": "a % b",
    "and": "a & b",
    "or": "a | b",
    "xor": "a ^ b",
    "shl": "a << (b & M)",
    "shr_s": "<U>(<S>a >> (b & M))",
    "shr_u": "a >> (b & M)",
    "rotl": "wcy_rotlN(a, b)",
    "rotr": "wcy_rotrN(a, b)",
    "eq": "a == b",
    "ne": "a != b",
    "lt_s": "<S>a < <S>b",
    "lt_u": "a < b",
    "gt_s": "<S>a > <S>b",
    "gt_u": "a > b",
    "le_s": "<S>a <= <S>b",
    "le_u": "a <= b",
    "ge_s": "<S>a >= <S>b",
    "ge_u": "a >= b",
    "eqz": "a == 0",
    "clz": "wcy_clzN(a)",
    "ctz": "wcy_ctzN(a)",
    "popcnt": "<U>wcy_popcnt64(a)",
    "extend8_s": "<U><S><i8>a",
    "extend16_s": "<U><S><i16>a",
    "extend32_s": "<U><S><i32>a",
    "wrap_i64": "<u32>a",
    "extend_i32_s": "<u64><i64><i32>a",
    "extend_i32_u": "<u64>a",
    "reinterpret_f32": "wcy_bits32(a)",
    "reinterpret_f64": "wcy_bits64(a)",
    "trunc_f32_s": "<U><S>a",
    "trunc_f32_u": "<U>a",
    "trunc_f64_s": "<U><S>a",
    "trunc_f64_u": "<U>a",
    "trunc_sat_f32_s": "sat_sN(<double>a)",
    "trunc_sat_f32_u": "sat_uN(<double>a)",
    "trunc_sat_f64_s": "sat_sN(a)",
    "trunc_sat_f64_u": "sat_uN(a)",
}

FLOAT = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b",
    "min": "fN_min(a, b)",
    "max": "fN_max(a, b)",
    "copysign": "fN_copysign(a, b)",
    "eq": "a == b",
    "ne": "a != b",
    "lt": "a < b",
    "gt": "a > b",
    "le": "a <= b",
    "ge": "a >= b",
    "abs": "fN_abs(a)",
    "neg": "fN_neg(a)",
    "ceil": "fN_ceil(a)",
    "floor": "fN_floor(a)",
    "trunc": "fN_trunc(a)",
    "nearest": "fN_nearest(a)",
    "sqrt": "fN_sqrt(a)",
    "canonical": "fN_canonical(a)",  # no instruction: it follows those whose NaNs are open
    "convert_i32_s": "<F><i32>a",
    "convert_i32_u": "<F>a",
    "convert_i64_s": "<F><i64>a",
    "convert_i64_u": "<F>a",
    "demote_f64": "<float>a",
    "promote_f32": "<double>a",
    "reinterpret_i32": "wcy_f32(a)",
    "reinterpret_i64": "wcy_f64(a)",
}


def _truncation_guards(low, high):
    return [("a != a", "TRAP_CONVERSION"), (f"not ({low} and a < {high})", "TRAP_OVERFLOW")]


GUARDS = {
    "div_s": [("b == 0", "TRAP_DIVIDE"), ("a == <U>1 << M and b == <U>-1", "TRAP_OVERFLOW")],
    "div_u": [("b == 0", "TRAP_DIVIDE")],
    "rem_s": [("b == 0", "TRAP_DIVIDE")],
    "rem_u": [("b == 0", "TRAP_DIVIDE")],
    # the bounds are those of the first integer that does not fit, as far as the float type can tell
    "i32.trunc_f32_s": _truncation_guards("a >= <float>-2147483648.0", "<float>2147483648.0"),
    "i32.trunc_f32_u": _truncation_guards("a > <float>-1.0", "<float>4294967296.0"),
    "i32.trunc_f64_s": _truncation_guards("a > -2147483649.0", "2147483648.0"),
    "i32.trunc_f64_u": _truncation_guards("a > -1.0", "4294967296.0"),
    "i64.trunc_f32_s": _truncation_guards("a >= <float>-9223372036854775808.0", "<float>9223372036854775808.0"),
    "i64.trunc_f32_u": _truncation_guards("a > <float>-1.0", "<float>18446744073709551616.0"),
    "i64.trunc_f64_s": _truncation_guards("a >= -9223372036854775808.0", "9223372036854775808.0"),
    "i64.trunc_f64_u": _truncation_guards("a > -1.0", "18446744073709551616.0"),
}

# memory access: the accessor of machine.h and the integer type it is extended through
LOADS = {
    "load": None,
    "load8_s": ("u8", "<i8>"),
    "load8_u": ("u8", ""),
    "load16_s": ("u16", "<i16>"),
    "load16_u": ("u16", ""),
    "load32_s": ("u32", "<i32>"),
    "load32_u": ("u32", ""),
}
STORES = {"store": None, "store8": "u8", "store16": "u16", "store32": "u32"}

# read-modify-write: what is stored, from the old value a and the operand b
# on a shared memory the names are those of machine.h
ATOMICS = {"add": "a + b", "sub": "a - b", "and": "a & b", "or": "a | b", "xor": "a ^ b", "xchg": "b"}

COMMUTATIVE = {"add", "mul", "and", "or", "xor", "eq", "ne"}
SWAPPED = {"lt_s": "gt_s", "lt_u": "gt_u", "le_s": "ge_s", "le_u": "ge_u", "lt": "gt", "le": "ge"}
SWAPPED |= {v: k for k, v in SWAPPED.items()} | {"eq": "eq", "ne": "ne"}
NEGATED = {"eq": "ne", "lt_s": "ge_s", "lt_u": "ge_u", "gt_s": "le_s", "gt_u": "le_u"}
NEGATED |= {v: k for k, v in NEGATED.items()}

CTYPE = {"i32": "u32", "i64": "u64", "f32": "float", "f64": "double"}


def _fill(text, kind):
    width = kind[1:]
    if kind[0] == "f":
        return text.replace("fN_", kind + "_").replace("<F>", f"<{CTYPE[kind]}>")
    text = text.replace("<U>", f"<u{width}>").replace("<S>", f"<i{width}>")
    for name in ("wcy_rotl", "wcy_rotr", "wcy_clz", "wcy_ctz", "sat_s", "sat_u"):
        text = text.replace(name + "N", name + width)
    return text.replace("M", str(int(width) - 1)) if "M" in text else text


def expression(mnemonic):
    """The expression of `mnemonic`; a comparison or test belongs to the type it looks at."""
    kind, name = mnemonic.split(".")
    return _fill((FLOAT if kind[0] == "f" else INTEGER)[name], kind)


def guards(mnemonic):
    """[(condition, trap)] of `mnemonic`, in the order they are tested."""
    kind, name = mnemonic.split(".")
    rows = GUARDS.get(mnemonic) or (GUARDS.get(name, []) if kind[0] == "i" else [])
    return [(_fill(condition, kind), trap) for condition, trap in rows]
