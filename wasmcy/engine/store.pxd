from cpython.object cimport PyObject
from cpython.pythread cimport PyThread_type_lock
from wasmcy.engine.structs cimport (
    Activation, FrameRoots, FuncRef, Heap, Held, Instance, MemoryRecord, TableRecord, TagRecord, u32, u64, i64,
)


cdef class Epoch:
    cdef u64 ticks                          # read and written atomically


cdef class Store:
    cdef object limits_                     # Limits, or None
    cdef u64 memory_limit                   # bytes of linear memories and tables together
    cdef u64 memory_used
    cdef u64 each_memory                    # bytes a memory may have
    cdef u64 each_table                     # elements a table may have
    cdef u64 table_limit, table_used        # elements of all tables
    cdef readonly bint metered              # its instances run code that counts
    cdef bint deterministic_                # its instances run code whose NaNs are canonical
    cdef u64 fuel_left                      # while the machine does not run
    cdef u64 objects_allowed[3]             # by COUNTED: how many there may be
    cdef u64 objects_left[3]                # how many more
    cdef double timeout                     # seconds for each outermost call; 0: none
    cdef double deadline                    # of the running call, by the monotonic clock; 0: none
    cdef Epoch epoch                        # a clock of the program's own, or None
    cdef u64* tick                          # the epoch's, NULL: none
    cdef u64 last_tick                      # from which on nothing runs
    cdef u64* stack
    cdef u64 stack_slots
    cdef u64* stack_top                     # where the next activation starts
    cdef u64 owner                          # thread that runs in the store, 0: none
    cdef int depth                          # activations, one inside the other
    cdef i64 pace                           # polls between two looks around
    cdef readonly bint suspendable          # what runs now was called by call_async
    cdef bint stressed                      # leave at every poll
    cdef readonly volatile int interrupted  # what runs, or waits in an event loop, is to end
    cdef void* waiter                       # of its thread, while that waits on a shared memory
    cdef set shared                         # the shared memories its instances use
    cdef list kept                          # objects whose C records the store's instances point to
    cdef list externs                       # host values and caught Python exceptions, by cell
    cdef dict extern_cells                  # id(value) -> cell
    cdef dict funcs                         # address of a FuncRef -> Func
    cdef list instances                     # InstanceData
    cdef list unfinished                    # InstanceData in the making
    cdef list free_cells                    # of externs, to use again
    cdef list traced                        # tables and globals that may hold references to the heap
    cdef dict types                         # canonical id -> type: of the objects in the heap
    cdef Heap heap
    cdef FrameRoots** roots                 # of the points that collections have found: a hash table
    cdef u64 n_roots, room_roots
    cdef Held* held
    cdef Activation* running                # the innermost
    cdef void* suspended                    # borrowed: the newest Suspended
    cdef u64* handles                       # references that Python objects hold, 0: free
    cdef u64 n_handles, room_handles, free_handle
    cdef PyThread_type_lock handle_lock
    cdef object __weakref__

    cdef int check_owner(self) except -1
    cdef int take(self) except 0
    cdef int check_room(self, u64 elements) except -1
    cdef int charge(self, u64 bytes) except -1
    cdef bint may_charge(self, u64 bytes) noexcept nogil
    cdef int find_room(self, u64 bytes) except -1
    cdef bint is_over(self) noexcept nogil
    cdef int admit(self, int kind) except -1
    cdef size_t stack_bytes(self) noexcept
    cdef int own_stack(self) except -1
    cdef u64 cell(self, object value, u64 bytes) except 0
    cdef int drop_cells(self, list dropped) except -1
    cdef void keep(self, Held* held, u64* words, u64 n) noexcept
    cdef void release(self, Held* held) noexcept
    cdef i64 hold(self, u64 word) except -1
    cdef void let_go(self, u64 handle) noexcept
    cdef int lend_stack(self) except -1


