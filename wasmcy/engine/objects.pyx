"""Structs, arrays and i31 values as Python sees them (spec 4.2.14 to 4.2.16).

A Struct or Array keeps the object of the heap that it stands for alive.  Host values need no class: they
are themselves.
"""

from itertools import accumulate

from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from wasmcy.engine.collector cimport new_object
from wasmcy.engine.heap cimport MAX_ARRAY, set_type
from wasmcy.engine.store cimport InstanceData, Store, from_slots, is_traced, set_object_types, slots_of, to_slots
from wasmcy.engine.structs cimport (
    ID, Held, HeapType, u8, u16, u32, u64, wcy_load_u16, wcy_load_u32, wcy_store_u16, wcy_store_u32,
)

from .. import matching
from ..errors import MemoryLimit
from ..types import (
    CONCRETE, EXACT, HEAP_ANY, HEAP_EQ, HEAP_EXTERN, HEAP_I31, F32, I8, I16, I32, V128, ArrayType, FuncType,
    StructType, ref_type,
)
from .store import extern_value, extern_word

cdef extern from "Python.h":
    object PyNumber_Index(object)


class I31(int):
    """An i31 reference: an int of 31 bits, -2**30 to 2**30 - 1.

        >>> I31(5), I31(5) == 5
        (I31(5), True)

    Raises:
        OverflowError: the value does not fit.
    """

    __slots__ = ()

    def __new__(cls, value):
        if not -1 << 30 <= value < 1 << 30:
            raise OverflowError(f"{value} does not fit i31")
        return int.__new__(cls, value)

    def __repr__(self):
        return f"I31({int(self)})"


cdef class Object:
    """What Struct and Array have in common. Equal are those that stand for the same object: `ref.eq`."""

    def __cinit__(self, *args, **kwargs):
        self.handle = <u64>-1

    def __dealloc__(self):
        if self.store is not None and self.handle != <u64>-1:
            self.store.let_go(self.handle)

    cdef int attach(self, Store store, u64* place) except -1:
        """Become the handle of an object."""
        cdef u64 type_id = place[0] & ID
        if self.place != NULL:
            raise TypeError("this object was made already")
        self.handle = store.hold(<u64>place)
        self.store = store
        self.place = place
        self.type = store.types[type_id]
        self.heap_type = store.heap.types[type_id]
        return 0

    cdef int check(self) except -1:
        if self.place == NULL:
            raise TypeError("this object was never made")
        return self.store.check_owner()

    def __eq__(self, other):
        return isinstance(other, Object) and (<Object>other).place == self.place

    def __hash__(self):
        return <Py_hash_t>(<size_t>self.place >> 3)

    def __reduce__(self):
        raise TypeError("objects of a store cannot be pickled")


