"""Reading types. Spec: 5.3 "Types".

Compiled with the C types of types.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from ..errors import InvalidError, MalformedError
from ..features import Features
from ..types import (
    CONCRETE,
    EXACT,
    HEAP_EXN,
    HEAP_EXTERN,
    HEAP_FUNC,
    HEAP_NAMES,
    HEAP_NOEXN,
    I8,
    I16,
    NULL,
    REF,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    MemoryType,
    StructType,
    SubType,
    TableType,
    ValType,
    val_type,
)
from .reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# Lead bytes.
SUB, SUB_FINAL, FUNC, STRUCT, ARRAY = 0x50, 0x4F, 0x60, 0x5F, 0x5E
DESCRIPTOR, DESCRIBES = 0x4D, 0x4C
REF_NULL, REF_NONNULL, EXACT_HEAP = 0x63, 0x64, 0x62

LIMITS_MAX, LIMITS_SHARED, LIMITS_64, LIMITS_PAGE = 1, 2, 4, 8

# Implementation limits. Spec: JavaScript API, "Implementation-defined Limits".
MAX_PARAMS = 1_000
MAX_RESULTS = 1_000
MAX_FIELDS = 10_000


class TypeDecoder:
    """Reads types from `reader`; refuses those of proposals that are off."""

    def __init__(self, data: bytes, features: Features) -> None:
        self.reader = Reader(data, 0, len(data))
        self.features = features
        self.simd = features.simd

    # Refusing

    def fail(self, message: str, offset: int) -> NoReturn:
        raise MalformedError(message, offset)

    def need(self, feature: str, phrase: str, offset: int) -> None:
        """Refuse what belongs to a proposal that is off. `phrase`: "malformed X: what it is"."""
        if not getattr(self.features, feature):
            raise MalformedError(f"{phrase} needs the feature {feature}, which is off", offset)

    def limit(self, n: int, most: int, what: str, offset: int) -> None:
        if n > most:
            raise InvalidError(f"too many {what}: {n}, at most {most} are supported", offset)

    def count(self, most: int, what: str) -> int:
        """The length of a vector of at most `most` elements."""
        at = self.reader.pos
        n = self.reader.count()
        if n > most:
            self.limit(n, most, what, at)
        return n

    # Types. Their lead bytes are signed LEB128 numbers of one byte.

    def bad_lead(self, phrase: str, lead: int, at: int) -> NoReturn:
        if lead >= 0x80:
            self.fail("integer representation too long", at)
        self.fail(f"{phrase}: byte {lead:#04x}", at)

    def sub_type(self) -> SubType:
        r = self.reader
        at = r.pos
        lead = r.byte()
        if lead == FUNC:
            return SubType(True, (), self.func_type(at))
        final = lead != SUB
        supers: list[int] = []
        if lead == SUB or lead == SUB_FINAL:
            self.need("gc", "malformed definition type: a subtype", at)
            supers = [r.u32() for _ in range(r.count())]
            at = r.pos
            lead = r.byte()
        describes = descriptor = None
        if lead == DESCRIBES:
            self.need("custom_descriptors", "malformed definition type: a describes clause", at)
            describes = r.u32()
            at = r.pos
            lead = r.byte()
        if lead == DESCRIPTOR:
            self.need("custom_descriptors", "malformed definition type: a descriptor clause", at)
            descriptor = r.u32()
            at = r.pos
            lead = r.byte()
        return SubType(final, supers, self.comp_type(lead, at), describes, descriptor)

    def comp_type(self, lead: int, at: int) -> FuncType | StructType | ArrayType:
        if lead == FUNC:
            return self.func_type(at)
        if lead == STRUCT:
            self.need("gc", "malformed definition type: a struct type", at)
            n = self.count(MAX_FIELDS, "fields")
            return StructType([self.field_type() for _ in range(n)])
        if lead == ARRAY:
            self.need("gc", "malformed definition type: an array type", at)
            return ArrayType(self.field_type())
        self.bad_lead("malformed definition type", lead, at)

    def func_type(self, at: int) -> FuncType:
        params = self.result_type(MAX_PARAMS, "parameters")
        results = self.result_type(MAX_RESULTS, "results")
        if len(results) > 1 and not self.features.multi_value:
            raise InvalidError(
                "invalid result arity: several results need the feature multi_value, which is off",
                at,
            )
        return FuncType(params, results)

    def result_type(self, most: int, what: str) -> list[ValType]:
        return [val_type(self.val_type()) for _ in range(self.count(most, what))]

    def val_type(self) -> int:
        r = self.reader
        at = r.pos
        lead = r.byte()
        if lead >= 0x7C and lead < 0x80:
            return lead
        if lead == 0x7B:
            if not self.simd:
                self.need("simd", "malformed value type: v128", at)
            return lead
        if lead == HEAP_FUNC or lead == HEAP_EXTERN:
            self.need("reference_types", "malformed value type: a reference", at)
        return self.ref_type_after(lead, at)

    def ref_type(self) -> int:
        r = self.reader
        at = r.pos
        return self.ref_type_after(r.byte(), at)

    def ref_type_after(self, lead: int, at: int) -> int:
        """A reference type whose first byte, at `at`, has been read."""
        if lead == REF_NULL or lead == REF_NONNULL:
            self.need("function_references", "malformed reference type: (ref ...)", at)
            heap = self.heap_type()
            return REF | NULL | heap if lead == REF_NULL else REF | heap
        if lead not in HEAP_NAMES:
            self.bad_lead("malformed reference type", lead, at)
        self.check_heap(lead, "malformed reference type", at)
        return REF | NULL | lead

    def heap_type(self) -> int:
        """A heap type, as types.py represents it."""
        r = self.reader
        at = r.pos
        if at < r.end:
            lead = r.buffer[at]
            if lead == EXACT_HEAP:
                self.need("custom_descriptors", "malformed heap type: an exact type", at)
                # A u32, or as the reference interpreter has it, an s33; in this byte they differ.
                if at + 1 < r.end and r.buffer[at + 1] == EXACT_HEAP:
                    self.fail("malformed heap type: exact twice", at + 1)
                r.pos = at + 1
                return CONCRETE | EXACT | r.u32()
            if lead >= 0x40 and lead < 0x80:
                if lead not in HEAP_NAMES:
                    self.fail(f"malformed heap type: byte {lead:#04x}", at)
                self.check_heap(lead, "malformed heap type", at)
                r.pos = at + 1
                return lead
        index = r.s33()
        if index < 0:
            self.fail("integer representation too long: a heap type", at)
        self.need("function_references", "malformed heap type: a type index", at)
        return CONCRETE | index

    def check_heap(self, heap: int, phrase: str, at: int) -> None:
        """Refuse an abstract heap type of a proposal that is off."""
        if heap == HEAP_FUNC:
            return
        if heap == HEAP_EXTERN:
            feature = "reference_types"
        elif heap == HEAP_EXN or heap == HEAP_NOEXN:
            feature = "exceptions"
        else:
            feature = "gc"
        self.need(feature, f"{phrase}: {HEAP_NAMES[heap]}", at)

    def field_type(self) -> FieldType:
        r = self.reader
        at = r.pos
        lead = r.buffer[at] if at < r.end else 0
        if lead == I8 or lead == I16:
            r.pos = at + 1
            return FieldType(lead, self.mutability())
        try:
            storage = self.val_type()
        except MalformedError as error:
            if "needs the feature" in error.message:
                raise
            if error.offset == at:
                self.fail(f"malformed storage type: byte {lead:#04x}", at)
            if error.message.startswith("malformed heap type"):
                raise MalformedError(f"malformed storage type: {error.message}", error.offset) from None
            raise
        return FieldType(storage, self.mutability())

    def mutability(self) -> bool:
        r = self.reader
        flag = r.byte()
        if flag > 1:
            self.fail(f"malformed mutability: byte {flag:#04x}", r.pos - 1)
        return flag == 1

    def limits_flags(self, allowed: int) -> int:
        r = self.reader
        at = r.pos
        flags = r.byte()
        if flags & ~allowed:
            self.fail(f"malformed limits flags: byte {flags:#04x}", at)
        if flags & LIMITS_SHARED:
            self.need("threads", "malformed limits flags: a shared memory", at)
        if flags & LIMITS_64:
            self.need("memory64", "malformed limits flags: 64-bit addresses", at)
        if flags & LIMITS_PAGE:
            self.need("custom_page_sizes", "malformed limits flags: a page size", at)
        return flags

    def table_type(self) -> TableType:
        r = self.reader
        element = self.ref_type()
        flags = self.limits_flags(LIMITS_MAX | LIMITS_64)
        least = r.u64()
        most = r.u64() if flags & LIMITS_MAX else None
        return TableType(element, least, most, flags & LIMITS_64 != 0)

    def memory_type(self) -> MemoryType:
        r = self.reader
        flags = self.limits_flags(LIMITS_MAX | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE)
        least = r.u64()
        most = r.u64() if flags & LIMITS_MAX else None
        page = 16
        if flags & LIMITS_PAGE:
            at = r.pos
            page = r.u32()
            if page > 63:
                self.fail(f"invalid custom page size: 2 to the power {page}", at)
        return MemoryType(least, most, flags & LIMITS_SHARED != 0, flags & LIMITS_64 != 0, page)

    def global_type(self) -> GlobalType:
        t = self.val_type()
        return GlobalType(t, self.mutability())

    def tag_type(self) -> int:
        """A tag's type index."""
        r = self.reader
        attribute = r.byte()
        if attribute != 0:
            self.fail(f"zero byte expected: tag attribute {attribute:#04x}", r.pos - 1)
        return r.u32()
