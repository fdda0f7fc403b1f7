"""The table of instructions: every fact about an instruction is a column of its row here.

Decoder, validator, translator, text format, handlers and tests are driven by
this table; there is no second list of opcodes. Spec: appendix "Index of
Instructions", and the proposals of features.py that are not part of it.

One derivation of names only: `i32.trunc_sat_f32_s` (mnemonic) -> `i32_trunc_sat_f32_s`
(name) -> `OP_I32_TRUNC_SAT_F32_S` (a constant of this module: the id).

An id is a small dense number: the byte of a one-byte opcode; for prefixed ones
`PREFIX_BASE[prefix] + sub`, where `sub` is the number after the prefix byte.
"""

from __future__ import annotations

from .features import Features
from .types import VAL_TYPES, ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Constants `OP_...` are made from the table, see the end of this file.
    def __getattr__(name: str) -> int: ...


# The immediates of instructions, each read, written, printed and parsed in one way.
IMMEDIATES = {
    "blocktype": "s33: 0x40 for no result, a value type for one, or a type index",
    "labelidx": "u32: how many enclosing labels to count outwards",
    "vec(labelidx)": "u32 count, then labels",
    "funcidx": "u32",
    "typeidx": "u32",
    "tableidx": "u32",
    "memidx": "u32; a single zero byte without multiple memories",
    "globalidx": "u32",
    "localidx": "u32",
    "tagidx": "u32",
    "elemidx": "u32",
    "dataidx": "u32",
    "fieldidx": "u32: a field of the struct type before it",
    "u32": "u32: a number of operands",
    "i32": "s32",
    "i64": "s64",
    "f32": "4 bytes, little-endian",
    "f64": "8 bytes, little-endian",
    "v128": "16 bytes, little-endian",
    "memarg": "u32 flags (bits 0-5: alignment exponent, bit 6: memidx follows), memidx, "
    "u64 offset; `memarg:4` says that 4 bytes are the natural alignment",
    "laneidx": "a byte; `laneidx:16` says that it must be below 16",
    "laneidx16": "16 bytes, each a laneidx",
    "heaptype": "s33: a negative number for an abstract heap type, or a type index",
    "castflags": "a byte: bit 0 the first heap type is nullable, bit 1 the second",
    "vec(valtype)": "u32 count, then value types",
    "vec(catch)": "u32 count, then clauses: a byte (0 catch, 1 catch_ref, 2 catch_all, "
    "3 catch_all_ref), tagidx for the first two, labelidx",
    "zero": "a zero byte",
}

PREFIX_BASE = {0xFB: 0x100, 0xFC: 0x200, 0xFD: 0x300, 0xFE: 0x500}
N_IDS = 0x600

# In `params` and `results`: the address type of the memory or table named by an immediate.
AT = "at"

# What an instruction costs in fuel: one unit; none, where it only marks a label; one, at the end of a
# block; one, and one more for every 64 units of the length on top of the stack.
ONE, FREE, ENDS, LENGTH = range(4)


class Op:
    """One instruction.

    id          dense number, see above
    prefix      prefix byte, or 0
    sub         the opcode, after the prefix if there is one
    mnemonic    unique name: `i32.add`, `ref.test_null`
    keyword     what the text format writes: the mnemonic, but for `select_t` and the `_null` forms
    name        the mnemonic with `_` for `.`
    immediates  kinds of IMMEDIATES, in the order of the binary format
    align       natural alignment of a memarg in bytes, or 0
    lanes       what a laneidx must be below, or 0
    params      types popped, in stack order, each a ValType or AT; None: a rule by hand
    results     types pushed, as `params`
    traps       whether it can trap
    nans        whether sign and payload of a NaN it results in are left open (spec 4.3.3 "NaN Propagation")
    const       whether it may stand in a constant expression
    const_feature  the feature that allows it there, if not the one that introduces it
    feature     the field of Features that introduces it; None: WebAssembly 1.0
    fuel        how it is counted (docs/limits.md): ONE, FREE, ENDS or LENGTH
    """

    __slots__ = (
        "id",
        "prefix",
        "sub",
        "mnemonic",
        "keyword",
        "name",
        "immediates",
        "align",
        "lanes",
        "params",
        "results",
        "traps",
        "nans",
        "const",
        "const_feature",
        "feature",
        "fuel",
    )

    id: int
    prefix: int
    sub: int
    mnemonic: str
    keyword: str
    name: str
    immediates: tuple[str, ...]
    align: int
    lanes: int
    params: tuple[ValType | str, ...] | None
    results: tuple[ValType | str, ...] | None
    traps: bool
    nans: bool
    const: bool
    const_feature: str | None
    feature: str | None
    fuel: int

    @property
    def opcode(self) -> bytes:
        """The instruction's opcode in the binary format."""
        if not self.prefix:
            return bytes([self.sub])
        if self.sub < 0x80:
            return bytes([self.prefix, self.sub])
        return bytes([self.prefix, self.sub & 0x7F | 0x80, self.sub >> 7])

    def __repr__(self) -> str:
        return f"<Op {self.mnemonic} {self.id:#x}>"


OPS: dict[int, Op] = {}
BY_NAME: dict[str, Op] = {}

_current_proposal: str | None = None


def proposal(feature: str | None) -> None:
    """The feature of the rows that follow and do not say otherwise."""
    global _current_proposal
    assert feature is None or feature in Features.NAMES, feature
    _current_proposal = feature


def op(
    opcode: int,
    syntax: str,
    type: str | None = None,
    *,
    traps: bool = False,
    nans: bool = False,
    const: bool | str = False,
    keyword: str | None = None,
    feature: str | None = None,
    fuel: int = ONE,
) -> None:
    """One row. `opcode` is the byte, or prefix << 16 | sub; `const` may name a feature.

    Runs 582 times at every start, so the columns that repeat are read once (`_syntaxes`, `_columns`).
    """
    row = Op()
    prefix = opcode >> 16
    row.prefix = prefix
    row.sub = sub = opcode & 0xFFFF
    row.id = number = PREFIX_BASE[prefix] + sub if prefix else sub
    mnemonic, _, immediates = syntax.partition(" ")
    row.mnemonic = mnemonic
    row.keyword = keyword or mnemonic
    row.name = mnemonic.replace(".", "_")
    row.immediates, row.align, row.lanes = _syntaxes.get(immediates) or _immediates(immediates)
    row.params, row.results = _columns.get(type) or _types(type)
    row.traps = traps
    row.nans = nans
    row.const = const is not False
    row.const_feature = const if const.__class__ is str else None
    row.feature = feature or _current_proposal
    row.fuel = fuel
    assert number not in OPS and mnemonic not in BY_NAME, row
    OPS[number] = BY_NAME[mnemonic] = row


_syntaxes: dict[str, tuple[tuple[str, ...], int, int]] = {}


def _immediates(text: str) -> tuple[tuple[str, ...], int, int]:
    """Kinds, alignment and lanes of what follows a mnemonic, as `memarg:4 laneidx:4`."""
    kinds, align, lanes = [], 0, 0
    for word in text.split():
        kind, _, number = word.partition(":")
        assert kind in IMMEDIATES, text
        kinds.append(kind)
        if kind == "memarg":
            align = int(number)
        elif number:
            lanes = int(number)
    found = _syntaxes[text] = tuple(kinds), align, lanes
    return found


_Types = tuple[ValType | str, ...] | None
_columns: dict[str | None, tuple[_Types, _Types]] = {None: (None, None)}


def _types(column: str | None) -> tuple[_Types, _Types]:
    """Params and results of a type column, as `at i32 ->` or `i32 -> (ref i31)`."""
    assert column is not None
    found = []
    for text in column.split("->"):
        text = text.strip()
        words = [text] if text.startswith("(") else text.split()
        found.append(tuple([AT if word == AT else VAL_TYPES[word] for word in words]))
    params, results = found
    _columns[column] = params, results
    return params, results