cdef class Struct(Object):
    """A struct of a store's heap: its fields by index, from 0.

    `Struct(instance, index, values)` makes one of the type with that index in the instance's module; without
    `values`, all fields have their default. Packed fields are unsigned ints. Where the type has a descriptor (the
    proposal "Custom Descriptors"), `descriptor` is the struct that becomes it.

        >>> from wasmcy import Module
        >>> point = Module(bytes.fromhex("0061736d01000000 0107015f027f017c01")).instantiate()
        >>> p = Struct(point, 0, [3, 0.5])
        >>> p[0] += 1
        >>> list(p), len(p), p.type
        ([4, 0.5], 2, (struct (field (mut i32)) (field (mut f64))))

    Raises:
        TypeError, OverflowError: the type is no struct type; a value does not fit; a field is not mutable; the
            descriptor is missing, or not just of the type that describes this one.
        IndexError: there is no such field.
        MemoryLimit: the store's limit would be exceeded.

    Spec: 4.2.15 "Structure Instances".
    """

    def __init__(self, InstanceData instance not None, index, values=None, *, descriptor=None):
        index = PyNumber_Index(index)  # once: it is used twice
        comp, type_id = defined(instance, index, StructType)
        fields = comp.fields
        if values is None:
            values = [default(field) for field in fields]
        values = list(values)
        if len(values) != len(fields):
            raise TypeError(f"{comp} has {len(fields)} fields, not {len(values)}")
        storages = [field.storage for field in fields]
        describing = instance.code.context.descriptor_of[index]
        if describing >= 0:
            storages.append(ref_type(CONCRETE | EXACT | instance.code.context.canon[describing], nullable=False))
            values.append(descriptor)
        elif descriptor is not None:
            raise TypeError(f"type {index} has no descriptor")
        make(self, instance.store, type_id, storages, values)

    @property
    def descriptor(self):
        """The struct that describes this one; None where its type has no descriptor."""
        self.check()
        at = self.heap_type.descriptor
        return object_of_word(self.store, self.place[<u32>at]) if at else None

    cdef u64* at(self, index) except NULL:
        self.check()
        n = len(self.type.fields)
        index = PyNumber_Index(index)
        if not -n <= index < n:
            raise IndexError(f"field {index} of {n}")
        index = index + n if index < 0 else index
        if self.heap_type.words - (self.heap_type.descriptor != 0) == <u32>n + 1:
            return self.place + 1 + <Py_ssize_t>index
        if self.words is None:  # where each field is: vectors take two words
            self.words = tuple(accumulate([slots_of((field.storage,)) for field in self.type.fields], initial=1))
        return self.place + <Py_ssize_t>self.words[index]

    def __len__(self):
        return len(self.type.fields)

    def __iter__(self):
        return iter([self[i] for i in range(len(self))])

    def __getitem__(self, index):
        cdef u64* at = self.at(index)
        return unpacked(self.store, self.type.fields[index].storage, at)

    def __setitem__(self, index, value):
        cdef u64* at = self.at(index)
        field = self.type.fields[index]
        if not field.mutable:
            raise TypeError(f"field {index} of {self.type} is not mutable")
        pack(self.store, field.storage, value, at)

    def __repr__(self):
        return f"<wasmcy.Struct {self.type}>"


cdef class Array(Object):
    """An array of a store's heap: its elements by index, from 0.

    `Array(instance, index, values)` makes one of the type with that index in the instance's module; an int in
    place of `values` is a number of elements that have their default. Elements of type i8 or i16 are unsigned ints.

        >>> from wasmcy import Module
        >>> words = Module(bytes.fromhex("0061736d01000000 0104015e7801")).instantiate()
        >>> a = Array(words, 0, b"wasm")
        >>> a[0] = 87
        >>> a.tobytes(), len(a), a[1:3], a.type
        (b'Wasm', 4, [97, 115], (array (mut i8)))

    Raises:
        TypeError, OverflowError: the type is no array type; a value does not fit; the elements are not mutable.
        IndexError: there is no such element.
        MemoryLimit: the store's limit, or 1 GiB, would be exceeded.

    Spec: 4.2.16 "Array Instances".
    """

    def __init__(self, InstanceData instance not None, index, values=()):
        comp, type_id = defined(instance, index, ArrayType)
        if isinstance(values, int):
            length = PyNumber_Index(values)
            if length < 0:
                raise ValueError(f"an array of {length} elements")
            default(comp.field)
            make_array(self, instance.store, type_id, length)
        else:
            values = list(values)
            make(self, instance.store, type_id, [comp.field.storage] * len(values), values)

    cdef u8* at(self, index) except NULL:
        self.check()
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"element {index} of {n}")
        return <u8*>(self.place + 1) + (<u64>(index + n if index < 0 else index) << self.heap_type.shift)

    def __len__(self):
        return 0 if self.place == NULL else self.place[0] >> 32

    def __iter__(self):
        return iter(self[:])

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return unpacked_at(self.store, self.type.field.storage, self.at(PyNumber_Index(index)), self.heap_type.shift)

    def __setitem__(self, index, value):
        cdef u64 words[2]
        index = PyNumber_Index(index)
        self.at(index)
        if not self.type.field.mutable:
            raise TypeError(f"the elements of {self.type} are not mutable")
        pack(self.store, self.type.field.storage, value, words)
        set_element(self.at(index), self.heap_type.shift, words)

    def tobytes(self):
        """The elements' bytes, little-endian, where they are numbers."""
        self.check()
        if self.type.field.storage.is_ref:
            raise TypeError("references have no bytes")
        if self.heap_type.shift >= 3:
            n = len(self) << <int>(self.heap_type.shift - 3)
            return b"".join([self.place[1 + <u64>i].to_bytes(8, "little") for i in range(n)])
        return (<char*>(self.place + 1))[: len(self) << self.heap_type.shift]

    def __repr__(self):
        return f"<wasmcy.Array of {len(self)}, {self.type}>"


