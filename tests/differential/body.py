"""One function body under construction.

An expression of a type is code that pushes one value of it. NaN results have no determined sign and
payload, so an expression reports whether its bits are *exact*; whatever turns bits into something
that is compared (stores, reinterpretation, the sign that copysign takes) uses `exact()`, which
makes NaNs canonical where needed. In a deterministic module it is for the engines to do that.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from wasmcy.opcodes import Op
from wasmcy.types import EXNREF, F32, F64, FUNCREF, I32, I64, V128

from .encode import EMPTY_BLOCK, OP, TYPE_BYTE, Function, Module, Signature, constant, s, u
from .numbers import random_bits
from .pools import Pools

# How many instructions one call of a generated function may execute, roughly.
COST_LIMIT = 20_000
SMALL_MASK = 0xFFF
TABLE_SIZE = 8

PREFIX: dict[int, str] = {I32: "i32", I64: "i64", F32: "f32", F64: "f64"}
_NAN_CONST: dict[int, bytes] = {
    F32: constant(F32, 0x7FC00000),
    F64: constant(F64, 0x7FF80000_00000000),
}
_LANES_NAN: dict[str, bytes] = {
    "f32x4": constant(V128, 0x7FC00000_7FC00000_7FC00000_7FC00000),
    "f64x2": constant(V128, 0x7FF80000_00000000_7FF80000_00000000),
}


@dataclass(frozen=True)
class Grammar:
    """What a body is made of.

    expressions  by type: push one value and return whether its bits are exact; where that is not
                 possible, emit nothing and return None
    statement    emit one statement
    leave        emit code that leaves the function or a block, after which code is dead
    """

    expressions: "dict[int, list[Callable[[Body, int], bool | None]]]"
    statement: "Callable[[Body], None]"
    leave: "Callable[[Body], None]"


class Body:
    """Builds the code of one function.

    variables   locals that statements may assign, by type
    smalls      i32 locals that never exceed SMALL_MASK: indexes and pointers into the low part of
                memory; statements may assign small_variables, the others count loops
    exact_vars  float locals that only take exact values
    labels      types of each label and whether any branch may use it, outermost first; those of
                loops are for branches that count
    left        how many more instructions to generate
    repeat      how often the code at hand runs per call, an estimate
    cost        instructions executed per call, an estimate
    callees     functions that may be called: index and function
    leaves      how many functions at the start of the module are in its tables
    """

    def __init__(
        self,
        module: Module,
        rnd: random.Random,
        grammar: Grammar,
        pools: Pools,
        signature: Signature,
        size: int,
        leaves: int,
    ) -> None:
        self.module = module
        self.rnd = rnd
        self.grammar = grammar
        self.pools = pools
        self.signature = signature
        self.code = bytearray()
        self.left = size
        self.repeat = 1
        self.cost = 1
        self.depth = 0
        self.max_depth = rnd.choice((2, 3, 4, 6))
        self.leaves = leaves
        self.callees = list(enumerate(module.functions)) if leaves else []
        self.labels: list[tuple[tuple[int, ...], bool]] = [(signature[1], True)]
        self.statements: list[tuple[int, int]] = []
        self.expressions: list[tuple[int, int, int]] = []
        self.locals: list[int] = []
        self.variables: dict[int, list[int]] = {type: [] for type in (*PREFIX, V128, FUNCREF, EXNREF)}
        self.exact_vars: dict[int, list[int]] = {F32: [], F64: []}
        self.smalls: list[int] = []
        self.small_variables: list[int] = []
        self._scratch: dict[int, int] = {}
        for index, type in enumerate(signature[0]):
            self.variables[type].append(index)
        self._declare()

    def _declare(self) -> None:
        rnd = self.rnd
        kinds = (I32, I32, I32, I64, I64, F32, F64, FUNCREF, *self.pools.vector, *self.pools.vector)
        for type in rnd.choices(kinds, k=rnd.randrange(8)):
            if type != FUNCREF or self.leaves:
                self.variables[type].append(self.new_local(type))
        self.small_variables = [self.new_local(I32) for _ in range(rnd.randrange(4))]
        self.smalls = list(self.small_variables)
        for type in (F32, F64):
            self.exact_vars[type] = [self.new_local(type) for _ in range(rnd.randrange(2))]
        if self.module.tags and rnd.random() < 0.3:
            self.variables[EXNREF].append(self.new_local(EXNREF))
        if rnd.random() < 0.01:
            for _ in range(rnd.choice((60, 300, 3000))):
                self.variables[I64].append(self.new_local(I64))

    def finish(self) -> Function:
        return Function(
            self.signature,
            self.locals,
            bytes(self.code) + OP["end"],
            self.statements,
            self.expressions,
            self.cost,
        )

    # pieces of code

    def emit(self, mnemonic: str, immediates: bytes = b"") -> None:
        self.code += OP[mnemonic] + immediates
        self.left -= 1
        self.cost += self.repeat

    def new_local(self, type: int) -> int:
        self.locals.append(type)
        return len(self.signature[0]) + len(self.locals) - 1

    def scratch(self, type: int) -> int:
        """A local used within one expression's code only."""
        if type not in self._scratch:
            self._scratch[type] = self.new_local(type)
        return self._scratch[type]

    def get(self, local: int) -> None:
        self.emit("local.get", u(local))

    def set(self, local: int) -> None:
        self.emit("local.set", u(local))

    def const(self, type: int, bits: int | None = None) -> None:
        self.code += constant(type, random_bits(self.rnd, type) if bits is None else bits)
        self.left -= 1
        self.cost += self.repeat

    def open(self, mnemonic: str, params: tuple[int, ...] = (), results: tuple[int, ...] = ()) -> None:
        """Begin a block; `labels` gets its label."""
        if params or len(results) > 1:
            block_type = s(self.module.type_index((params, results)))
        else:
            block_type = TYPE_BYTE[results[0]] if results else EMPTY_BLOCK
        self.emit(mnemonic, block_type)
        self.labels.append((params, False) if mnemonic == "loop" else (results, True))

    def open_try(self, results: tuple[int, ...], clauses: bytes) -> None:
        """Begin a try_table; its clauses count labels from outside of it."""
        self.emit("try_table", s(self.module.type_index(((), results))) + clauses)
        self.labels.append((results, True))

    def close(self) -> None:
        self.labels.pop()
        self.emit("end")

    def chance(self, probability: float) -> bool:
        return self.rnd.random() < probability

    def mutable_globals(self, type: int) -> list[int]:
        return [at for at, (kind, mutable, _) in enumerate(self.module.globals) if mutable and kind == type]

    # values

    def expr(self, type: int) -> bool:
        """Push a value of a type; returns whether its bits are exact."""
        start = len(self.code)
        self.depth += 1
        exact: bool | None = None
        if self.depth <= self.max_depth and self.left > 0 and not self.chance(0.4):
            choices = self.grammar.expressions[type]
            exact = choices[int(self.rnd.random() * len(choices))](self, type)
        if exact is None:
            exact = self.leaf(type)
        self.depth -= 1
        self.expressions.append((start, len(self.code), type))
        return exact

    def leaf(self, type: int) -> bool:
        """A local or a constant; reference types also a function."""
        chance = self.rnd.random()
        if type == I32 and self.smalls and chance < 0.2:
            self.get(self.rnd.choice(self.smalls))
            return True
        variables = self.variables[type]
        if variables and chance < 0.65:
            # Late ones are used as often as all the others together.
            few = len(variables) < 3 or self.chance(0.5)
            self.get(self.rnd.choice(variables if few else variables[-2:]))
            return type in (I32, I64, V128)
        if type == FUNCREF and self.leaves and chance < 0.9:
            self.emit("ref.func", u(self.rnd.randrange(self.leaves)))
            return True
        self.const(type)
        return True

    def exact(self, type: int) -> None:
        """Push a value whose bits are determined even if it is a NaN."""
        chance = self.rnd.random()
        if type in (I32, I64, V128):
            self.expr(type)
        elif self.exact_vars[type] and chance < 0.3:
            self.get(self.rnd.choice(self.exact_vars[type]))
        elif chance < 0.4:
            self.const(type)
        elif chance < 0.5:
            self.exact(type)
            self.emit(PREFIX[type] + self.rnd.choice((".neg", ".abs")))
        elif not self.expr(type):
            self.canonicalise(type)

    def canonicalise(self, type: int) -> None:
        """Replace the value on top by a fixed NaN if it is one: select(x, nan, x == x)."""
        if self.module.deterministic:
            return
        local = self.scratch(type)
        self.emit("local.tee", u(local))
        self.code += _NAN_CONST[type]
        self.get(local)
        self.get(local)
        self.emit(PREFIX[type] + ".eq")
        self.emit("select")

    def canonicalise_lanes(self, shape: str) -> None:
        """The same for each lane of a vector of floats."""
        if self.module.deterministic:
            return
        local = self.scratch(V128)
        self.emit("local.tee", u(local))
        self.code += _LANES_NAN[shape]
        self.get(local)
        self.get(local)
        self.emit(f"{shape}.eq")
        self.emit("v128.bitselect")

    def lanes(self, row: Op) -> bytes:
        """The immediate of an instruction that names lanes; those of a shuffle often move in groups."""
        if "laneidx" in row.immediates:
            return bytes([self.rnd.randrange(row.lanes)])
        if "laneidx16" not in row.immediates:
            return b""
        size = self.rnd.choice((1, 1, 2, 4, 8))
        starts = [size * self.rnd.randrange(32 // size) for _ in range(16 // size)]
        return bytes(start + at for start in starts for at in range(size))

    def values(self, types: tuple[int, ...]) -> None:
        """Push one value of each type; sometimes by one call."""
        if len(types) > 1 and self.left > 0 and self.chance(0.2) and self.call(types):
            return
        for type in types:
            self.expr(type)

    def fill(self, types: tuple[int, ...], most: int) -> None:
        """The inside of a block with these results: up to `most` statements, then the results."""
        for _ in range(self.rnd.randrange(most + 1)):
            self.statement()
        if self.left > 0 and self.chance(0.08):
            start = len(self.code)
            self.grammar.leave(self)
            self.statements.append((start, len(self.code)))
        self.values(types)

    def statement(self) -> None:
        if self.left > 0:
            start = len(self.code)
            self.left -= 1
            self.grammar.statement(self)
            self.statements.append((start, len(self.code)))

    def call(self, results: tuple[int, ...]) -> bool:
        """Call a function with exactly these results, directly or indirectly, if there is one."""
        fits = [
            (index, callee)
            for index, callee in self.callees
            if callee.signature[1] == results and self.affords(callee.cost)
        ]
        if not fits:
            return False
        index, callee = self.rnd.choice(fits)
        self.left -= len(callee.signature[0])
        self.values(callee.signature[0])
        self.cost += callee.cost * self.repeat
        if index < self.leaves and self.chance(0.6):
            self.call_indirectly(index, callee, "call")
        else:
            self.emit("call", u(index))
        return True

    def call_indirectly(self, index: int, callee: Function, how: str) -> None:
        """Call a leaf function through the first table or a reference; `how`: "call" or "return_call"."""
        type_index = u(self.module.type_index(callee.signature))
        if "function_references" in self.pools.features and self.chance(0.4):
            if self.chance(0.02):
                self.emit("ref.null", s(self.module.type_index(callee.signature)))
            else:
                self.emit("ref.func", u(index))
            self.emit(how + "_ref", type_index)
        else:
            self.table_index(index)
            self.emit(how + "_indirect", type_index + u(0))

    def table_index(self, index: int) -> None:
        """Push the place of a leaf function; its neighbours may have the same signature."""
        chance = self.rnd.random()
        functions = self.module.functions
        if chance < 0.02:
            self.expr(I32)
        elif chance < 0.05:
            self.small(TABLE_SIZE * 2 - 1)
        elif chance < 0.6 and index < 4 and all(one.signature == functions[0].signature for one in functions[:4]):
            self.small(3)
        else:
            self.const(I32, index)

    def consume(self, types: tuple[int, ...]) -> None:
        """Pop values of these types, mostly into locals."""
        for type in reversed(types):
            chance = self.rnd.random()
            variables = self.variables[type]
            if chance < 0.15 and type in PREFIX:
                self.expr(type)
                self.emit(PREFIX[type] + self.rnd.choice((".add", ".sub", ".mul")))
            if variables and chance < 0.8:
                self.set(self.rnd.choice(variables))
            elif type not in (FUNCREF, EXNREF) and chance < 0.9 and self.mutable_globals(type):
                self.emit("global.set", u(self.rnd.choice(self.mutable_globals(type))))
            else:
                self.emit("drop")

    def condition(self) -> None:
        """Push an i32 as compilers do before a branch: a comparison."""
        if self.chance(0.2):
            self.expr(I32)
            return
        type = self.rnd.choice((I32, I32, I32, I64, F32, F64))
        if type in (I32, I64):
            if self.chance(0.2):
                self.expr(type)
                self.emit(PREFIX[type] + ".eqz")
                return
            relation = self.rnd.choice(("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"))
        else:
            relation = self.rnd.choice(("eq", "ne", "lt", "gt", "le", "ge"))
        self.expr(type)
        self.expr(type)
        self.emit(f"{PREFIX[type]}.{relation}")

    def small(self, mask: int = SMALL_MASK) -> None:
        """Push an i32 from 0 to mask."""
        chance = self.rnd.random()
        if chance < 0.4 and self.smalls and mask == SMALL_MASK:
            self.get(self.rnd.choice(self.smalls))
        elif chance < 0.6:
            self.const(I32, self.rnd.randrange(mask + 1) & mask)
        else:
            self.expr(I32)
            self.const(I32, mask)
            self.emit("i32.and")

    def address(self, width: int, aligned: bool) -> int:
        """Push an address for `width` bytes, mostly in bounds; returns the offset to go with it."""
        rnd, chance = self.rnd, self.rnd.random()
        if chance < 0.02:
            if chance < 0.01:
                self.expr(I32)
            else:
                self.const(I32, rnd.choice((0x10000, 0x20000, 0x30000)) - rnd.randrange(12))
            return rnd.choice((0, 0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF))
        if aligned:
            self.small(SMALL_MASK & -width)
            return rnd.choice((0, 0, 8, 256)) if chance < 0.97 else 1
        if chance < 0.15:
            self.const(I32, rnd.randrange(0x4000))
        elif chance < 0.6:
            self._scaled_address()
        else:
            self.small()
        return rnd.choice((0, 0, 0, 0, 4, 8, 12, 16, 40, 60, 255, 1024, 4096, 30000))

    def _scaled_address(self) -> None:
        """base + (index << k), in the forms that compilers emit for arrays."""
        base_first = self.chance(0.5)
        if base_first:
            self.small()
        if self.chance(0.7):
            self.small()
            self.const(I32, self.rnd.randrange(1, 4))
            self.emit("i32.shl")
        else:
            self.const(I32, self.rnd.randrange(0x2000))
        if not base_first:
            self.small()
        self.emit("i32.add")

    def memory(self) -> int:
        """A memory to use, mostly the first."""
        return self.rnd.randrange(1 + len(self.module.others)) if self.chance(0.2) else 0

    def widen(self, memory: int) -> None:
        """Make the i32 on top an address or a size of that memory."""
        if self.module.address_type(memory) == I64:
            self.emit("i64.extend_i32_u")

    def memarg(self, row: Op, offset: int, memory: int = 0) -> bytes:
        natural = row.align.bit_length() - 1
        atomic = row.feature == "threads"
        exponent = natural if atomic or self.chance(0.7) else self.rnd.randrange(natural + 1)
        if self.module.address_type(memory) == I64 and self.chance(0.01):
            offset = self.rnd.choice((1 << 32, (1 << 48) - 8, 1 << 48, (1 << 64) - 8))
        return u(exponent | 0x40) + u(memory) + u(offset) if memory else u(exponent) + u(offset)

    def instruction(self, row: Op, immediates: bytes = b"") -> None:
        self.emit(row.mnemonic, immediates)

    def affords(self, cost: int) -> bool:
        return self.cost + self.repeat * cost <= COST_LIMIT

    def disturb(self) -> None:
        """Sometimes, between two operands: change a local or more while the first one waits."""
        if self.chance(0.06) and self.left > 0:
            type = self.rnd.choice((I32, I64, F32, F64, *self.pools.vector))
            if self.variables[type]:
                self.expr(type)
                self.set(self.rnd.choice(self.variables[type]))
        elif self.chance(0.015):
            self.statement()
