"""The data areas the machine works on (docs/architecture.md draws them)."""
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

ctypedef uint8_t u8
ctypedef uint16_t u16
ctypedef uint32_t u32
ctypedef uint64_t u64
ctypedef int8_t i8
ctypedef int16_t i16
ctypedef int32_t i32
ctypedef int64_t i64

cdef extern from "machine.h" nogil:
    const int WASMCY_TAIL
    bint WASMCY_UNLIKELY(bint)
    bint WASMCY_LIKELY(bint)
    void WASMCY_BARRIER()
    u64* wcy_ahead(u64*, int)
    u64 F_D(const u64*)
    u64 F_A(const u64*)
    u64 F_B(const u64*)
    u64 F_C(const u64*)
    i64 F_C16(const u64*)
    i64 F_B16(const u64*)
    u32 F_HALF(const u64*)
    u32 W_HALF(const u64*, int, int)
    u64 W_U16(const u64*, int, int)
    u32 wcy_half(const u64*, u64)
    u32 wcy_slot_u32(const u64*, u64)
    double wcy_slot_f64(const u64*, u64)
    float wcy_slot_f32(const u64*, u64)
    void wcy_set_f64(u64*, u64, double)
    void wcy_set_f32(u64*, u64, float)
    float wcy_f32(u32)
    double wcy_f64(u64)
    u32 wcy_bits32(float)
    u64 wcy_bits64(double)
    u8 wcy_load_u8(const u8*)
    u16 wcy_load_u16(const u8*)
    u32 wcy_load_u32(const u8*)
    u64 wcy_load_u64(const u8*)
    float wcy_load_f32(const u8*)
    double wcy_load_f64(const u8*)
    void wcy_store_u8(u8*, u8)
    void wcy_store_u16(u8*, u16)
    void wcy_store_u32(u8*, u32)
    void wcy_store_u64(u8*, u64)
    void wcy_store_f32(u8*, float)
    void wcy_store_f64(u8*, double)
    u32 wcy_rotl32(u32, u32)
    u32 wcy_rotr32(u32, u32)
    u64 wcy_rotl64(u64, u64)
    u64 wcy_rotr64(u64, u64)
    u32 wcy_clz32(u32)
    u32 wcy_ctz32(u32)
    u64 wcy_clz64(u64)
    u64 wcy_ctz64(u64)
    u64 wcy_popcnt64(u64)
    u64 wcy_load_acquire(void*)
    ctypedef union v128 "wcy_v128":
        u64 u64x2[2]
        i64 i64x2[2]
        double f64x2[2]
        u32 u32x4[4]
        i32 i32x4[4]
        float f32x4[4]
        u16 u16x8[8]
        i16 i16x8[8]
        u8 u8x16[16]
        i8 i8x16[16]
    int WASMCY_LANE8(int)
    int WASMCY_LANE16(int)
    int WASMCY_LANE32(int)
    int WASMCY_LANE64(int)
    void wcy_store_release(void*, u64)
    int wcy_take(u64*, u64)
    const u64 WASMCY_LARGE          # flag in the header of an object that is no cell
    void wcy_fence()
    u8 wcy_atomic_load_u8(const u8*)
    u8 wcy_atomic_add_u8(u8*, u8)
    u8 wcy_atomic_sub_u8(u8*, u8)
    u8 wcy_atomic_and_u8(u8*, u8)
    u8 wcy_atomic_or_u8(u8*, u8)
    u8 wcy_atomic_xor_u8(u8*, u8)
    u8 wcy_atomic_xchg_u8(u8*, u8)
    u8 wcy_atomic_cmpxchg_u8(u8*, u8, u8)
    u16 wcy_atomic_load_u16(const u8*)
    u16 wcy_atomic_add_u16(u8*, u16)
    u16 wcy_atomic_sub_u16(u8*, u16)
    u16 wcy_atomic_and_u16(u8*, u16)
    u16 wcy_atomic_or_u16(u8*, u16)
    u16 wcy_atomic_xor_u16(u8*, u16)
    u16 wcy_atomic_xchg_u16(u8*, u16)
    u16 wcy_atomic_cmpxchg_u16(u8*, u16, u16)
    u32 wcy_atomic_load_u32(const u8*)
    u32 wcy_atomic_add_u32(u8*, u32)
    u32 wcy_atomic_sub_u32(u8*, u32)
    u32 wcy_atomic_and_u32(u8*, u32)
    u32 wcy_atomic_or_u32(u8*, u32)
    u32 wcy_atomic_xor_u32(u8*, u32)
    u32 wcy_atomic_xchg_u32(u8*, u32)
    u32 wcy_atomic_cmpxchg_u32(u8*, u32, u32)
    u64 wcy_atomic_load_u64(const u8*)
    u64 wcy_atomic_add_u64(u8*, u64)
    u64 wcy_atomic_sub_u64(u8*, u64)
    u64 wcy_atomic_and_u64(u8*, u64)
    u64 wcy_atomic_or_u64(u8*, u64)
    u64 wcy_atomic_xor_u64(u8*, u64)
    u64 wcy_atomic_xchg_u64(u8*, u64)
    u64 wcy_atomic_cmpxchg_u64(u8*, u64, u64)


