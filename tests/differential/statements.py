"""Statements: each leaves the operand stack as it was. Their weights stand at the end."""

from collections.abc import Callable

from wasmcy.types import EXNREF, F32, F64, FUNCREF, I32, I64, V128

from .body import PREFIX, Body
from .encode import u, vector
from .expressions import load, pure, slot

NUMERIC = (I32, I64, F32, F64)


def set_local(body: Body) -> None:
    type = body.rnd.choice((*body.pools.values, I32, I32, FUNCREF))
    if body.small_variables and body.chance(0.3):
        body.small()
        body.set(body.rnd.choice(body.small_variables))
    elif type in body.exact_vars and body.exact_vars[type] and body.chance(0.5):
        body.exact(type)
        body.set(body.rnd.choice(body.exact_vars[type]))
    elif body.variables[type]:
        body.expr(type)
        body.set(body.rnd.choice(body.variables[type]))
    else:
        body.expr(type)
        body.emit("drop")


def update_local(body: Body) -> None:
    """x = x op y."""
    type = body.rnd.choice((I32, I32, I64, F32, F64))
    if not body.variables[type]:
        return
    local = body.rnd.choice(body.variables[type])
    operations = ("add", "sub", "mul", "xor", "shl") if type in (I32, I64) else ("add", "sub", "mul", "max")
    body.get(local)
    if body.chance(0.5):
        body.const(type)
    else:
        body.expr(type)
    body.emit(f"{PREFIX[type]}.{body.rnd.choice(operations)}")
    if body.chance(0.2):
        body.emit("local.tee", u(local))
        body.set(body.rnd.choice(body.variables[type]))
    else:
        body.set(local)


def update_vectors(body: Body) -> None:
    """Vector operations, each on what locals hold; the results go to locals, memory or scalars."""
    if not body.pools.vector or not body.variables[V128]:
        return
    for _ in range(body.rnd.choice((1, 2, 4))):
        if body.chance(0.2):
            row = body.rnd.choice([row for row in body.pools.stores if V128 in (row.params or ())])
            offset = body.address(row.align, False)
            pure(body, V128)
            body.instruction(row, body.memarg(row, offset) + body.lanes(row))
            continue
        if body.chance(0.2):
            row = body.rnd.choice([row for row in body.pools.pure[I32] if V128 in (row.params or ())])
            pure(body, V128)
            body.instruction(row, body.lanes(row))
            body.consume((I32,))
            continue
        body.rnd.choice((load, pure, pure, pure))(body, V128)
        local = u(body.rnd.choice(body.variables[V128]))
        if body.chance(0.2):
            body.emit("local.tee", local)
            body.consume((V128,))
        else:
            body.emit("local.set", local)


def swap_locals(body: Body) -> None:
    """Several values on the stack, then assigned: moves that must not overtake each other."""
    type = body.rnd.choice(body.pools.values)
    variables = body.variables[type]
    if len(variables) < 2:
        return
    chosen = body.rnd.sample(variables, min(len(variables), body.rnd.choice((2, 2, 3, 4))))
    for local in chosen:
        body.get(local)
    body.rnd.shuffle(chosen)
    for local in chosen:
        body.set(local)


def hold_on_stack(body: Body) -> None:
    """Values wait on the stack while statements run."""
    types = tuple(body.rnd.choices(body.pools.values, k=body.rnd.choice((1, 2, 3))))
    body.values(types)
    for _ in range(body.rnd.choice((1, 1, 2))):
        body.statement()
    body.consume(types)


def store(body: Body) -> None:
    row = body.rnd.choice(body.pools.stores)
    assert row.params is not None
    memory = body.memory()
    offset = body.address(row.align, row.feature == "threads")
    body.widen(memory)
    body.exact(int(row.params[1]))
    body.disturb()
    body.instruction(row, body.memarg(row, offset, memory) + body.lanes(row))


