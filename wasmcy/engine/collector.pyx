"""Collections: what of a store's heap can still be reached, and what becomes of the rest.

Roots are the slots of running and of suspended frames, words that native code holds, globals, tables and element
segments of reference types, and the objects that Python holds.  Everything else that an object of the heap
can be reached from is itself in the heap: other objects, exceptions.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer

from wasmcy.engine.heap cimport allocate, begin_collection, finish_collection, mark, mark_checked
from wasmcy.engine.store cimport Global, InstanceData, Store, Suspended, Table, set_collector
from wasmcy.engine.structs cimport Activation, Held, u64

from ..errors import MemoryLimit


cdef int collect(Store store) except -1:
    """Free the objects and host values that nothing refers to. No Python code runs before it is over."""
    cdef list dropped = []
    store.own_stack()  # for finalisers
    begin_collection(&store.heap)
    mark_words(store)
    mark_objects(store)
    finish_collection(&store.heap)
    store.drop_cells(dropped)
    dropped.clear()  # finalisers run here: they may use the store
    return 0


cdef u64* new_object(Store store, u64 words) except NULL:
    """An object of zeros, without a type yet.

    Raises:
        MemoryLimit: the store's limit would be exceeded.
    """
    cdef u64* place = allocate(&store.heap, words)
    if place == NULL:
        collect(store)
        place = NULL if is_full(store) else allocate(&store.heap, words)
        if place == NULL:
            raise MemoryLimit(f"memory limit of {store.memory_limit} bytes exceeded: no room for {8 * words} more")
    return place


cdef bint is_full(Store store) noexcept:
    """Whether a collection has found so little that the next ones would follow each other closely."""
    cdef u64 room = store.memory_limit - store.memory_used + store.heap.bytes - store.heap.live
    return store.memory_used > store.memory_limit or room < store.heap.live // 16


cdef void mark_words(Store store) noexcept:
    """What the stack, calls that were put aside, native code and Python hold."""
    cdef Held* held = store.held
    cdef Activation* activation = store.running
    cdef void* aside = store.suspended
    cdef u64 i
    if store.stack != NULL:
        mark_checked(&store.heap, store.stack, store.stack_top - store.stack)
    while activation != NULL:
        mark_checked(&store.heap, &activation.object, 1)
        activation = activation.outer
    while aside != NULL:
        mark_checked(&store.heap, (<Suspended>aside).words, (<Suspended>aside).count)
        mark_checked(&store.heap, &(<Suspended>aside).activation.object, 1)
        aside = (<Suspended>aside).older
    while held != NULL:
        mark_checked(&store.heap, held.words, held.n)
        held = held.next
    for i in range(store.n_handles):
        mark(&store.heap, store.handles[i])
    store.heap.scanned += store.n_handles


cdef int mark_objects(Store store) except -1:
    """What tables, globals and element segments hold."""
    cdef InstanceData instance
    for found in store.traced:
        if isinstance(found, Table):
            mark_all(store, (<Table>found).record.elements, (<Table>found).record.size)
        else:
            mark_all(store, (<Global>found).cell, 1)
    for instance in store.instances:
        mark_segments(store, instance)
    for instance in store.unfinished:
        mark_segments(store, instance)
        for found in instance.globals:
            if (<Global>found).traced:
                mark_all(store, (<Global>found).cell, 1)
    return 0


cdef void mark_all(Store store, u64* words, u64 n) noexcept:
    cdef u64 i
    for i in range(n):
        mark(&store.heap, words[i])
    store.heap.scanned += n


cdef int mark_segments(Store store, InstanceData instance) except -1:
    cdef Py_buffer view
    if instance.traced_elems is None:
        return 0
    for i in instance.traced_elems:
        if i < len(instance.elems) and instance.elems[i] is not None:
            PyObject_GetBuffer(instance.elems[i], &view, PyBUF_SIMPLE)
            mark_all(store, <u64*>view.buf, <u64>view.len // sizeof(u64))
            PyBuffer_Release(&view)
    return 0


set_collector(<void*>collect)