cdef struct CatchClause:            # of a try_table: words [start, end) of a function
    u32 start
    u32 end
    u32 kind                        # ClauseKind
    u32 tag                         # tag index
    u32 slot                        # where the values go
    u32 target                      # where to go on, in words; DELEGATE: the next clause to try

cdef enum ClauseKind:               # of what a try_table or an older handler catches
    CATCHES_REF = 1                 # it passes the exception, above the values
    CATCHES_ALL = 2                 # whatever the tag; no values
    CATCHES_OLD = 4                 # the exception goes below the values
    DELEGATES = 8                   # the clauses between this one and `target` do not count

cdef struct FuncCode:               # one function of a module: shared by all its instances
    u64* code                       # published with release; code[-1] is the frame size in slots
    u64 index                       # function index in the module
    u32 params                      # slots
    u32 results                     # slots
    u64 length                      # words of code; 0 before it is translated
    CatchClause* clauses            # innermost first
    u64 n_clauses
    u64 stub[5]                     # [frame size][handler that leaves to translate][0], twice: behind a charge

cdef struct TagRecord:              # a tag: its address is its identity
    u64 type                        # canonical type id
    u64 params                      # slots
    u32 n_traced                    # values that the collector follows,
    u32* traced                     # and their places, in words of an exception
    void* object                    # borrowed: the Tag object

cdef struct Exception_:             # an exception: an object of the heap
    u64 header                      # EXCEPTION, number of values
    TagRecord* tag                  # NULL: the value is the cell of a Python exception
    u64 values[1]

cdef struct HeapType:               # what the heap knows of a type, by its canonical id
    u32 kind                        # 0 function, 1 struct, 2 array, as the validation context has it
    u32 depth                       # of supertypes above it
    u32 words                       # of a struct, with its header and its descriptor
    u32 descriptor                  # of a struct: the place of its descriptor, in words; 0: it has none
    u32 shift                       # of an array: an element has 1 << shift bytes
    u32 n_traced                    # fields that the collector follows; of an array: whether it follows elements
    u32* traced                     # their places, in words
    u32 display[64]                 # the ids of the types above it, the furthest first, and its own

cdef struct Heap:                   # the objects of a store (heap.pyx)
    u64* free[28]                   # by size class: cells to take, linked through their second word; the last: large
    HeapType** types                # by canonical id; NULL where no instance of the store has that type
    u64 n_types
    u8 class_of[257]                # size class of a number of words
    u32 cell_words[27]              # words of a cell, by class
    Chunk** chunks                  # by address
    u64 n_chunks, room_chunks
    Block* empty                    # blocks without objects
    Block* unswept[27]              # by class: blocks whose dead cells are not linked yet
    Large** larges
    u64 n_larges, room_larges
    u64* pending                    # marked objects whose fields are to be followed
    u64 n_pending, room_pending
    bint overflow                   # there was no room to note one: all marked objects are looked at again
    u8* cells                       # by number of a host value's cell: it is in use
    u64 n_cells, room_cells
    u64 allocated                   # bytes given out since the last collection
    u64 budget                      # how many before the next
    u64 live                        # bytes found in use by the last collection
    u64 scanned                     # words it looked at outside of the heap
    u64 bytes                       # of blocks and large objects
    u64 collections
    u64* memory_used                # of the store
    u64* memory_limit
    bint stressed                   # a collection before each allocation
    bint fresh                      # there was one, and no allocation since

cdef struct Chunk:                  # blocks side by side, from one allocation
    u8* memory
    u64 base                        # of its first block
    u32 n_blocks                    # it has room for
    u32 n_taken                     # so far; the others were never used

cdef struct Block:                  # objects of one size class: this header, then the cells
    Block* next
    u32 size_class                  # EMPTY: of none
    u32 n_cells
    u64 marks[32]                   # a bit for each word of the block

cdef struct Large:                  # an object larger than a cell can be: this header, then the object
    u64 bytes
    u64 marked

cdef enum:
    FREE = 0x7FFFFFFF               # type id of a cell that holds no object
    EXCEPTION = 0x7FFFFFFE          # type id of an exception
    ID = 0x7FFFFFFF
    CLASSES = 27
    LARGE_CLASS = 27
    SMALL_WORDS = 256               # words of the largest cell
    BLOCK_BYTES = 1 << 14
    EMPTY = 255                     # size class of blocks that have none

cdef struct FrameRoots:             # what a frame holds at a point (frames.py)
    u64* pc
    bint called                     # pc is where a running call returns to
    bint known                      # if not, any slot may hold a reference
    FuncCode* function
    u32 n
    u32* slots                      # that hold references