def update_memory(body: Body) -> None:
    """a[i] op= v, with the address in a local."""
    if not body.smalls:
        return store(body)
    prefix, width = body.rnd.choice((("i32", 4), ("i64", 8)))
    type = I32 if width == 4 else I64
    local = body.rnd.choice(body.smalls)
    offset = body.rnd.choice((0, 0, 4, 8, 100))
    memarg = u(width.bit_length() - 1) + u(offset)
    body.get(local)
    body.get(local)
    body.emit(f"{prefix}.load", memarg)
    body.expr(type)
    body.emit(f"{prefix}.{body.rnd.choice(('add', 'xor', 'sub'))}")
    body.emit(f"{prefix}.store", memarg)


def global_set(body: Body) -> None:
    type = body.rnd.choice((*body.pools.values, FUNCREF))
    chosen = body.mutable_globals(type)
    if chosen:
        body.expr(type)
        body.emit("global.set", u(body.rnd.choice(chosen)))


def drop(body: Body) -> None:
    body.expr(body.rnd.choice((*body.pools.values, FUNCREF)))
    body.emit("drop")


def nop(body: Body) -> None:
    body.emit("nop")


def call(body: Body) -> None:
    if body.callees:
        _, callee = body.rnd.choice(body.callees)
        results = callee.signature[1]
        if body.call(results):
            body.consume(results)


def multiple_results(body: Body) -> None:
    if body.pools.multiple:
        row = body.rnd.choice(body.pools.multiple)
        assert row.params is not None and row.results is not None
        body.values(tuple(map(int, row.params)))
        body.instruction(row)
        body.consume(tuple(map(int, row.results)))


# blocks


def some_types(body: Body) -> tuple[int, ...]:
    return tuple(body.rnd.choices((*body.pools.values, I32, FUNCREF), k=body.rnd.choice((0, 0, 1, 1, 2, 3))))


def if_(body: Body) -> None:
    """With and without else, parameters and results."""
    plain = body.chance(0.6)
    params, results = ((), ()) if plain else (some_types(body), some_types(body))
    body.values(params)
    body.condition()
    body.open("if", params, results)
    body.consume(params)
    body.fill(results, 4)
    if results != params or body.chance(0.5):
        body.emit("else")
        body.consume(params)
        body.fill(results, 3)
    body.close()
    body.consume(results)


def if_without_else(body: Body) -> None:
    """With parameters that are the results where the condition fails."""
    types = some_types(body)
    body.values(types)
    body.condition()
    body.open("if", types, types)
    body.consume(types)
    body.fill(types, 2)
    body.close()
    body.consume(types)


def block(body: Body) -> None:
    params, results = some_types(body), some_types(body)
    body.values(params)
    body.open("block", params, results)
    body.consume(params)
    for _ in range(body.rnd.randrange(3)):
        body.statement()
    if body.chance(0.5):
        branch_if(body)
    body.fill(results, 3)
    body.close()
    body.consume(results)


def branch_if(body: Body) -> None:
    """br_if, with the label's values on the stack on both ways."""
    at = body.rnd.choice([at for at, (_, allowed) in enumerate(body.labels) if allowed])
    types = body.labels[at][0]
    body.values(types)
    body.condition()
    body.emit("br_if", u(len(body.labels) - 1 - at))
    body.consume(types)


def branch_on_null(body: Body) -> None:
    """br_on_null, with the label's values below the reference."""
    if "function_references" in body.pools.features:
        at = body.rnd.choice([at for at, (_, allowed) in enumerate(body.labels) if allowed])
        types = body.labels[at][0]
        body.values(types)
        body.expr(FUNCREF)
        body.emit("br_on_null", u(len(body.labels) - 1 - at))
        body.consume((*types, FUNCREF))


def branch_on_non_null(body: Body) -> None:
    if "function_references" in body.pools.features:
        types = some_types(body)
        body.open("block", (), (*types, FUNCREF))
        body.values(types)
        body.expr(FUNCREF)
        body.emit("br_on_non_null", u(0))
        body.consume(types)
        body.fill((*types, FUNCREF), 2)
        body.close()
        body.consume((*types, FUNCREF))


