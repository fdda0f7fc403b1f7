"""Instructions as nested expressions: each operand inside of what takes it. Spec: 6.5.11 "Folded Instructions".

Folding only moves parentheses: `(i32.add a b)` is `a b i32.add`. So it does not matter to what the text
means whether the numbers of operands here are right; where they do not fit, as in code that is not valid or
cannot be reached, the instruction stands alone, after its operands.

Compiled with the C types of folding.pxd; ordinary classes uncompiled.
"""

from __future__ import annotations

import re
from array import array

from ..opcodes import (
    BY_NAME,
    N_IDS,
    OP_CATCH,
    OP_CATCH_ALL,
    OP_DELEGATE,
    OP_ELSE,
    OP_END,
    OP_IF,
    OP_LOOP,
    OP_TRY,
    OPS,
)
from ..types import FuncType, StructType
from .disassembler import OPENS
from .spelling import INDENTS, MAX_INDENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..module import ModuleSyntax
    from .disassembler import Disassembler

MAX_WIDTH = 100  # of an expression on one line, in characters
UNBOUNDED = 1 << 30
BREAKS = tuple("\n" + indent for indent in INDENTS)

# How many operands the instructions take and give whose type is not in the table. A letter stands for a number
# that depends on an immediate: `p` and `r` the parameters and results of a function type, `l` the types of a
# label, `f` the fields of a struct type, `n` a number, `R` the results of the function itself.
_ARITIES = {
    "unreachable throw_ref rethrow": "0 0",
    "drop": "1 0",
    "select select_t": "3 1",
    "local.get global.get ref.null ref.func struct.new_default": "0 1",
    "local.set global.set": "1 0",
    "local.tee table.get ref.is_null ref.as_non_null ref.test ref.test_null ref.cast ref.cast_null": "1 1",
    "struct.get struct.get_s struct.get_u array.new_default any.convert_extern extern.convert_any": "1 1",
    "struct.new_default_desc ref.get_desc": "1 1",
    "table.set struct.set": "2 0",
    "table.grow array.new array.new_data array.new_elem array.get array.get_s array.get_u": "2 1",
    "ref.cast_desc_eq ref.cast_desc_eq_null": "2 1",
    "memory.copy table.init table.copy table.fill array.set": "3 0",
    "array.fill array.init_data array.init_elem": "4 0",
    "array.copy": "5 0",
    "struct.new": "f 1",
    "struct.new_desc": "f+1 1",
    "array.new_fixed": "n 1",
    "throw": "p 0",
    "call": "p r",
    "return_call": "p 0",
    "call_indirect call_ref": "p+1 r",
    "return_call_indirect return_call_ref": "p+1 0",
    "return": "R 0",
    "br": "l 0",
    "br_if": "l+1 l",
    "br_table": "l+1 0",
    "br_on_null": "l+1 l+1",
    "br_on_non_null": "l l-1",
    "br_on_cast br_on_cast_fail": "l l",
    "br_on_cast_desc_eq br_on_cast_desc_eq_fail": "l+1 l",
}
# For each instruction, at twice its id, what it takes and gives; -1 where immediates say so, as in VARIABLE.
_TERM = re.compile(r"([a-zA-Z]?)([+-]?\d+)?")


def _arities() -> tuple[array[int], dict[int, tuple[str, int, str, int]]]:
    fixed = array("i", [-1, 0] * N_IDS)
    variable: dict[int, tuple[str, int, str, int]] = {}
    for row in OPS.values():
        if row.params is not None and row.results is not None:
            fixed[2 * row.id], fixed[2 * row.id + 1] = len(row.params), len(row.results)
    for names, text in _ARITIES.items():
        (a, m), (b, n) = (_TERM.fullmatch(term).groups() for term in text.split())  # type: ignore[union-attr]
        for name in names.split():
            number = BY_NAME[name].id
            if a:
                variable[number] = a, int(m or 0), b, int(n or 0)
            else:
                fixed[2 * number], fixed[2 * number + 1] = int(m), int(n)
    return fixed, variable


FIXED, VARIABLE = _arities()


class Node:
    """An expression: its instruction, with what is in its parentheses; `lead` stands before them.

    `results` is how many values it gives, `width` how many characters it takes on one line.
    """

    def __init__(self, head: str, children: list[Node], results: int, lead: str, is_block: bool) -> None:
        self.head = head
        self.children = children
        self.results = results
        self.lead = lead
        self.is_block = is_block
        self.width = UNBOUNDED if is_block else len(lead) + len(head) + 2
        for child in children:
            self.width = min(self.width + child.width + 1, UNBOUNDED)


class Block:
    """An open block: its node, the nodes of its current part, and how many of those are no operands any more.

    `label` is how many values a branch to it takes.
    """

    def __init__(self, node: Node, nodes: list[Node], label: int) -> None:
        self.node = node
        self.nodes = nodes
        self.label = label
        self.floor = 0

    def take(self, n: int) -> list[Node]:
        """The last nodes, if they give just `n` values and nothing stands between."""
        nodes = self.nodes
        at = len(nodes)
        wanted = n
        while wanted > 0 and at > self.floor:
            node = nodes[at - 1]
            if node.results == 0:
                break
            at -= 1
            wanted -= node.results
        if wanted != 0:
            self.floor = len(nodes)
            return []
        taken = nodes[at:]
        del nodes[at:]
        return taken


