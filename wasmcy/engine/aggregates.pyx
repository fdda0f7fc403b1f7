"""Instructions on arrays that take long, and allocations for which no cell was at hand (spec 4.6.6).

The machine leaves for them; all but those that read a segment are done without the GIL.  An array that is
made and filled in pieces is noted in the activation, with the number of elements that are done.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.string cimport memcpy, memmove, memset

from wasmcy.engine.code cimport Code
from wasmcy.engine.collector cimport new_object
from wasmcy.engine.heap cimport MAX_ARRAY, allocate, object_words, provide_large, refill
from wasmcy.engine.structs cimport (
    LARGE_CLASS, TRAP_ARRAY_BOUNDS, TRAP_BOUNDS, TRAP_NULL_ARRAY, TRAP_TABLE_BOUNDS, F_A, F_B, F_D, Heap, u8, u16,
    wcy_half, wcy_load_u64, wcy_slot_u32, wcy_store_u16, wcy_store_u32,
)

from ..opcodes import (
    OP_ARRAY_COPY, OP_ARRAY_FILL, OP_ARRAY_INIT_DATA, OP_ARRAY_NEW, OP_ARRAY_NEW_DATA, OP_ARRAY_NEW_ELEM,
    OP_ARRAY_NEW_FIXED,
)

cdef u64 PIECE = 1 << 20            # bytes that are filled or copied between two looks around
cdef u32 O_COPY = OP_ARRAY_COPY, O_FILL = OP_ARRAY_FILL, O_NEW = OP_ARRAY_NEW, O_FIXED = OP_ARRAY_NEW_FIXED
cdef u64 O_NEW_DATA = OP_ARRAY_NEW_DATA, O_NEW_ELEM = OP_ARRAY_NEW_ELEM, O_INIT_DATA = OP_ARRAY_INIT_DATA


cdef i64 find_cell(Activation* activation) noexcept nogil:
    """Let there be a free cell of the size class that an instruction did not find; it is done again."""
    cdef Heap* heap = activation.instance.heap
    if activation.value != LARGE_CLASS:
        return DONE if refill(heap, activation.value) else FULL
    return DONE if provide_large(heap, object_words(heap, activation.pc + 2)) else FULL


cdef i64 array_step(Activation* activation) noexcept nogil:
    """A piece of an instruction: [D …][type id, instruction]."""
    cdef u32 op = wcy_half(activation.pc + 2, 1)
    cdef i64 status
    if op == O_FILL:
        status = fill_array(activation)
    elif op == O_COPY:
        status = copy_array(activation)
    elif op == O_FIXED:
        status = array_of_operands(activation)
    else:
        status = make_array(activation, op == O_NEW)
    if status == DONE:
        activation.value = activation.sp[F_D(activation.pc)]
        activation.pc += 3
    return status


cdef u64 shift_of(Activation* activation) noexcept nogil:
    return activation.instance.heap.types[wcy_half(activation.pc + 2, 0)].shift


cdef i64 new_array(Activation* activation, u64 n) noexcept nogil:
    """Note a new array of zeros in the activation."""
    cdef Heap* heap = activation.instance.heap
    cdef u32 type_id = wcy_half(activation.pc + 2, 0)
    cdef u64 bytes = n << heap.types[type_id].shift
    cdef u64* place
    if bytes > MAX_ARRAY:
        return TOO_LARGE
    place = allocate(heap, 1 + ((bytes + 7) >> 3))
    if place == NULL:
        return FULL
    place[0] |= type_id | n << 32
    activation.object = <u64>place
    activation.done = 0
    return DONE


cdef i64 make_array(Activation* activation, bint filled) noexcept nogil:
    """array.new and array.new_default: [D result, A value, B length]."""
    cdef u64* pc = activation.pc
    cdef u64 n = wcy_slot_u32(activation.sp, F_B(pc))
    cdef u64* value = activation.sp + F_A(pc)
    cdef u64 piece
    cdef i64 status
    if activation.object == 0:
        status = new_array(activation, n)
        if status != DONE:
            return status
    if filled and (value[0] != 0 or shift_of(activation) == 4):
        piece = min(n - activation.done, PIECE >> shift_of(activation))
        fill(<u8*>(activation.object + 8), shift_of(activation), activation.done, piece, value)
        activation.done += piece
        if activation.done < n:
            return MORE
    activation.sp[F_D(pc)] = activation.object
    activation.object = 0
    return DONE


cdef i64 array_of_operands(Activation* activation) noexcept nogil:
    """array.new_fixed of elements smaller than slots: [D operands, B their number]."""
    cdef u64* operands = activation.sp + F_D(activation.pc)
    cdef u64 n = F_B(activation.pc), i
    cdef i64 status = new_array(activation, n)
    if status != DONE:
        return status
    for i in range(n):
        fill(<u8*>(activation.object + 8), shift_of(activation), i, 1, operands + i)
    operands[0] = activation.object
    activation.object = 0
    return DONE


cdef void fill(u8* elements, u64 shift, u64 start, u64 n, const u64* values) noexcept nogil:
    """Set elements to a value, which has two words where it is a v128."""
    cdef u64 value = values[0]
    cdef u8* at = elements + (start << shift)
    cdef u8* end = at + (n << shift)
    if shift == 0:
        memset(at, <int>(value & 255), n)
    elif shift == 1:
        while at != end:
            wcy_store_u16(at, <u16>value)
            at += 2
    elif shift == 2:
        while at != end:
            wcy_store_u32(at, <u32>value)
            at += 4
    elif shift == 3:
        while at != end:
            (<u64*>at)[0] = value
            at += 8
    else:
        while at != end:
            (<u64*>at)[0] = value
            (<u64*>at)[1] = values[1]
            at += 16


cdef i64 check(u64 array, u64 start, u64 n) noexcept nogil:
    if array == 0:
        return TRAP_NULL_ARRAY
    return DONE if start + n <= (<u64*>array)[0] >> 32 else TRAP_ARRAY_BOUNDS


cdef i64 fill_array(Activation* activation) noexcept nogil:
    """array.fill: [D array, start, value, length]; the slots say what is left."""
    cdef u64* operands = activation.sp + F_D(activation.pc)
    cdef u64 shift = shift_of(activation)
    cdef u64* n = operands + (4 if shift == 4 else 3)
    cdef u64 piece = min(n[0], PIECE >> shift)
    cdef i64 status = check(operands[0], operands[1], n[0])
    if status != DONE:
        return status
    fill(<u8*>(operands[0] + 8), shift, operands[1], piece, operands + 2)
    activation.poll -= <i64>(piece << shift >> 8)
    operands[1] += piece
    n[0] -= piece
    return MORE if n[0] else DONE


cdef i64 copy_array(Activation* activation) noexcept nogil:
    """array.copy: [D array, start, source, its start, length]; the slots say what is left."""
    cdef u64* operands = activation.sp + F_D(activation.pc)
    cdef u64 shift = shift_of(activation)
    cdef u64 n = operands[4], piece = min(n, PIECE >> shift), behind
    cdef i64 status = check(operands[0], operands[1], n)
    if status == DONE:
        status = check(operands[2], operands[3], n)
    if status != DONE:
        return status
    # from the end, where the spans may overlap
    behind = n - piece if operands[0] == operands[2] and operands[1] > operands[3] else 0
    memmove(
        <u8*>(operands[0] + 8) + ((operands[1] + behind) << shift),
        <u8*>(operands[2] + 8) + ((operands[3] + behind) << shift), piece << shift
    )
    activation.poll -= <i64>(piece << shift >> 8)
    if behind == 0:
        operands[1] += piece
        operands[3] += piece
    operands[4] = n - piece
    return MORE if operands[4] else DONE


# ------------------------------------------------------------------------------------ segments
cdef i64 segment_operation(
    Store store, InstanceData instance, u64 op, u32 type_id, u32 segment, u64* operands
) except -9:
    """array.new_data, .new_elem, .init_data, .init_elem: [(array, start,) start in the segment, length].

    Returns the reason of a trap, or DONE.
    """
    cdef bint init = op != O_NEW_DATA and op != O_NEW_ELEM
    cdef bint data = op == O_NEW_DATA or op == O_INIT_DATA
    cdef u64* source = operands + 2 if init else operands
    cdef u64 shift = store.heap.types[type_id].shift, n = source[1], size
    cdef i64 status
    cdef u64* place
    if init:
        status = check(operands[0], operands[1], n)
        if status != DONE:
            return status
    size = segment_size(instance, segment, data)
    if source[0] > size or (n << shift if data else n) > size - source[0]:
        return TRAP_BOUNDS if data else TRAP_TABLE_BOUNDS
    if not init:
        place = new_object(store, 1 + (((n << shift) + 7) >> 3))
        place[0] |= type_id | n << 32
    else:
        place = <u64*>operands[0]
    if n:
        read_segment(
            instance, segment, data, source[0], <u8*>(place + 1) + (operands[1] << shift if init else 0), n, shift
        )
    operands[0] = <u64>place
    return DONE


cdef u64 segment_size(InstanceData instance, u32 segment, bint data) except? 0xFFFFFFFFFFFFFFFF:
    found = instance.datas[segment] if data else instance.elems[segment]
    if found is None:
        return 0
    return found[1] - found[0] if data else len(found)


cdef int read_segment(InstanceData instance, u32 segment, bint data, u64 start, u8* to, u64 n, u64 shift) except -1:
    """Copy n elements, data from byte `start` on; both are in bounds."""
    cdef Py_buffer view
    cdef u64 i
    cdef u8* source
    PyObject_GetBuffer((<Code>instance.code).module.data if data else instance.elems[segment], &view, PyBUF_SIMPLE)
    source = <u8*>view.buf
    if not data:
        memcpy(to, source + 8 * start, n << shift)
    else:
        source += <u64>instance.datas[segment][0] + start
        if shift >= 3:  # numbers of eight bytes are kept as slots have them
            for i in range(n << (shift - 3)):
                (<u64*>to)[i] = wcy_load_u64(source + 8 * i)
        else:
            memcpy(to, source, n << shift)
    PyBuffer_Release(&view)
    return 0
