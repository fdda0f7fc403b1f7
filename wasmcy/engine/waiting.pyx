"""Those who wait on an address of a shared memory, and who wakes them (threads proposal: wait, notify).

Queues are the process's: stores of several threads share a memory.  All of them are under one lock,
which is held for a few instructions, never while taking the GIL.  A thread sleeps in a lock of its own,
without the GIL, and is woken by a notification, by an interrupt of its store, or by its time's end.
A call that may be put aside waits in its event loop (LoopWaiter).
"""

import os

from cpython.object cimport PyObject
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_release_lock, PyThread_type_lock,
    WAIT_LOCK,
)
from cpython.ref cimport Py_DECREF, Py_INCREF

from wasmcy.engine.structs cimport i64, u8, u64, wcy_atomic_load_u32, wcy_atomic_load_u64

cdef extern from "Python.h":
    ctypedef struct PyThreadState
    PyThreadState* PyEval_SaveThread() nogil
    void PyEval_RestoreThread(PyThreadState*) nogil
    ctypedef enum PyLockStatus:
        PY_LOCK_ACQUIRED
    PyLockStatus PyThread_acquire_lock_timed(PyThread_type_lock, long long microseconds, int interruptible) nogil

cdef enum:
    BUCKETS = 256

cdef Waiter* first[BUCKETS]
cdef Waiter* last[BUCKETS]
cdef PyThread_type_lock guard = PyThread_allocate_lock()
cdef u64 forks = 0                  # forks between the first process and this one: a child has queues of its own
cdef double LONGEST = 3600.0 if os.name != "nt" else 0.05  # seconds of one sleep: on Windows Ctrl-C ends none


def _after_fork():
    """The threads that waited, or held the lock, do not exist in the child."""
    global guard, forks
    cdef int i
    forks += 1
    guard = PyThread_allocate_lock()
    for i in range(BUCKETS):
        first[i] = last[i] = NULL


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


cdef inline size_t bucket(const u8* address) noexcept:
    cdef size_t at = <size_t>address >> 2
    return (at ^ at >> 8 ^ at >> 16) % BUCKETS


cdef void unlink(Waiter* waiter) noexcept:
    cdef size_t b = bucket(waiter.address)
    if waiter.previous == NULL:
        first[b] = waiter.next
    else:
        waiter.previous.next = waiter.next
    if waiter.next == NULL:
        last[b] = waiter.previous
    else:
        waiter.next.previous = waiter.previous
    waiter.queued = False


cdef void rouse(Waiter* waiter, Woken why) noexcept:
    if waiter.woken == ASLEEP:
        PyThread_release_lock(waiter.lock)
    waiter.woken = why


cdef int enter_queue(
    Waiter* waiter, const u8* address, u64 expected, u64 size, void** place, PyObject* owner
) except -1:
    """Queue up if `size` bytes at `address` are what is expected; 0: they are not.

    `place` is where `wake` finds the waiter from then on; the `owner` is told of a notification.
    """
    cdef size_t b = bucket(address)
    cdef u64 found
    waiter.lock = PyThread_allocate_lock()
    if waiter.lock == NULL:
        raise MemoryError("no lock to wait in")
    PyThread_acquire_lock(waiter.lock, WAIT_LOCK)
    waiter.address = address
    waiter.owner = owner
    waiter.woken = ASLEEP
    PyThread_acquire_lock(guard, WAIT_LOCK)
    found = wcy_atomic_load_u32(address) if size == 4 else wcy_atomic_load_u64(address)
    waiter.queued = found == expected
    if waiter.queued:
        waiter.next = NULL
        waiter.previous = last[b]
        if last[b] == NULL:
            first[b] = waiter
        else:
            last[b].next = waiter
        last[b] = waiter
        place[0] = waiter
    PyThread_release_lock(guard)
    if not waiter.queued:
        PyThread_release_lock(waiter.lock)
        PyThread_free_lock(waiter.lock)
        return 0
    return 1


cdef bint sleep(Waiter* waiter, double seconds) except -1:
    """Sleep without the GIL, at most so long; True: a notification came."""
    cdef long long microseconds = <long long>(min(seconds, LONGEST) * 1e6) + 1
    cdef PyThreadState* saved
    cdef PyLockStatus status
    if waiter.woken == ASLEEP:  # else the lock is free, or will be
        saved = PyEval_SaveThread()
        status = PyThread_acquire_lock_timed(waiter.lock, microseconds, 1)
        PyEval_RestoreThread(saved)
        if status != PY_LOCK_ACQUIRED:
            return False
    else:
        PyThread_acquire_lock(waiter.lock, WAIT_LOCK)
    PyThread_acquire_lock(guard, WAIT_LOCK)
    if waiter.woken == INTERRUPTED:
        waiter.woken = ASLEEP
    PyThread_release_lock(guard)
    return waiter.woken == NOTIFIED


