"""The translator's vector instructions (handlers in vector_operations.py).

Operands are slots, results go to their homes; `local.set` moves the producer's destination.  How a
v128 lies on the operand stack is told in translator.py.
"""

from ..opcodes import OP_DROP, OP_GLOBAL_GET, OP_GLOBAL_SET, OP_SELECT, OP_SELECT_T
from ..types import I32, V128
from .forms import (
    CONST,
    HIGH_HALF,
    IMMEDIATE,
    IN_SLOT,
    KIND_VECTOR,
    KIND_VECTOR_CONST,
    KIND_VECTOR_LOAD,
    KIND_VECTOR_LOAD_LANE,
    KIND_VECTOR_REPLACE,
    KIND_VECTOR_SCALAR,
    KIND_VECTOR_SHIFT,
    KIND_VECTOR_SHUFFLE,
    KIND_VECTOR_SPLAT,
    KIND_VECTOR_STORE,
    KIND_VECTOR_STORE_LANE,
    LOW32,
    SUM,
)
from .translator import Translator, handler_id

H_SELECT = handler_id("select.v128:s")
H_SELECT_R = handler_id("select.v128:r")
H_GET = handler_id("global.get.v128.own")
H_GET_IMPORTED = handler_id("global.get.v128.imported")
H_SET = handler_id("global.set.v128.own")
H_SET_IMPORTED = handler_id("global.set.v128.imported")


