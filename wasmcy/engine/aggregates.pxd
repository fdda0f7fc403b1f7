from wasmcy.engine.store cimport InstanceData, Store
from wasmcy.engine.structs cimport Activation, i64, u32, u64

cdef enum:                          # what `array_step` and `find_cell` return, or the reason of a trap
    DONE = 0
    MORE = -1                       # poll, then go on
    FULL = -2                       # collect, then try again
    TOO_LARGE = -3

cdef i64 find_cell(Activation* activation) noexcept nogil
cdef i64 array_step(Activation* activation) noexcept nogil
cdef i64 segment_operation(
    Store store, InstanceData instance, u64 op, u32 type_id, u32 segment, u64* operands
) except -9