cdef bint leave_queue(Waiter* waiter, void** place, void* outer) noexcept:
    """The end of a wait, which `place` forgets for the one outside of it; True: a notification had come."""
    cdef bint notified
    PyThread_acquire_lock(guard, WAIT_LOCK)
    notified = not waiter.queued
    if waiter.queued:
        unlink(waiter)
    place[0] = outer
    PyThread_release_lock(guard)
    if waiter.woken != ASLEEP:  # released, perhaps not taken back
        PyThread_acquire_lock(waiter.lock, 0)
    PyThread_release_lock(waiter.lock)
    PyThread_free_lock(waiter.lock)
    return notified


cdef i64 notify(const u8* address, u64 count) except -1:
    """Wake at most so many of those that wait on an address, the longest waiting first; how many it were."""
    cdef i64 woken = 0
    cdef Waiter* waiter
    cdef Waiter* next
    cdef Waiter* owned = NULL
    cdef object failure = None
    PyThread_acquire_lock(guard, WAIT_LOCK)
    waiter = first[bucket(address)]
    while waiter != NULL and <u64>woken < count:
        next = waiter.next
        if waiter.address == address:
            unlink(waiter)
            if waiter.owner != NULL:
                Py_INCREF(<object>waiter.owner)
                waiter.next = owned
                owned = waiter
            rouse(waiter, NOTIFIED)
            woken += 1
        waiter = next
    PyThread_release_lock(guard)
    while owned != NULL:
        next = owned.next
        owner = <LoopWaiter>owned.owner
        Py_DECREF(owner)
        try:
            owner.wake()
        except BaseException as error:  # such as KeyboardInterrupt: the others have left the queue, too
            failure = error
        owned = next
    if failure is not None:
        raise failure
    return woken


cdef class LoopWaiter:
    """A wait that an event loop does for a guest (awaiting.until_notified): from `enter` to `leave` it is in the queue.

    `wake` is called when a notification comes, by whatever thread it comes from.
    """

    def __init__(self):
        raise TypeError("waits are made by memory.atomic.wait32 and memory.atomic.wait64")

    def enter(self, wake):
        """Queue up if there is in memory what is expected; False: there is not.

        Raises:
            RuntimeError: it waits already, or is no wait of a guest.
        """
        if self.address == NULL or self.entered:
            raise RuntimeError("the wait has begun already, or is no wait of a guest")
        self.wake = wake
        self.forks = forks
        self.entered = enter_queue(
            &self.waiter, self.address, self.expected, self.size, &self.place, <PyObject*>self
        ) != 0
        return self.entered

    def notified(self):
        """Whether a notification has come to a wait that was entered."""
        cdef bint queued
        PyThread_acquire_lock(guard, WAIT_LOCK)
        queued = self.waiter.queued
        PyThread_release_lock(guard)
        return self.entered and not queued

    def leave(self):
        """The end of a wait that was entered; True: a notification has come.

        Raises:
            RuntimeError: it does not wait.
        """
        if not self.entered:
            raise RuntimeError("the wait has not begun, or is over already")
        return self.end()

    cdef bint end(self) noexcept:
        self.entered = False
        return self.forks == forks and leave_queue(&self.waiter, &self.place, NULL)

    def __dealloc__(self):
        if self.entered:
            self.end()


cdef LoopWaiter loop_waiter(object memory, const u8* address, u64 expected, u64 size):
    """For `size` bytes at an address in a memory."""
    cdef LoopWaiter made = LoopWaiter.__new__(LoopWaiter)
    made.memory = memory
    made.address = address
    made.expected = expected
    made.size = size
    return made


cdef void wake(void** place) noexcept:
    """Let the waiter of a store, if it has one, look around."""
    PyThread_acquire_lock(guard, WAIT_LOCK)
    if place[0] != NULL and (<Waiter*>place[0]).woken == ASLEEP:
        rouse(<Waiter*>place[0], INTERRUPTED)
    PyThread_release_lock(guard)
