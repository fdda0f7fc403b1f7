from cpython.object cimport PyObject
from cpython.pythread cimport PyThread_type_lock
from wasmcy.engine.structs cimport i64, u8, u64


cdef enum Woken:
    ASLEEP
    NOTIFIED
    INTERRUPTED


cdef struct Waiter:                 # one wait: of a thread, on its C stack, or a LoopWaiter's
    Waiter* next                    # in the bucket, the longest waiting first
    Waiter* previous
    const u8* address               # what it waits on
    PyObject* owner                 # borrowed: its LoopWaiter, or NULL
    PyThread_type_lock lock         # held while asleep
    Woken woken
    bint queued


cdef class LoopWaiter:
    cdef Waiter waiter
    cdef void* place                # what knows of it: nothing, for nobody else interrupts it
    cdef object memory              # keeps what the address lies in
    cdef const u8* address
    cdef u64 expected, size
    cdef object wake
    cdef bint entered               # and not left
    cdef u64 forks                  # waiting.forks when it was entered

    cdef bint end(self) noexcept


cdef int enter_queue(
    Waiter* waiter, const u8* address, u64 expected, u64 size, void** place, PyObject* owner
) except -1
cdef bint sleep(Waiter* waiter, double seconds) except -1
cdef bint leave_queue(Waiter* waiter, void** place, void* outer) noexcept
cdef i64 notify(const u8* address, u64 count) except -1
cdef LoopWaiter loop_waiter(object memory, const u8* address, u64 expected, u64 size)
cdef void wake(void** place) noexcept