# fmt: off
#  opcode      syntax: mnemonic and immediates         type                     facts

# Control instructions
op(0x00, "unreachable",                                traps=True, fuel=ENDS)
op(0x01, "nop",                                        "->")
op(0x02, "block blocktype")
op(0x03, "loop blocktype",                             fuel=ENDS)
op(0x04, "if blocktype",                               fuel=ENDS)
op(0x05, "else",                                       fuel=FREE)
op(0x06, "try blocktype",                              feature="legacy_exceptions")
op(0x07, "catch tagidx",                               feature="legacy_exceptions", fuel=FREE)
op(0x08, "throw tagidx",                               feature="exceptions", fuel=ENDS)
op(0x09, "rethrow labelidx",                           feature="legacy_exceptions", fuel=ENDS)
op(0x0A, "throw_ref",                                  traps=True, feature="exceptions", fuel=ENDS)
op(0x0B, "end",                                        const=True, fuel=FREE)
op(0x0C, "br labelidx",                                fuel=ENDS)
op(0x0D, "br_if labelidx",                             fuel=ENDS)
op(0x0E, "br_table vec(labelidx) labelidx",            fuel=ENDS)
op(0x0F, "return",                                     fuel=ENDS)
op(0x10, "call funcidx",                               fuel=ENDS)
op(0x11, "call_indirect typeidx tableidx",             traps=True, fuel=ENDS)
op(0x12, "return_call funcidx",                        feature="tail_call", fuel=ENDS)
op(0x13, "return_call_indirect typeidx tableidx",      traps=True, feature="tail_call", fuel=ENDS)
op(0x14, "call_ref typeidx",                           traps=True, feature="function_references", fuel=ENDS)
op(0x15, "return_call_ref typeidx",                    traps=True, feature="function_references", fuel=ENDS)
op(0x18, "delegate labelidx",                          feature="legacy_exceptions", fuel=FREE)
op(0x19, "catch_all",                                  feature="legacy_exceptions", fuel=FREE)

# Parametric instructions
op(0x1A, "drop")
op(0x1B, "select")
op(0x1C, "select_t vec(valtype)",                      keyword="select", feature="reference_types")
op(0x1F, "try_table blocktype vec(catch)",             feature="exceptions")

# Variable and table instructions
op(0x20, "local.get localidx")
op(0x21, "local.set localidx")
op(0x22, "local.tee localidx")
op(0x23, "global.get globalidx",                       const=True)
op(0x24, "global.set globalidx")
op(0x25, "table.get tableidx",                         traps=True, feature="reference_types")
op(0x26, "table.set tableidx",                         traps=True, feature="reference_types")

# Memory instructions
op(0x28, "i32.load memarg:4",                          "at -> i32", traps=True)
op(0x29, "i64.load memarg:8",                          "at -> i64", traps=True)
op(0x2A, "f32.load memarg:4",                          "at -> f32", traps=True)
op(0x2B, "f64.load memarg:8",                          "at -> f64", traps=True)
op(0x2C, "i32.load8_s memarg:1",                       "at -> i32", traps=True)
op(0x2D, "i32.load8_u memarg:1",                       "at -> i32", traps=True)
op(0x2E, "i32.load16_s memarg:2",                      "at -> i32", traps=True)
op(0x2F, "i32.load16_u memarg:2",                      "at -> i32", traps=True)
op(0x30, "i64.load8_s memarg:1",                       "at -> i64", traps=True)
op(0x31, "i64.load8_u memarg:1",                       "at -> i64", traps=True)
op(0x32, "i64.load16_s memarg:2",                      "at -> i64", traps=True)
op(0x33, "i64.load16_u memarg:2",                      "at -> i64", traps=True)
op(0x34, "i64.load32_s memarg:4",                      "at -> i64", traps=True)
op(0x35, "i64.load32_u memarg:4",                      "at -> i64", traps=True)
op(0x36, "i32.store memarg:4",                         "at i32 ->", traps=True)
op(0x37, "i64.store memarg:8",                         "at i64 ->", traps=True)
op(0x38, "f32.store memarg:4",                         "at f32 ->", traps=True)
op(0x39, "f64.store memarg:8",                         "at f64 ->", traps=True)
op(0x3A, "i32.store8 memarg:1",                        "at i32 ->", traps=True)
op(0x3B, "i32.store16 memarg:2",                       "at i32 ->", traps=True)
op(0x3C, "i64.store8 memarg:1",                        "at i64 ->", traps=True)
op(0x3D, "i64.store16 memarg:2",                       "at i64 ->", traps=True)
op(0x3E, "i64.store32 memarg:4",                       "at i64 ->", traps=True)
op(0x3F, "memory.size memidx",                         "-> at")
op(0x40, "memory.grow memidx",                         "at -> at",              fuel=ENDS)