def switch(body: Body) -> None:
    """Nested blocks, br_table, one arm behind each; arms may fall through."""
    count = body.rnd.choice((1, 2, 3, 4, 5, 8, 40) if body.chance(0.3) else (2, 3, 4))
    results = some_types(body)
    body.open("block", (), results)
    outermost = len(body.labels) - 1
    for _ in range(count):
        body.open("block")
    if body.chance(0.15):
        body.expr(I32)
    else:
        body.small((1 << count.bit_length()) - 1)
    order = list(range(count))
    body.rnd.shuffle(order)
    body.emit("br_table", vector(map(u, order)) + u(body.rnd.choice(order)))
    for _ in range(count):
        body.close()
        for _ in range(body.rnd.randrange(2)):
            body.statement()
        if body.chance(0.7):
            body.values(results)
            body.emit("br", u(len(body.labels) - 1 - outermost))
    body.values(results)
    body.close()
    body.consume(results)


def table_branch_with_values(body: Body) -> None:
    """br_table to labels that take values."""
    types = some_types(body)
    body.open("block", (), types)
    body.open("block", (), types)
    body.values(types)
    body.small(3)
    body.emit(
        "br_table",
        vector(map(u, body.rnd.choices((0, 1), k=body.rnd.randrange(4)))) + u(body.rnd.randrange(2)),
    )
    body.close()
    body.consume(types)
    body.fill(types, 1)
    body.close()
    body.consume(types)


# loops: each way back counts in a local of its own, which nothing else assigns


def _trips(body: Body) -> int:
    """How often a loop may run here; 0: it is too expensive."""
    affordable = 1500 // body.repeat
    return body.rnd.choice([trips for trips in (1, 2, 3, 3, 5, 8, 10, 100) if trips <= affordable] or [0])


def _step(body: Body, counter: int, type: int, by: int) -> None:
    body.get(counter)
    body.const(type, by & 0xFFFFFFFF if type == I32 else by & 0xFFFFFFFF_FFFFFFFF)
    body.emit(PREFIX[type] + ".add")


def loop_down(body: Body, trips: int) -> None:
    """i = n; do { … } while (--i > 0); with parameters, a second way back, or br_table."""
    types = some_types(body) if body.chance(0.4) else ()
    type = body.rnd.choice((I32, I32, I64))
    counter = body.new_local(type)
    body.const(type, trips)
    body.set(counter)
    body.values(types)
    body.open("loop", types, types)
    body.consume(types)
    if body.chance(0.3):
        body.statement()
        _back_down(body, counter, type, types)
        body.consume(types)
    body.fill(types, 5)
    _back_down(body, counter, type, ())
    body.close()
    body.consume(types)


def _back_down(body: Body, counter: int, type: int, types: tuple[int, ...]) -> None:
    """Push `types`, count down, branch to the innermost label while the counter is positive."""
    body.values(types)
    if body.chance(0.5):
        body.get(counter)
        body.const(type, 1)
        body.emit(PREFIX[type] + ".sub")
    else:
        _step(body, counter, type, -1)
    body.emit("local.tee", u(counter))
    body.const(type, 0)
    body.emit(PREFIX[type] + ".gt_s")
    if body.labels[-1][0] or types or body.chance(0.85):
        body.emit("br_if", u(0))
    else:
        # Out of the loop by number 0, back by the default.
        body.emit("i32.eqz")
        body.open("if")
        body.emit("else")
        body.const(I32, 7)
        body.emit("br_table", vector([u(0), u(0)]) + u(1))
        body.close()


def loop_up(body: Body, trips: int) -> None:
    """for (i = 0; i < n; i += step), tested at the end or at the start; i is also an index."""
    counter = body.new_local(I32)
    step = body.rnd.choice((1, 1, 1, 2, 4, 8))
    test_first = body.chance(0.4)
    bound = body.new_local(I32) if body.chance(0.5) else None
    if bound is not None:
        body.const(I32, trips * step)
        body.set(bound)
    body.const(I32, 0)
    body.set(counter)
    if test_first:
        body.open("block")
    body.open("loop")
    if test_first:
        body.get(counter)
        _bound(body, bound, trips * step)
        body.emit(body.rnd.choice(("i32.ge_s", "i32.ge_u")))
        body.emit("br_if", u(1))
    body.smalls.append(counter)
    body.fill((), 6)
    _step(body, counter, I32, step)
    if test_first:
        body.set(counter)
        body.emit("br", u(0))
        body.close()
    else:
        body.emit("local.tee", u(counter))
        _bound(body, bound, trips * step)
        body.emit(body.rnd.choice(("i32.lt_s", "i32.lt_u", "i32.ne")))
        body.emit("br_if", u(0))
    body.close()


