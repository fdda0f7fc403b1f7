"""Random functions give the same results when their calls go back and forth between instances.

Of a module of the differential test a second one is made, in which each direct call goes through a
table to the same function of another instance. Two such instances share memory, globals, tables and
tags. What they give is compared with one instance of the module as it was.
"""

import secrets
from dataclasses import replace

import pytest

import wasmcy
from tests.differential import generate
from tests.differential.backends import Here, Job, Outcome
from tests.differential.compare import difference
from tests.differential.encode import OP, TYPE_BYTE, Module, constant, name, u, vector
from wasmcy.binary.decoder import decode
from wasmcy.opcodes import BY_NAME
from wasmcy.types import I32
from wasmcy.validation.context import Context
from wasmcy.validation.listener import Listener
from wasmcy.validation.module import validate
from wasmcy.validation.validator import Validator

MODULES = 6
FUNCTIONS = 50
CALLS = {BY_NAME["call"].id: "call_indirect", BY_NAME["return_call"].id: "return_call_indirect"}
DROPS = {BY_NAME["data.drop"].id, BY_NAME["elem.drop"].id}  # an instance has segments of its own


class Finder(Listener):
    """Notes where the instructions are that change."""

    def begin(self, index: int, start: int, params: int, locals_: int, row: int, types: object) -> int:
        self.found: list[tuple[int, int, int]] = []
        return 0

    def visit(self, op: int, offset: int, x: int, y: int, z: int) -> int:
        if op in CALLS or op in DROPS:
            self.found.append((offset, op, x))
        return 0

    def target(self, depth: int) -> int:
        return 0

    def catch(self, kind: int, tag: int, depth: int) -> int:
        return 0


def changed(module: Module, crossing: bool) -> Module:
    """The module without drops of segments and, if `crossing`, with calls of the other instance."""
    others = u(len(module.tables))
    syntax = decode(module.encode())
    context = Context(syntax)
    validate(syntax, context)
    finder, functions = Finder(), []
    for at, function in enumerate(module.functions):
        start, end = syntax.body_start[at], syntax.body_end[at]
        Validator(context).function(at, start, end, finder)
        body = syntax.data[start:end]
        for offset, op, x in reversed(finder.found):
            place = offset - start
            if op in DROPS:
                length, instead = len(OP["data.drop"] + u(x)), OP["nop"]
            elif crossing:
                length = len(OP["call"] + u(x))
                type_index = u(module.type_index(module.functions[x].signature))
                instead = constant(I32, x) + OP[CALLS[op]] + type_index + others
            else:
                continue
            body = body[:place] + instead + body[place + length :]
        functions.append(replace(function, locals=[], code=body.removeprefix(locals_of(body))))
        functions[-1].locals = function.locals
    return replace(module, functions=functions)


def locals_of(body: bytes) -> bytes:
    """The locals declaration that a body begins with: each number in it is one byte or ends with one below 128."""
    at = count = 0
    while body[at] >= 0x80:
        at += 1
    count, shift = 0, 0
    for byte in body[: at + 1]:
        count |= (byte & 0x7F) << shift
        shift += 7
    at += 1
    for _ in range(count):
        while body[at] >= 0x80:
            at += 1
        at += 2
    return body[:at]


def types(some: tuple[int, ...]) -> bytes:
    return vector(TYPE_BYTE[type] for type in some)


def encoded(module: Module, shared: bool) -> bytes:
    """The module without what it shares, or (`shared`) one that has nothing else and exports it."""
    tables = [b"\x70\x01" + u(low) + u(high) for low, high in module.tables] + [b"\x70\0" + u(len(module.functions))]
    memories = [module._memory(*one) for one in ((I32, *module.memory), *module.others)]
    variables = [TYPE_BYTE[type] + bytes([mutable]) for type, mutable, _ in module.globals]
    tags = [b"\0" + u(module.type_index((params, ()))) for params in module.tags]
    signatures = vector(b"\x60" + types(params) + types(results) for params, results in module.signatures)
    kinds: dict[int, list[bytes]] = {1: tables, 2: memories, 3: variables, 4: tags}
    names = [(f"{kind} {at}", kind, at) for kind, ones in kinds.items() for at in range(len(ones))]
    if shared:
        pairs = zip(variables, module.globals, strict=True)
        initial = [type + constant(kind, bits) + OP["end"] for type, (kind, _, bits) in pairs]
        exports = vector(name(text) + bytes([kind]) + u(at) for text, kind, at in names)
        parts = [
            (1, signatures),
            (4, vector(tables)),
            (5, vector(memories)),
            (13, vector(tags)),
            (6, vector(initial)),
            (7, exports),
        ]
    else:
        imports = vector(name("shared") + name(text) + bytes([kind]) + kinds[kind][at] for text, kind, at in names)
        own = [u(module.type_index(function.signature)) for function in module.functions]
        parts = [
            (1, signatures), (2, imports), (3, vector(own)),
            (7, vector(name(f"f{at}") + b"\0" + u(at) for at in range(len(own)))),
            (9, vector(module._element(*one) for one in module.elements)), (12, u(len(module.data))),
            (10, vector(function.body() for function in module.functions)),
            (11, vector(module._data(*one) for one in module.data)),
        ]  # fmt: skip
    return b"\0asm\1\0\0\0" + b"".join(bytes([number]) + u(len(content)) + content for number, content in parts)


class Two(Here):
    """Two instances of the crossing module; calls from outside take turns."""

    def __init__(self, module: Module, stress: bool) -> None:
        super().__init__()
        self.module, self.stress = module, stress

    def finish(self) -> Outcome:
        job, outcome = self._job, Outcome()
        store = wasmcy.Store()
        if self.stress:
            store.stress()
        shared = wasmcy.Module(encoded(self.module, True)).instantiate(store=store)
        one = dict(shared.exports.items())
        table = f"1 {len(self.module.tables)}"
        other = {**one, table: wasmcy.Table(min=len(self.module.functions))}
        binary = wasmcy.Module(encoded(self.module, False))
        made = [binary.instantiate({"shared": given}) for given in (one, other)]
        for at in range(len(self.module.functions)):
            one[table][at] = made[1].exports[f"f{at}"]  # type: ignore[index]
            other[table][at] = made[0].exports[f"f{at}"]  # type: ignore[index]
        exports = {"m": one["2 0"], **{f"g{at}": one[f"3 {at}"] for at, _ in job.globals}}
        for number, (index, arguments) in enumerate(job.calls):
            function = made[number % 2].exports[f"f{index}"]
            outcome.results.append(self._call(function, job, index, arguments))
        outcome.states.append(self._state(exports, job))
        return outcome


@pytest.mark.parametrize("stress", [False, True], ids=["", "stress"])
def test_two_instances_are_like_one(stress: bool) -> None:
    seed = secrets.token_hex(4)
    print(f"seed {seed}")
    for number in range(MODULES):
        module = generate.module(f"{seed}/{number}", FUNCTIONS)
        plain, crossing = changed(module, False), changed(module, True)
        calls = [
            (index, values)
            for index, function in enumerate(module.functions)
            for values in generate.arguments(f"{seed}/{index}", function.signature, 3)
        ]
        work = Job.of(plain, calls)
        one, two = Here(), Two(crossing, stress)
        one.start(work)
        two.start(work)
        found = difference(one.finish(), two.finish(), calls)
        assert found is None, f"seed {seed}/{number}: {found[1]}"
