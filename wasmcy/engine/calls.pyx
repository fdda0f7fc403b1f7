"""Calls that wait: the coroutine that `call_async` makes (docs/embedding.md).

It runs the guest until a host function returns something to be awaited, or its turn is over; then the call is
put aside, and the event loop goes on.
"""

from functools import partial

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF

from wasmcy.engine.machine cimport Func, backtrace, raise_again, set_call_maker
from wasmcy.engine.store cimport InstanceData, Suspended

from ..errors import Timeout
from .awaiting import TimeIsOver, Turns, in_time

cdef extern from "os_memory.h" nogil:
    double wcy_now()

cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT

    PySendResult PyIter_Send(PyObject* iterator, PyObject* value, PyObject** result)
    bint PyCoro_CheckExact(object)

cdef extern from *:
    """
    static void wcy_use_send(PyTypeObject *type, iternextfunc next, sendfunc send) {
        type->tp_iternext = next;
        type->tp_as_async->am_send = send;
        PyType_Modified(type);
    }

    static PyObject *wcy_stop(PyObject *value) {
        PyObject *stop;
        if (value == Py_None) return NULL;
        if (!PyTuple_Check(value) && !PyExceptionInstance_Check(value)) {
            PyErr_SetObject(PyExc_StopIteration, value);
        } else if ((stop = PyObject_CallOneArg(PyExc_StopIteration, value))) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        return NULL;
    }
    """
    ctypedef PyObject* (*iternextfunc)(PyObject*)
    ctypedef PySendResult (*sendfunc)(PyObject*, PyObject*, PyObject**)
    void wcy_use_send(PyTypeObject* type, iternextfunc next, sendfunc send)
    PyObject* wcy_stop(PyObject* value)     # StopIteration with a value


cdef class Call(Suspended):
    """A call by `call_async`, or one that a snapshot held: a coroutine (PEP 492)."""

    def __init__(self):
        raise TypeError("calls that wait are made by Func.call_async")

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.yielded(None, None)

    def send(self, value):
        """Go on, with what was awaited (PEP 342)."""
        return self.yielded(value, None)

    def throw(self, error, value=None, traceback=None):
        """Go on with an error in place of what was awaited: `throw(error)`, or what sys.exc_info() gives."""
        if isinstance(error, type):
            error = error() if value is None else value if isinstance(value, BaseException) else error(value)
        if traceback is not None:
            error = error.with_traceback(traceback)
        return self.yielded(None, error)

    def close(self):
        """End the call, whatever it waits for."""
        if self.running:
            raise ValueError("coroutine already executing")
        self.end()

    def __del__(self):
        if self.stage == NEW and self.func is not None:
            import warnings
            warnings.warn(f"{self!r} was never awaited", RuntimeWarning, stacklevel=2, source=self)
        self.end()

    def __repr__(self):
        return f"<wasmcy.Call of {self.func!r}>"

    def resume(self, fuel=0):
        """Add fuel to the store and go on, as a plain call: for a call that a snapshot held.

        Raises:
            RuntimeError: it is awaited, or was resumed already.
        """
        if self.stage != GUEST or self.running or self.awaited is not None or self.waits_for_host():
            raise RuntimeError("the call is awaited, or has been resumed already")
        try:
            return Suspended.resume(self, fuel)
        finally:
            if self.words == NULL:
                self.end()

    cdef object yielded(self, object value, object error):
        """What is for the event loop; StopIteration, with the result, where there is no more to wait for."""
        if self.go_on(value, error):
            return self.value
        raise StopIteration(self.value)

    cdef bint go_on(self, object value, object error) except -1:
        """Run until there is something to wait for: then `value` is for the event loop. False: it is the result."""
        cdef int status
        if self.func is None:
            raise TypeError("calls that wait are made by Func.call_async")
        if self.running:
            raise ValueError("coroutine already executing")
        if self.stage == OVER:
            raise RuntimeError("cannot reuse already awaited coroutine")
        self.running = True
        status = run_status(self, value, error)
        self.running = False
        if status == 1:
            return True
        if status == 0:
            self.end()
            return False
        try:
            raise_again(-1)
        finally:
            self.end()

    cdef bint run(self, object value, object error) except -1:
        cdef object result
        if self.awaited is None and error is not None:
            raise error
        if self.awaited is not None and self.waits(value, error):
            return True
        result = self.begin() if self.stage == NEW else self.next_turn()
        while result is self:
            self.value = None
            if self.outcome is None:  # it is another call's turn
                return True
            self.set_awaited()
            if self.waits(None, None):
                return True
            result = self.next_turn()
        self.value = result
        return False

    cdef object begin(self):
        """The result, or self: there is something to await."""
        cdef Func func = <Func>self.func
        cdef InstanceData instance
        if func.ref.instance == NULL:
            self.stage = HOST
            return func.first_turn_of_host(self.args, self)
        instance = <InstanceData>func.ref.instance.object
        if self.queue and (
            instance.record.suspended or instance.waiting is not None and instance.waiting.waiting
        ):
            if instance.waiting is None:
                instance.waiting = Turns(partial(is_suspended, instance))
            self.stage = QUEUED
            self.outcome = instance.waiting.mine()
            return self
        self.stage = GUEST
        return func.first_turn(self.args, self)

    cdef object next_turn(self):
        cdef Func func = <Func>self.func
        if self.stage == GUEST:
            self.activation.call = <void*>self
            return func.invoke_words(NULL, self.raw, self)
        outcome, self.outcome = self.outcome, None
        if self.stage == HOST:
            return func.as_results(outcome)
        self.stage = GUEST
        return func.first_turn(self.args, self)

    cdef int set_awaited(self) except -1:
        """Await the outcome."""
        awaitable, self.outcome = self.outcome, None
        if self.deadline != 0 and self.stage == GUEST:
            awaitable = in_time(awaitable, self.deadline - wcy_now())
        self.awaited = awaitable if PyCoro_CheckExact(awaitable) else type(awaitable).__await__(awaitable)
        return 0

    cdef bint waits(self, object value, object error) except -1:
        """Let what is awaited go on; False: it has come to its end, and the outcome is what it returned or raised."""
        cdef bint waits
        try:
            waits = self.advance(value, error)
        except TimeIsOver:
            raise Timeout(f"timeout of {self.store.timeout} s exceeded", backtrace(&self.activation)) from None
        except Exception as raised:
            if self.stage != GUEST:
                raise
            self.failed = True  # the guest may catch it
            self.outcome = raised
            self.awaited = None
            return False
        if not waits:
            self.outcome, self.value = self.value, None
            self.awaited = None
        return waits

    cdef bint advance(self, object value, object error) except -1:
        cdef PyObject* result = NULL
        cdef PySendResult status
        if error is not None:
            if not hasattr(self.awaited, "throw"):
                raise error
            try:
                self.value = self.awaited.throw(error)
            except StopIteration as stop:
                self.value = stop.value
                return False
            return True
        status = PyIter_Send(<PyObject*>self.awaited, <PyObject*>value, &result)
        if status == PYGEN_ERROR:
            raise_again(-1)
        self.value = <object>result
        Py_DECREF(self.value)
        return status == PYGEN_NEXT

    cdef int end(self) except -1:
        """It will not go on, or has come to its end."""
        cdef Func func = <Func>self.func
        cdef InstanceData instance
        if self.stage == OVER:
            return 0
        awaited, self.awaited = self.awaited, None
        self.stage = OVER
        try:
            if awaited is not None and hasattr(awaited, "close"):
                awaited.close()
        finally:
            self.abandon()
            if func is not None and func.ref.instance != NULL:
                instance = <InstanceData>func.ref.instance.object
                if instance.waiting is not None:
                    instance.waiting.next()
        return 0


