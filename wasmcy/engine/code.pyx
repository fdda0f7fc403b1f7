"""A module's translated code: shared by all instances, never changed or freed while the module lives.

    FuncCode    one record per function defined in the module.  Direct calls hold its address.
    chunks      where code lies: [record][frame size][words …], one function after the other

A record starts with its stub as code, so the first call leaves to `translate`.  Translation runs
under the module's lock and ends by publishing the code; a thread that comes late finds it there.
"""

import _thread
import os
from array import array
from bisect import bisect_left

from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memmove

from wasmcy.engine.structs cimport CatchClause, FuncCode, Instance, u8, u32, u64, wcy_store_release

from .. import matching
from ..types import V128
from ..validation.validator import Validator
from ._tables import PARTS
from .forms import DELEGATE
from .object_translator import ObjectTranslator
from .translator import TABLES, handler_id

cdef size_t N_HANDLERS = len(TABLES["words"])
cdef u64* ADDRESSES = <u64*>calloc(N_HANDLERS + 1, sizeof(u64))
cdef unsigned short* WORDS = <unsigned short*>calloc(N_HANDLERS + 1, sizeof(unsigned short))
cdef u64* CELLS = <u64*>calloc(8, sizeof(u64))
cdef u64* RESULT_CELL = CELLS
cdef u64* LINK_CELL = CELLS + 4
cdef u64 TRANSLATE_HANDLER
cdef size_t CHUNK = 1 << 16    # words; a longer function gets a chunk of its own
cdef size_t PARAMETER_ROOM = 8


def _load_handlers():
    """Fill the table of handler addresses from the generated modules."""
    global TRANSLATE_HANDLER
    for name, key in PARTS.items():
        part = __import__(f"wasmcy.engine.{name}", fromlist=["fill"])
        part.fill(<size_t>ADDRESSES, key)
    words = TABLES["words"]
    for i in range(N_HANDLERS):
        WORDS[i] = words[i]
    # metered code goes on behind what stands where it returns to, which is a charge in code, and nothing to pay here
    RESULT_CELL[0] = RESULT_CELL[2] = ADDRESSES[<size_t>handler_id("leave.result")]
    LINK_CELL[0] = LINK_CELL[2] = ADDRESSES[<size_t>handler_id("leave.link")]
    TRANSLATE_HANDLER = ADDRESSES[<size_t>handler_id("leave.translate")]


_load_handlers()


def handler_addresses():
    """The address of each handler, by id; 0 for ids without one."""
    return [ADDRESSES[i] for i in range(N_HANDLERS)]


