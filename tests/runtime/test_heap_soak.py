"""Random graphs of objects, changed by guest code and compared with a model, under collections at every allocation."""

import os
import random

import pytest
from instantiating import instantiate

from wasmcy import Struct

NODES = """
    (type $node (struct (field $id i32) (field (mut (ref null $node))) (field (mut (ref null $node)))))
    (type $wide (array (mut (ref null $node))))
    (table $roots 64 (ref null $node))
    (global $wide (ref $wide) (array.new_default $wide (i32.const 300)))
    (func (export "make") (param $at i32) (param $id i32) (param $a i32) (param $b i32)
      (table.set $roots (local.get $at)
        (struct.new $node (local.get $id)
          (table.get $roots (local.get $a)) (table.get $roots (local.get $b)))))
    (func (export "link") (param $at i32) (param $to i32) (local $n (ref null $node))
      (local.set $n (table.get $roots (local.get $at)))
      (if (i32.eqz (ref.is_null (local.get $n)))
        (then (struct.set $node 1 (local.get $n) (table.get $roots (local.get $to))))))
    (func (export "step") (param $at i32) (local $n (ref null $node))
      (local.set $n (table.get $roots (local.get $at)))
      (if (i32.eqz (ref.is_null (local.get $n)))
        (then (table.set $roots (local.get $at) (struct.get $node 2 (local.get $n))))))
    (func (export "put") (param $i i32) (param $at i32)
      (array.set $wide (global.get $wide) (local.get $i) (table.get $roots (local.get $at))))
    (func (export "take") (param $i i32) (param $at i32)
      (table.set $roots (local.get $at) (array.get $wide (global.get $wide) (local.get $i))))
    (func (export "waste") (param $n i32)
      (loop
        (drop (array.new_default $wide (i32.and (local.get $n) (i32.const 511))))
        (br_if 0 (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0)))))
    (func (export "root") (param $at i32) (result (ref null $node)) (table.get $roots (local.get $at)))
"""
STEPS = int(os.environ.get("WASMCY_SOAK", "1500"))


class Model:
    """The same graph in Python: nodes are lists [id, first, second]."""

    def __init__(self):
        self.roots = [None] * 64
        self.wide = [None] * 300

    def act(self, name, arguments):
        roots = self.roots
        if name == "make":
            at, number, a, b = arguments
            roots[at] = [number, roots[a], roots[b]]
        elif name == "link":
            at, to = arguments
            if roots[at] is not None:
                roots[at][1] = roots[to]
        elif name == "step":
            if roots[arguments[0]] is not None:
                roots[arguments[0]] = roots[arguments[0]][2]
        elif name == "put":
            self.wide[arguments[0]] = roots[arguments[1]]
        elif name == "take":
            roots[arguments[1]] = self.wide[arguments[0]]

    def reachable(self):
        seen, pending = {}, [node for node in self.roots + self.wide if node is not None]
        while pending:
            node = pending.pop()
            if id(node) not in seen:
                seen[id(node)] = node
                pending += [n for n in node[1:] if n is not None]
        return len(seen)


def same(node, guest):
    """Whether a node of the model and all it leads to look like the guest's; identity included."""
    pairs, pending = {}, [(node, guest)]
    while pending:
        ours, theirs = pending.pop()
        if ours is None or theirs is None:
            if ours is not theirs:
                return False
            continue
        if id(ours) in pairs:
            if pairs[id(ours)] != theirs:
                return False
            continue
        pairs[id(ours)] = theirs
        if ours[0] != theirs[0]:
            return False
        pending += [(ours[1], theirs[1]), (ours[2], theirs[2])]
    return len(set(pairs.values())) == len(pairs)


def action(random_):
    name = random_.choice(["make"] * 6 + ["link", "link", "step", "step", "put", "take", "waste"])
    n = random_.randrange
    return name, {
        "make": (n(64), n(1 << 30), n(64), n(64)), "link": (n(64), n(64)), "step": (n(64),), "put": (n(300), n(64)),
        "take": (n(300), n(64)), "waste": (n(30),),
    }[name]  # fmt: skip


@pytest.mark.parametrize("stressed", [False, True], ids=["", "stressed"])
@pytest.mark.parametrize("seed", range(3))
def test_a_graph_stays_as_the_guest_made_it(seed, stressed):
    random_ = random.Random(seed)
    made, model = instantiate(NODES), Model()
    made.store.stress(stressed, heap=stressed)
    held = []
    for step in range(STEPS):
        name, arguments = action(random_)
        made.exports[name](*arguments)
        model.act(name, arguments)
        if step % 100 == 0:
            at = random_.randrange(64)
            held.append((model.roots[at], made.exports.root(at)))
            held = held[-5:]
    assert all(same(node, made.exports.root(at)) for at, node in enumerate(model.roots))
    assert all(same(node, guest) for node, guest in held)
    held.clear()
    made.store.gc()
    assert made.store.heap_objects == model.reachable() + 1
    assert isinstance(Struct(made, 0, [1, None, None]), Struct)
