from wasmcy.engine.structs cimport FuncCode, Instance, u32, u64

cdef u64* RESULT_CELL       # where the machine goes when an outermost function returns
cdef u64* LINK_CELL         # where it goes when a call into another instance returns


cdef struct Chunk:          # where code of several functions lies
    u64* at
    Py_ssize_t first, stop  # which of `starts` lie in it, ascending


cdef class Code:
    cdef readonly object module             # ModuleSyntax
    cdef readonly object context            # Context
    cdef readonly Py_ssize_t n_functions    # defined here
    cdef FuncCode* functions
    cdef object lock, walkers             # (Validator, Translator) while no walk uses them
    cdef readonly bint lazy
    cdef readonly bint metered, deterministic
    cdef bint fuse
    cdef dict variants                      # the others, by (metered, deterministic)
    cdef Chunk* chunks                      # in the order of their addresses
    cdef Py_ssize_t n_chunks, cap_chunks, newest
    cdef u64* free                          # where in the newest chunk code goes next
    cdef u64* end
    cdef u64* starts                        # of translated functions, chunk by chunk,
    cdef u64* owners                        # and their indices
    cdef Py_ssize_t n_starts, cap_starts
    cdef dict points_of, rest_of, roots_of

    cdef int translate(self, FuncCode* function, object watch) except -1
    cdef FuncCode* of_stub(self, u64* pc) noexcept nogil
    cdef FuncCode* find(self, u64* pc) noexcept nogil
    cdef int publish(self, FuncCode* function, object translator) except -1
    cdef int publish_clauses(self, FuncCode* function, list catches, u32 start) except -1
    cdef u64* place(self, size_t words) except NULL
    cdef int enter_chunk(self, u64* at) except -1
    cdef int enter_start(self, u64 start, u64 index) except -1


cdef FuncCode* function_at(Instance* instance, u64* pc) except? NULL
cdef bint pop_frame(u64** pc, u64** sp, Instance** instance, FuncCode* function) noexcept nogil
cdef bint pop_links(u64** pc, u64** sp, Instance** instance) noexcept nogil