class Folding:
    """Folds the bodies of one module."""

    def __init__(self, module: ModuleSyntax) -> None:
        self.module = module

    def nodes(self, code: Disassembler, results: int, hints: dict[int, str]) -> list[Node]:
        """What is left of `code` up to its last `end`; `results` are those of the whole."""
        root = Node("", [], 0, "", True)
        block = Block(root, root.children, results)
        blocks = [block]
        while True:
            text = code.next()
            if code.finished:
                return root.children
            block = blocks[-1]
            op = code.op
            lead = hints.get(code.offset, "") if hints else ""
            if op == OP_END:
                blocks.pop()
            elif op == OP_DELEGATE:
                blocks.pop()
                block.node.children.append(Node(text, [], 0, "", False))
            elif op == OP_ELSE or op == OP_CATCH or op == OP_CATCH_ALL:
                self.next_part(block, text)
            elif OPENS[op]:
                blocks.append(self.open(block, op, text, lead, code.x))
            else:
                takes = FIXED[2 * op]
                gives = FIXED[2 * op + 1]
                if takes < 0:
                    takes, gives = self.arity(op, code.x, code.y, blocks, results)
                block.nodes.append(Node(text, block.take(takes), gives, lead, False))

    def open(self, outer: Block, op: int, text: str, lead: str, type_index: int) -> Block:
        if type_index < 0:
            params, results = 0, -1 - type_index
        else:
            params, results = self.signature(type_index)
        operands = outer.take(params + 1) if op == OP_IF else []
        if params and not operands:
            outer.floor = len(outer.nodes)
        node = Node(text, operands, results, lead, True)
        outer.nodes.append(node)
        block = Block(node, node.children, params if op == OP_LOOP else results)
        if op == OP_IF or op == OP_TRY:
            self.next_part(block, "then" if op == OP_IF else "do")
        return block

    def next_part(self, block: Block, text: str) -> None:
        part = Node(text, [], 0, "", True)
        block.node.children.append(part)
        block.nodes = part.children
        block.floor = 0

    def arity(self, op: int, x: int, y: int, blocks: list[Block], results: int) -> tuple[int, int]:
        """How many values an instruction takes and gives, where its immediates say so."""
        a, m, b, n = VARIABLE[op]
        takes, gives = results, 0
        if a == "p":
            takes, gives = self.callee(OPS[op].immediates[0], x)
        elif a == "l":
            takes = gives = 0
            if x < len(blocks):
                target = blocks[len(blocks) - 1 - x]
                takes = gives = target.label
        elif a == "f":
            takes = self.fields(x)
        elif a == "n":
            takes = y
        return takes + m, max(gives + n, 0) if b else n

    def callee(self, kind: str, index: int) -> tuple[int, int]:
        module = self.module
        if kind == "funcidx":
            index = module.func_type_index(index) if index < module.n_funcs else len(module.types)
        elif kind == "tagidx":
            index = module.tag_type_index(index) if index < module.n_tags else len(module.types)
        return self.signature(index)

    def signature(self, type_index: int) -> tuple[int, int]:
        """Numbers of parameters and results; none where there is no such function type."""
        types = self.module.types
        comp = types[type_index].comp if type_index < len(types) else None
        if not isinstance(comp, FuncType):
            return 0, 0
        return len(comp.params), len(comp.results)

    def fields(self, type_index: int) -> int:
        types = self.module.types
        comp = types[type_index].comp if type_index < len(types) else None
        return len(comp.fields) if isinstance(comp, StructType) else 0

    def rendered(self, nodes: list[Node], level: int) -> str:
        """Each expression on lines of its own, after a line break."""
        pieces: list[str] = []
        todo: list[tuple[Node | None, int, str]] = [(node, level, "") for node in reversed(nodes)]
        while todo:
            node, level, text = todo.pop()
            if node is None:
                pieces.append(text)
                continue
            indent = BREAKS[level] if level < MAX_INDENT else BREAKS[MAX_INDENT]
            if node.width <= MAX_WIDTH or (node.is_block and not node.children):
                pieces.append(indent)
                pieces.append(inline(node))
                continue
            if node.lead:
                pieces.append(indent + node.lead)
            pieces.append(f"{indent}({node.head}")
            todo.append((None, 0, indent + ")" if node.is_block else ")"))
            todo.extend([(child, level + 1, "") for child in reversed(node.children)])
        return "".join(pieces)

    def after_blank(self, nodes: list[Node]) -> str:
        """The expressions one after another, each after a blank; those that are long on lines of their own."""
        parts = [" " + inline(node) if node.width <= MAX_WIDTH else self.rendered([node], 3) for node in nodes]
        return "".join(parts)


def inline(node: Node) -> str:
    """An expression on one line."""
    text = f"({node.head}"
    for child in node.children:
        text += " " + inline(child)
    return f"{node.lead} {text})" if node.lead else text + ")"
