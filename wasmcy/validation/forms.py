"""How the walk deals with each opcode: facts drawn from the table, once.

Spec: 5.4 "Instructions".
"""

from __future__ import annotations

from ..opcodes import ENABLED, N_IDS, OPS, PREFIX_BASE, availability
from .context import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from ..features import Features
    from ..opcodes import Op

# How an opcode is dealt with.
FORM_ILLEGAL = 0
FORM_OFF = 1  # of a proposal that is off
FORM_NOT_CONST = 2  # not allowed in a constant expression
FORM_PREFIX = 3
FORM_PLAIN = 4  # type in the table, no immediates
FORM_MEMARG = 5  # type in the table, a memarg and perhaps a lane
FORM_IMMEDIATE = 6  # type in the table, other immediates
FORM_RULE = 7  # a rule of validator.py
FORM_REFERENCE = 8  # a rule of references.py

# The immediates of instructions of FORM_IMMEDIATE.
WAYS = (
    "i32",
    "i64",
    "f32",
    "f64",
    "v128",
    "laneidx",
    "laneidx16",
    "memidx",
    "tableidx",
    "dataidx",
    "elemidx",
    "dataidx memidx",
    "zero",
)
WAY_I32, WAY_I64, WAY_F32, WAY_F64, WAY_V128, WAY_LANE, WAY_LANES = range(7)
WAY_MEMORY, WAY_TABLE, WAY_DATA, WAY_ELEM, WAY_DATA_MEMORY, WAY_ZERO = range(7, 13)

_REFERENCES = ("function_references", "gc", "custom_descriptors")


def _form(row: Op) -> int:
    """The form of an instruction that is on."""
    if row.params is None:
        if row.mnemonic.endswith("call_ref"):
            return FORM_RULE
        references = row.mnemonic.startswith(("ref.", "table.")) or row.feature in _REFERENCES
        return FORM_REFERENCE if references else FORM_RULE
    if not row.immediates:
        return FORM_PLAIN
    return FORM_MEMARG if row.immediates[0] == "memarg" else FORM_IMMEDIATE


def forms(features: Features) -> tuple[array[int], array[int]]:
    """The forms of all opcodes in a body, and in a constant expression."""
    available = availability(features)
    body, constant = words(N_IDS), words(N_IDS)
    for table in body, constant:
        for prefix in PREFIX_BASE:
            table[prefix] = FORM_PREFIX
    for row in OPS.values():
        on = available[row.id] == ENABLED
        const = row.const and (not row.const_feature or getattr(features, row.const_feature))
        body[row.id] = _form(row) if on else FORM_OFF
        constant[row.id] = body[row.id] if const or not on else FORM_NOT_CONST
    return body, constant


def _table(value: Callable[[Op], int]) -> array[int]:
    """An array of a fact about every instruction, by id."""
    table = words(N_IDS)
    for row in OPS.values():
        table[row.id] = value(row)
    return table


WAY_OF = _table(lambda row: WAYS.index(" ".join(row.immediates)) if _form(row) == FORM_IMMEDIATE else -1)
ALIGN_OF = _table(lambda row: row.align.bit_length() - 1)
LANES_OF = _table(lambda row: row.lanes)
ATOMIC = _table(lambda row: row.feature == "threads")
