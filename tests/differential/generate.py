"""Random modules: a seed gives always the same one."""

import random

from wasmcy.types import F32, F64, FUNCREF, I32, I64

from .body import PREFIX, TABLE_SIZE, Body, Grammar
from .encode import Function, Module, Signature, u
from .expressions import EXPRESSIONS
from .numbers import random_bits
from .pools import ALL, NUMERIC, Pools, pools
from .statements import leave, statement

GRAMMAR = Grammar(EXPRESSIONS, statement, leave)
LEAVES = TABLE_SIZE  # functions that call nothing; the tables hold only these, so that nothing recurses

_pools: dict[frozenset[str], Pools] = {}


def module(seed: object, functions: int = 60, features: frozenset[str] = ALL, deterministic: bool = False) -> Module:
    """A module with about `functions` functions that uses these features."""
    rnd = random.Random(f"wasmcy {seed}")
    if features not in _pools:
        _pools[features] = pools(features)
    made = Module(deterministic=deterministic)
    _data(made, rnd)
    values = _pools[features].values
    _globals(made, rnd, values)
    made.tables = [(TABLE_SIZE + 2, TABLE_SIZE + 2), (TABLE_SIZE, 2 * TABLE_SIZE)]
    if "multi_memory" in features:
        made.others = [(type, 1, 3) for type in (I32, I64) if type == I32 or "memory64" in features]
    made.elements = [
        (0, list(range(LEAVES))),
        (1, _some_leaves(rnd)),
        (None, _some_leaves(rnd)),
        (None, [0, 1, 2]),
    ]
    if "exceptions" in features:
        made.tags = [(), (I32,), tuple(rnd.choices(values, k=rnd.randrange(4)))]
    signatures = _signatures(rnd, values)
    while len(made.functions) < max(functions, LEAVES):
        special = rnd.random()
        if len(made.functions) < LEAVES:
            at = len(made.functions)
            signature = signatures[0] if at < 4 else signatures[1] if at < 6 else rnd.choice(signatures)
            made.functions.append(_function(made, rnd, features, signature, 0))
        elif special < 0.02 and "tail_call" in features:
            _tail_recursion(made, rnd, features)
        elif special < 0.035:
            _recursion(made, rnd, features)
        else:
            made.functions.append(_function(made, rnd, features, rnd.choice(signatures), LEAVES))
    return made


def arguments(seed: object, signature: Signature, count: int) -> list[tuple[int, ...]]:
    """Argument tuples for a function, as raw bits."""
    rnd = random.Random(f"arguments {seed}")
    params = signature[0]
    return [tuple(random_bits(rnd, type) for type in params) for _ in range(count if params else 1)]


def _data(made: Module, rnd: random.Random) -> None:
    numbers = b"".join(random_bits(rnd, F64).to_bytes(8, "little") for _ in range(40))
    made.data = [
        (0, numbers + b"".join(random_bits(rnd, F32).to_bytes(4, "little") for _ in range(40))),
        (rnd.randrange(0x1000), rnd.randbytes(300)),
        (None, rnd.randbytes(64)),
        (None, rnd.randbytes(40)),
    ]


def _globals(made: Module, rnd: random.Random, values: tuple[int, ...]) -> None:
    for type in (I32, I32, I64, F32, F64, *rnd.choices(values, k=4), FUNCREF):
        made.globals.append((type, type == FUNCREF or rnd.random() < 0.8, random_bits(rnd, type)))


def _some_leaves(rnd: random.Random) -> list[int]:
    return [rnd.randrange(LEAVES) for _ in range(5)]


def _signatures(rnd: random.Random, values: tuple[int, ...]) -> list[Signature]:
    results: list[tuple[int, ...]] = [(), (I32,), (rnd.choice(values),)]
    results += [tuple(rnd.choices(values, k=rnd.choice((1, 1, 2, 3)))) for _ in range(3)]
    counts = (0, 1, 1, 2, 2, 3, 3, 4, 6, 12)
    found = [(tuple(rnd.choices((*values, I32), k=rnd.choice(counts))), rnd.choice(results[1:])) for _ in range(12)]
    return [
        *found,
        ((I32, I32), ()),
        (tuple(rnd.choices(values, k=rnd.choice((20, 70)))), results[2]),
    ]


def _body(made: Module, rnd: random.Random, features: frozenset[str], signature: Signature, leaves: int) -> Body:
    size = rnd.choice((8, 15, 30, 30, 60, 60, 100, 200)) if rnd.random() < 0.97 else 800
    return Body(made, rnd, GRAMMAR, _pools[features], signature, size, leaves)


def _function(
    made: Module, rnd: random.Random, features: frozenset[str], signature: Signature, leaves: int
) -> Function:
    body = _body(made, rnd, features, signature, leaves)
    while body.left > 10:
        body.statement()
    body.left = max(body.left, 6)
    body.fill(signature[1], 1)
    return body.finish()


def _tail_recursion(made: Module, rnd: random.Random, features: frozenset[str]) -> None:
    """Two functions with different parameters that tail-call each other, n times in all."""
    result = rnd.choice(NUMERIC)
    extras = [tuple(rnd.choices(_pools[features].values, k=rnd.choice((0, 1, 2, 5)))) for _ in range(2)]
    first = len(made.functions)
    trips = rnd.choice((1, 3, 15, 255, 1023))
    for at in (0, 1):
        # n, the accumulator, others
        body = _body(made, rnd, features, ((I32, result, *extras[at]), (result,)), 0)
        body.left = 25
        body.repeat = 4
        body.variables[I32].remove(0)
        body.get(0)
        body.const(I32, trips)
        body.emit("i32.and")
        body.emit("local.tee", u(0))
        body.emit("i32.eqz")
        body.open("if")
        body.get(1)
        body.emit("return")
        body.close()
        body.statement()
        body.get(0)
        body.const(I32, 1)
        body.emit("i32.sub")
        body.values((result, *extras[1 - at]))
        body.emit("return_call", u(first + 1 - at))
        body.cost *= trips + 1
        made.functions.append(body.finish())


def _recursion(made: Module, rnd: random.Random, features: frozenset[str]) -> None:
    """f(n) = n < 2 ? … : f(n - 1) op … f(n - 2)."""
    type = rnd.choice(NUMERIC)
    twice = rnd.random() < 0.5
    mask = 7 if twice else 63
    body = _body(made, rnd, features, ((I32, type), (type,)), 0)
    body.left = 20
    body.variables[I32].remove(0)
    self = len(made.functions)
    body.get(0)
    body.const(I32, mask)
    body.emit("i32.and")
    body.emit("local.tee", u(0))
    body.const(I32, 2)
    body.emit("i32.lt_u")
    body.open("if", (), (type,))
    body.expr(type)
    body.emit("else")
    for distance in (1, 2) if twice else (1,):
        body.get(0)
        body.const(I32, distance)
        body.emit("i32.sub")
        body.expr(type)
        body.emit("call", u(self))
    if not twice:
        body.expr(type)
    body.emit(f"{PREFIX[type]}.{rnd.choice(('add', 'sub', 'mul'))}")
    body.close()
    body.cost *= 64
    made.functions.append(body.finish())