# Numeric instructions
op(0x41, "i32.const i32",                              "-> i32", const=True)
op(0x42, "i64.const i64",                              "-> i64", const=True)
op(0x43, "f32.const f32",                              "-> f32", const=True)
op(0x44, "f64.const f64",                              "-> f64", const=True)
op(0x45, "i32.eqz",                                    "i32 -> i32")
op(0x46, "i32.eq",                                     "i32 i32 -> i32")
op(0x47, "i32.ne",                                     "i32 i32 -> i32")
op(0x48, "i32.lt_s",                                   "i32 i32 -> i32")
op(0x49, "i32.lt_u",                                   "i32 i32 -> i32")
op(0x4A, "i32.gt_s",                                   "i32 i32 -> i32")
op(0x4B, "i32.gt_u",                                   "i32 i32 -> i32")
op(0x4C, "i32.le_s",                                   "i32 i32 -> i32")
op(0x4D, "i32.le_u",                                   "i32 i32 -> i32")
op(0x4E, "i32.ge_s",                                   "i32 i32 -> i32")
op(0x4F, "i32.ge_u",                                   "i32 i32 -> i32")
op(0x50, "i64.eqz",                                    "i64 -> i32")
op(0x51, "i64.eq",                                     "i64 i64 -> i32")
op(0x52, "i64.ne",                                     "i64 i64 -> i32")
op(0x53, "i64.lt_s",                                   "i64 i64 -> i32")
op(0x54, "i64.lt_u",                                   "i64 i64 -> i32")
op(0x55, "i64.gt_s",                                   "i64 i64 -> i32")
op(0x56, "i64.gt_u",                                   "i64 i64 -> i32")
op(0x57, "i64.le_s",                                   "i64 i64 -> i32")
op(0x58, "i64.le_u",                                   "i64 i64 -> i32")
op(0x59, "i64.ge_s",                                   "i64 i64 -> i32")
op(0x5A, "i64.ge_u",                                   "i64 i64 -> i32")
op(0x5B, "f32.eq",                                     "f32 f32 -> i32")
op(0x5C, "f32.ne",                                     "f32 f32 -> i32")
op(0x5D, "f32.lt",                                     "f32 f32 -> i32")
op(0x5E, "f32.gt",                                     "f32 f32 -> i32")
op(0x5F, "f32.le",                                     "f32 f32 -> i32")
op(0x60, "f32.ge",                                     "f32 f32 -> i32")
op(0x61, "f64.eq",                                     "f64 f64 -> i32")
op(0x62, "f64.ne",                                     "f64 f64 -> i32")
op(0x63, "f64.lt",                                     "f64 f64 -> i32")
op(0x64, "f64.gt",                                     "f64 f64 -> i32")
op(0x65, "f64.le",                                     "f64 f64 -> i32")
op(0x66, "f64.ge",                                     "f64 f64 -> i32")
op(0x67, "i32.clz",                                    "i32 -> i32")
op(0x68, "i32.ctz",                                    "i32 -> i32")
op(0x69, "i32.popcnt",                                 "i32 -> i32")
op(0x6A, "i32.add",                                    "i32 i32 -> i32", const="extended_const")
op(0x6B, "i32.sub",                                    "i32 i32 -> i32", const="extended_const")
op(0x6C, "i32.mul",                                    "i32 i32 -> i32", const="extended_const")
op(0x6D, "i32.div_s",                                  "i32 i32 -> i32", traps=True)
op(0x6E, "i32.div_u",                                  "i32 i32 -> i32", traps=True)
op(0x6F, "i32.rem_s",                                  "i32 i32 -> i32", traps=True)
op(0x70, "i32.rem_u",                                  "i32 i32 -> i32", traps=True)
op(0x71, "i32.and",                                    "i32 i32 -> i32")
op(0x72, "i32.or",                                     "i32 i32 -> i32")
op(0x73, "i32.xor",                                    "i32 i32 -> i32")
op(0x74, "i32.shl",                                    "i32 i32 -> i32")
op(0x75, "i32.shr_s",                                  "i32 i32 -> i32")
op(0x76, "i32.shr_u",                                  "i32 i32 -> i32")
op(0x77, "i32.rotl",                                   "i32 i32 -> i32")
op(0x78, "i32.rotr",                                   "i32 i32 -> i32")
op(0x79, "i64.clz",                                    "i64 -> i64")
op(0x7A, "i64.ctz",                                    "i64 -> i64")
op(0x7B, "i64.popcnt",                                 "i64 -> i64")
op(0x7C, "i64.add",                                    "i64 i64 -> i64", const="extended_const")
op(0x7D, "i64.sub",                                    "i64 i64 -> i64", const="extended_const")
op(0x7E, "i64.mul",                                    "i64 i64 -> i64", const="extended_const")
op(0x7F, "i64.div_s",                                  "i64 i64 -> i64", traps=True)
op(0x80, "i64.div_u",                                  "i64 i64 -> i64", traps=True)
op(0x81, "i64.rem_s",                                  "i64 i64 -> i64", traps=True)
op(0x82, "i64.rem_u",                                  "i64 i64 -> i64", traps=True)
op(0x83, "i64.and",                                    "i64 i64 -> i64")
op(0x84, "i64.or",                                     "i64 i64 -> i64")
op(0x85, "i64.xor",                                    "i64 i64 -> i64")
op(0x86, "i64.shl",                                    "i64 i64 -> i64")
op(0x87, "i64.shr_s",                                  "i64 i64 -> i64")
op(0x88, "i64.shr_u",                                  "i64 i64 -> i64")
op(0x89, "i64.rotl",                                   "i64 i64 -> i64")
op(0x8A, "i64.rotr",                                   "i64 i64 -> i64")
op(0x8B, "f32.abs",                                    "f32 -> f32")
op(0x8C, "f32.neg",                                    "f32 -> f32")
op(0x8D, "f32.ceil",                                   "f32 -> f32", nans=True)
op(0x8E, "f32.floor",                                  "f32 -> f32", nans=True)
op(0x8F, "f32.trunc",                                  "f32 -> f32", nans=True)
op(0x90, "f32.nearest",                                "f32 -> f32", nans=True)
op(0x91, "f32.sqrt",                                   "f32 -> f32", nans=True)
op(0x92, "f32.add",                                    "f32 f32 -> f32", nans=True)
op(0x93, "f32.sub",                                    "f32 f32 -> f32", nans=True)
op(0x94, "f32.mul",                                    "f32 f32 -> f32", nans=True)
op(0x95, "f32.div",                                    "f32 f32 -> f32", nans=True)
op(0x96, "f32.min",                                    "f32 f32 -> f32", nans=True)
op(0x97, "f32.max",                                    "f32 f32 -> f32", nans=True)
op(0x98, "f32.copysign",                               "f32 f32 -> f32")
op(0x99, "f64.abs",                                    "f64 -> f64")
op(0x9A, "f64.neg",                                    "f64 -> f64")
op(0x9B, "f64.ceil",                                   "f64 -> f64", nans=True)
op(0x9C, "f64.floor",                                  "f64 -> f64", nans=True)
op(0x9D, "f64.trunc",                                  "f64 -> f64", nans=True)
op(0x9E, "f64.nearest",                                "f64 -> f64", nans=True)
op(0x9F, "f64.sqrt",                                   "f64 -> f64", nans=True)
op(0xA0, "f64.add",                                    "f64 f64 -> f64", nans=True)
op(0xA1, "f64.sub",                                    "f64 f64 -> f64", nans=True)
op(0xA2, "f64.mul",                                    "f64 f64 -> f64", nans=True)
op(0xA3, "f64.div",                                    "f64 f64 -> f64", nans=True)
op(0xA4, "f64.min",                                    "f64 f64 -> f64", nans=True)
op(0xA5, "f64.max",                                    "f64 f64 -> f64", nans=True)
op(0xA6, "f64.copysign",                               "f64 f64 -> f64")
op(0xA7, "i32.wrap_i64",                               "i64 -> i32")
op(0xA8, "i32.trunc_f32_s",                            "f32 -> i32", traps=True)
op(0xA9, "i32.trunc_f32_u",                            "f32 -> i32", traps=True)
op(0xAA, "i32.trunc_f64_s",                            "f64 -> i32", traps=True)
op(0xAB, "i32.trunc_f64_u",                            "f64 -> i32", traps=True)
op(0xAC, "i64.extend_i32_s",                           "i32 -> i64")
op(0xAD, "i64.extend_i32_u",                           "i32 -> i64")
op(0xAE, "i64.trunc_f32_s",                            "f32 -> i64", traps=True)
op(0xAF, "i64.trunc_f32_u",                            "f32 -> i64", traps=True)
op(0xB0, "i64.trunc_f64_s",                            "f64 -> i64", traps=True)
op(0xB1, "i64.trunc_f64_u",                            "f64 -> i64", traps=True)
op(0xB2, "f32.convert_i32_s",                          "i32 -> f32")
op(0xB3, "f32.convert_i32_u",                          "i32 -> f32")
op(0xB4, "f32.convert_i64_s",                          "i64 -> f32")
op(0xB5, "f32.convert_i64_u",                          "i64 -> f32")
op(0xB6, "f32.demote_f64",                             "f64 -> f32", nans=True)
op(0xB7, "f64.convert_i32_s",                          "i32 -> f64")
op(0xB8, "f64.convert_i32_u",                          "i32 -> f64")
op(0xB9, "f64.convert_i64_s",                          "i64 -> f64")
op(0xBA, "f64.convert_i64_u",                          "i64 -> f64")
op(0xBB, "f64.promote_f32",                            "f32 -> f64", nans=True)
op(0xBC, "i32.reinterpret_f32",                        "f32 -> i32")
op(0xBD, "i64.reinterpret_f64",                        "f64 -> i64")
op(0xBE, "f32.reinterpret_i32",                        "i32 -> f32")
op(0xBF, "f64.reinterpret_i64",                        "i64 -> f64")

proposal("sign_extension")
op(0xC0, "i32.extend8_s",                              "i32 -> i32")
op(0xC1, "i32.extend16_s",                             "i32 -> i32")
op(0xC2, "i64.extend8_s",                              "i64 -> i64")
op(0xC3, "i64.extend16_s",                             "i64 -> i64")
op(0xC4, "i64.extend32_s",                             "i64 -> i64")

proposal("reference_types")
op(0xD0, "ref.null heaptype",                          const=True)
op(0xD1, "ref.is_null")
op(0xD2, "ref.func funcidx",                           const=True)
op(0xD3, "ref.eq",                                     "eqref eqref -> i32", feature="gc")

