from cpython.pythread cimport PyThread_type_lock
from wasmcy.engine.structs cimport u8, u64


cdef enum Woken:
    ASLEEP
    NOTIFIED
    INTERRUPTED


cdef struct Waiter:                 # one wait of a thread, on its C stack
    Waiter* next                    # in the bucket, the longest waiting first
    Waiter* previous
    const u8* address               # what it waits on
    PyThread_type_lock lock         # held while asleep
    Woken woken
    bint queued


cdef int enter_queue(Waiter* waiter, const u8* address, u64 expected, u64 size, void** place) except -1
cdef bint sleep(Waiter* waiter, double seconds) except -1
cdef bint leave_queue(Waiter* waiter, void** place, void* outer) noexcept
cdef u64 notify(const u8* address, u64 count) noexcept
cdef void wake(void** place) noexcept
