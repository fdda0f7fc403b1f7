"""The validation context: what a module declares, flattened for the walk over its bodies.

Every component is a typed array, so that the compiled walk and the translator read it without
touching a Python object:

- signatures, in rows. Row i below `n_types` is the function type of type index i (`sig_np` is -1
  where that is no function type); the rows above are block types without an index, `[] -> []`
  first, others when they are first asked for. The types of a row stand in `pool`: `sig_np` of
  them from `sig_po` on, `sig_nr` from `sig_ro` on. `sig_ps` and `sig_rs` count them in 64-bit
  slots, of which a v128 takes two.
- the other types: fields of structs and arrays, supertypes, descriptors, canonical ids.
- the index spaces, imports first.

Nothing here is checked but that types refer to types there are: `module.validate` does that
before a body is walked.

Spec: 3.1.1 "Contexts".
"""

from __future__ import annotations

from array import array

from ..matching import Held, canonicalise, heap_matches
from ..types import (
    BOT,
    CONCRETE,
    EXACT,
    HEAP_ARRAY,
    HEAP_FUNC,
    HEAP_NAMES,
    HEAP_STRUCT,
    INDEX_MASK,
    REF,
    V128,
    ArrayType,
    FuncType,
    StructType,
)
from ..types import NULL as NULLABLE

REF_BOT = REF  # a non-null reference to the bottom of all heap types, in dead code only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..module import ModuleSyntax

KIND_FUNC = 0
KIND_STRUCT = 1
KIND_ARRAY = 2


def words(n: int) -> array[int]:
    """An array of n zeros."""
    return array("q", bytes(8 * n))


def enlarged(old: array[int]) -> array[int]:
    """A copy of the array `old` of twice its size, or of 16."""
    fresh = words(max(2 * len(old), 16))
    view = fresh
    for i in range(len(old)):
        view[i] = old[i]
    return fresh


def slots(valtypes: Sequence[int]) -> int:
    """How many slots of 64 bits values of these types take."""
    return len(valtypes) + valtypes.count(V128)


def _lattice() -> tuple[array[int], array[int], array[int]]:
    """The abstract heap types by the low four bits of each, for the three arrays below."""
    above, top, bottom = words(256), words(16), words(16)
    for sub in HEAP_NAMES:
        ups = [sup for sup in HEAP_NAMES if heap_matches(sub, sup)]
        downs = [low for low in HEAP_NAMES if heap_matches(low, sub)]
        for sup in ups:
            above[16 * (sub & 15) + (sup & 15)] = 1
        top[sub & 15] = next(t for t in ups if all(heap_matches(t, u) is (t == u) for u in ups))
        bottom[sub & 15] = next(b for b in downs if all(heap_matches(b, d) for d in downs))
    return above, top, bottom


# HEAP_ABOVE[16 * a + b]: a matches b; HEAP_TOP[a], HEAP_BOTTOM[a]: the ends of its hierarchy.
HEAP_ABOVE, HEAP_TOP, HEAP_BOTTOM = _lattice()
KIND_HEAP = array("q", [HEAP_FUNC, HEAP_STRUCT, HEAP_ARRAY])  # by KIND_


