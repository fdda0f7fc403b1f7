"""References in a snapshot, and the objects they lead to: as numbers, and back (docs/embedding.md).

A reference is a number: -1 is null; in the hierarchy of functions it is an index in the module; in the others
2 n stands for object n of the snapshot, and 2 v + 1 for an i31 with the 31 bits v.

An object is (type, values). The type is an index in the module; that of an exception with tag n is -1 - n. Values
are, of a struct or exception, numbers as bits and references as numbers, the descriptor of a struct behind its
fields; of an array one `array('q')` of references, or the bytes of its elements, little-endian.
"""

import sys
from array import array

from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from wasmcy.engine.code cimport Code
from wasmcy.engine.collector cimport new_object
from wasmcy.engine.heap cimport MAX_ARRAY
from wasmcy.engine.objects cimport typed
from wasmcy.engine.store cimport InstanceData, Store, Tag
from wasmcy.engine.structs cimport EXCEPTION, ID, Exception_, FuncRef, HeapType, i64, u8, u64

from .. import matching
from .. import types as _types
from ..errors import MemoryLimit, SnapshotError
from ..turns import take_turn
from ..types import (
    CONCRETE, EXACT, F32, HEAP_EXN, HEAP_EXTERN, HEAP_FUNC, HEAP_I31, HEAP_MASK, I8, I16, I32, V128, ArrayType,
    StructType, ref_type,
)

cdef long long T_REF = _types.REF, T_NULL = _types.NULL, T_V128 = V128
cdef dict BITS = {I8: 8, I16: 16, I32: 32, F32: 32, V128: 128}  # of a value that is no reference; others: 64
cdef i64 NULL_REFERENCE = -1
cdef bint BIG = sys.byteorder == "big"


cdef i64 index_of(InstanceData instance, u64 word, where) except? -2:
    """The index of the function that a reference names."""
    cdef Code code = <Code>instance.code
    cdef FuncRef* ref = <FuncRef*>word
    cdef i64 i, imported = code.context.n_imported_funcs
    if instance.record.own_funcs <= ref < instance.record.own_funcs + code.n_functions:
        return imported + (ref - instance.record.own_funcs)
    for i in range(imported):
        if instance.record.imported_funcs[i] == ref:
            return i
    raise SnapshotError(f"{where} refers to something that is neither a function of the module nor imported")


cdef u64 function_of(InstanceData instance, i64 index, long long heap) except 0:
    """The reference to a function by its index, for a place of that (closed) heap type."""
    cdef Code code = <Code>instance.code
    cdef i64 imported = code.context.n_imported_funcs
    cdef FuncRef* ref
    if not 0 <= index < imported + code.n_functions:
        raise SnapshotError(f"the snapshot names function {index}")
    ref = instance.record.imported_funcs[index] if index < imported else &instance.record.own_funcs[index - imported]
    if heap != <long long>HEAP_FUNC and not matching.heap_matches(<long long>(CONCRETE | EXACT) | ref.type, heap):
        raise SnapshotError(f"function {index} has not the type of its place")
    return <u64>ref


cdef list storages_of(InstanceData instance, comp, index):
    """The (closed) types of a struct's words: those of its fields, and that of its descriptor."""
    context = (<Code>instance.code).context
    found = [field.storage for field in comp.fields]
    describing = context.descriptor_of[index]
    if describing >= 0:
        found.append(ref_type(CONCRETE | EXACT | context.canon[describing], nullable=False))
    return found


cdef bytes little_endian(data, u64 shift):
    """Elements of 1 << shift bytes, which those of eight and more are in the order of the host."""
    if not BIG or shift < 3:
        return bytes(data)
    words = array("Q", data)
    words.byteswap()
    return words.tobytes()


