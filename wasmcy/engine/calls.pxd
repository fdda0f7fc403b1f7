from wasmcy.engine.store cimport Suspended

cdef enum Stage:
    NEW                             # nothing has run
    QUEUED                          # other calls of the instance come first
    HOST                            # a function of the host was called, and is awaited
    GUEST                           # the guest has begun
    OVER


cdef class Call(Suspended):
    cdef tuple args
    cdef object awaited             # an iterator; None: the next turn
    cdef object value               # what it yielded or returned
    cdef bint queue, running
    cdef Stage stage

    cdef object yielded(self, object value, object error)
    cdef bint go_on(self, object value, object error) except -1
    cdef bint run(self, object value, object error) except -1
    cdef object begin(self)
    cdef object next_turn(self)
    cdef int set_awaited(self) except -1
    cdef bint waits(self, object value, object error) except -1
    cdef bint advance(self, object value, object error) except -1
    cdef int end(self) except -1