class Context:
    """What the bodies of one module can refer to.

    Rows of signatures are added while bodies are walked, so walks of one module take turns.

    Raises:
        InvalidError: a type refers to a type that it cannot refer to.
    """

    def __init__(self, module: ModuleSyntax) -> None:
        self.module = module
        self.features = module.features
        self.set_types(module)
        self.set_functions(module)
        self.set_index_spaces(module)

    def set_types(self, module: ModuleSyntax) -> None:
        """Flatten the types section."""
        n = self.n_types = len(module.types)
        self.canon_ids = canonicalise(module.types, module.rec_groups)
        self.held = Held(self.canon_ids)
        self.canon = array("q", self.canon_ids)
        self.kind_of, self.super_of, self.no_default = words(n), words(n), words(n)
        self.descriptor_of = words(n)
        self.field_n, self.field_po, self.field_ro = words(n), words(n), words(n)
        self.sig_np, self.sig_nr, self.sig_po, self.sig_ro = words(n), words(n), words(n), words(n)
        self.sig_ps, self.sig_rs = words(n), words(n)
        pool = array("q")
        storage, mutable = array("q"), array("q")
        for i, sub in enumerate(module.types):
            comp = sub.comp
            self.super_of[i] = self.no_default[i] = self.sig_np[i] = -1
            if sub.supers:
                self.super_of[i] = sub.supers[0]
            self.descriptor_of[i] = -1 if sub.descriptor is None else sub.descriptor
            self.field_po[i], self.field_ro[i] = len(storage), len(pool)
            if isinstance(comp, FuncType):
                self.kind_of[i] = KIND_FUNC
                self.sig_np[i], self.sig_nr[i] = len(comp.params), len(comp.results)
                self.sig_ps[i], self.sig_rs[i] = slots(comp.params), slots(comp.results)
                self.sig_po[i] = len(pool)
                pool.extend(comp.params)
                self.sig_ro[i] = len(pool)
                pool.extend(comp.results)
                continue
            fields = comp.fields if isinstance(comp, StructType) else (comp.field,)
            self.kind_of[i] = KIND_ARRAY if isinstance(comp, ArrayType) else KIND_STRUCT
            self.field_n[i] = len(fields)
            for number, field in enumerate(fields):
                if not field.storage.is_defaultable and self.no_default[i] < 0:
                    self.no_default[i] = number
                storage.append(field.storage)
                mutable.append(field.mutable)
                pool.append(field.unpacked)
        self.pool, self.n_pool = pool, len(pool)
        self.field_storage, self.field_mut = storage, mutable
        self.n_sigs = n
        self.block_rows: dict[int, int] = {}
        self.add_sig(())

    def set_functions(self, module: ModuleSyntax) -> None:
        """Flatten the function and tag index spaces: type indices, imports first."""
        self.n_imported_funcs = len(module.imported_funcs)
        self.func_sig = array("q", module.imported_funcs) + array("q", module.funcs)
        self.n_funcs = len(self.func_sig)
        self.declared = bytearray(self.n_funcs)
        self.exact_imports = bytearray([item.exact for item in module.imports if item.kind == "func"])
        self.tag_sig = array("q", module.imported_tags + module.tags)
        self.n_tags = len(self.tag_sig)

    def set_index_spaces(self, module: ModuleSyntax) -> None:
        """Flatten tables, memories, globals and segments, imports first."""
        tables = module.imported_tables + [table.type for table in module.tables]
        self.n_tables = len(tables)
        self.table_element = array("q", [table.element for table in tables])
        self.table_is64 = array("q", [table.is64 for table in tables])
        memories = module.imported_memories + module.memories
        self.n_memories = len(memories)
        self.mem_is64 = array("q", [memory.is64 for memory in memories])
        self.mem_shared = array("q", [memory.shared for memory in memories])
        self.mem_page = array("q", [memory.page_size_log2 for memory in memories])
        globals_ = module.imported_globals + [item.type for item in module.globals]
        self.n_imported_globals = len(module.imported_globals)
        self.n_globals = len(globals_)
        self.global_type = array("q", [item.type for item in globals_])
        self.global_mut = array("q", [item.mutable for item in globals_])
        self.global_cell = array("q", range(len(globals_)))  # imported ones: in the array of pointers
        self.n_cells = 0
        for i in range(self.n_imported_globals, len(globals_)):
            self.global_cell[i] = self.n_cells
            self.n_cells += slots((globals_[i].type,))
        self.n_elems = len(module.elems)
        self.elem_type = array("q", [elem.type for elem in module.elems])
        self.n_data = -1 if module.data_count is None else module.data_count

    # Matching. Spec: 3.3 "Matching". All type indices are in range, all types canonical.

    def matches(self, sub: int, sup: int) -> bool:
        """Whether value type `sub` is a subtype of `sup`, which is not BOT."""
        if sub == sup or sub == BOT:
            return True
        if not (sub & REF and sup & REF):
            return False
        if sub & NULLABLE and not sup & NULLABLE:
            return False
        return self.heap_matches(sub, sup)

    def heap_matches(self, sub: int, sup: int) -> bool:
        """Whether the heap type of reference type `sub` is a subtype of that of `sup`."""
        index = sub & INDEX_MASK
        above = sup & INDEX_MASK
        if sub & CONCRETE:
            if not sup & CONCRETE:
                index = KIND_HEAP[self.kind_of[index]]
                return HEAP_ABOVE[16 * (index & 15) + (above & 15)] != 0
            if self.canon[index] == self.canon[above]:
                return sub & EXACT != 0 or not sup & EXACT
            return not sup & EXACT and self.inherits(index, self.canon[above])
        if index == 0:  # REF_BOT
            return True
        if sup & CONCRETE:
            above = KIND_HEAP[self.kind_of[above]]
            return index == HEAP_BOTTOM[above & 15]
        return HEAP_ABOVE[16 * (index & 15) + (above & 15)] != 0

    def inherits(self, index: int, canon: int) -> bool:
        """Whether a type above type `index` has that canonical id."""
        at = self.super_of[index]
        while at >= 0:
            if self.canon[at] == canon:
                return True
            at = self.super_of[at]
        return False

    def top_of(self, valtype: int) -> int:
        """The nullable reference to the top of the hierarchy of a reference type's heap type."""
        heap = valtype & INDEX_MASK
        if valtype & CONCRETE:
            heap = KIND_HEAP[self.kind_of[heap]]
        return REF | NULLABLE | HEAP_TOP[heap & 15]

    def sig_of_block(self, valtype: int) -> int:
        """The row of the block type `[] -> [valtype]`, or of `[] -> []` where `valtype` is BOT."""
        if valtype == BOT:
            return self.n_types
        row = self.block_rows.get(valtype)
        if row is None:
            row = self.block_rows[valtype] = self.add_sig((valtype,))
        return row

    def add_sig(self, results: tuple[int, ...]) -> int:
        """Append a row `[] -> results`; returns its number."""
        row = self.n_sigs
        if row >= len(self.sig_np):
            self.sig_np = enlarged(self.sig_np)
            self.sig_nr = enlarged(self.sig_nr)
            self.sig_po = enlarged(self.sig_po)
            self.sig_ro = enlarged(self.sig_ro)
            self.sig_ps = enlarged(self.sig_ps)
            self.sig_rs = enlarged(self.sig_rs)
        while self.n_pool + len(results) > len(self.pool):
            self.pool = enlarged(self.pool)
        self.sig_np[row], self.sig_nr[row] = 0, len(results)
        self.sig_ps[row], self.sig_rs[row] = 0, slots(results)
        self.sig_po[row] = self.sig_ro[row] = self.n_pool
        for valtype in results:
            self.pool[self.n_pool] = valtype
            self.n_pool += 1
        self.n_sigs = row + 1
        return row