def _bound(body: Body, local: int | None, value: int) -> None:
    if local is None:
        body.const(I32, value)
    else:
        body.get(local)


def loop(body: Body) -> None:
    trips = _trips(body)
    if trips and body.left > 5:
        before = body.repeat
        body.repeat *= trips + 1
        body.rnd.choice((loop_down, loop_up, loop_up))(body, trips)
        body.repeat = before


# memory and tables


def bulk_memory(body: Body) -> None:
    kind = body.rnd.choice(("fill", "copy", "copy", "init", "drop"))
    if kind == "drop":
        body.emit("data.drop", u(len(body.module.data) - 1))
        return
    memory, source = body.memory(), body.memory()
    body.small()
    body.widen(memory)
    if kind == "copy":
        body.small()
        body.widen(source)
    else:
        body.small(31)
    if body.chance(0.02):
        body.expr(I32)
    else:
        body.small(31 if kind == "init" else body.rnd.choice((1, 7, 15, 63, 255)))
    if kind == "init":
        data = body.rnd.choice([at for at, (address, _) in enumerate(body.module.data) if address is None])
        body.emit("memory.init", u(data) + u(memory))
    elif kind == "fill":
        body.widen(memory)
        body.emit("memory.fill", u(memory))
    else:  # the length has the smaller of the two types
        body.widen(min(memory, source))
        body.emit("memory.copy", u(memory) + u(source))


def table(body: Body) -> None:
    kind = body.rnd.choice(("set", "set", "fill", "copy", "init", "drop"))
    if kind == "drop":
        body.emit("elem.drop", u(len(body.module.elements) - 1))
        return
    slot(body)
    if kind in ("set", "fill"):
        body.expr(FUNCREF)
    elif kind == "copy":
        slot(body)
    elif kind == "init":
        body.small(3)
    if kind != "set":
        body.small(3)
    if kind == "init":
        body.emit("table.init", u(body.rnd.choice((2, 3))) + u(1))
    elif kind == "copy":
        body.emit("table.copy", u(1) + u(body.rnd.choice((0, 1))))
    else:
        body.emit(f"table.{kind}", u(1))


def call_second_table(body: Body) -> None:
    """call_indirect through the table that other statements change: null, or any leaf function."""
    if body.leaves and body.affords(max(one.cost for one in body.module.functions[: body.leaves])):
        signature = body.module.functions[0].signature
        body.values(signature[0])
        slot(body)
        body.emit("call_indirect", u(body.module.type_index(signature)) + u(1))
        body.consume(signature[1])


# exceptions


def throw(body: Body) -> None:
    """if (…) throw: caught here, by a caller, or by nobody."""
    if body.module.tags:
        body.condition()
        body.open("if")
        _throw(body)
        body.close()


def _throw(body: Body) -> None:
    tag = body.rnd.randrange(len(body.module.tags))
    body.values(body.module.tags[tag])
    body.emit("throw", u(tag))


def try_(body: Body) -> None:
    """try_table with one or two clauses, each to a block of its own."""
    tags = body.module.tags
    if not tags:
        return
    clauses = []
    for _ in range(body.rnd.choice((1, 1, 2))):
        kind, tag = body.rnd.randrange(4), body.rnd.randrange(len(tags))
        clauses.append((kind, tag, (tags[tag] if kind < 2 else ()) + ((EXNREF,) if kind & 1 else ())))
    results = some_types(body)
    body.open("block", (), results)
    for _, _, types in reversed(clauses):
        body.open("block", (), types)
    body.open_try(
        results,
        vector(bytes([kind]) + (u(tag) if kind < 2 else b"") + u(at) for at, (kind, tag, _) in enumerate(clauses)),
    )
    if body.chance(0.4):
        throw(body)
    elif body.chance(0.3):
        call(body)
    body.fill(results, 3)
    if body.chance(0.2):
        body.consume(results)
        _throw(body)
    body.close()
    body.emit("br", u(len(clauses)))
    for left, (_, _, types) in zip(reversed(range(len(clauses))), clauses, strict=True):
        body.close()
        if types and types[-1] == EXNREF:
            _exception(body)
        body.consume(tuple(type for type in types if type != EXNREF))
        body.values(results)
        if left:
            body.emit("br", u(left))
    body.close()
    body.consume(results)


