"""Expressions: each pushes one value of the type asked for and returns whether its bits are exact.

One that is not possible here emits nothing and returns None.
"""

from collections.abc import Callable

from wasmcy.types import EXNREF, F32, F64, FUNCREF, I32, I64, V128

from .body import PREFIX, TABLE_SIZE, Body
from .encode import TYPE_BYTE, u

Choice = Callable[[Body, int], bool | None]
# of vectors of floats: these give lanes of their operands, or change their bits
_CHOOSE_BITS = (".abs", ".neg", ".pmin", ".pmax", ".splat", "_lane", ".eq", ".ne", ".lt", ".gt", ".le", ".ge")
_ALU = ("add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl")


def pure(body: Body, type: int) -> bool | None:
    row = body.rnd.choice(body.pools.pure[type])
    assert row.params is not None
    name = row.mnemonic
    exact = True
    for at, param in enumerate(row.params):
        if "reinterpret" in name or (at == 1 and name.endswith("copysign")) or type == V128:
            body.exact(int(param))
        else:
            exact = body.expr(int(param)) and exact
        if at + 1 < len(row.params):
            body.disturb()
    body.instruction(row, body.lanes(row))
    if name[:5] in ("f32x4", "f64x2") and type == V128 and not name.endswith(_CHOOSE_BITS):
        body.canonicalise_lanes(name[:5])
    if type in (I32, I64, V128) or "reinterpret" in name:
        return True
    return exact and name.endswith((".neg", ".abs", ".copysign"))


def alu_pair(body: Body, type: int) -> bool | None:
    """Two integer operations on locals and constants, which an engine may fuse."""
    if type not in (I32, I64):
        return None
    first, second = (f"{PREFIX[type]}.{body.rnd.choice(_ALU)}" for _ in range(2))
    body.leaf(type)
    body.leaf(type)
    if body.chance(0.6):
        body.emit(first)
        body.leaf(type)
    else:
        body.leaf(type)
        body.emit(first)
    body.emit(second)
    return True


def trapping(body: Body, type: int) -> bool | None:
    """Division, remainder, conversion of a float: operands that trap are rare."""
    if not body.pools.trapping[type]:
        return None
    row = body.rnd.choice(body.pools.trapping[type])
    assert row.params is not None
    first = int(row.params[0])
    if len(row.params) == 2:
        body.expr(first)
        _divisor(body, first)
    elif body.chance(0.03):
        body.expr(first)
    else:
        body.small()
        body.emit(f"{PREFIX[first]}.convert_i32_s")
        if body.chance(0.5):
            body.const(first, 0x3FA00000 if first == F32 else 0x3FF40000_00000000)
            body.emit(PREFIX[first] + body.rnd.choice((".mul", ".div", ".sub")))
    body.instruction(row)
    return True


def _divisor(body: Body, type: int) -> None:
    chance = body.rnd.random()
    if chance < 0.03:
        body.expr(type)
    elif chance < 0.5:
        body.const(type, body.rnd.choice((1, 2, 3, 7, 8, 10, 100, 1000, 1 << 16, (1 << 31) - 1)))
    else:
        body.expr(type)
        body.const(type, 1)
        body.emit(PREFIX[type] + ".or")


def load(body: Body, type: int) -> bool | None:
    row, memory = body.rnd.choice(body.pools.loads[type]), body.memory()
    offset = body.address(row.align, row.feature == "threads")
    body.widen(memory)
    if "laneidx" in row.immediates:
        body.expr(V128)
    body.instruction(row, body.memarg(row, offset, memory) + body.lanes(row))
    return True


def rmw(body: Body, type: int) -> bool | None:
    if type == V128 or not body.pools.rmw[type]:
        return None
    row = body.rnd.choice(body.pools.rmw[type])
    assert row.params is not None
    memory = body.memory()
    offset = body.address(row.align, True)
    body.widen(memory)
    for param in row.params[1:]:
        body.expr(int(param))
    body.instruction(row, body.memarg(row, offset, memory))
    return True


def global_get(body: Body, type: int) -> bool | None:
    globals_ = [at for at, (kind, _, _) in enumerate(body.module.globals) if kind == type]
    if not globals_:
        return None
    body.emit("global.get", u(body.rnd.choice(globals_)))
    return type in (I32, I64, V128)