proposal("function_references")
op(0xD4, "ref.as_non_null",                            traps=True)
op(0xD5, "br_on_null labelidx",                        fuel=ENDS)
op(0xD6, "br_on_non_null labelidx",                    fuel=ENDS)

proposal("gc")
op(0xFB_0000, "struct.new typeidx",                    const=True)
op(0xFB_0001, "struct.new_default typeidx",            const=True)
op(0xFB_0002, "struct.get typeidx fieldidx",           traps=True)
op(0xFB_0003, "struct.get_s typeidx fieldidx",         traps=True)
op(0xFB_0004, "struct.get_u typeidx fieldidx",         traps=True)
op(0xFB_0005, "struct.set typeidx fieldidx",           traps=True)
op(0xFB_0006, "array.new typeidx",                     const=True, fuel=LENGTH)
op(0xFB_0007, "array.new_default typeidx",             const=True, fuel=LENGTH)
op(0xFB_0008, "array.new_fixed typeidx u32",           const=True)
op(0xFB_0009, "array.new_data typeidx dataidx",        traps=True, fuel=LENGTH)
op(0xFB_000A, "array.new_elem typeidx elemidx",        traps=True, fuel=LENGTH)
op(0xFB_000B, "array.get typeidx",                     traps=True)
op(0xFB_000C, "array.get_s typeidx",                   traps=True)
op(0xFB_000D, "array.get_u typeidx",                   traps=True)
op(0xFB_000E, "array.set typeidx",                     traps=True)
op(0xFB_000F, "array.len",                             "arrayref -> i32", traps=True)
op(0xFB_0010, "array.fill typeidx",                    traps=True, fuel=LENGTH)
op(0xFB_0011, "array.copy typeidx typeidx",            traps=True, fuel=LENGTH)
op(0xFB_0012, "array.init_data typeidx dataidx",       traps=True, fuel=LENGTH)
op(0xFB_0013, "array.init_elem typeidx elemidx",       traps=True, fuel=LENGTH)
op(0xFB_0014, "ref.test heaptype")
op(0xFB_0015, "ref.test_null heaptype",                keyword="ref.test")
op(0xFB_0016, "ref.cast heaptype",                     traps=True)
op(0xFB_0017, "ref.cast_null heaptype",                traps=True, keyword="ref.cast")
op(0xFB_0018, "br_on_cast castflags labelidx heaptype heaptype", fuel=ENDS)
op(0xFB_0019, "br_on_cast_fail castflags labelidx heaptype heaptype", fuel=ENDS)
op(0xFB_001A, "any.convert_extern",                    const=True)
op(0xFB_001B, "extern.convert_any",                    const=True)
op(0xFB_001C, "ref.i31",                               "i32 -> (ref i31)", const=True)
op(0xFB_001D, "i31.get_s",                             "i31ref -> i32", traps=True)
op(0xFB_001E, "i31.get_u",                             "i31ref -> i32", traps=True)

proposal("custom_descriptors")
op(0xFB_0020, "struct.new_desc typeidx",               const=True, traps=True)
op(0xFB_0021, "struct.new_default_desc typeidx",       const=True, traps=True)
op(0xFB_0022, "ref.get_desc typeidx",                  traps=True)
op(0xFB_0023, "ref.cast_desc_eq heaptype",             traps=True)
op(0xFB_0024, "ref.cast_desc_eq_null heaptype",        traps=True, keyword="ref.cast_desc_eq")
op(0xFB_0025, "br_on_cast_desc_eq castflags labelidx heaptype heaptype", traps=True, fuel=ENDS)
op(0xFB_0026, "br_on_cast_desc_eq_fail castflags labelidx heaptype heaptype", traps=True, fuel=ENDS)

proposal("saturating_float_to_int")
op(0xFC_0000, "i32.trunc_sat_f32_s",                   "f32 -> i32")
op(0xFC_0001, "i32.trunc_sat_f32_u",                   "f32 -> i32")
op(0xFC_0002, "i32.trunc_sat_f64_s",                   "f64 -> i32")
op(0xFC_0003, "i32.trunc_sat_f64_u",                   "f64 -> i32")
op(0xFC_0004, "i64.trunc_sat_f32_s",                   "f32 -> i64")
op(0xFC_0005, "i64.trunc_sat_f32_u",                   "f32 -> i64")
op(0xFC_0006, "i64.trunc_sat_f64_s",                   "f64 -> i64")
op(0xFC_0007, "i64.trunc_sat_f64_u",                   "f64 -> i64")

proposal("bulk_memory")
op(0xFC_0008, "memory.init dataidx memidx",            "at i32 i32 ->",         traps=True, fuel=LENGTH)
op(0xFC_0009, "data.drop dataidx",                     "->")
op(0xFC_000A, "memory.copy memidx memidx",             traps=True, fuel=LENGTH)
op(0xFC_000B, "memory.fill memidx",                    "at i32 at ->",          traps=True, fuel=LENGTH)
op(0xFC_000C, "table.init elemidx tableidx",           traps=True, fuel=LENGTH)
op(0xFC_000D, "elem.drop elemidx",                     "->")
op(0xFC_000E, "table.copy tableidx tableidx",          traps=True, fuel=LENGTH)
op(0xFC_000F, "table.grow tableidx",                   feature="reference_types", fuel=LENGTH)
op(0xFC_0010, "table.size tableidx",                   "-> at", feature="reference_types")
op(0xFC_0011, "table.fill tableidx",                   traps=True, feature="reference_types", fuel=LENGTH)

proposal("wide_arithmetic")
op(0xFC_0013, "i64.add128",                            "i64 i64 i64 i64 -> i64 i64")
op(0xFC_0014, "i64.sub128",                            "i64 i64 i64 i64 -> i64 i64")
op(0xFC_0015, "i64.mul_wide_s",                        "i64 i64 -> i64 i64")
op(0xFC_0016, "i64.mul_wide_u",                        "i64 i64 -> i64 i64")