def _exception(body: Body) -> None:
    """Drop the exnref on top or, on a condition, throw it again."""
    if body.chance(0.5):
        body.emit("drop")
        return
    local = body.scratch(EXNREF)
    body.set(local)
    body.condition()
    body.open("if")
    body.get(local)
    body.emit("throw_ref")
    body.close()


# ways out


def leave(body: Body) -> None:
    """An unconditional branch, a return or a tail call, and sometimes dead code."""
    chance = body.rnd.random()
    if chance < 0.25 and tail_call(body):
        pass
    elif chance < 0.5:
        body.values(body.signature[1])
        body.emit("return")
    elif chance < 0.52:
        body.emit("unreachable")
    elif chance < 0.54 and body.module.tags:
        _throw(body)
    elif chance < 0.7:
        branch_by_table(body)
    else:
        at = body.rnd.choice([at for at, (_, allowed) in enumerate(body.labels) if allowed])
        body.values(body.labels[at][0])
        body.emit("br", u(len(body.labels) - 1 - at))
    if body.chance(0.4):
        dead_code(body)


def tail_call(body: Body) -> bool:
    fits = [
        (index, callee)
        for index, callee in body.callees
        if callee.signature[1] == body.signature[1] and body.affords(callee.cost)
    ]
    if not fits or "tail_call" not in body.pools.features:
        return False
    index, callee = body.rnd.choice(fits)
    body.values(callee.signature[0])
    body.cost += callee.cost * body.repeat
    if index < body.leaves and body.chance(0.5):
        body.call_indirectly(index, callee, "return_call")
    else:
        body.emit("return_call", u(index))
    return True


def branch_by_table(body: Body) -> None:
    allowed = [at for at, (_, allowed) in enumerate(body.labels) if allowed]
    types = body.labels[body.rnd.choice(allowed)][0]
    targets = [u(len(body.labels) - 1 - at) for at in allowed if body.labels[at][0] == types]
    body.values(types)
    body.small(3)
    body.emit(
        "br_table",
        vector(body.rnd.choices(targets, k=body.rnd.randrange(5))) + body.rnd.choice(targets),
    )


def dead_code(body: Body) -> None:
    """What no execution reaches; operands may be missing, for the stack is polymorphic."""
    before = body.cost
    for _ in range(body.rnd.randrange(1, 4)):
        chance = body.rnd.random()
        if chance < 0.5:
            body.statement()
        elif chance < 0.8:
            type = body.rnd.choice(NUMERIC)
            row = body.rnd.choice(body.pools.pure[type])
            body.instruction(row, body.lanes(row))
            body.consume((type,))
        elif body.variables[I32]:
            body.set(body.rnd.choice(body.variables[I32]))
        else:
            body.emit("drop")
    body.cost = before


def leave_if(body: Body) -> None:
    body.condition()
    body.open("if")
    if body.chance(0.4):
        body.statement()
    leave(body)
    body.close()


Statement = Callable[[Body], None]

_WEIGHTS: list[tuple[Statement, int]] = [
    (set_local, 22),
    (update_local, 14),
    (update_vectors, 8),
    (swap_locals, 4),
    (hold_on_stack, 4),
    (store, 14),
    (update_memory, 4),
    (global_set, 5),
    (drop, 2),
    (nop, 1),
    (call, 4),
    (call_second_table, 1),
    (multiple_results, 1),
    (if_, 9),
    (if_without_else, 1),
    (block, 5),
    (branch_if, 3),
    (branch_on_null, 1),
    (branch_on_non_null, 1),
    (switch, 2),
    (table_branch_with_values, 1),
    (loop, 7),
    (bulk_memory, 2),
    (table, 2),
    (leave_if, 3),
    (throw, 1),
    (try_, 2),
]
_CHOICES = [kind for kind, weight in _WEIGHTS for _ in range(weight)]


def statement(body: Body) -> None:
    body.rnd.choice(_CHOICES)(body)
