"""The characters, tokens and words of the text format, and how the immediates of instructions are written.

Each word has a code: an instruction's is its id, the others' follow (`KW_MODULE` for `module`).
All that concerns instructions is made from the table. Spec: 6.3.1 "Tokens", 6.5 "Instructions".
"""

from __future__ import annotations

from array import array

from ..opcodes import N_IDS, OPS
from ..types import HEAP_NAMES, VAL_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Constants `KW_...` and `FORM_...` are made from the tables, see below.
    def __getattr__(name: str) -> int: ...


# Classes of characters: of identifiers, other printable ones, white space, and those that stand for themselves.
ILLEGAL, SPACE, NAME, OTHER, QUOTE, LPAR, RPAR, SEMICOLON = range(8)
_classes = bytearray(256)
for _class, _characters in {
    SPACE: b" \t\n\r",
    NAME: bytes(set(range(0x21, 0x7F)) - set(b' "(),;[]{}')),
    OTHER: b",[]{}",
    QUOTE: b'"',
    LPAR: b"(",
    RPAR: b")",
    SEMICOLON: b";",
}.items():
    for _character in _characters:
        _classes[_character] = _class
CLASS_TABLE = bytes(_classes)

# The value of a hexadecimal digit; 255 for everything else.
_digits = bytearray(b"\xff" * 256)
for _value, _character in enumerate(b"0123456789abcdef"):
    _digits[_character] = _value
for _value, _character in enumerate(b"ABCDEF", 10):
    _digits[_character] = _value
DIGIT_TABLE = bytes(_digits)

# Kinds of tokens. OPEN is a parenthesis with the word after it; OFFSET_EQ and ALIGN_EQ are a memarg's.
END, OPEN, CLOSE, WORD, ID, STRING, NAT, INT, FLOAT, OFFSET_EQ, ALIGN_EQ = range(11)

# The words that are no instructions.
_WORDS = """
    module type rec sub final func struct array field mut param result local import export global table memory
    tag elem data item offset declare start ref null exact describes descriptor shared pagesize then do
    catch_ref catch_all_ref extern any eq i31 exn noexn nofunc noextern none i8 i16 i32 i64 f32 f64 v128
    funcref externref anyref eqref i31ref structref arrayref exnref nullexnref nullfuncref nullexternref nullref
    i8x16 i16x8 i32x4 i64x2 f32x4 f64x2 before after first last code datacount
    binary quote definition instance nan:canonical nan:arithmetic
"""
STRUCTURE = _WORDS.split()
UNKNOWN_WORD = -1

# Of the instructions that share a keyword, the one without `_t` or `_null` stands for it.
KEYWORDS: dict[bytes, int] = {row.keyword.encode(): row.id for row in OPS.values() if row.keyword == row.mnemonic}
for _i, _word in enumerate(STRUCTURE):
    assert _word.encode() not in KEYWORDS
    KEYWORDS[_word.encode()] = N_IDS + _i
    globals()["KW_" + _word.upper().replace(":", "_")] = N_IDS + _i
N_CODES = N_IDS + len(STRUCTURE)

# By code: the value type, packed type or heap type that a word stands for, or 0.
VAL_TYPE_OF = array("q", bytes(8 * N_CODES))
HEAP_TYPE_OF = array("q", bytes(8 * N_CODES))
for _word in STRUCTURE:
    if _word in VAL_TYPES:
        VAL_TYPE_OF[KEYWORDS[_word.encode()]] = VAL_TYPES[_word]
for _heap, _word in HEAP_NAMES.items():
    HEAP_TYPE_OF[KEYWORDS[_word.encode()]] = _heap

# The shapes of v128.const: the bits of a lane, negative for floats.
SHAPES: dict[int, int] = {
    KEYWORDS[word.encode()]: bits
    for word, bits in {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64, "f32x4": -32, "f64x2": -64}.items()
}

# The index spaces: the word for each in messages about what is unknown, and about what is bound twice.
SPACES = {
    "typeidx": ("type", "type"),
    "funcidx": ("function", "func"),
    "tableidx": ("table", "table"),
    "memidx": ("memory", "memory"),
    "tagidx": ("tag", "tag"),
    "globalidx": ("global", "global"),
    "elemidx": ("elem segment", "elem"),
    "dataidx": ("data segment", "data"),
    "localidx": ("local", "local"),
    "labelidx": ("label", "label"),
    "fieldidx": ("field", "field"),
}
SPACE_TYPE, SPACE_FUNC, SPACE_TABLE, SPACE_MEMORY, SPACE_TAG, SPACE_GLOBAL, SPACE_ELEM, SPACE_DATA, SPACE_LOCAL = range(
    9
)
N_SPACES = 9

# The form in which immediates are written, by their kinds in the table. A table or memory may be left
# out, and then stands before the other index, unlike in the binary format.
_FORMS = {
    (): "none",
    ("localidx",): "index",
    ("funcidx",): "index",
    ("globalidx",): "index",
    ("typeidx",): "index",
    ("tagidx",): "index",
    ("elemidx",): "index",
    ("dataidx",): "index",
    ("i32",): "i32",
    ("i64",): "i64",
    ("f32",): "f32",
    ("f64",): "f64",
    ("memarg",): "memarg",
    ("labelidx",): "label",
    ("blocktype",): "block",
    ("blocktype", "vec(catch)"): "block",
    ("vec(labelidx)", "labelidx"): "labels",
    ("tableidx",): "optional",
    ("memidx",): "optional",
    ("tableidx", "tableidx"): "copy",
    ("memidx", "memidx"): "copy",
    ("elemidx", "tableidx"): "init",
    ("dataidx", "memidx"): "init",
    ("typeidx", "tableidx"): "call_indirect",
    ("vec(valtype)",): "select",
    ("heaptype",): "heap_type",
    ("castflags", "labelidx", "heaptype", "heaptype"): "cast",
    ("typeidx", "fieldidx"): "field",
    ("typeidx", "u32"): "type_u32",
    ("typeidx", "typeidx"): "indices",
    ("typeidx", "dataidx"): "indices",
    ("typeidx", "elemidx"): "indices",
    ("laneidx",): "lane",
    ("laneidx16",): "lanes",
    ("memarg", "laneidx"): "memarg_lane",
    ("v128",): "v128",
    ("zero",): "zero",
}
_NUMBERS = {name: number for number, name in enumerate(dict.fromkeys(_FORMS.values()))}
globals().update({f"FORM_{name.upper()}": number for name, number in _NUMBERS.items()})

# By id: the form; the index spaces of the first and second immediate; the alignment exponent of a memarg.
FORM_OF = bytearray(N_IDS)
SPACE_OF = bytearray(N_IDS)
SECOND_OF = bytearray(N_IDS)
ALIGN_OF = bytearray(N_IDS)
for _row in OPS.values():
    FORM_OF[KEYWORDS[_row.keyword.encode()]] = _NUMBERS[_FORMS[_row.immediates]]
    _spaces = [list(SPACES).index(kind) if kind in SPACES else 0 for kind in (*_row.immediates, "", "")]
    SPACE_OF[_row.id], SECOND_OF[_row.id] = _spaces[:2]
    ALIGN_OF[_row.id] = max(_row.align, 1).bit_length() - 1