proposal("simd")
op(0xFD_0000, "v128.load memarg:16",                   "at -> v128", traps=True)
op(0xFD_0001, "v128.load8x8_s memarg:8",               "at -> v128", traps=True)
op(0xFD_0002, "v128.load8x8_u memarg:8",               "at -> v128", traps=True)
op(0xFD_0003, "v128.load16x4_s memarg:8",              "at -> v128", traps=True)
op(0xFD_0004, "v128.load16x4_u memarg:8",              "at -> v128", traps=True)
op(0xFD_0005, "v128.load32x2_s memarg:8",              "at -> v128", traps=True)
op(0xFD_0006, "v128.load32x2_u memarg:8",              "at -> v128", traps=True)
op(0xFD_0007, "v128.load8_splat memarg:1",             "at -> v128", traps=True)
op(0xFD_0008, "v128.load16_splat memarg:2",            "at -> v128", traps=True)
op(0xFD_0009, "v128.load32_splat memarg:4",            "at -> v128", traps=True)
op(0xFD_000A, "v128.load64_splat memarg:8",            "at -> v128", traps=True)
op(0xFD_000B, "v128.store memarg:16",                  "at v128 ->", traps=True)
op(0xFD_000C, "v128.const v128",                       "-> v128", const=True)
op(0xFD_000D, "i8x16.shuffle laneidx16:32",            "v128 v128 -> v128")
op(0xFD_000E, "i8x16.swizzle",                         "v128 v128 -> v128")
op(0xFD_000F, "i8x16.splat",                           "i32 -> v128")
op(0xFD_0010, "i16x8.splat",                           "i32 -> v128")
op(0xFD_0011, "i32x4.splat",                           "i32 -> v128")
op(0xFD_0012, "i64x2.splat",                           "i64 -> v128")
op(0xFD_0013, "f32x4.splat",                           "f32 -> v128")
op(0xFD_0014, "f64x2.splat",                           "f64 -> v128")
op(0xFD_0015, "i8x16.extract_lane_s laneidx:16",       "v128 -> i32")
op(0xFD_0016, "i8x16.extract_lane_u laneidx:16",       "v128 -> i32")
op(0xFD_0017, "i8x16.replace_lane laneidx:16",         "v128 i32 -> v128")
op(0xFD_0018, "i16x8.extract_lane_s laneidx:8",        "v128 -> i32")
op(0xFD_0019, "i16x8.extract_lane_u laneidx:8",        "v128 -> i32")
op(0xFD_001A, "i16x8.replace_lane laneidx:8",          "v128 i32 -> v128")
op(0xFD_001B, "i32x4.extract_lane laneidx:4",          "v128 -> i32")
op(0xFD_001C, "i32x4.replace_lane laneidx:4",          "v128 i32 -> v128")
op(0xFD_001D, "i64x2.extract_lane laneidx:2",          "v128 -> i64")
op(0xFD_001E, "i64x2.replace_lane laneidx:2",          "v128 i64 -> v128")
op(0xFD_001F, "f32x4.extract_lane laneidx:4",          "v128 -> f32")
op(0xFD_0020, "f32x4.replace_lane laneidx:4",          "v128 f32 -> v128")
op(0xFD_0021, "f64x2.extract_lane laneidx:2",          "v128 -> f64")
op(0xFD_0022, "f64x2.replace_lane laneidx:2",          "v128 f64 -> v128")
op(0xFD_0023, "i8x16.eq",                              "v128 v128 -> v128")
op(0xFD_0024, "i8x16.ne",                              "v128 v128 -> v128")
op(0xFD_0025, "i8x16.lt_s",                            "v128 v128 -> v128")
op(0xFD_0026, "i8x16.lt_u",                            "v128 v128 -> v128")
op(0xFD_0027, "i8x16.gt_s",                            "v128 v128 -> v128")
op(0xFD_0028, "i8x16.gt_u",                            "v128 v128 -> v128")
op(0xFD_0029, "i8x16.le_s",                            "v128 v128 -> v128")
op(0xFD_002A, "i8x16.le_u",                            "v128 v128 -> v128")
op(0xFD_002B, "i8x16.ge_s",                            "v128 v128 -> v128")
op(0xFD_002C, "i8x16.ge_u",                            "v128 v128 -> v128")
op(0xFD_002D, "i16x8.eq",                              "v128 v128 -> v128")
op(0xFD_002E, "i16x8.ne",                              "v128 v128 -> v128")
op(0xFD_002F, "i16x8.lt_s",                            "v128 v128 -> v128")
op(0xFD_0030, "i16x8.lt_u",                            "v128 v128 -> v128")
op(0xFD_0031, "i16x8.gt_s",                            "v128 v128 -> v128")
op(0xFD_0032, "i16x8.gt_u",                            "v128 v128 -> v128")
op(0xFD_0033, "i16x8.le_s",                            "v128 v128 -> v128")
op(0xFD_0034, "i16x8.le_u",                            "v128 v128 -> v128")
op(0xFD_0035, "i16x8.ge_s",                            "v128 v128 -> v128")
op(0xFD_0036, "i16x8.ge_u",                            "v128 v128 -> v128")
op(0xFD_0037, "i32x4.eq",                              "v128 v128 -> v128")
op(0xFD_0038, "i32x4.ne",                              "v128 v128 -> v128")
op(0xFD_0039, "i32x4.lt_s",                            "v128 v128 -> v128")
op(0xFD_003A, "i32x4.lt_u",                            "v128 v128 -> v128")
op(0xFD_003B, "i32x4.gt_s",                            "v128 v128 -> v128")
op(0xFD_003C, "i32x4.gt_u",                            "v128 v128 -> v128")
op(0xFD_003D, "i32x4.le_s",                            "v128 v128 -> v128")
op(0xFD_003E, "i32x4.le_u",                            "v128 v128 -> v128")
op(0xFD_003F, "i32x4.ge_s",                            "v128 v128 -> v128")
op(0xFD_0040, "i32x4.ge_u",                            "v128 v128 -> v128")
op(0xFD_0041, "f32x4.eq",                              "v128 v128 -> v128")
op(0xFD_0042, "f32x4.ne",                              "v128 v128 -> v128")
op(0xFD_0043, "f32x4.lt",                              "v128 v128 -> v128")
op(0xFD_0044, "f32x4.gt",                              "v128 v128 -> v128")
op(0xFD_0045, "f32x4.le",                              "v128 v128 -> v128")
op(0xFD_0046, "f32x4.ge",                              "v128 v128 -> v128")
op(0xFD_0047, "f64x2.eq",                              "v128 v128 -> v128")
op(0xFD_0048, "f64x2.ne",                              "v128 v128 -> v128")
op(0xFD_0049, "f64x2.lt",                              "v128 v128 -> v128")
op(0xFD_004A, "f64x2.gt",                              "v128 v128 -> v128")
op(0xFD_004B, "f64x2.le",                              "v128 v128 -> v128")
op(0xFD_004C, "f64x2.ge",                              "v128 v128 -> v128")
op(0xFD_004D, "v128.not",                              "v128 -> v128")
op(0xFD_004E, "v128.and",                              "v128 v128 -> v128")
op(0xFD_004F, "v128.andnot",                           "v128 v128 -> v128")
op(0xFD_0050, "v128.or",                               "v128 v128 -> v128")
op(0xFD_0051, "v128.xor",                              "v128 v128 -> v128")
op(0xFD_0052, "v128.bitselect",                        "v128 v128 v128 -> v128")
op(0xFD_0053, "v128.any_true",                         "v128 -> i32")
op(0xFD_0054, "v128.load8_lane memarg:1 laneidx:16",   "at v128 -> v128", traps=True)
op(0xFD_0055, "v128.load16_lane memarg:2 laneidx:8",   "at v128 -> v128", traps=True)
op(0xFD_0056, "v128.load32_lane memarg:4 laneidx:4",   "at v128 -> v128", traps=True)
op(0xFD_0057, "v128.load64_lane memarg:8 laneidx:2",   "at v128 -> v128", traps=True)
op(0xFD_0058, "v128.store8_lane memarg:1 laneidx:16",  "at v128 ->", traps=True)
op(0xFD_0059, "v128.store16_lane memarg:2 laneidx:8",  "at v128 ->", traps=True)
op(0xFD_005A, "v128.store32_lane memarg:4 laneidx:4",  "at v128 ->", traps=True)
op(0xFD_005B, "v128.store64_lane memarg:8 laneidx:2",  "at v128 ->", traps=True)
op(0xFD_005C, "v128.load32_zero memarg:4",             "at -> v128", traps=True)
op(0xFD_005D, "v128.load64_zero memarg:8",             "at -> v128", traps=True)
op(0xFD_005E, "f32x4.demote_f64x2_zero",               "v128 -> v128", nans=True)
op(0xFD_005F, "f64x2.promote_low_f32x4",               "v128 -> v128", nans=True)
op(0xFD_0060, "i8x16.abs",                             "v128 -> v128")
op(0xFD_0061, "i8x16.neg",                             "v128 -> v128")
op(0xFD_0062, "i8x16.popcnt",                          "v128 -> v128")
op(0xFD_0063, "i8x16.all_true",                        "v128 -> i32")
op(0xFD_0064, "i8x16.bitmask",                         "v128 -> i32")
op(0xFD_0065, "i8x16.narrow_i16x8_s",                  "v128 v128 -> v128")
op(0xFD_0066, "i8x16.narrow_i16x8_u",                  "v128 v128 -> v128")
op(0xFD_0067, "f32x4.ceil",                            "v128 -> v128", nans=True)
op(0xFD_0068, "f32x4.floor",                           "v128 -> v128", nans=True)
op(0xFD_0069, "f32x4.trunc",                           "v128 -> v128", nans=True)
op(0xFD_006A, "f32x4.nearest",                         "v128 -> v128", nans=True)
op(0xFD_006B, "i8x16.shl",                             "v128 i32 -> v128")
op(0xFD_006C, "i8x16.shr_s",                           "v128 i32 -> v128")
op(0xFD_006D, "i8x16.shr_u",                           "v128 i32 -> v128")
op(0xFD_006E, "i8x16.add",                             "v128 v128 -> v128")
op(0xFD_006F, "i8x16.add_sat_s",                       "v128 v128 -> v128")
op(0xFD_0070, "i8x16.add_sat_u",                       "v128 v128 -> v128")
op(0xFD_0071, "i8x16.sub",                             "v128 v128 -> v128")
op(0xFD_0072, "i8x16.sub_sat_s",                       "v128 v128 -> v128")
op(0xFD_0073, "i8x16.sub_sat_u",                       "v128 v128 -> v128")
op(0xFD_0074, "f64x2.ceil",                            "v128 -> v128", nans=True)
op(0xFD_0075, "f64x2.floor",                           "v128 -> v128", nans=True)
op(0xFD_0076, "i8x16.min_s",                           "v128 v128 -> v128")
op(0xFD_0077, "i8x16.min_u",                           "v128 v128 -> v128")
op(0xFD_0078, "i8x16.max_s",                           "v128 v128 -> v128")
op(0xFD_0079, "i8x16.max_u",                           "v128 v128 -> v128")
op(0xFD_007A, "f64x2.trunc",                           "v128 -> v128", nans=True)
op(0xFD_007B, "i8x16.avgr_u",                          "v128 v128 -> v128")
op(0xFD_007C, "i16x8.extadd_pairwise_i8x16_s",         "v128 -> v128")
op(0xFD_007D, "i16x8.extadd_pairwise_i8x16_u",         "v128 -> v128")
op(0xFD_007E, "i32x4.extadd_pairwise_i16x8_s",         "v128 -> v128")
op(0xFD_007F, "i32x4.extadd_pairwise_i16x8_u",         "v128 -> v128")
op(0xFD_0080, "i16x8.abs",                             "v128 -> v128")
op(0xFD_0081, "i16x8.neg",                             "v128 -> v128")
op(0xFD_0082, "i16x8.q15mulr_sat_s",                   "v128 v128 -> v128")
op(0xFD_0083, "i16x8.all_true",                        "v128 -> i32")
op(0xFD_0084, "i16x8.bitmask",                         "v128 -> i32")
op(0xFD_0085, "i16x8.narrow_i32x4_s",                  "v128 v128 -> v128")
op(0xFD_0086, "i16x8.narrow_i32x4_u",                  "v128 v128 -> v128")
op(0xFD_0087, "i16x8.extend_low_i8x16_s",              "v128 -> v128")
op(0xFD_0088, "i16x8.extend_high_i8x16_s",             "v128 -> v128")
op(0xFD_0089, "i16x8.extend_low_i8x16_u",              "v128 -> v128")
op(0xFD_008A, "i16x8.extend_high_i8x16_u",             "v128 -> v128")
op(0xFD_008B, "i16x8.shl",                             "v128 i32 -> v128")
op(0xFD_008C, "i16x8.shr_s",                           "v128 i32 -> v128")
op(0xFD_008D, "i16x8.shr_u",                           "v128 i32 -> v128")
op(0xFD_008E, "i16x8.add",                             "v128 v128 -> v128")
op(0xFD_008F, "i16x8.add_sat_s",                       "v128 v128 -> v128")
op(0xFD_0090, "i16x8.add_sat_u",                       "v128 v128 -> v128")
op(0xFD_0091, "i16x8.sub",                             "v128 v128 -> v128")
op(0xFD_0092, "i16x8.sub_sat_s",                       "v128 v128 -> v128")
op(0xFD_0093, "i16x8.sub_sat_u",                       "v128 v128 -> v128")
op(0xFD_0094, "f64x2.nearest",                         "v128 -> v128", nans=True)
op(0xFD_0095, "i16x8.mul",                             "v128 v128 -> v128")
op(0xFD_0096, "i16x8.min_s",                           "v128 v128 -> v128")
op(0xFD_0097, "i16x8.min_u",                           "v128 v128 -> v128")
op(0xFD_0098, "i16x8.max_s",                           "v128 v128 -> v128")
op(0xFD_0099, "i16x8.max_u",                           "v128 v128 -> v128")
op(0xFD_009B, "i16x8.avgr_u",                          "v128 v128 -> v128")
op(0xFD_009C, "i16x8.extmul_low_i8x16_s",              "v128 v128 -> v128")
op(0xFD_009D, "i16x8.extmul_high_i8x16_s",             "v128 v128 -> v128")
op(0xFD_009E, "i16x8.extmul_low_i8x16_u",              "v128 v128 -> v128")
op(0xFD_009F, "i16x8.extmul_high_i8x16_u",             "v128 v128 -> v128")
op(0xFD_00A0, "i32x4.abs",                             "v128 -> v128")
op(0xFD_00A1, "i32x4.neg",                             "v128 -> v128")
op(0xFD_00A3, "i32x4.all_true",                        "v128 -> i32")
op(0xFD_00A4, "i32x4.bitmask",                         "v128 -> i32")
op(0xFD_00A7, "i32x4.extend_low_i16x8_s",              "v128 -> v128")
op(0xFD_00A8, "i32x4.extend_high_i16x8_s",             "v128 -> v128")
op(0xFD_00A9, "i32x4.extend_low_i16x8_u",              "v128 -> v128")
op(0xFD_00AA, "i32x4.extend_high_i16x8_u",             "v128 -> v128")
op(0xFD_00AB, "i32x4.shl",                             "v128 i32 -> v128")
op(0xFD_00AC, "i32x4.shr_s",                           "v128 i32 -> v128")
op(0xFD_00AD, "i32x4.shr_u",                           "v128 i32 -> v128")
op(0xFD_00AE, "i32x4.add",                             "v128 v128 -> v128")
op(0xFD_00B1, "i32x4.sub",                             "v128 v128 -> v128")
op(0xFD_00B5, "i32x4.mul",                             "v128 v128 -> v128")
op(0xFD_00B6, "i32x4.min_s",                           "v128 v128 -> v128")
op(0xFD_00B7, "i32x4.min_u",                           "v128 v128 -> v128")
op(0xFD_00B8, "i32x4.max_s",                           "v128 v128 -> v128")
op(0xFD_00B9, "i32x4.max_u",                           "v128 v128 -> v128")
op(0xFD_00BA, "i32x4.dot_i16x8_s",                     "v128 v128 -> v128")
op(0xFD_00BC, "i32x4.extmul_low_i16x8_s",              "v128 v128 -> v128")
op(0xFD_00BD, "i32x4.extmul_high_i16x8_s",             "v128 v128 -> v128")
op(0xFD_00BE, "i32x4.extmul_low_i16x8_u",              "v128 v128 -> v128")
op(0xFD_00BF, "i32x4.extmul_high_i16x8_u",             "v128 v128 -> v128")
op(0xFD_00C0, "i64x2.abs",                             "v128 -> v128")
op(0xFD_00C1, "i64x2.neg",                             "v128 -> v128")
op(0xFD_00C3, "i64x2.all_true",                        "v128 -> i32")
op(0xFD_00C4, "i64x2.bitmask",                         "v128 -> i32")
op(0xFD_00C7, "i64x2.extend_low_i32x4_s",              "v128 -> v128")
op(0xFD_00C8, "i64x2.extend_high_i32x4_s",             "v128 -> v128")
op(0xFD_00C9, "i64x2.extend_low_i32x4_u",              "v128 -> v128")
op(0xFD_00CA, "i64x2.extend_high_i32x4_u",             "v128 -> v128")
op(0xFD_00CB, "i64x2.shl",                             "v128 i32 -> v128")
op(0xFD_00CC, "i64x2.shr_s",                           "v128 i32 -> v128")
op(0xFD_00CD, "i64x2.shr_u",                           "v128 i32 -> v128")
op(0xFD_00CE, "i64x2.add",                             "v128 v128 -> v128")
op(0xFD_00D1, "i64x2.sub",                             "v128 v128 -> v128")
op(0xFD_00D5, "i64x2.mul",                             "v128 v128 -> v128")
op(0xFD_00D6, "i64x2.eq",                              "v128 v128 -> v128")
op(0xFD_00D7, "i64x2.ne",                              "v128 v128 -> v128")
op(0xFD_00D8, "i64x2.lt_s",                            "v128 v128 -> v128")
op(0xFD_00D9, "i64x2.gt_s",                            "v128 v128 -> v128")
op(0xFD_00DA, "i64x2.le_s",                            "v128 v128 -> v128")
op(0xFD_00DB, "i64x2.ge_s",                            "v128 v128 -> v128")
op(0xFD_00DC, "i64x2.extmul_low_i32x4_s",              "v128 v128 -> v128")
op(0xFD_00DD, "i64x2.extmul_high_i32x4_s",             "v128 v128 -> v128")
op(0xFD_00DE, "i64x2.extmul_low_i32x4_u",              "v128 v128 -> v128")
op(0xFD_00DF, "i64x2.extmul_high_i32x4_u",             "v128 v128 -> v128")
op(0xFD_00E0, "f32x4.abs",                             "v128 -> v128")
op(0xFD_00E1, "f32x4.neg",                             "v128 -> v128")
op(0xFD_00E3, "f32x4.sqrt",                            "v128 -> v128", nans=True)
op(0xFD_00E4, "f32x4.add",                             "v128 v128 -> v128", nans=True)
op(0xFD_00E5, "f32x4.sub",                             "v128 v128 -> v128", nans=True)
op(0xFD_00E6, "f32x4.mul",                             "v128 v128 -> v128", nans=True)
op(0xFD_00E7, "f32x4.div",                             "v128 v128 -> v128", nans=True)
op(0xFD_00E8, "f32x4.min",                             "v128 v128 -> v128", nans=True)
op(0xFD_00E9, "f32x4.max",                             "v128 v128 -> v128", nans=True)
op(0xFD_00EA, "f32x4.pmin",                            "v128 v128 -> v128")
op(0xFD_00EB, "f32x4.pmax",                            "v128 v128 -> v128")
op(0xFD_00EC, "f64x2.abs",                             "v128 -> v128")
op(0xFD_00ED, "f64x2.neg",                             "v128 -> v128")
op(0xFD_00EF, "f64x2.sqrt",                            "v128 -> v128", nans=True)
op(0xFD_00F0, "f64x2.add",                             "v128 v128 -> v128", nans=True)
op(0xFD_00F1, "f64x2.sub",                             "v128 v128 -> v128", nans=True)
op(0xFD_00F2, "f64x2.mul",                             "v128 v128 -> v128", nans=True)
op(0xFD_00F3, "f64x2.div",                             "v128 v128 -> v128", nans=True)
op(0xFD_00F4, "f64x2.min",                             "v128 v128 -> v128", nans=True)
op(0xFD_00F5, "f64x2.max",                             "v128 v128 -> v128", nans=True)
op(0xFD_00F6, "f64x2.pmin",                            "v128 v128 -> v128")
op(0xFD_00F7, "f64x2.pmax",                            "v128 v128 -> v128")
op(0xFD_00F8, "i32x4.trunc_sat_f32x4_s",               "v128 -> v128")
op(0xFD_00F9, "i32x4.trunc_sat_f32x4_u",               "v128 -> v128")
op(0xFD_00FA, "f32x4.convert_i32x4_s",                 "v128 -> v128")
op(0xFD_00FB, "f32x4.convert_i32x4_u",                 "v128 -> v128")
op(0xFD_00FC, "i32x4.trunc_sat_f64x2_s_zero",          "v128 -> v128")
op(0xFD_00FD, "i32x4.trunc_sat_f64x2_u_zero",          "v128 -> v128")
op(0xFD_00FE, "f64x2.convert_low_i32x4_s",             "v128 -> v128")
op(0xFD_00FF, "f64x2.convert_low_i32x4_u",             "v128 -> v128")