def tee(body: Body, type: int) -> bool | None:
    if not body.variables[type]:
        return None
    exact = body.expr(type)
    body.emit("local.tee", u(body.rnd.choice(body.variables[type])))
    return exact


def select(body: Body, type: int) -> bool | None:
    exact = body.expr(type)
    body.disturb()
    exact = body.expr(type) and exact
    body.condition()
    if type in (FUNCREF, EXNREF) or body.chance(0.2):
        body.emit("select_t", b"\1" + TYPE_BYTE[type])
    else:
        body.emit("select")
    return exact


def block(body: Body, type: int) -> bool | None:
    """A block with a result, left early by br_if."""
    body.open("block", (), (type,))
    if body.chance(0.6):
        body.expr(type)
        body.condition()
        body.emit("br_if", u(0))
        if body.chance(0.5) and type in PREFIX:
            body.expr(type)
            body.emit(PREFIX[type] + ".add")
            body.emit("br", u(0))
        else:
            body.emit("drop")
    body.fill((type,), 2)
    body.close()
    return type not in (F32, F64)


def if_else(body: Body, type: int) -> bool | None:
    body.condition()
    body.open("if", (), (type,))
    body.fill((type,), 2)
    body.emit("else")
    body.fill((type,), 2)
    body.close()
    return type not in (F32, F64)


def call(body: Body, type: int) -> bool | None:
    return type in (I32, I64, V128) if body.call((type,)) else None


def deep_stack(body: Body, type: int) -> bool | None:
    """Many operands on the stack at once."""
    if not body.chance(0.1) or body.repeat > 10:
        return None
    count = body.rnd.choice((10, 63, 64, 65, 66, 130))
    for _ in range(count):
        body.leaf(type)
    for _ in range(count - 1):
        body.emit(PREFIX.get(type, "i16x8") + body.rnd.choice((".add", ".sub", ".mul")))
    return type in (I32, I64, V128)


def sizes(body: Body, type: int) -> bool | None:
    """The i32 results of memory and table instructions."""
    if type != I32:
        return None
    chance = body.rnd.random()
    memory = body.memory()
    if chance < 0.35:
        body.emit("memory.size", u(memory))
        _narrow(body, memory)
    elif chance < 0.5:
        if body.chance(0.3):
            body.expr(I32)
        else:
            body.small(1)
        body.widen(memory)
        body.emit("memory.grow", u(memory))
        _narrow(body, memory)
    elif chance < 0.7:
        body.emit("table.size", u(1))
    elif chance < 0.75:
        body.expr(FUNCREF)
        body.small(1)
        body.emit("table.grow", u(1))
    else:
        body.expr(FUNCREF)
        body.emit("ref.is_null")
    return True


def _narrow(body: Body, memory: int) -> None:
    if body.module.address_type(memory) == I64:
        body.emit("i32.wrap_i64")


def not_null(body: Body, type: int) -> bool | None:
    if "function_references" not in body.pools.features or not body.chance(0.2):
        return None
    body.expr(type)
    body.emit("ref.as_non_null")
    return True


def table_get(body: Body, type: int) -> bool | None:
    slot(body)
    body.emit("table.get", u(1))
    return True


def slot(body: Body) -> None:
    """Push an index into the second table, seldom out of bounds."""
    if body.chance(0.02):
        body.expr(I32)
    else:
        body.small(TABLE_SIZE - 1)


_WEIGHTS: list[tuple[Choice, int]] = [
    (pure, 30),
    (alu_pair, 12),
    (trapping, 3),
    (load, 10),
    (rmw, 2),
    (global_get, 4),
    (tee, 5),
    (select, 5),
    (block, 1),
    (if_else, 2),
    (call, 4),
    (sizes, 2),
    (deep_stack, 1),
]
_NUMERIC_CHOICES = [choice for choice, weight in _WEIGHTS for _ in range(weight)]
EXPRESSIONS: dict[int, list[Choice]] = dict.fromkeys((I32, I64, F32, F64, V128), _NUMERIC_CHOICES)
EXPRESSIONS[FUNCREF] = [table_get, table_get, global_get, tee, select, block, if_else, not_null]
EXPRESSIONS[EXNREF] = [tee, select, block, if_else]