cdef tuple defined(InstanceData instance, index, kind):
    """The closed type with an index in an instance's module, and its id."""
    context = instance.code.context
    index = PyNumber_Index(index)
    if not 0 <= index < context.n_types:
        raise IndexError(f"type {index} of {context.n_types}")
    type_id = context.canon[index]
    comp = instance.store.types.get(type_id)
    if not isinstance(comp, kind):
        raise TypeError(f"type {index} is no {kind.__name__}")
    instance.store.check_owner()
    return comp, type_id


cdef object default(field):
    if not field.storage.is_defaultable:
        raise TypeError(f"{field.storage} has no default value")
    return None if field.storage.is_ref else bytes(16) if field.storage == V128 else 0


cdef int make(Object self, Store store, u64 type_id, list storages, list values) except -1:
    """Make the object of a handle: a struct of such fields, or an array of such elements."""
    cdef u64 n = len(values), i, at = 0
    cdef u64* words = <u64*>malloc((2 * n + 1) * sizeof(u64))
    cdef Held held
    if words == NULL:
        raise MemoryError
    store.keep(&held, words, 0)
    try:
        for i in range(n):
            at += <u64>pack(store, storages[i], values[i], words + at)
            held.n = at
        if store.heap.types[type_id].kind == 1:
            self.attach(store, typed(new_object(store, 1 + at), type_id, 0))
            memcpy(self.place + 1, words, at * sizeof(u64))
        else:
            make_array(self, store, type_id, n)
            for i in range(n):
                set_element(
                    <u8*>(self.place + 1) + (i << self.heap_type.shift), self.heap_type.shift, words + i * (at // n)
                )
    finally:
        store.release(&held)
        free(words)
    return 0


cdef int make_array(Object self, Store store, u64 type_id, object length) except -1:
    cdef u64 shift = store.heap.types[type_id].shift
    if length << shift > MAX_ARRAY:
        raise MemoryLimit(f"an array of {length} elements")
    return self.attach(store, typed(new_object(store, 1 + ((<u64>length << shift) + 7 >> 3)), type_id, length))


cdef u64* typed(u64* place, u64 type_id, u64 length) noexcept:
    place[0] |= type_id | length << 32
    return place


cdef void set_element(u8* at, u64 shift, const u64* words) noexcept:
    """Set an element of 1 << shift bytes to a value in slots."""
    if shift == 0:
        at[0] = <u8>words[0]
    elif shift == 1:
        wcy_store_u16(at, <u16>words[0])
    elif shift == 2:
        wcy_store_u32(at, <u32>words[0])
    else:
        memcpy(at, words, <u64>1 << shift)


cdef int pack(Store store, storage, value, u64* to) except -1:
    """A field's value as words; returns their number."""
    if storage != I8 and storage != I16:
        return to_slots(store, storage, value, to)
    bits = 8 if storage == I8 else 16
    value = PyNumber_Index(value)
    if not -1 << (bits - 1) <= value < 1 << bits:
        raise OverflowError(f"{value} does not fit {storage}")
    to[0] = <u64>(value & (1 << bits) - 1)
    return 1


cdef object unpacked(Store store, storage, const u64* words):
    if storage == I8:
        return words[0] & 0xFF
    if storage == I16:
        return words[0] & 0xFFFF
    return from_slots(store, storage, words)


cdef object unpacked_at(Store store, storage, const u8* at, u64 shift):
    """The value of an element of 1 << shift bytes."""
    cdef u64 word
    if shift >= 3:
        return unpacked(store, storage, <const u64*>at)
    word = at[0] if shift == 0 else wcy_load_u16(at) if shift == 1 else wcy_load_u32(at)
    return unpacked(store, storage, &word)


# ------------------------------------------------------------------------------------ types
cdef int define_types(Store store, object syntax, object context) except -1:
    """Let the heap know the types of a module, unless all are function types without others above or below."""
    if not has_heap_types(syntax.types):
        return 0
    store.kept.append(context)  # which holds the ids
    canon = context.canon
    for i, sub in enumerate(syntax.types):
        if canon[i] not in store.types:
            define(store, matching.close_comp(sub.comp, canon), canon[i], sub.descriptor is not None)
    return 0


cdef bint has_heap_types(types) except -1:
    for sub in types:
        if not sub.final or sub.supers or type(sub.comp) is not FuncType:
            return True
    return False


cdef int define(Store store, object comp, u64 type_id, bint described) except -1:
    cdef HeapType* made = <HeapType*>calloc(1, sizeof(HeapType))
    cdef u64 word = 1
    fields = comp.fields if isinstance(comp, StructType) else (comp.field,) if isinstance(comp, ArrayType) else ()
    if made == NULL:
        raise MemoryError
    made.traced = <u32*>calloc(len(fields) + 2, sizeof(u32))
    if made.traced == NULL or set_type(&store.heap, type_id, made):
        free(made.traced)
        free(made)
        raise MemoryError
    for i, above in enumerate(matching.display(type_id)):
        made.display[<int>i] = above
        made.depth = i
    for field in fields:
        if is_traced(field.storage):
            made.traced[made.n_traced] = <u32>word
            made.n_traced += 1
        word += 2 if field.storage == V128 else 1
    if described:  # above the fields, as its operand is: a subtype may have one where its supertype has none
        made.descriptor = made.traced[made.n_traced] = <u32>word
        made.n_traced += 1
        word += 1
    made.kind = 1 if isinstance(comp, StructType) else 2 if isinstance(comp, ArrayType) else 0
    made.words = <u32>word
    if made.kind == 2:
        made.shift = SHIFTS.get(comp.field.storage, 3)
    store.types[type_id] = comp
    return 0


cdef dict SHIFTS = {I8: 0, I16: 1, I32: 2, F32: 2, V128: 4}


# ------------------------------------------------------------------------------------ references
def object_of_word(Store store, word):
    """What a reference to any or extern that is not null looks like."""
    cdef u64 bits = word
    cdef u64* place = <u64*>bits
    cdef Object made
    if bits & 1:
        return I31((<int>(<u32>bits)) >> 1)
    if bits & 2:
        return extern_value(store, bits)
    made = Struct.__new__(Struct) if store.heap.types[place[0] & ID].kind == 1 else Array.__new__(Array)
    made.attach(store, place)
    return made


def word_of_object(Store store, valtype, value):
    """The reference for a value, for a place of type `valtype`: any, extern, or a type below."""
    heap = valtype.heap
    host = heap == HEAP_EXTERN or heap == HEAP_ANY
    if isinstance(value, Object) and (<Object>value).store is store:
        found = CONCRETE | EXACT | ((<Object>value).place[0] & ID)
        if heap == HEAP_EXTERN or matching.heap_matches(found, heap):
            return <u64>(<Object>value).place
        raise TypeError(f"expected a value for {valtype}, got {value!r}")
    if isinstance(value, I31) and heap == HEAP_EXTERN:
        return i31(value)
    if isinstance(value, int) and not isinstance(value, bool) and heap in (HEAP_ANY, HEAP_EQ, HEAP_I31):
        if -1 << 30 <= value < 1 << 30:
            return i31(value)
        if not host:
            raise OverflowError(f"{value} does not fit i31")
    if host:
        return extern_word(store, value)
    raise TypeError(f"expected a value for {valtype}, got {type(value).__name__}")


def i31(value):
    return (value & 0x7FFFFFFF) << 1 | 1


set_object_types(object_of_word, word_of_object)