def is_suspended(InstanceData instance not None):
    """Whether a call waits that nobody may overtake."""
    return instance.record.suspended != 0


cdef int run(Call call, object value, object error) except -1:
    return call.run(value, error)


ctypedef int (*run_type)(Call, object, object) noexcept
cdef run_type run_status = <run_type>run


# What awaits the coroutine enters here: no exception, with its traceback, is made of a result.
cdef int go_on(Call call, PyObject* value) except -1:
    return call.go_on(<object>value, None)


ctypedef int (*go_on_type)(Call, PyObject*) noexcept
cdef go_on_type go_on_status = <go_on_type>go_on


cdef PyObject* call_next(PyObject* self) noexcept:
    cdef Call call = <Call>self
    cdef int status = go_on_status(call, <PyObject*>None)
    if status < 0:
        return NULL
    value, call.value = call.value, None
    if status == 0:
        return wcy_stop(<PyObject*>value)
    Py_INCREF(value)
    return <PyObject*>value


cdef PySendResult call_send(PyObject* self, PyObject* sent, PyObject** result) noexcept:
    cdef Call call = <Call>self
    cdef int status = go_on_status(call, sent)
    result[0] = NULL
    if status < 0:
        return PYGEN_ERROR
    value, call.value = call.value, None
    Py_INCREF(value)
    result[0] = <PyObject*>value
    return PYGEN_NEXT if status else PYGEN_RETURN


wcy_use_send(<PyTypeObject*>Call, <iternextfunc>call_next, <sendfunc>call_send)


cdef object make_call(Func func, tuple args, bint reentrant, bint queue):
    cdef Call call = Call.__new__(Call)
    call.store = func.store
    call.func = func
    call.args = args
    call.reentrant = reentrant
    call.queue = queue and not reentrant
    return call


def connect():
    """Give call_async its coroutine."""
    set_call_maker(<void*>make_call)
