cimport cython

cdef long long BOT, REF, NULLABLE, CONCRETE, EXACT, INDEX_MASK, V128
cdef long long[::1] HEAP_ABOVE, HEAP_TOP, HEAP_BOTTOM, KIND_HEAP


@cython.locals(view="long long[::1]", i=Py_ssize_t)
cpdef enlarged(long long[::1] old)


cdef class Context:
    cdef readonly object module               # ModuleSyntax
    cdef readonly object features             # Features
    # signatures
    cdef readonly Py_ssize_t n_types          # rows below are type indices, the others block types
    cdef readonly Py_ssize_t n_sigs           # rows in use; the arrays may be longer
    cdef readonly long long[::1] sig_np       # number of parameters, -1: no function type
    cdef readonly long long[::1] sig_nr       # number of results
    cdef readonly long long[::1] sig_ps       # slots of the parameters
    cdef readonly long long[::1] sig_rs       # slots of the results
    cdef readonly long long[::1] sig_po       # where in `pool` the parameters stand
    cdef readonly long long[::1] sig_ro       # where in `pool` the results stand
    cdef readonly long long[::1] pool         # value types
    cdef Py_ssize_t n_pool                    # of `pool` in use
    cdef dict block_rows                      # value type -> row
    # the other types, by type index
    cdef readonly object canon_ids            # what matching.canonicalise gave
    cdef object held                          # holds them
    cdef readonly long long[::1] canon        # the same: canonical ids
    cdef readonly long long[::1] kind_of      # KIND_FUNC, KIND_STRUCT or KIND_ARRAY
    cdef readonly long long[::1] super_of     # type index, -1: none
    cdef readonly long long[::1] descriptor_of  # type index, -1: none
    cdef readonly long long[::1] no_default   # its first field without a default value, -1: none
    cdef readonly long long[::1] field_n      # number of fields; 1 for an array
    cdef readonly long long[::1] field_ro     # where in `pool` their unpacked types stand
    cdef readonly long long[::1] field_po     # where in the next two its fields stand
    cdef readonly long long[::1] field_storage
    cdef readonly long long[::1] field_mut
    # index spaces, imports first
    cdef readonly Py_ssize_t n_imported_funcs, n_funcs, n_tables, n_memories
    cdef readonly Py_ssize_t n_imported_globals, n_globals, n_tags, n_elems
    cdef readonly Py_ssize_t n_cells          # of the globals defined here: words in an instance
    cdef readonly Py_ssize_t n_data           # -1: no data count section
    cdef readonly long long[::1] func_sig     # type index
    cdef readonly unsigned char[::1] declared  # 1: `ref.func` may name it
    cdef readonly unsigned char[::1] exact_imports  # of functions, 1: of just the type the import says
    cdef readonly long long[::1] table_element
    cdef readonly long long[::1] table_is64
    cdef readonly long long[::1] mem_is64
    cdef readonly long long[::1] mem_shared
    cdef readonly long long[::1] mem_page     # log2 of the page size in bytes
    cdef readonly long long[::1] global_type
    cdef readonly long long[::1] global_mut
    cdef readonly long long[::1] global_cell  # of its first cell; for imported ones the global index
    cdef readonly long long[::1] tag_sig      # type index
    cdef readonly long long[::1] elem_type

    cpdef bint matches(self, long long sub, long long sup) except -1
    @cython.locals(index="long long", above="long long")
    cdef bint heap_matches(self, long long sub, long long sup) except -1
    @cython.locals(at="long long")
    cdef bint inherits(self, long long index, long long canon) except -1
    @cython.locals(heap="long long")
    cdef long long top_of(self, long long valtype) except -1
    cpdef Py_ssize_t sig_of_block(self, long long valtype) except -1
    @cython.locals(row=Py_ssize_t)
    cdef Py_ssize_t add_sig(self, tuple results) except -1
