from cpython.object cimport PyObject
from wasmcy.engine.store cimport InstanceData, Store, Suspended
from wasmcy.engine.structs cimport Activation, FuncRef, Instance, u64

ctypedef PyObject* (*vectorcallfunc)(PyObject*, PyObject**, size_t, PyObject*)


cdef class Func:
    cdef vectorcallfunc vectorcall
    cdef FuncRef* ref
    cdef FuncRef own                        # of a host function
    cdef readonly Store store
    cdef readonly object type               # FuncType, closed
    cdef readonly object name
    cdef long long* types                   # of the parameters, then of the results
    cdef Py_ssize_t n_params, n_results
    cdef u64 param_slots, result_slots      # a v128 takes two
    cdef bint vectors                       # whether there is a v128 among them
    cdef object callable                    # of a host function
    cdef bint wants_caller
    cdef bint traced                        # a parameter or result may be a reference to the heap
    cdef object keeper                      # what `ref` lies in
    cdef object __weakref__

    cdef int set_type(self, object type) except -1
    cdef int join(self, Store store) except -1
    cdef object invoke(self, PyObject** args, Py_ssize_t n)
    cdef int set_callable(self, object callable, object type) except -1
    cdef u64 argument(self, Py_ssize_t i, object value) except? 0xFFFFFFFFFFFFFFFF
    cdef object invoke_many(self, PyObject** args, Py_ssize_t n)
    cdef object invoke_words(self, u64* words, bint raw, Suspended call)
    cdef object results(self, u64* words, bint raw)
    cdef object invoke_host(self, PyObject** args, Py_ssize_t n)
    cdef int arguments(self, PyObject** args, Py_ssize_t n, u64* words) except -1
    cdef int arguments_from(self, Py_ssize_t i, object value, u64* words) except -1
    cdef list values_at(self, u64* args)
    cdef int put_results(self, tuple results, u64* to) except -1
    cdef int result_slots_from(self, Py_ssize_t i, object result, u64* words) except -1
    cdef object described(self)
    cdef int host_call(self, u64* args, object caller, void* call) except -1
    cdef int call_python(self, u64* args, object caller, void* call) except -1
    cdef int take(self, u64* args, object result) except -1
    cdef int refuse_awaitable(self, object result) except -1
    cdef object as_results(self, object result)
    cdef object first_turn(self, tuple args, Suspended call)
    cdef object first_turn_of_host(self, tuple args, Suspended call)


cdef Func host_function(object callable, object type)
cdef void set_call_maker(void* function) noexcept
cdef int raise_again(int status) except -1
cdef tuple backtrace(Activation* activation)
cdef object start_function(Store store, FuncRef* ref)
