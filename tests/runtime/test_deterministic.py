"""Deterministic stores: every NaN an instruction results in is the canonical one (docs/limits.md)."""

import functools
import pickle
import random
import secrets
import struct

import pytest
from instantiating import binary, results

from tests.differential import generate
from tests.differential.numbers import canonical
from wasmcy import (
    FuelExhausted,
    GuestException,
    Limits,
    Linker,
    LinkError,
    Memory,
    Module,
    Pool,
    SnapshotError,
    Store,
    Trap,
)
from wasmcy.opcodes import BY_NAME, OPS
from wasmcy.types import V128

WIDTH = {"f32": 32, "f64": 64}
CANONICAL = {"f32": 0x7FC00000, "f64": 0x7FF8000000000000}
# quiet and signalling, of either sign, the least and the greatest payload; canonical ones
NANS = {
    "f32": (0x7FC00000, 0xFFC00000, 0x7FC00001, 0xFFFFFFFF, 0x7F800001, 0xFFA00000),
    "f64": (
        0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001, 0xFFFFFFFFFFFFFFFF, 0x7FF0000000000001,
        0xFFF4000000000000),
}  # fmt: skip
NAN = 0xFFF8000000000001
NUMBERS = {"f32": (0, 0x3F800000, 0xFF800000), "f64": (0, 0x3FF0000000000000, 0xFFF0000000000000)}
OPEN = [op for op in OPS.values() if op.nans]
# what keeps the bits of a NaN, or only changes its sign
KEEP = ("f32.neg", "f32.abs", "f64.neg", "f64.abs", "f32x4.neg", "f32x4.abs", "f64x2.neg", "f64x2.abs")