cdef struct Held:                   # words that native code holds while Python code may run
    u64* words
    u64 n
    Held* next
    Held** place                    # what points to it

cdef struct MemoryRecord:           # one linear memory
    u8* base
    u64 size                        # bytes
    u64 max                         # bytes
    u64 reserved                    # bytes of address space held at base; 0: malloc'd
    u32 is64
    u32 shared
    u64 page                        # log2 of the page size in bytes
    i64 views                       # exported buffers; not counted where the memory is shared
    void* store                     # borrowed: the Store that counts its bytes, or NULL

cdef struct TableRecord:            # one table
    u64* elements                   # reference words; null is 0
    u64 size                        # elements
    u64 max                         # elements
    u64 capacity                    # elements
    u32 is64
    void* store

cdef struct FuncRef:                # what a function reference points to
    FuncCode* code                  # NULL: a host function
    Instance* instance              # NULL: a host function
    u64 type                        # canonical type id
    void* host                      # borrowed: the HostFunction object, or NULL
    void* owner                     # borrowed: the Store

cdef struct Instance:
    # the running activation's line
    u64* stack_limit
    i64 poll                        # polls left until the machine looks around
    i64 fuel                        # left until the machine looks around, in a metered store
    Activation* activation
    MemoryRecord* memory0           # never NULL: a record of size 0 where there is no memory
    # the instance's own
    MemoryRecord** memories
    FuncRef* own_funcs              # of the functions defined here, by index - imported functions
    FuncRef** imported_funcs
    TableRecord** tables
    u64** imported_globals
    TagRecord** tags
    Heap* heap                      # the store's
    void* object                    # borrowed: the Instance object
    void* code                      # borrowed: its module's Code
    u64 suspended                   # calls put aside that nobody may overtake
    u64 n_cells
    u64 n_imported_globals
    u64 cells[1]                    # the globals defined here (inline, two words for v128)

cdef struct Activation:
    u64* pc
    u64* sp
    Instance* instance
    FuncRef* callee                 # of a call that left,
    u64* args                       # and where its arguments stand
    u64 reason
    u64 value                       # what the accumulators start with
    i64 poll
    u64 object                      # an array that is being filled in pieces,
    u64 done                        # and how many of its elements are
    Activation* outer               # that waits for this one
    u64 memory_size                 # of memory 0, when the machine was entered last
    double f0                       # of an access out of bounds, the other accumulators
    float s0
    u64* fuel                       # the store's: what is left, but for what the running instance has
    u64 owed                        # what it is to have at least: the cost of the block that comes
    u64* base                       # where its part of the stack starts
    void* func                      # borrowed: the Func that was called
    void* call                      # borrowed: the Suspended it goes to when it waits; NULL: it may not
    bint raw                        # its results are wanted as bits
    bint again                      # of a call put back from a snapshot: the host function is called anew

cdef enum:
    MAX_RESULTS = 1000              # of a function (JS API: implementation limits)
    LINK_SLOTS = 5                  # of a call into another instance

cdef struct State:                  # the return-to-a-loop form: what the eight arguments hold
    u64* sp
    u8* mem
    u64 mem_size
    Instance* instance
    u64 r0
    double f0
    float s0


# why the machine left (Activation.reason).  The traps come first: their messages stand in machine.pyx
cdef enum Reason:
    TRAP_UNREACHABLE = 1
    TRAP_BOUNDS
    TRAP_DIVIDE
    TRAP_OVERFLOW
    TRAP_CONVERSION
    TRAP_UNDEFINED
    TRAP_UNINITIALIZED
    TRAP_SIGNATURE
    TRAP_TABLE_BOUNDS
    TRAP_UNALIGNED
    TRAP_NULL
    TRAP_NULL_FUNCTION
    TRAP_NULL_STRUCT
    TRAP_NULL_ARRAY
    TRAP_NULL_I31
    TRAP_ARRAY_BOUNDS
    TRAP_CAST
    TRAP_NULL_DESCRIPTOR
    TRAP_DESCRIPTOR_CAST
    LEAVE_EXHAUSTED
    LEAVE_RESULT
    LEAVE_TRANSLATE
    LEAVE_CALL                      # a host function or one of another instance: Activation.callee
    LEAVE_TAIL_CALL
    LEAVE_SUBTYPE                   # an indirect call found a function of another type, perhaps of a subtype
    LEAVE_TAIL_SUBTYPE
    LEAVE_LINK                      # a call into another instance returned
    LEAVE_POLL
    LEAVE_BULK                      # a large memory.copy or memory.fill
    LEAVE_OPERATION                 # a rare instruction, done in machine.pyx
    LEAVE_THROW
    LEAVE_ALLOCATE                  # no cell is left of the size class Activation.value
    LEAVE_HEAP                      # an instruction on arrays, done in aggregates.pyx
    LEAVE_FUEL                      # not enough for the block that starts at pc