proposal("relaxed_simd")
op(0xFD_0100, "i8x16.relaxed_swizzle",                 "v128 v128 -> v128")
op(0xFD_0101, "i32x4.relaxed_trunc_f32x4_s",           "v128 -> v128")
op(0xFD_0102, "i32x4.relaxed_trunc_f32x4_u",           "v128 -> v128")
op(0xFD_0103, "i32x4.relaxed_trunc_f64x2_s_zero",      "v128 -> v128")
op(0xFD_0104, "i32x4.relaxed_trunc_f64x2_u_zero",      "v128 -> v128")
op(0xFD_0105, "f32x4.relaxed_madd",                    "v128 v128 v128 -> v128", nans=True)
op(0xFD_0106, "f32x4.relaxed_nmadd",                   "v128 v128 v128 -> v128", nans=True)
op(0xFD_0107, "f64x2.relaxed_madd",                    "v128 v128 v128 -> v128", nans=True)
op(0xFD_0108, "f64x2.relaxed_nmadd",                   "v128 v128 v128 -> v128", nans=True)
op(0xFD_0109, "i8x16.relaxed_laneselect",              "v128 v128 v128 -> v128")
op(0xFD_010A, "i16x8.relaxed_laneselect",              "v128 v128 v128 -> v128")
op(0xFD_010B, "i32x4.relaxed_laneselect",              "v128 v128 v128 -> v128")
op(0xFD_010C, "i64x2.relaxed_laneselect",              "v128 v128 v128 -> v128")
op(0xFD_010D, "f32x4.relaxed_min",                     "v128 v128 -> v128", nans=True)
op(0xFD_010E, "f32x4.relaxed_max",                     "v128 v128 -> v128", nans=True)
op(0xFD_010F, "f64x2.relaxed_min",                     "v128 v128 -> v128", nans=True)
op(0xFD_0110, "f64x2.relaxed_max",                     "v128 v128 -> v128", nans=True)
op(0xFD_0111, "i16x8.relaxed_q15mulr_s",               "v128 v128 -> v128")
op(0xFD_0112, "i16x8.relaxed_dot_i8x16_i7x16_s",       "v128 v128 -> v128")
op(0xFD_0113, "i32x4.relaxed_dot_i8x16_i7x16_add_s",   "v128 v128 v128 -> v128")

