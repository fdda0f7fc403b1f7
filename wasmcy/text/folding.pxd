cimport cython
from libc.stdint cimport int64_t

from .disassembler cimport Disassembler

cdef int OP_CATCH, OP_CATCH_ALL, OP_DELEGATE, OP_ELSE, OP_END, OP_IF, OP_LOOP, OP_TRY
cdef int MAX_INDENT
cdef int64_t MAX_WIDTH, UNBOUNDED
cdef bytes OPENS
cdef int[::1] FIXED
cdef tuple BREAKS


@cython.final
cdef class Node:
    cdef readonly str head, lead
    cdef readonly list children
    cdef readonly int64_t results, width
    cdef readonly bint is_block


@cython.final
cdef class Block:
    cdef Node node
    cdef list nodes
    cdef int64_t label
    cdef Py_ssize_t floor

    @cython.locals(nodes=list, at=Py_ssize_t, wanted=int64_t, node=Node)
    cdef list take(self, int64_t n)


@cython.final
cdef class Folding:
    cdef object module

    @cython.locals(root=Node, block=Block, blocks=list, text=str, op=int, lead=str,
                   takes=int64_t, gives=int64_t)
    cpdef list nodes(self, Disassembler code, int64_t results, dict hints)
    @cython.locals(params=int64_t, results=int64_t, operands=list, node=Node, block=Block)
    cdef Block open(self, Block outer, int op, str text, str lead, int64_t type_index)
    @cython.locals(part=Node)
    cdef next_part(self, Block block, str text)
    @cython.locals(takes=int64_t, gives=int64_t, target=Block)
    cdef tuple arity(self, int op, int64_t x, int64_t y, list blocks, int64_t results)
    cdef tuple callee(self, str kind, int64_t index)
    cdef tuple signature(self, int64_t type_index)
    cdef int64_t fields(self, int64_t type_index) except -1
    @cython.locals(pieces=list, todo=list, node=Node, text=str, indent=str)
    cpdef str rendered(self, list nodes, Py_ssize_t level)
    @cython.locals(node=Node)
    cpdef str after_blank(self, list nodes)


@cython.locals(child=Node, text=str)
cpdef str inline(Node node)
