"""What random programs cost, and where they run out of fuel, is what a naive interpreter says (docs/limits.md)."""

import itertools
import random
import secrets

import pytest
from instantiating import binary

from wasmcy import FuelExhausted, Limits, Module, Trap

PLENTY = 1 << 60
STEPS = 20_000  # a program that takes more is not looked at
BINARY = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "xor": lambda a, b: a ^ b,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
    "lt_u": lambda a, b: a < b, "ge_u": lambda a, b: a >= b, "div_u": lambda a, b: a // b,
}  # fmt: skip
LOCALS = 4  # the first is the parameter, the last counts in loops


class TooLong(Exception):
    """The program runs for long, or for ever."""


class Program:
    """Functions as trees: statements and expressions are tuples, whose first item says what they are."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.functions = []
        for index in range(4):
            body = self.statements(3, 0)
            self.functions.append((body, self.expression(2, index)))

    # -------------------------------------------------------------------------------- making
    def expression(self, depth, callees=None):
        callees = len(self.functions) if callees is None else callees
        kinds = ["const", "local", "local"]
        if depth:
            kinds += [*BINARY, *BINARY, "eqz", "load", "select", "if", "block", *["call"] * 2 * bool(callees)]
        kind = self.rnd.choice(kinds)
        if kind == "const":
            return kind, self.rnd.choice([0, 1, 2, 3, 7, 0xFFFFFFFF, 0x12345])
        if kind == "local":
            return kind, self.rnd.randrange(LOCALS)
        if kind == "call":
            return kind, self.rnd.randrange(callees), self.expression(depth - 1)
        count = {"eqz": 1, "load": 1, "select": 3, "if": 3, "block": 3}.get(kind, 2)
        return kind, *(self.expression(depth - 1) for _ in range(count))

    def statements(self, depth, labels):
        made = [self.statement(depth, labels) for _ in range(self.rnd.randrange(4))]
        ends = [i for i, statement in enumerate(made) if statement[0] in ("br", "br_table", "return")]
        return made[: ends[0] + 1] if ends else made  # what comes behind is never reached

    def statement(self, depth, labels):
        kinds = ["set", "set", "return"] + ["br_if", "br_if", "br_table", "br"] * bool(labels)
        if depth:
            kinds += ["block", "loop", "if", "if else"] * 2
        kind = self.rnd.choice(kinds)
        if kind == "set":
            return kind, self.rnd.randrange(LOCALS), self.expression(2)
        if kind == "return":
            return kind, self.expression(1)
        if kind == "br":
            return kind, self.rnd.randrange(labels)
        if kind == "br_if":
            return kind, self.rnd.randrange(labels), self.expression(2)
        if kind == "br_table":
            return kind, [self.rnd.randrange(labels) for _ in range(self.rnd.randrange(1, 4))], self.expression(1)
        if kind in ("block", "loop"):
            return kind, self.statements(depth - 1, labels + 1)
        otherwise = self.statements(depth - 1, labels + 1) if kind == "if else" else None
        return "if", self.expression(2), self.statements(depth - 1, labels + 1), otherwise

    # -------------------------------------------------------------------------------- as text
    def text(self):
        functions = "".join(
            f'(func $f{i} (export "f{i}") (param i32) (result i32) (local{" i32" * (LOCALS - 1)}) '
            f"{self.texts(body)} {self.value_text(value)})\n"
            for i, (body, value) in enumerate(self.functions)
        )
        return f"(memory 1)\n{functions}"

    def texts(self, statements):
        return " ".join(map(self.statement_text, statements))

    def statement_text(self, statement):
        kind, *parts = statement
        if kind == "set":
            return f"(local.set {parts[0]} {self.value_text(parts[1])})"
        if kind == "return":
            return f"(return {self.value_text(parts[0])})"
        if kind == "br":
            return f"(br {parts[0]})"
        if kind == "br_if":
            return f"(br_if {parts[0]} {self.value_text(parts[1])})"
        if kind == "br_table":
            return f"(br_table {' '.join(map(str, parts[0]))} {self.value_text(parts[1])})"
        if kind == "block":
            return f"(block {self.texts(parts[0])})"
        if kind == "loop":  # again while the counter is odd, which it is at every second end
            again = f"(local.tee {LOCALS - 1} (i32.add (local.get {LOCALS - 1}) (i32.const 1))) (i32.const 3)"
            return f"(loop {self.texts(parts[0])} (br_if 0 (i32.and {again})))"
        otherwise = "" if parts[2] is None else f"(else {self.texts(parts[2])})"
        return f"(if {self.value_text(parts[0])} (then {self.texts(parts[1])}) {otherwise})"

    def value_text(self, expression):
        kind, *parts = expression
        if kind == "const":
            return f"(i32.const {parts[0]})"
        if kind == "local":
            return f"(local.get {parts[0]})"
        if kind == "call":
            return f"(call {parts[0]} {self.value_text(parts[1])})"
        values = [self.value_text(part) for part in parts]
        if kind == "load":
            return f"(i32.load8_u {values[0]})"
        if kind == "if":
            return f"(if (result i32) {values[0]} (then {values[1]}) (else {values[2]}))"
        if kind == "block":
            return f"(block (result i32) (drop (br_if 0 {values[0]} {values[1]})) {values[2]})"
        return f"({'' if kind == 'select' else 'i32.'}{kind} {' '.join(values)})"


class Run:
    """Executes a call; `blocks` are what its blocks cost, as far as they were executed."""

    def __init__(self, program, index, argument):
        self.program = program
        self.blocks = []
        self.inside = False  # of a block
        self.trapped = False
        self.steps = 0
        self.result = None
        try:
            self.result = self.call(index, argument)
        except ArithmeticError:
            self.trapped = True

    def count(self, ends=False):
        """An instruction is executed, perhaps the last of its block."""
        if not self.inside:
            self.blocks.append(0)
        self.blocks[-1] += 1
        self.inside = not ends
        self.steps += 1
        if self.steps > STEPS:
            raise TooLong

    def call(self, index, argument):
        body, value = self.program.functions[index]
        locals_ = [argument] + [0] * (LOCALS - 1)
        self.inside = False
        left = self.run(body, locals_)
        result = self.value(value, locals_) if left is None else left[1]
        self.inside = False
        return result

    def run(self, statements, locals_):
        """None: at the end; (depth, None): a branch to that label; (-1, value): a return."""
        for statement in statements:
            left = self.statement(statement, locals_)
            if left is not None:
                return left
        return None

    def statement(self, statement, locals_):
        kind, *parts = statement
        if kind == "set":
            locals_[parts[0]] = self.value(parts[1], locals_)
            return self.count()
        if kind == "return":
            value = self.value(parts[0], locals_)
            self.count(ends=True)
            return -1, value
        if kind == "br":
            self.count(ends=True)
            return parts[0], None
        if kind == "br_if":
            taken = self.value(parts[1], locals_)
            self.count(ends=True)
            return (parts[0], None) if taken else None
        if kind == "br_table":
            at = self.value(parts[1], locals_)
            self.count(ends=True)
            return parts[0][min(at, len(parts[0]) - 1)], None
        if kind == "loop":
            self.count(ends=True)
            while True:
                left = self.run(parts[0], locals_)
                if left is None:
                    locals_[LOCALS - 1] = locals_[LOCALS - 1] + 1 & 0xFFFFFFFF
                    for _ in range(6):
                        self.count()
                    self.count(ends=True)
                    if not locals_[LOCALS - 1] & 3:
                        return None
                elif left[0]:
                    return outwards(left)
        if kind == "block":
            self.count()
            left = self.run(parts[0], locals_)
            if is_target(parts[0], 0):
                self.inside = False
        else:
            taken = self.value(parts[0], locals_)
            self.count(ends=True)
            left = self.run(parts[1] if taken else parts[2] or [], locals_)
            self.inside = False
        return outwards(left) if left and left[0] else None

    def value(self, expression, locals_):
        kind, *parts = expression
        if kind in ("const", "local"):
            self.count()
            return parts[0] if kind == "const" else locals_[parts[0]]
        if kind == "call":
            argument = self.value(parts[1], locals_)
            self.count(ends=True)
            return self.call(parts[0], argument)
        if kind == "if":
            taken = self.value(parts[0], locals_)
            self.count(ends=True)
            result = self.value(parts[1 if taken else 2], locals_)
            self.inside = False
            return result
        if kind == "block":
            self.count()
            result, taken = self.value(parts[0], locals_), self.value(parts[1], locals_)
            self.count(ends=True)
            if not taken:
                self.count()
                result = self.value(parts[2], locals_)
            self.inside = False
            return result
        values = [self.value(part, locals_) for part in parts]
        self.count()
        if kind == "load":
            if values[0] > 0xFFFF:
                raise ArithmeticError
            return 0
        if kind == "select":
            return values[0] if values[2] else values[1]
        if kind == "eqz":
            return int(values[0] == 0)
        return BINARY[kind](*values) & 0xFFFFFFFF


def outwards(left):
    """The same way out, seen from outside of a label."""
    return (left[0] - (left[0] > 0), left[1])


def is_target(statements, depth):
    """Whether one of the statements branches to the label that many levels around them."""
    for kind, *parts in statements:
        if depth in parts[0] if kind == "br_table" else kind in ("br", "br_if") and parts[0] == depth:
            return True
        if kind in ("block", "loop") and is_target(parts[0], depth + 1):
            return True
        if kind == "if" and (is_target(parts[1], depth + 1) or is_target(parts[2] or [], depth + 1)):
            return True
    return False


@pytest.mark.parametrize("form", ["fused", "plain", "leaving at every poll"])
def test_random_programs_cost_what_they_execute_and_run_out_at_a_block(form, monkeypatch):
    monkeypatch.setenv("WASMCY_FUSE", str(int(form != "plain")))
    seed = secrets.token_hex(4)
    print("seed", seed)
    rnd = random.Random(seed)
    looked_at = trapped = 0
    for number in range(60):
        program = Program(f"{seed}/{number}")
        module = Module(binary(program.text()))
        for index, argument in itertools.product(range(len(program.functions)), (0, 1, 7, 0x10000)):
            try:
                expected = Run(program, index, argument)
            except TooLong:
                continue
            looked_at += 1
            trapped += expected.trapped
            instance = module.instantiate(limits=Limits(fuel=PLENTY))
            instance.store.stress(form == "leaving at every poll")
            assert result(instance.exports[f"f{index}"].call_raw, argument) == expected.result
            assert PLENTY - instance.store.fuel == sum(expected.blocks)

            sums = list(itertools.accumulate(expected.blocks, initial=0))
            fuel = rnd.randrange(sums[-1 - expected.trapped] or 1)
            instance.store.fuel = fuel
            if fuel < sums[-1 - expected.trapped]:
                with pytest.raises(FuelExhausted) as caught:
                    instance.exports[f"f{index}"].call_raw(argument)
                assert instance.store.fuel == fuel - max(paid for paid in sums if paid <= fuel)
                instance.store.fuel += PLENTY
                assert result(caught.value.call.resume) == expected.result
                assert instance.store.fuel == PLENTY + fuel - sums[-1]
    print(looked_at, "calls", trapped, "traps")
    assert looked_at > 60 and trapped


def result(call, *arguments):
    """What a call returns as bits, or None for a trap."""
    try:
        return call(*arguments)[0]
    except Trap:
        return None


def test_a_branch_that_is_never_taken_ends_blocks_too():
    body = "(block (br_if 0 (i32.const 0)) (local.set 0 (i32.const 1))) (local.set 0 (i32.const 2))"
    module = Module(binary(f'(func (export "f") (param i32) {body})'))
    for fuel, left in ((2, 2), (3, 0), (4, 1), (5, 0), (6, 1)):
        instance = module.instantiate(limits=Limits(fuel=fuel))
        with pytest.raises(FuelExhausted):
            instance.exports.f(0)
        assert instance.store.fuel == left
    instance = module.instantiate(limits=Limits(fuel=7))
    instance.exports.f(0)
    assert instance.store.fuel == 0
