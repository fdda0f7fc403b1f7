"""What the type of a reference is, asked inside of handlers (spec 4.6.3 "Values": reference types)."""
from wasmcy.engine.structs cimport ID, FuncRef, Heap, HeapType, u32, u64


cdef inline bint is_data(Heap* heap, u64 word, u64 above, u64 depth) noexcept nogil:
    """Whether a reference that is not null is one to a struct or array of a type, which has that depth.

    No type has a depth above MAX_SUBTYPE_DEPTH: then those below it do not count.
    """
    cdef u64 type_id
    cdef HeapType* found
    if word & 7:
        return False
    type_id = (<u64*>word)[0] & ID
    if type_id == above:
        return True
    found = heap.types[type_id]
    return found.depth > depth and found.display[depth] == above


cdef inline bint is_func(Heap* heap, u64 word, u64 above, u64 depth) noexcept nogil:
    """The same for a function reference."""
    cdef u64 type_id = (<FuncRef*>word).type
    cdef HeapType* found
    if type_id == above:
        return True
    found = heap.types[type_id] if type_id < heap.n_types else NULL
    return found != NULL and found.depth > depth and found.display[depth] == above


cdef inline u64 descriptor_of(Heap* heap, u64* place) noexcept nogil:
    """The descriptor of a struct whose type has one."""
    return place[heap.types[place[0] & ID].descriptor]


cdef inline bint is_described(Heap* heap, u64 word, u64 descriptor) noexcept nogil:
    """Whether a reference that is not null is one to a struct with that descriptor."""
    cdef u32 at
    if word & 7:
        return False
    at = heap.types[(<u64*>word)[0] & ID].descriptor
    return at != 0 and (<u64*>word)[at] == descriptor


cdef inline bint is_abstract(Heap* heap, u64 word, u64 which) noexcept nogil:
    """Whether a reference that is not null is 0 none, 1 of the top type, 2 an i31, 3 eq, 4 a struct, 5 an array."""
    if which < 2:
        return which == 1
    if word & 1:
        return which < 4
    if word & 7 or which == 2:
        return False
    return which == 3 or heap.types[(<u64*>word)[0] & ID].kind == which - 3