class VectorTranslator(Translator):
    """Translates the functions of one module, vectors too."""

    def other(self, op, kind, x, y, z):
        if kind >= KIND_VECTOR and kind <= KIND_VECTOR_STORE_LANE:
            return self.vector_instruction(op, kind, x, y, z)
        if (op == OP_SELECT or op == OP_SELECT_T) and x == V128:
            return self.select_vector()
        if op == OP_DROP and x == V128:
            return self.truncate(self.height - 2)
        if (op == OP_GLOBAL_GET or op == OP_GLOBAL_SET) and self.context.global_type[x] == V128:
            return self.vector_global(op, x)
        return Translator.other(self, op, kind, x, y, z)

    def emit_vector(self, handler, a, half):
        """An instruction that leaves a v128 in the home of the entry to be pushed."""
        self.emit(handler, self.base + self.height, a, half)
        self.push_vector()

    def vector_instruction(self, op, kind, x, y, z):
        if kind == KIND_VECTOR:
            self.lanewise(op)
        elif kind == KIND_VECTOR_LOAD:
            self.vector_load(op, x, y)
        elif kind == KIND_VECTOR_STORE:
            self.vector_store(op, x, y)
        elif kind == KIND_VECTOR_SCALAR:
            self.vector_to_scalar(op, x)
        elif kind == KIND_VECTOR_SPLAT or kind == KIND_VECTOR_REPLACE:
            self.from_scalar(op, kind, x)
        elif kind == KIND_VECTOR_SHIFT:
            self.shift(op)
        elif kind == KIND_VECTOR_CONST:
            self.push(CONST, x, V128)
            self.push(CONST, y, HIGH_HALF)
        elif kind == KIND_VECTOR_SHUFFLE:
            self.shuffle(op, x, y)
        else:
            self.access_lane(op, kind, x, y, z)
        return 0

    def lanewise(self, op):
        n = self.t_operand[op]
        b = c = 0
        if n > 2:
            c = self.pop_vector()
        if n > 1:
            b = self.pop_vector()
        a = self.pop_vector()
        self.fuse(self.t_handler[op * 8], self.base + self.height, a, b | c << 16, 0, 0)
        self.push_vector()
        if self.t_canonical[op]:
            self.leave_open(self.height - 2, self.t_canonical[op])

    def vector_to_scalar(self, op, lane):
        a = self.pop_vector()
        result = self.t_result[op]
        self.clobber_for(result)
        self.emit(self.t_handler[op * 8], 0, a, lane)
        self.push_result(result)

    def from_scalar(self, op, kind, lane):
        """A splat, or a lane replaced."""
        self.resolve(1)
        self.pop()
        found = self.found
        x = self.value
        if found == IMMEDIATE:
            x = self.slot_of(found, x, self.type_, self.base + self.height)
            found = IN_SLOT
        if found != IN_SLOT:
            x = 0
        handler = self.t_handler[op * 8 + found]
        if kind == KIND_VECTOR_SPLAT:
            self.emit_vector(handler, x, 0)
        else:
            a = self.pop_vector()
            self.emit_vector(handler, a, x | lane << 16)

    def shift(self, op):
        self.resolve(1)
        self.pop()
        count = self.value
        immediate = self.found == IMMEDIATE
        if immediate:
            count &= 0xFFFF  # the handler takes it modulo the width of a lane
        else:
            count = self.slot_of(self.found, count, I32, self.base + self.height)
        a = self.pop_vector()
        self.emit_vector(self.t_handler[op * 8 + immediate], a, count)

    def shuffle(self, op, x, y):
        """Where only halves move, they are two slots."""
        b = self.pop_vector()
        a = self.pop_vector()
        home = self.base + self.height
        low = half_at(x, a, b)
        high = half_at(y, a, b)
        if low >= 0 and high >= 0:
            self.emit(self.t_handler[op * 8 + 1], home, low, high)
        else:
            self.emit(self.t_handler[op * 8], home, a, b)
            self.word(x)
            self.word(y)
        self.push_vector()

    def select_vector(self):
        self.resolve(1)
        self.pop()
        found = self.found
        c = self.value
        if found == IMMEDIATE:
            c = self.slot_of(found, c, I32, self.base + self.height)
            found = IN_SLOT
        b = self.pop_vector()
        a = self.pop_vector()
        if found == IN_SLOT:
            self.emit_vector(H_SELECT, a, b | c << 16)
        else:
            self.emit_vector(H_SELECT_R, a, b)
        return 0

    def vector_global(self, op, index):
        imported = index < self.context.n_imported_globals
        where = index if imported else self.cells + 8 * self.context.global_cell[index]
        if op == OP_GLOBAL_GET:
            self.emit_vector(H_GET_IMPORTED if imported else H_GET, 0, where)
        else:
            a = self.pop_vector()
            self.emit(H_SET_IMPORTED if imported else H_SET, 0, a, where)
            self.last = -1
        return 0

    # ------------------------------------------------------------------ memory
    def is_far(self, offset, size, memory):
        """Whether an access takes the form for any memory and any offset."""
        return memory != 0 or offset < 0 or offset + size > LOW32 or self.context.mem_is64[memory] != 0

    def vector_load(self, op, offset, memory):
        size = self.t_size[op]
        end = offset + size
        if self.is_far(offset, size, memory):
            self.resolve(1)
            self.far_load(op, self.in_slot(self.base + self.height - 1), memory << 16, self.limit(offset, size))
            return 0
        n = self.height - 1
        if self.kinds[n] == SUM and not self.holds(0, self.values[n]):
            self.pop_quietly()
            self.emit(self.t_handler[op * 8 + 3], self.base + n, self.values[n], end)
            self.word(self.addends[n])
            self.push_vector()
            return 0
        self.resolve(1)
        self.pop()
        found = self.found
        address = self.value
        if found != IMMEDIATE:
            self.fuse(self.t_handler[op * 8 + found], 0, address if found == IN_SLOT else 0, end, 0, 0)
            self.code[self.last + 1] |= self.base + n  # merging with the address leaves no destination
            self.push_vector()
        elif address + end <= LOW32:
            self.emit_vector(self.t_handler[op * 8 + 2], 0, address + end)
        else:
            self.far_load(op, self.slot_of(found, address, I32, self.base + self.height), 0, end)
        return 0

    def far_load(self, op, slot, half, limit):
        self.emit(self.t_any[op], self.base + self.height, slot, half)
        self.word(limit)
        self.push_vector()

    def vector_store(self, op, offset, memory):
        size = self.t_size[op]
        end = offset + size
        a = self.pop_vector()
        far = self.is_far(offset, size, memory)
        n = self.height - 1
        if self.kinds[n] == SUM and not far:
            self.pop_quietly()
            self.emit(self.t_handler[op * 8 + 3], self.values[n], a, end)
            self.word(self.addends[n])
            self.last = -1
            return 0
        self.resolve(1)
        self.pop()
        found = self.found
        address = self.value
        if found == IMMEDIATE and not far and address + end <= LOW32:
            self.emit(self.t_handler[op * 8 + 2], 0, a, address + end)
        elif far or found == IMMEDIATE:
            slot = self.slot_of(found, address, I32, self.base + self.height)
            self.emit(self.t_any[op], a, slot, memory << 16)
            self.word(self.limit(offset, size))
        else:
            self.fuse(self.t_handler[op * 8 + found], address if found == IN_SLOT else 0, a, end, 0, 0)
        self.last = -1
        return 0

    def access_lane(self, op, kind, offset, memory, lane):
        """A lane between a vector and memory: [D, A address, ...]."""
        size = self.t_size[op]
        vector = self.pop_vector()
        self.resolve(1)
        slot = self.in_slot(self.base + self.height - 1)
        loads = kind == KIND_VECTOR_LOAD_LANE
        home = self.base + self.height if loads else 0
        if self.is_far(offset, size, memory):
            self.emit(self.t_any[op], home, slot, vector | memory << 16)
            self.word(self.limit(offset, size))
            self.word(lane)
        else:
            self.emit(self.t_handler[op * 8], home, slot, offset + size)
            self.word(vector | lane << 16)
        if loads:
            self.push_vector()
        else:
            self.last = -1
        return 0


def half_at(lanes, a, b):
    """The slot that eight lanes of a shuffle are in, of those of `a` and `b`; -1: they are from several places."""
    first = lanes & 31
    if first & 7 or lanes != first * 0x0101010101010101 + 0x0706050403020100:
        return -1
    return (a if first < 16 else b) + (first >> 3 & 1)