cdef class Suspended:                       # a call put aside
    cdef Activation activation              # sp, args and base point into `words`
    cdef u64* words                         # a copy of its part of the stack
    cdef u64 count
    cdef readonly Store store
    cdef object func                        # the Func that was called
    cdef bint raw
    cdef bint reentrant, failed
    cdef object outcome                     # what is to be awaited, then what came of it: a value, or an error
    cdef double deadline                    # by the monotonic clock; 0: none
    cdef list entered                       # the instances that have frames in it; None: that of its function
    cdef int marks                          # 1: they refuse other calls
    cdef void* older                        # borrowed: all those of the store
    cdef void* newer
    cdef object __weakref__

    cdef int put(self, u64* top) except -1
    cdef int copy(self, u64* words, u64 count, i64 sp, i64 args) except -1
    cdef bint waits_for_host(self) noexcept
    cdef int drop(self) noexcept
    cdef int mark(self, int change) noexcept
    cdef int abandon(self) except -1


ctypedef unsigned char* u8_ptr


cdef class Image:
    cdef int file                           # -1: none
    cdef u64 length                         # bytes; what follows is zero,
    cdef u64 size                           # up to whole pages


cdef class Memory:
    cdef MemoryRecord record
    cdef readonly object type
    cdef readonly Store store

    cdef int join(self, Store store) except -1
    cdef bint show(self, Image image) noexcept
    cdef i64 grow_pages(self, u64 pages, Store store) except -2
    cdef i64 grow_owned(self, u64 pages, Store store) except -2
    cdef bint enlarge(self, u64 new) noexcept
    cdef u8_ptr at(self, object where, i64 length) except NULL
    cdef int allocate(self, u64 size) except -1
    cdef bint reserve(self, u64 size) noexcept
    cdef i64 span(self, object key, i64* length) except -1


cdef class Table:
    cdef TableRecord record
    cdef readonly object type
    cdef object held                        # keeps the types alive that it names
    cdef readonly Store store

    cdef int join(self, Store store) except -1
    cdef i64 grow_by(self, u64 count, u64 word) except -2
    cdef bint make_room(self, u64 count) noexcept
    cdef int add(self, u64 count) noexcept
    cdef Store home(self)
    cdef u64 word(self, object value) except? 0xFFFFFFFFFFFFFFFF
    cdef u64* element(self, object index) except NULL


cdef u64 UNKNOWN
cdef object BARE                            # the value of a Global whose maker fills it in


cdef class Global:
    cdef u64* cell
    cdef u64 own[2]
    cdef readonly object type
    cdef object held                        # keeps the types alive that it names
    cdef readonly Store store
    cdef long long valtype
    cdef object keeper                      # whose memory `cell` lies in
    cdef bint traced                        # it may hold references to the heap

    cdef int join(self, Store store) except -1


cdef class Tag:
    cdef TagRecord record
    cdef readonly object type
    cdef object held                        # keeps the types alive that it names
    cdef readonly Store store

    cdef int join(self, Store store) except -1


cdef u64 to_word(Store store, long long valtype, object value) except? 0xFFFFFFFFFFFFFFFF
cdef object from_word(Store store, long long valtype, u64 word)
cdef u64 slots_of(types) except? 0xFFFFFFFFFFFFFFFF
cdef int to_slots(Store store, long long valtype, object value, u64* to) except -1
cdef object from_slots(Store store, long long valtype, const u64* words)
cdef object raw_from_slots(Store store, long long valtype, const u64* words)
cdef bint is_traced(long long valtype) except -1
cdef void set_collector(void* collect) noexcept
cdef void set_object_types(object of_word, object word_of) noexcept


cdef class InstanceData:                    # what the machine needs of an instance
    cdef Instance* record
    cdef readonly Store store
    cdef object code                        # Code
    cdef object waiting                     # Turns of calls that wait for it; None: none yet
    cdef object caller                      # Caller, once a host function has asked for it
    cdef list memories, tables, globals, tags
    cdef list elems                         # of each element segment: its words as array('Q'), None once dropped
    cdef tuple traced_elems                 # numbers of those whose words are references to the heap
    cdef tuple restored                     # Suspended: the calls that a snapshot held
    cdef list datas                         # of each data segment: bounds in the module's bytes, None once dropped
    cdef object __weakref__