proposal("threads")
op(0xFE_0000, "memory.atomic.notify memarg:4",         "at i32 -> i32", traps=True)
op(0xFE_0001, "memory.atomic.wait32 memarg:4",         "at i32 i64 -> i32", traps=True)
op(0xFE_0002, "memory.atomic.wait64 memarg:8",         "at i64 i64 -> i32", traps=True)
op(0xFE_0003, "atomic.fence zero",                     "->")
op(0xFE_0010, "i32.atomic.load memarg:4",              "at -> i32", traps=True)
op(0xFE_0011, "i64.atomic.load memarg:8",              "at -> i64", traps=True)
op(0xFE_0012, "i32.atomic.load8_u memarg:1",           "at -> i32", traps=True)
op(0xFE_0013, "i32.atomic.load16_u memarg:2",          "at -> i32", traps=True)
op(0xFE_0014, "i64.atomic.load8_u memarg:1",           "at -> i64", traps=True)
op(0xFE_0015, "i64.atomic.load16_u memarg:2",          "at -> i64", traps=True)
op(0xFE_0016, "i64.atomic.load32_u memarg:4",          "at -> i64", traps=True)
op(0xFE_0017, "i32.atomic.store memarg:4",             "at i32 ->", traps=True)
op(0xFE_0018, "i64.atomic.store memarg:8",             "at i64 ->", traps=True)
op(0xFE_0019, "i32.atomic.store8 memarg:1",            "at i32 ->", traps=True)
op(0xFE_001A, "i32.atomic.store16 memarg:2",           "at i32 ->", traps=True)
op(0xFE_001B, "i64.atomic.store8 memarg:1",            "at i64 ->", traps=True)
op(0xFE_001C, "i64.atomic.store16 memarg:2",           "at i64 ->", traps=True)
op(0xFE_001D, "i64.atomic.store32 memarg:4",           "at i64 ->", traps=True)
op(0xFE_001E, "i32.atomic.rmw.add memarg:4",           "at i32 -> i32", traps=True)
op(0xFE_001F, "i64.atomic.rmw.add memarg:8",           "at i64 -> i64", traps=True)
op(0xFE_0020, "i32.atomic.rmw8.add_u memarg:1",        "at i32 -> i32", traps=True)
op(0xFE_0021, "i32.atomic.rmw16.add_u memarg:2",       "at i32 -> i32", traps=True)
op(0xFE_0022, "i64.atomic.rmw8.add_u memarg:1",        "at i64 -> i64", traps=True)
op(0xFE_0023, "i64.atomic.rmw16.add_u memarg:2",       "at i64 -> i64", traps=True)
op(0xFE_0024, "i64.atomic.rmw32.add_u memarg:4",       "at i64 -> i64", traps=True)
op(0xFE_0025, "i32.atomic.rmw.sub memarg:4",           "at i32 -> i32", traps=True)
op(0xFE_0026, "i64.atomic.rmw.sub memarg:8",           "at i64 -> i64", traps=True)
op(0xFE_0027, "i32.atomic.rmw8.sub_u memarg:1",        "at i32 -> i32", traps=True)
op(0xFE_0028, "i32.atomic.rmw16.sub_u memarg:2",       "at i32 -> i32", traps=True)
op(0xFE_0029, "i64.atomic.rmw8.sub_u memarg:1",        "at i64 -> i64", traps=True)
op(0xFE_002A, "i64.atomic.rmw16.sub_u memarg:2",       "at i64 -> i64", traps=True)
op(0xFE_002B, "i64.atomic.rmw32.sub_u memarg:4",       "at i64 -> i64", traps=True)
op(0xFE_002C, "i32.atomic.rmw.and memarg:4",           "at i32 -> i32", traps=True)
op(0xFE_002D, "i64.atomic.rmw.and memarg:8",           "at i64 -> i64", traps=True)
op(0xFE_002E, "i32.atomic.rmw8.and_u memarg:1",        "at i32 -> i32", traps=True)
op(0xFE_002F, "i32.atomic.rmw16.and_u memarg:2",       "at i32 -> i32", traps=True)
op(0xFE_0030, "i64.atomic.rmw8.and_u memarg:1",        "at i64 -> i64", traps=True)
op(0xFE_0031, "i64.atomic.rmw16.and_u memarg:2",       "at i64 -> i64", traps=True)
op(0xFE_0032, "i64.atomic.rmw32.and_u memarg:4",       "at i64 -> i64", traps=True)
op(0xFE_0033, "i32.atomic.rmw.or memarg:4",            "at i32 -> i32", traps=True)
op(0xFE_0034, "i64.atomic.rmw.or memarg:8",            "at i64 -> i64", traps=True)
op(0xFE_0035, "i32.atomic.rmw8.or_u memarg:1",         "at i32 -> i32", traps=True)
op(0xFE_0036, "i32.atomic.rmw16.or_u memarg:2",        "at i32 -> i32", traps=True)
op(0xFE_0037, "i64.atomic.rmw8.or_u memarg:1",         "at i64 -> i64", traps=True)
op(0xFE_0038, "i64.atomic.rmw16.or_u memarg:2",        "at i64 -> i64", traps=True)
op(0xFE_0039, "i64.atomic.rmw32.or_u memarg:4",        "at i64 -> i64", traps=True)
op(0xFE_003A, "i32.atomic.rmw.xor memarg:4",           "at i32 -> i32", traps=True)
op(0xFE_003B, "i64.atomic.rmw.xor memarg:8",           "at i64 -> i64", traps=True)
op(0xFE_003C, "i32.atomic.rmw8.xor_u memarg:1",        "at i32 -> i32", traps=True)
op(0xFE_003D, "i32.atomic.rmw16.xor_u memarg:2",       "at i32 -> i32", traps=True)
op(0xFE_003E, "i64.atomic.rmw8.xor_u memarg:1",        "at i64 -> i64", traps=True)
op(0xFE_003F, "i64.atomic.rmw16.xor_u memarg:2",       "at i64 -> i64", traps=True)
op(0xFE_0040, "i64.atomic.rmw32.xor_u memarg:4",       "at i64 -> i64", traps=True)
op(0xFE_0041, "i32.atomic.rmw.xchg memarg:4",          "at i32 -> i32", traps=True)
op(0xFE_0042, "i64.atomic.rmw.xchg memarg:8",          "at i64 -> i64", traps=True)
op(0xFE_0043, "i32.atomic.rmw8.xchg_u memarg:1",       "at i32 -> i32", traps=True)
op(0xFE_0044, "i32.atomic.rmw16.xchg_u memarg:2",      "at i32 -> i32", traps=True)
op(0xFE_0045, "i64.atomic.rmw8.xchg_u memarg:1",       "at i64 -> i64", traps=True)
op(0xFE_0046, "i64.atomic.rmw16.xchg_u memarg:2",      "at i64 -> i64", traps=True)
op(0xFE_0047, "i64.atomic.rmw32.xchg_u memarg:4",      "at i64 -> i64", traps=True)
op(0xFE_0048, "i32.atomic.rmw.cmpxchg memarg:4",       "at i32 i32 -> i32", traps=True)
op(0xFE_0049, "i64.atomic.rmw.cmpxchg memarg:8",       "at i64 i64 -> i64", traps=True)
op(0xFE_004A, "i32.atomic.rmw8.cmpxchg_u memarg:1",    "at i32 i32 -> i32", traps=True)
op(0xFE_004B, "i32.atomic.rmw16.cmpxchg_u memarg:2",   "at i32 i32 -> i32", traps=True)
op(0xFE_004C, "i64.atomic.rmw8.cmpxchg_u memarg:1",    "at i64 i64 -> i64", traps=True)
op(0xFE_004D, "i64.atomic.rmw16.cmpxchg_u memarg:2",   "at i64 i64 -> i64", traps=True)
op(0xFE_004E, "i64.atomic.rmw32.cmpxchg_u memarg:4",   "at i64 i64 -> i64", traps=True)
# fmt: on

globals().update({f"OP_{row.name.upper()}": row.id for row in OPS.values()})

UNKNOWN, DISABLED, ENABLED = 0, 1, 2
_availability: dict[Features, bytes] = {}


def availability(features: Features) -> bytes:
    """For every id UNKNOWN, DISABLED or ENABLED, in a module with these features."""
    table = _availability.get(features)
    if table is None:
        fresh = bytearray(N_IDS)
        for row in OPS.values():
            on = row.feature is None or getattr(features, row.feature)
            fresh[row.id] = ENABLED if on else DISABLED
        table = _availability[features] = bytes(fresh)
    return table