cdef class Code:
    """The code of one module. `lazy`: functions are validated at their first call, too."""

    def __cinit__(self, module, context, bint lazy=False, fuse=None, bint metered=False, bint deterministic=False):
        cdef Py_ssize_t i
        cdef FuncCode* f
        self.module = module
        self.context = context
        self.lazy = lazy
        self.metered = metered
        self.deterministic = deterministic
        self.variants = {}
        self.lock = _thread.RLock()  # a walk may run Python code (a finaliser), which may call the module
        self.points_of = {}
        self.rest_of = {}
        self.roots_of = {}
        self.n_functions = len(module.funcs)
        self.functions = <FuncCode*>calloc(self.n_functions + 1, sizeof(FuncCode))
        if self.functions == NULL:
            raise MemoryError
        imported = context.n_imported_funcs
        sig_ps = context.sig_ps
        sig_rs = context.sig_rs
        func_sig = context.func_sig
        for i in range(self.n_functions):
            f = &self.functions[i]
            sig = func_sig[imported + i]
            f.index = imported + i
            f.params = sig_ps[sig]
            f.results = sig_rs[sig]
            f.stub[0] = max(f.params, f.results) + PARAMETER_ROOM
            f.stub[1] = f.stub[3] = TRANSLATE_HANDLER
            f.code = &f.stub[1]
        self.fuse = os.environ.get("WASMCY_FUSE") != "0" if fuse is None else fuse

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.functions != NULL:
            for i in range(self.n_functions):
                free(self.functions[i].clauses)
        free(self.functions)
        free(self.starts)
        free(self.owners)
        for i in range(self.n_chunks):
            free(self.chunks[i].at)
        free(self.chunks)

    def variant(self, bint metered, bint deterministic):
        """The same module's code with or without counting and canonical NaNs, made when it is first wanted."""
        if metered == self.metered and deterministic == self.deterministic:
            return self
        key = metered, deterministic
        with self.lock:
            if key not in self.variants:
                self.variants[key] = Code(self.module, self.context, self.lazy, self.fuse, metered, deterministic)
            return self.variants[key]

    cdef int translate(self, FuncCode* function, object watch) except -1:
        """Translate one function and publish its code; `watch` is called every now and then and may raise."""
        with self.lock:
            if function.length == 0:
                walkers = self.walk(function.index, False, watch=watch)
                if function.length == 0:
                    self.publish(function, walkers[1])
                self.walkers = walkers
        return 0

    def walk(self, index, bint recording, wanted=(), watch=None):
        """Walk a body; returns validator and translator, which the caller puts back when it has read the results.

        Until then a walk inside this one (finalisers and signal handlers may call the module) makes its own.
        """
        module = self.module
        walkers, self.walkers = self.walkers, None
        if walkers is None:
            walkers = Validator(self.context), ObjectTranslator(
                self.context, <size_t>self.functions, sizeof(FuncCode), _cells_offset(), self.fuse, self.metered,
                self.deterministic,
            )
        validator, translator = walkers
        i = index - self.context.n_imported_funcs
        translator.recording = recording
        translator.wanted = wanted
        validator.function(index, module.body_start[i], module.body_end[i], translator, watch)
        return walkers

    def type_of(self, index):
        """The type of a function, closed."""
        return matching.close_func(self.module.func_type(index), self.context.canon)

    def points(self, index):
        """{word: wasm offset} of a function that has been translated."""
        with self.lock:
            if index not in self.points_of:
                walkers = self.walk(index, True)
                t = walkers[1]
                self.points_of[index] = {word - t.start: offset for word, offset in t.points.items()}
                self.walkers = walkers
            return self.points_of[index]

    def fuel_after(self, index, offset):
        """What the rest of a block costs, after the instruction at that offset."""
        with self.lock:
            if index not in self.rest_of:
                walkers = self.walk(index, True)
                t = walkers[1]
                self.rest_of[index] = {at: (t.code[word + 1] >> 32) - cost for at, (word, cost) in t.spent.items()}
                self.walkers = walkers
            return self.rest_of[index].get(offset, 0)

    def frames(self, index, points):
        """{point: FrameMap} of a function that has been translated (frames.py)."""
        from .frames import frame_map
        with self.lock:
            # where in the walk its code starts is known at its end: at word 0 or 2
            walkers = self.walk(index, True, {point + shift for point in points for shift in (0, 4)})
            t = walkers[1]
            found = {point: frame_map(t, point + 2 * t.start) for point in points if point + 2 * t.start in t.frames}
            self.walkers = walkers
            return found

    def roots(self, index, points):
        """{point: slots that may hold references to the heap} of a function; None: that is no point of it."""
        with self.lock:
            known = self.roots_of.setdefault(index, {})
            missing = [point for point in points if point not in known]
            if missing:
                found = self.frames(index, missing)
                for point in missing:
                    known[point] = found[point].references() if point in found else None
            return known

    def parameter_roots(self, index):
        """The same where a function is about to be translated: it has its parameters."""
        slots, at = [], 0
        for t in self.module.func_type(index).params:
            if t.is_ref:
                slots.append(at)
            at += 2 if t == V128 else 1
        return slots

    def words(self, index):
        """The words of a function, handler ids in first words (for `wasmcy inspect --code`)."""
        with self.lock:
            walkers = self.walk(index, True)
            t = walkers[1]
            points = {word - t.start: offset for word, offset in t.points.items()}
            words = array("Q", t.code[t.start : t.length]), points, t.frame
            self.walkers = walkers
            return words

    cdef int publish(self, FuncCode* function, object translator) except -1:
        cdef unsigned long long[::1] code = translator.code
        cdef size_t start = translator.start
        cdef size_t length = translator.length - start
        cdef size_t room = max(function.params, function.results) + PARAMETER_ROOM
        cdef u64 frame = max(<size_t>translator.frame, room)
        cdef size_t at = 0, handler, words
        cdef u64* to = self.place(length + 2)
        cdef list catches = translator.catches
        if length < 1 or start + length > <size_t>code.shape[0] or length >= <size_t>1 << 31:
            raise AssertionError("the translator left no code")
        to[0] = <u64>function
        to[1] = frame
        to += 2
        memcpy(to, &code[start], length * sizeof(u64))
        while at < length:  # ids become addresses
            handler = to[at]
            if handler >= N_HANDLERS or ADDRESSES[handler] == 0:
                raise AssertionError(f"no handler {handler}")
            words = WORDS[handler]
            if words == 0:  # br_table
                words = 2 + <size_t>((to[at + 1] >> 32) + 2) // 2
            to[at] = ADDRESSES[handler]
            at += words
        if at != length:
            raise AssertionError("the translator left a torn instruction")
        if catches:
            self.publish_clauses(function, catches, start)
        self.enter_start(<u64>to, function.index)
        function.length = length
        wcy_store_release(&function.code, <u64>to)
        return 0

    cdef int publish_clauses(self, FuncCode* function, list catches, u32 start) except -1:
        """Inner regions start later: they come first; within a region, clauses keep their order."""
        cdef CatchClause* clause
        rows = sorted(catches, key=_region)
        function.clauses = <CatchClause*>calloc(len(rows), sizeof(CatchClause))
        if function.clauses == NULL:
            raise MemoryError
        for i, row in enumerate(rows):
            clause = &function.clauses[<size_t>i]
            clause.start, clause.end, clause.kind = row[0] - start, row[1] - start, row[2]
            clause.tag = max(row[3], 0)
            clause.slot = row[4]
            clause.target = bisect_left(rows, -row[5], key=_region) if row[2] == DELEGATE else row[5] - start
        function.n_clauses = len(rows)
        return 0

    cdef u64* place(self, size_t words) except NULL:
        cdef size_t size
        cdef u64* at
        if <size_t>(self.end - self.free) < words:
            # the first chunk is small: most modules are
            size = max(words, CHUNK if self.n_chunks else <size_t>2048)
            at = <u64*>malloc(size * sizeof(u64))
            if at == NULL:
                raise MemoryError
            try:
                self.enter_chunk(at)
            except MemoryError:
                free(at)
                raise
            self.free = at
            self.end = at + size
        at = self.free
        self.free = at + words
        return at

    cdef int enter_chunk(self, u64* at) except -1:
        """Note a chunk for `find`: in the order of addresses, which is not that in which the system gives them."""
        cdef Py_ssize_t n = self.n_chunks, i = n
        if n == self.cap_chunks:
            self.chunks = <Chunk*>_enlarge(self.chunks, max(8, 2 * n) * sizeof(Chunk))
            self.cap_chunks = max(8, 2 * n)
        while i > 0 and self.chunks[i - 1].at > at:
            i -= 1
        memmove(self.chunks + i + 1, self.chunks + i, (n - i) * sizeof(Chunk))
        self.chunks[i].at = at
        self.chunks[i].first = self.chunks[i].stop = self.n_starts
        self.newest = i
        self.n_chunks = n + 1
        return 0

    cdef int enter_start(self, u64 start, u64 index) except -1:
        """Note where a function's code starts, for `find`: in the newest chunk, behind all that is there."""
        cdef Py_ssize_t n = self.n_starts, cap
        if n == self.cap_starts:
            cap = max(64, 2 * n)
            self.starts = <u64*>_enlarge(self.starts, cap * sizeof(u64))
            self.owners = <u64*>_enlarge(self.owners, cap * sizeof(u64))
            self.cap_starts = cap
        self.starts[n] = start
        self.owners[n] = index - <u64>self.context.n_imported_funcs
        self.n_starts = self.chunks[self.newest].stop = n + 1
        return 0

    cdef FuncCode* of_stub(self, u64* pc) noexcept nogil:
        """The function whose stub pc points to, or NULL."""
        cdef FuncCode* function = <FuncCode*>pc
        if not self.functions <= function < self.functions + self.n_functions:
            return NULL
        return &self.functions[(<char*>pc - <char*>self.functions) // <Py_ssize_t>sizeof(FuncCode)]

    cdef FuncCode* find(self, u64* pc) noexcept nogil:
        """The function whose code pc points into, or NULL."""
        cdef Py_ssize_t low = 0, high = self.n_chunks, middle
        cdef FuncCode* function
        while low < high:
            middle = (low + high) // 2
            if self.chunks[middle].at <= pc:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return NULL
        middle = low - 1
        low, high = self.chunks[middle].first, self.chunks[middle].stop
        while low < high:
            middle = (low + high) // 2
            if self.starts[middle] <= <u64>pc:
                low = middle + 1
            else:
                high = middle
        if low == 0 or self.starts[low - 1] > <u64>pc:
            return NULL
        function = &self.functions[self.owners[low - 1]]
        if <u64>pc >= self.starts[low - 1] + function.length * sizeof(u64):
            return NULL
        return function


# ------------------------------------------------------------------------------------ frames
cdef FuncCode* function_at(Instance* instance, u64* pc) except? NULL:
    """The function of an instance's module whose code pc points into, or NULL."""
    cdef Code code = <Code>instance.code
    cdef FuncCode* function
    with code.lock:
        function = code.find(pc)
    return function


cdef bint pop_frame(u64** pc, u64** sp, Instance** instance, FuncCode* function) noexcept nogil:
    """Go to the caller of the frame (pc, sp), which belongs to `function`; False: it was the outermost."""
    cdef u64* back = <u64*>sp[0][function.params]
    sp[0] = <u64*>(<u8*>sp[0] - sp[0][function.params + 1])
    pc[0] = back
    return pop_links(pc, sp, instance)


cdef bint pop_links(u64** pc, u64** sp, Instance** instance) noexcept nogil:
    """Go through links, several where tail calls replaced frames that links had called; False: to the outside."""
    cdef u64* link
    while pc[0] == LINK_CELL:
        link = sp[0]
        pc[0] = <u64*>link[0]
        instance[0] = <Instance*>link[2]
        sp[0] = link - link[1]
    return pc[0] != RESULT_CELL


cdef void* _enlarge(void* old, size_t size) except NULL:
    cdef void* new = realloc(old, size)
    if new == NULL:
        raise MemoryError
    return new


def _region(row):
    return -row[6]


def _cells_offset():
    """Where in an instance record its globals start, in bytes."""
    cdef Instance instance
    return <size_t>&instance.cells - <size_t>&instance
