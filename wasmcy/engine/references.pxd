"""What the type of a reference is, asked inside of handlers (spec 4.6.3 "Values": reference types)."""
from wasmcy.engine.structs cimport ID, FuncRef, Heap, HeapType, u32, u64


cdef inline bint is_below(Heap* heap, u64 type_id, u64 above) noexcept nogil:
    """Whether a type is declared, directly or not, to be below another one."""
    cdef HeapType* a
    cdef HeapType* b
    if type_id >= heap.n_types or above >= heap.n_types:
        return False
    a = heap.types[type_id]
    b = heap.types[above]
    return a != NULL and b != NULL and a.depth > b.depth and a.display[b.depth] == above


cdef inline bint is_data(Heap* heap, u64 word, u64 above, u64 depth) noexcept nogil:
    """Whether a reference that is not null is one to a struct or array of a type, which has that depth."""
    cdef u64 type_id
    cdef HeapType* found
    if word & 7:
        return False
    type_id = (<u64*>word)[0] & ID
    if type_id == above:
        return True
    found = heap.types[type_id]
    return found.depth > depth and found.display[depth] == above


cdef inline bint is_func(Heap* heap, u64 word, u64 above) noexcept nogil:
    """Whether a function reference that is not null is one to a function of a type."""
    cdef u64 type_id = (<FuncRef*>word).type
    return type_id == above or is_below(heap, type_id, above)


cdef inline bint is_abstract(Heap* heap, u64 word, u64 which) noexcept nogil:
    """Whether a reference that is not null is 0 none, 1 of the top type, 2 an i31, 3 eq, 4 a struct, 5 an array."""
    if which < 2:
        return which == 1
    if word & 1:
        return which < 4
    if word & 7 or which == 2:
        return False
    return which == 3 or heap.types[(<u64*>word)[0] & ID].kind == which - 3