cdef class Graph:
    """The objects of a snapshot by number. They live until `close`, whatever runs meanwhile."""

    def __cinit__(self, InstanceData instance not None, *_):
        self.instance = instance
        instance.store.keep(&self.held, NULL, 0)
        self.open = True

    def __dealloc__(self):
        free(self.held.words)

    def close(self):
        """Let go of the objects that nothing else refers to."""
        if self.open:
            self.open = False
            self.instance.store.release(&self.held)

    cdef bint is_function(self, long long valtype) except -1:
        """Whether a (closed) reference type is one of the hierarchy of functions."""
        if valtype != self.asked:
            self.function = matching.heap_matches(valtype & <long long>HEAP_MASK, HEAP_FUNC)
            self.asked = valtype
        return self.function

    cdef int make_room(self, u64 n) except -1:
        """Room for n objects."""
        cdef u64* words
        if n > self.room:
            words = <u64*>realloc(self.held.words, (n + n // 2 + 64) * sizeof(u64))
            if words == NULL:
                raise MemoryError
            self.held.words = words
            self.room = n + n // 2 + 64
        return 0


cdef class Taken(Graph):
    """The objects of an instance, numbered as they are met."""

    def __cinit__(self, InstanceData instance not None):
        context = (<Code>instance.code).context
        self.numbers = {}
        self.indices = {context.canon[i]: i for i in range(context.n_types - 1, -1, -1)}

    def number(self, u64 word, long long valtype, where):
        """The number of a reference, found in a place of that (closed) type.

        Raises:
            SnapshotError: it leads to something that is not the module's.
        """
        if word == 0:
            return NULL_REFERENCE
        if self.is_function(valtype):
            return index_of(self.instance, word, where)
        if word & 1:
            return word & 0xFFFFFFFF
        if word & 2:
            raise SnapshotError(f"{where} refers to a value of the host")
        found = self.numbers.get(word)
        if found is None:
            self.make_room(self.held.n + 1)
            found = self.numbers[word] = 2 * self.held.n
            self.held.words[self.held.n] = word
            self.held.n += 1
        return found

    def objects(self):
        """All objects that were met, and those they lead to, in the order of their numbers."""
        cdef u64 i = 0
        cdef list found = []
        while i < self.held.n:
            if i % 256 == 0:
                take_turn()
            found.append(self.state_of(<u64*>self.held.words[i]))
            i += 1
        return found

    cdef tuple state_of(self, u64* place):
        cdef u64 type_id = place[0] & ID
        cdef u64 n = place[0] >> 32, i
        cdef HeapType* heap_type
        if type_id == EXCEPTION:
            return self.exception(<Exception_*>place)
        index = self.indices.get(type_id)
        if index is None:
            raise SnapshotError("an object has a type that the module does not have")
        comp = self.instance.store.types[type_id]
        if type(comp) is StructType:
            return index, self.values(storages_of(self.instance, comp, index), place + 1)
        heap_type = self.instance.store.heap.types[type_id]
        storage = comp.field.storage
        if not storage.is_ref:
            return index, little_endian((<const char*>(place + 1))[: n << heap_type.shift], heap_type.shift)
        elements = array("q", bytes(8 * n))
        for i in range(n):
            elements[i] = self.number(place[1 + i], storage, "an array")
        return index, elements

    cdef tuple exception(self, Exception_* exception):
        if exception.tag == NULL:
            raise SnapshotError("the guest holds an exception of the host")
        for i, tag in enumerate(self.instance.tags):
            if &(<Tag>tag).record == exception.tag:
                return -1 - i, self.values(tag.type.params, exception.values)
        raise SnapshotError("an exception has a tag that the module does not have")

    cdef list values(self, types, const u64* at):
        cdef list found = []
        cdef long long storage
        for t in types:
            storage = t
            if storage & T_REF:
                found.append(self.number(at[0], storage, "an object"))
            elif storage == T_V128:
                found.append(at[0] | <object>at[1] << 64)
                at += 1
            else:
                found.append(at[0] & (<object>1 << BITS.get(t, 64)) - 1)
            at += 1
        return found


cdef class Given(Graph):
    """The objects of a snapshot, made in the store of a fresh instance.

    Raises:
        SnapshotError: they do not fit the module.
        MemoryLimit: they do not fit the store's limit.
    """

    def __cinit__(self, InstanceData instance not None, list objects not None):
        self.matches = {}
        try:
            self.make(tuple(objects))
        except BaseException:
            self.close()
            raise

    cdef int make(self, tuple objects) except -1:
        """All of them, before they refer to each other."""
        cdef u64 n
        self.make_room(len(objects))
        for n in range(len(objects)):
            if n % 256 == 0:
                take_turn()
            item = objects[n]
            if type(item) is not tuple or len(item) != 2 or type(item[0]) is not int:
                raise SnapshotError("an object of the snapshot is malformed")
            self.held.words[n] = <u64>self.allocated(item[0], item[1])
            self.held.n = n + 1
        for n in range(len(objects)):
            if n % 256 == 0:
                take_turn()
            self.fill(<u64*>self.held.words[n], objects[n][0], objects[n][1])
        return 0

    cdef u64* allocated(self, index, values) except NULL:
        """An object of zeros."""
        cdef Store store = self.instance.store
        cdef u64* place
        cdef Tag tag
        cdef u64 type_id, shift, n
        context = (<Code>self.instance.code).context
        if index < 0:
            if -1 - index >= len(self.instance.tags):
                raise SnapshotError(f"the snapshot names tag {-1 - index}")
            tag = <Tag>self.instance.tags[-1 - index]
            n = tag.record.params
            place = new_object(store, 2 + n)
            place[0] |= EXCEPTION | n << 32
            (<Exception_*>place).tag = &tag.record
            return place
        if index >= context.n_types:
            raise SnapshotError(f"the snapshot names type {index}")
        type_id = context.canon[index]
        comp = store.types.get(type_id)
        if type(comp) is StructType:
            return typed(new_object(store, store.heap.types[type_id].words), type_id, 0)
        if type(comp) is not ArrayType:
            raise SnapshotError(f"type {index} of the snapshot is none of objects")
        shift = store.heap.types[type_id].shift
        if comp.field.storage.is_ref:
            if type(values) is not array or values.typecode != "q":
                raise SnapshotError("an array of the snapshot has no references")
            n = len(values)
        else:
            if type(values) is not bytes or len(values) % (1 << shift):
                raise SnapshotError("an array of the snapshot has no whole elements")
            n = len(values) >> shift
        if n > MAX_ARRAY >> shift:
            raise MemoryLimit(f"an array of {n} elements")
        return typed(new_object(store, 1 + ((n << shift) + 7 >> 3)), type_id, n)

    cdef int fill(self, u64* place, index, values) except -1:
        cdef u64 type_id = place[0] & ID, n = place[0] >> 32, i
        cdef const u8[::1] data
        if type_id == EXCEPTION:
            return self.put((<Tag>(<Exception_*>place).tag.object).type.params, values, place + 2)
        comp = self.instance.store.types[type_id]
        if type(comp) is StructType:
            return self.put(storages_of(self.instance, comp, index), values, place + 1)
        storage = comp.field.storage
        if len(values) != (n if storage.is_ref else n << self.instance.store.heap.types[type_id].shift):
            raise SnapshotError("an array of the snapshot has changed")
        if storage.is_ref:
            for i in range(n):
                place[1 + i] = self.word(values[i], storage)
        elif n:
            data = little_endian(values, self.instance.store.heap.types[type_id].shift)
            memcpy(place + 1, &data[0], len(data))
        return 0

    cdef int put(self, types, values, u64* to) except -1:
        """Values in the words of a struct or an exception."""
        values = tuple(values) if type(values) is list else ()
        if len(values) != len(types):
            raise SnapshotError("an object of the snapshot has not the fields of its type")
        for t, value in zip(types, values):
            if t.is_ref:
                to[0] = self.word(value, t)
            else:
                if type(value) is not int or not 0 <= value < 1 << BITS.get(t, 64):
                    raise SnapshotError("a field of the snapshot is out of range")
                to[0] = <u64>(value & 0xFFFFFFFFFFFFFFFF)
                if t == V128:
                    to += 1
                    to[0] = <u64>(value >> 64)
            to += 1
        return 0

    def word(self, number, long long valtype):
        """The reference with a number, for a place of that (closed) type.

        Raises:
            SnapshotError: the place cannot hold it.
        """
        cdef long long heap = valtype & <long long>HEAP_MASK
        if type(number) is not int:
            raise SnapshotError("a reference of the snapshot is no int")
        if number == NULL_REFERENCE:
            if not valtype & T_NULL:
                raise SnapshotError("a reference of the snapshot is null where none may be")
            return 0
        if self.is_function(valtype):
            return function_of(self.instance, number, heap)
        if number & 1:
            if not 0 <= number < 1 << 32 or not self.fits(HEAP_I31, heap):
                raise SnapshotError("a reference of the snapshot is an i31 where none may be")
            return number
        if not 0 <= number >> 1 < self.held.n:
            raise SnapshotError(f"the snapshot names object {number >> 1}")
        return self.place(number >> 1, heap)

    cdef u64 place(self, u64 n, long long heap) except 0:
        """The address of an object, for a place of that (closed) heap type."""
        cdef u64 word = self.held.words[n]
        cdef u64 type_id = (<u64*>word)[0] & ID
        if heap != <long long>HEAP_EXN if type_id == EXCEPTION else not self.fits(CONCRETE | EXACT | type_id, heap):
            raise SnapshotError(f"object {n} of the snapshot has not the type of its place")
        return word

    cdef bint fits(self, found, heap) except -1:
        """Whether a reference to that heap type may stand in such a place; in one of `extern` any may."""
        known = self.matches.get((found, heap))
        if known is None:
            known = self.matches[found, heap] = heap == HEAP_EXTERN or matching.heap_matches(found, heap)
        return known