@pytest.fixture(params=["fused", "plain", "leaving at every poll"])
def form(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setenv("WASMCY_FUSE", "0")
    return request.param


def deterministic(text, form="fused", limits=None):
    instance = Module(binary(text)).instantiate(limits=limits, deterministic=True)
    instance.store.stress(form == "leaving at every poll")
    return instance


def lanes(op):
    """The type of the floats that an instruction takes, and of those that it gives."""
    prefix, name = op.mnemonic.split(".")
    given = prefix[:3]
    taken = next((t for t in WIDTH if t in name and t != given), given)
    return taken, given


def splat(type_, bits):
    width = WIDTH[type_]
    return sum(bits << at for at in range(0, 128, width))


def function(op, name="f", wrap="{}"):
    params = " ".join(map(str, op.params))
    operands = " ".join(f"(local.get {i})" for i in range(len(op.params)))
    body = wrap.format(f"({op.mnemonic} {operands})")
    return f'(func (export "{name}") (param {params}) (result {op.results[0]}) (local {op.results[0]}) {body})'


# ------------------------------------------------------------------------------------ instructions
def test_the_table_says_whose_nans_are_open():
    """Those that compute a float from floats; not those that move or choose one, or change its sign."""
    moves = ("neg", "abs", "copysign", "pmin", "pmax", "const", "load", "splat", "lane", "convert", "reinterpret")
    compare = ("eq", "ne", "lt", "gt", "le", "ge")
    for op in OPS.values():
        prefix, _, name = op.mnemonic.partition(".")
        computes = prefix in ("f32", "f64", "f32x4", "f64x2") and bool(op.results)
        assert op.nans == (computes and name not in compare and not any(word in name for word in moves)), op


@pytest.mark.parametrize("op", OPEN, ids=lambda op: op.mnemonic)
def test_a_nan_is_canonical(op, form):
    n = len(op.params)
    wraps = {
        "f": "{}",  # left on the stack
        "set": f"(local.set {n} {{}}) (local.get {n})",
        "tee": f"(local.tee {n} {{}})",
        "twice": f"(local.set {n} {{}}) (block (br_if 0 (i32.const 1))) (local.get {n})",
    }
    instance = deterministic("".join(function(op, name, wrap) for name, wrap in wraps.items()), form)
    taken, given = lanes(op)
    vector = op.results[0] == V128
    for nan in NANS[taken]:
        for other in (*NANS[taken], *NUMBERS[taken]):
            operands = [nan, other, other][:n]
            for arguments in (operands, operands[::-1]):
                bits = [splat(taken, x) if vector else x for x in arguments]
                expected = splat(given, CANONICAL[given]) if vector else CANONICAL[given]
                if op.mnemonic.endswith("_zero"):
                    expected &= (1 << 64) - 1
                for name in wraps:
                    assert instance.exports[name].call_raw(*bits) == (expected,), (name, list(map(hex, arguments)))


@pytest.mark.parametrize("op", OPEN, ids=lambda op: op.mnemonic)
def test_numbers_are_what_they_were(op):
    rnd = random.Random(op.mnemonic)
    text = function(op)
    m = Module(binary(text))
    plain, fixed = m.instantiate().exports.f, m.instantiate(deterministic=True).exports.f
    taken, given = lanes(op)
    width, vector = WIDTH[given], op.results[0] == V128
    for _ in range(200):
        size = 128 if vector else WIDTH[taken]
        bits = [rnd.getrandbits(size) for _ in op.params]
        one, two = plain.call_raw(*bits)[0], fixed.call_raw(*bits)[0]
        for at in range(0, 128 if vector else width, width):
            x, y = (value >> at & (1 << width) - 1 for value in (one, two))
            assert y == x or (y == CANONICAL[given] and is_nan(given, x))


def is_nan(type_, bits):
    mantissa = 23 if type_ == "f32" else 52
    magnitude = bits & (1 << WIDTH[type_] - 1) - 1
    return magnitude > ((1 << WIDTH[type_] - 1 - mantissa) - 1) << mantissa


@pytest.mark.parametrize("name", KEEP)
def test_signs_change_and_payloads_stay(name):
    exports = deterministic(function(BY_NAME[name])).exports
    type_ = name[:3]
    top = 1 << WIDTH[type_] - 1
    for nan in NANS[type_]:
        bits, expected = nan, nan ^ top if name.endswith("neg") else nan & ~top
        if "x" in name:
            bits, expected = splat(type_, bits), splat(type_, expected)
        assert exports.f.call_raw(bits) == (expected,)


def test_moved_nans_keep_their_bits(form):
    text = """
        (memory 1) (global $g (mut f64) (f64.const 0)) (table funcref (elem $same))
        (func $same (param f64) (result f64) (local.get 0))
        (func (export "f") (param f64) (result f64)
          (global.set $g (local.get 0)) (f64.store (i32.const 8) (global.get $g))
          (f64.copysign (select (f64.load (i32.const 8)) (f64.const 1) (i32.const 1))
            (call_indirect (param f64) (result f64) (call $same (local.get 0)) (i32.const 0))))
        (func (export "v") (param v128) (result v128)
          (f64x2.pmin (local.get 0) (v128.const f64x2 1 1)))
    """
    exports = deterministic(text, form).exports
    for nan in NANS["f64"]:
        assert exports.f.call_raw(nan) == (nan,)
        assert exports.v.call_raw(splat("f64", nan)) == (splat("f64", nan),)


def test_what_is_stored_and_reinterpreted_is_canonical(form):
    text = """
        (memory (export "memory") 1)
        (func (export "f") (param f64 f64) (result i64)
          (f64.store (i32.const 0) (f64.add (local.get 0) (local.get 1)))
          (i64.reinterpret_f64 (f64.mul (f64.sub (local.get 0) (local.get 1)) (f64.neg (f64.sqrt (local.get 0))))))
        (func (export "sign") (param f64 f64) (result f64)
          (f64.copysign (f64.const 1) (f64.neg (f64.div (local.get 0) (local.get 1)))))
    """
    exports = deterministic(text, form).exports
    for nan in NANS["f64"]:
        assert exports.f.call_raw(nan, 1) == (CANONICAL["f64"],)
        assert exports.memory[0:8] == CANONICAL["f64"].to_bytes(8, "little")
        assert exports.sign.call_raw(nan, 1) == (0xBFF0000000000000,)
    assert exports.f.call_raw(0x7FF0000000000000, 0x7FF0000000000000) == (CANONICAL["f64"],)


# what sees a NaN as it is: X is where an open one is made, and its bits are the result
SEEN = {
    "reinterpret": "(i64.reinterpret_f64 X)",
    "neg": "(i64.xor (i64.reinterpret_f64 (f64.neg X)) (i64.const 0x8000000000000000))",
    "abs": "(i64.reinterpret_f64 (f64.abs X))",
    "copysign": "(i64.reinterpret_f64 (f64.copysign X (f64.const 1)))",
    "the sign for copysign": "(i64.or (i64.reinterpret_f64 (f64.copysign (f64.const nan) X)) (i64.const 0))",
    "select": "(i64.reinterpret_f64 (select X (f64.const 0) (i32.const 1)))",
    "below others": "X (local.get $a) (f64.lt (local.get $b)) drop i64.reinterpret_f64",
    "below a local": "X X (local.set $a) (i64.reinterpret_f64)",
    "arithmetic": "(i64.reinterpret_f64 (f64.min (f64.mul X (f64.const 2)) (f64.sqrt (f64.ceil X))))",
    "local.tee": "(i64.or (i64.reinterpret_f64 (local.tee $a X)) (i64.reinterpret_f64 (local.get $a)))",
    "a local of a loop": "(local.set $a X) (loop (br_if 0 (i32.const 0))) (i64.reinterpret_f64 (local.get $a))",
    "an operand during a loop": "X (loop (br_if 0 (i32.const 0))) i64.reinterpret_f64",
    "two of them": "X X (loop (br_if 0 (i32.const 0))) i64.reinterpret_f64 (local.set $i) i64.reinterpret_f64 (i64.or (local.get $i))",
    "a global": "(global.set $g X) (i64.reinterpret_f64 (global.get $g))",
    "memory": "(f64.store (i32.const 0) X) (i64.load (i32.const 0))",
    "an argument": "(call $bits X)",
    "an indirect call": "(call_indirect (param f64) (result i64) X (i32.const 0))",
    "a tail call": "(return_call $bits X)",
    "a result": "(i64.reinterpret_f64 (call $add (local.get $a) (local.get $b)))",
    "two results": "(call $two (local.get $a) (local.get $b)) i64.reinterpret_f64 (local.set $i) i64.reinterpret_f64 (i64.or (local.get $i))",
    "a block's result": "(i64.reinterpret_f64 (block (result f64) X))",
    "br": "(i64.reinterpret_f64 (block (result f64) (br 0 X)))",
    "br_if": "(i64.reinterpret_f64 (block (result f64) (br_if 0 X (i32.const 1))))",
    "br_table": "(i64.reinterpret_f64 (block (result f64) (br_table 0 0 X (i32.const 1))))",
    "if": "(i64.reinterpret_f64 (if (result f64) (i32.const 1) (then X) (else (f64.const 0))))",
    "a parameter of a block": "X (block (param f64) (result i64) i64.reinterpret_f64)",
    "a parameter of a loop": "X (loop (param f64) (result i64) i64.reinterpret_f64)",
    "an exception": "(i64.reinterpret_f64 (block $l (result f64) (try_table (catch $t $l) (throw $t X)) unreachable))",
    "a struct": "(i64.reinterpret_f64 (struct.get $s 0 (struct.new $s X)))",
    "an array": "(i64.reinterpret_f64 (array.get $r (array.new $r X (i32.const 1)) (i32.const 0)))",
    "elements": "(i64.reinterpret_f64 (array.get $r (array.new_fixed $r 2 (f64.const 1) X) (i32.const 1)))",
    "a splat": "(i64x2.extract_lane 1 (f64x2.splat X))",
    "a lane": "(i64x2.extract_lane 1 (f64x2.replace_lane 1 (v128.const i64x2 0 0) X))",
    "a vector": "(i64x2.extract_lane 0 (f64x2.sub (f64x2.splat X) (f64x2.splat (local.get $a))))",
    "a vector in a local": "(local.set $v (f64x2.sub (f64x2.splat X) (f64x2.splat (local.get $a)))) (i64x2.extract_lane 0 (local.get $v))",
    "a vector in memory": "(v128.store (i32.const 0) (f64x2.add (f64x2.splat X) (f64x2.splat (local.get $a)))) (i64.load (i32.const 8))",
    "pmax": "(i64x2.extract_lane 0 (f64x2.pmax (f64x2.add (f64x2.splat X) (f64x2.splat X)) (f64x2.splat (f64.const 1))))",
    "lanes of another shape": "(i64.xor (i64.const 0x0038000000000000) (i64x2.extract_lane 0 (f32x4.sub (f64x2.sub (f64x2.splat X) (f64x2.splat X)) (v128.const i64x2 0 0))))",
    "what promotes": "(i64x2.extract_lane 0 (f64x2.promote_low_f32x4 (f32x4.demote_f64x2_zero (f64x2.add (f64x2.splat X) (f64x2.splat X)))))",
}  # fmt: skip
AROUND = """
    (type $s (struct (field f64))) (type $r (array f64)) (tag $t (param f64))
    (memory 1) (global $g (mut f64) (f64.const 0)) (table funcref (elem $bits))
    (func $bits (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
    (func $add (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1)))
    (func $two (param f64 f64) (result f64 f64)
      (f64.add (local.get 0) (local.get 1)) (f64.div (local.get 0) (local.get 1)))
    (func (export "f") (param $a f64) (param $b f64) (result i64) (local $i i64) (local $v v128) {})
"""


@pytest.mark.parametrize("what", SEEN)
def test_whoever_sees_a_nan_sees_the_canonical_one(what, form):
    body = SEEN[what].replace("X", "(f64.add (local.get $a) (local.get $b))")
    exports = deterministic(AROUND.format(body), form).exports
    for nan in NANS["f64"]:
        assert exports.f.call_raw(nan, 0x3FF0000000000000) == (CANONICAL["f64"],), hex(nan)


def test_a_snapshot_sees_canonical_nans():
    text = """
        (func (export "f") (param f64) (result f64) (f64.add (f64.mul (local.get 0) (f64.const 2)) (call $g)))
        (func $g (result f64) (f64.const 1))
    """
    instance = deterministic(text, limits=Limits(fuel=4))
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f.call_raw(NAN)
    ((_, _, _, frames, _),) = instance.snapshot()._state[5]
    assert frames[0][3:] == ([NAN], [CANONICAL["f64"]])
    assert caught.value.resume(fuel=10) == (CANONICAL["f64"],)


# ------------------------------------------------------------------------------------ with all else
LOOP = """
    (func (export "f") (param $n i32) (param $x f64) (result f64) (local $y f64)
      (loop
        (local.set $y (f64.add (f64.mul (local.get $y) (f64.const 0.5)) (local.get $x)))
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $y))
    (func (export "v") (param $n i32) (param $x v128) (result v128) (local $y v128)
      (loop
        (local.set $y (f32x4.add (f32x4.mul (local.get $y) (local.get $x)) (local.get $x)))
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $y))
"""


@pytest.mark.parametrize("stressed", [False, True])
@pytest.mark.parametrize("fuse", ["1", "0"])
def test_random_functions_do_the_same_in_all_forms(fuse, stressed, monkeypatch):
    """And cost the same fuel, as plain code does."""
    seed = secrets.token_hex(4)
    print("seed", seed)
    made = generate.module(seed, 60, deterministic=True)
    data = made.encode()
    expected = list(results(Module(data).instantiate(limits=Limits(fuel=1 << 60), deterministic=True), made, seed))
    monkeypatch.setenv("WASMCY_FUSE", fuse)
    instance = Module(data).instantiate(limits=Limits(fuel=1 << 60), deterministic=True)
    instance.store.stress(stressed, heap=True)
    assert list(results(instance, made, seed)) == expected


@pytest.mark.parametrize("name", ["f", "v"])
def test_fuel_counts_the_same(name):
    used = []
    for fixed in (False, True):
        instance = Module(binary(LOOP)).instantiate(limits=Limits(fuel=10_000), deterministic=fixed)
        instance.exports[name].call_raw(20, 0)
        used.append(10_000 - instance.store.fuel)
    assert used[0] == used[1] > 200


def test_traps_are_where_they_were(form):
    text = """(func (export "f") (param f64 f64) (result i32)
      (i32.add (i32.trunc_f64_s (f64.add (local.get 0) (local.get 1)))
        (i32.trunc_f64_s (f64.sqrt (f64.mul (local.get 0) (local.get 1))))))"""
    places = []
    for fixed in (False, True):
        instance = Module(binary(text)).instantiate(deterministic=fixed)
        instance.store.stress(form == "leaving at every poll")
        for arguments in ((float("inf"), 1.0), (-1.0, 1.0)):
            with pytest.raises(Trap) as caught:
                instance.exports.f(*arguments)
            places.append([frame.offset for frame in caught.value.frames])
    assert places[:2] == places[2:]


@pytest.mark.parametrize("name", ["f", "v"])
@pytest.mark.parametrize(("before", "after"), [(True, True), (True, False), (False, True)])
def test_a_suspended_guest_goes_on_in_any_store(name, before, after):
    m = Module(binary(LOOP))
    expected = m.instantiate().exports[name].call_raw(50, 0x3FF0000000000000)
    instance = m.instantiate(limits=Limits(fuel=100), deterministic=before)
    with pytest.raises(FuelExhausted) as caught:
        instance.exports[name].call_raw(50, 0x3FF0000000000000)
    snapshot = pickle.loads(pickle.dumps(instance.snapshot()))
    other = m.restore(snapshot, limits=Limits(fuel=10_000), deterministic=after)
    assert other.suspended[0].resume() == expected
    assert caught.value.call is not None


def test_random_functions_go_on_in_a_store_of_the_other_variant():
    """From one to the other and back, each time they run out of fuel."""
    seed = secrets.token_hex(4)
    print("seed", seed)
    rnd = random.Random(seed)
    made = generate.module(seed, 60)
    m = Module(made.encode())
    moved = 0
    for index, one in enumerate(made.functions):
        (values,) = generate.arguments(f"{seed}/{index}", one.signature, 1)
        types = one.signature[1]
        expected = outcome(m.instantiate().exports[f"f{index}"].call_raw, types, *values)
        instance = m.instantiate(limits=Limits(fuel=rnd.randrange(40)), deterministic=True)
        go_on = functools.partial(instance.exports[f"f{index}"].call_raw, *values)
        found = None
        for fuel in (*rnd.choices(range(1, 90), k=10), 1 << 40, 0):
            try:
                found = outcome(go_on, types)
                break
            except FuelExhausted as error:
                call = error.call
            try:
                snapshot = instance.snapshot()
            except SnapshotError:  # it holds what is not a number or a function
                instance.store.fuel += fuel
                go_on = call.resume
                continue
            limits = Limits(fuel=instance.store.fuel + fuel)
            instance = m.restore(snapshot, limits=limits, deterministic=not instance.store.deterministic)
            go_on = instance.suspended[0].resume
            moved += 1
        assert found == expected
    assert moved > 20


def outcome(call, types, *arguments):
    """The results of a call, all NaNs alike, or the message of its trap."""
    try:
        return tuple(map(canonical, types, call(*arguments)))
    except (Trap, GuestException) as error:
        return error.message


def test_a_suspended_guest_goes_on_with_canonical_nans():
    m = Module(binary(LOOP))
    instance = m.instantiate(limits=Limits(fuel=100))
    with pytest.raises(FuelExhausted) as caught:
        instance.exports.f.call_raw(50, 0xFFF8000000000001)
    other = m.restore(instance.snapshot(), limits=Limits(fuel=10_000), deterministic=True)
    assert other.suspended[0].resume() == (CANONICAL["f64"],)
    assert caught.value.call is not None


# ------------------------------------------------------------------------------------ stores
ADD = '(func (export "add") (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1)))'


def is_deterministic(instance):
    return instance.exports.add.call_raw(NAN, NAN) == (CANONICAL["f64"],)


def test_plain_code_is_what_it_was():
    """Determinism is another variant: it leaves the code of plain stores alone."""
    made = Module(binary(ADD))
    before = list(made._code.words(0)[0])
    assert is_deterministic(made.instantiate(deterministic=True))
    assert not is_deterministic(made.instantiate())
    assert list(made._code.words(0)[0]) == before
    variants = [made._code.variant(metered, fixed) for metered in (False, True) for fixed in (False, True)]
    assert len({id(code) for code in variants}) == 4
    assert variants == [made._code.variant(metered, fixed) for metered in (False, True) for fixed in (False, True)]
    assert len(variants[1].words(0)[0]) == len(before) + 2


def test_an_instance_takes_the_variant_of_its_store():
    m = Module(binary(ADD))
    store = Store(deterministic=True)
    assert store.deterministic and not Store().deterministic
    assert is_deterministic(m.instantiate(store=store))
    assert is_deterministic(m.instantiate(store=store, deterministic=True))
    assert is_deterministic(Linker(store).instantiate(m))
    user = Module(binary('(import "m" "add" (func (param f64 f64) (result f64)))' + ADD.replace("add", "add", 1)))
    assert is_deterministic(user.instantiate({"m": m.instantiate(deterministic=True)}))


def test_a_plain_store_takes_no_deterministic_instance():
    m = Module(binary(ADD))
    with pytest.raises(LinkError, match="is not deterministic"):
        m.instantiate(store=Store(), deterministic=True)
    memory = Memory(min=1)
    user = Module(binary('(import "m" "memory" (memory 1))' + ADD))
    user.instantiate({"m": {"memory": memory}})
    with pytest.raises(LinkError, match="is not deterministic"):
        user.instantiate({"m": {"memory": memory}}, deterministic=True)
    with pytest.raises(LinkError, match="is not deterministic"):
        user.instantiate([memory], deterministic=True)


@pytest.mark.parametrize("fixed", [False, True])
def test_a_store_with_instances_stays_as_it_is(fixed):
    store = Store(deterministic=not fixed)
    store.deterministic = fixed
    assert is_deterministic(Module(binary(ADD)).instantiate(store=store)) is fixed
    store.deterministic = fixed
    with pytest.raises(ValueError, match="the store has instances, whose code is"):
        store.deterministic = not fixed
    assert store.deterministic is fixed


def test_pools_snapshots_and_pickles_are_deterministic_too():
    m = Module(binary(ADD))
    assert is_deterministic(Pool(m, deterministic=True).instantiate())
    assert not is_deterministic(Pool(m).instantiate())
    instance = m.instantiate(store=Store(deterministic=True))
    assert is_deterministic(m.restore(instance.snapshot(), deterministic=True))
    assert not is_deterministic(m.restore(instance.snapshot()))
    add = pickle.loads(pickle.dumps(instance.exports.add))
    assert add.call_raw(NAN, NAN) == (CANONICAL["f64"],)


def test_host_functions_get_and_give_what_they_say():
    """What a host returns is data: its NaNs stay as they are."""
    text = """
        (import "m" "h" (func $h (param f64) (result f64)))
        (func (export "f") (param f64) (result f64) (call $h (f64.add (local.get 0) (local.get 0))))
        (func (export "g") (param f64) (result f64) (f64.add (call $h (local.get 0)) (f64.const 1)))
    """
    given = []
    (nan,) = struct.unpack("<d", NAN.to_bytes(8, "little"))

    def host(value):
        given.append(value)
        return nan

    exports = Module(binary(text)).instantiate({"m": {"h": host}}, deterministic=True).exports
    assert exports.f.call_raw(NAN) == (NAN,)
    assert exports.g.call_raw(0) == (CANONICAL["f64"],)
    assert len(given) == 2
