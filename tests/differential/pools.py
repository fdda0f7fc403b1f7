"""The instructions of the table, sorted by what the generator uses them for."""

from dataclasses import dataclass, field

from wasmcy.opcodes import AT, OPS, Op
from wasmcy.types import F32, F64, I32, I64, V128

NUMERIC = (I32, I64, F32, F64)
VALUES = (*NUMERIC, V128)
# Without these no module is made; the optional ones can be left out.
REQUIRED = frozenset({"sign_extension", "saturating_float_to_int", "multi_value", "reference_types", "bulk_memory"})
OPTIONAL = frozenset({
    "tail_call", "exceptions", "threads", "wide_arithmetic", "simd", "relaxed_simd", "multi_memory", "memory64",
    "function_references",
})  # fmt: skip
ALL = REQUIRED | OPTIONAL

# What the reference does otherwise than the deterministic profile: it fuses, and wraps where sums saturate.
DIFFERENT = ("relaxed_madd", "relaxed_nmadd", "relaxed_dot")

# What compilers emit most; these are chosen more often than once in a while.
_COMMON = {
    "add", "sub", "mul", "div", "and", "or", "xor", "shl", "shr_u", "shr_s",
    "eq", "ne", "eqz", "lt_s", "lt_u", "gt_s", "ge_u", "lt", "gt",
}  # fmt: skip


@dataclass
class Pools:
    """Instructions by the type of their result, for the features that modules may use.

    pure      do not trap; of immediates only lanes
    trapping  no immediates, trap for some operands
    loads     address, and a vector that gets a lane, to value
    stores    address and value to nothing
    rmw       atomic read-modify-write: address and one or two integers to value
    multiple  several results
    features  the features these are for
    """

    features: frozenset[str]

    pure: dict[int, list[Op]] = field(default_factory=lambda: {type: [] for type in VALUES})
    trapping: dict[int, list[Op]] = field(default_factory=lambda: {type: [] for type in VALUES})
    loads: dict[int, list[Op]] = field(default_factory=lambda: {type: [] for type in VALUES})
    rmw: dict[int, list[Op]] = field(default_factory=lambda: {type: [] for type in VALUES})
    stores: list[Op] = field(default_factory=list)
    multiple: list[Op] = field(default_factory=list)

    @property
    def vector(self) -> tuple[int, ...]:
        """V128, if modules may use it."""
        return (V128,) if "simd" in self.features else ()

    @property
    def values(self) -> tuple[int, ...]:
        """The types of numbers and vectors that modules may use."""
        return (*NUMERIC, *self.vector)


def pools(features: frozenset[str]) -> Pools:
    found = Pools(features)
    for row in OPS.values():
        if row.params is None or row.results is None or not (row.feature is None or row.feature in features):
            continue
        if any(type not in (*VALUES, AT) for type in row.params) or any(type not in VALUES for type in row.results):
            continue
        if not any(name in row.mnemonic for name in DIFFERENT):
            _sort(row, found)
    return found


def _sort(row: Op, found: Pools) -> None:
    assert row.params is not None and row.results is not None
    result = int(row.results[0]) if len(row.results) == 1 else 0
    if "memarg" in row.immediates:
        if "wait" in row.mnemonic:
            return
        if not result:
            found.stores.append(row)
        elif len(row.params) == 1 or result == V128:
            found.loads[result].append(row)
        else:
            found.rmw[result].append(row)
    elif not row.params or not {"laneidx", "laneidx16"}.issuperset(row.immediates):
        return
    elif not result:
        found.multiple.append(row)
    elif row.traps:
        found.trapping[result].append(row)
    else:
        copies = 4 if row.mnemonic.partition(".")[2] in _COMMON else 1
        found.pure[result] += [row] * copies
