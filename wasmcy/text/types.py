"""Parsing types and indices. Spec: 6.4 "Types", 6.6.1 "Indices".

Compiled with the C types of types.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from ..module import ModuleSyntax
from ..types import (
    CONCRETE,
    EXACT,
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
)
from ..types import NULL as NULLABLE
from .annotations import name as name_annotation
from .lexer import GIVEN_NAME, Lexer
from .tokens import (
    CLOSE,
    HEAP_TYPE_OF,
    ID,
    KW_ARRAY,
    KW_DESCRIBES,
    KW_DESCRIPTOR,
    KW_EXACT,
    KW_FIELD,
    KW_FINAL,
    KW_FUNC,
    KW_I8,
    KW_I16,
    KW_I32,
    KW_I64,
    KW_MUT,
    KW_NULL,
    KW_PAGESIZE,
    KW_PARAM,
    KW_REF,
    KW_RESULT,
    KW_SHARED,
    KW_STRUCT,
    KW_SUB,
    KW_TYPE,
    N_SPACES,
    NAT,
    OPEN,
    SPACE_LOCAL,
    SPACE_TYPE,
    SPACES,
    VAL_TYPE_OF,
    WORD,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..features import Features

MAX_U32 = 0xFFFFFFFF
MAX_U64 = 0xFFFFFFFFFFFFFFFF
WORDS_OF_SPACES = tuple(SPACES.values())

# What names of parameters are: not allowed, without meaning, names of locals.
NO_NAMES, IDLE_NAMES, LOCAL_NAMES = range(3)


class TypeUse:
    """A function type as a function, block or call names it: by its index, by its parts, or both.

    `index` is -1 where there is none, `at` where it begins.
    """

    __slots__ = ("at", "index", "params", "results")

    def __init__(self, index: int, params: list[int], results: list[int], at: int) -> None:
        self.index = index
        self.params = params
        self.results = results
        self.at = at


class TypeParser(Lexer):
    """Parses types; knows the names of all index spaces.

    names        for each index space, indices by name
    fields       the same for the fields of each struct type that names some
    given_locals names that annotations give to the locals of the current function, by index
    given_fields the same for the fields of struct types
    func_types   index of the first function type with given parameters and results, that a type use may mean
    """

    def __init__(self, data: bytes, start: int, end: int, features: Features) -> None:
        super().__init__(data, start, end)
        self.module = ModuleSyntax(b"", features)
        self.limit_bits = 64 if features.memory64 else 32
        self.names: list[dict[bytes, int]] = [{} for _ in range(N_SPACES)]
        self.fields: dict[int, dict[bytes, int]] = {}
        self.given_locals: dict[int, str] = {}
        self.given_fields: dict[int, dict[int, str]] = {}
        self.func_types: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}

    # Tokens

    def is_word(self, code: int) -> bool:
        return self.kind == WORD and self.code == code

    def is_open(self, code: int) -> bool:
        return self.kind == OPEN and self.code == code

    def accept_word(self, code: int) -> bool:
        """Step over a word if it is this one."""
        if self.kind != WORD or self.code != code:
            return False
        self.next()
        return True

    def accept_open(self, code: int) -> bool:
        """Step over a parenthesis with a word if it is this one."""
        if self.kind != OPEN or self.code != code:
            return False
        self.next()
        return True

    def close(self) -> int:
        if self.kind != CLOSE:
            self.unexpected(")")
        self.next()
        return 0

    def u32(self) -> int:
        if self.kind != NAT:
            self.unexpected("a number")
        value = self.natural(self.start, self.stop, MAX_U32, "i32 constant out of range")
        self.next()
        return value

    # Names and indices

    def bind(self, space: int, index: int) -> None:
        """Bind the identifier here, if there is one, to an index."""
        if self.kind == ID:
            name = self.id_of()
            names = self.names[space]
            if name in names:
                self.fail(f"duplicate {WORDS_OF_SPACES[space][1]} ${name.decode()}", self.start)
            names[name] = index
            self.next()

    def given_name(self) -> str:
        """The name that the annotation before this token gives; there must be no other."""
        text = ""
        for note in self.take_notes():
            if note[0] != GIVEN_NAME:
                self.misplaced_note(note)
            text = name_annotation(self, note)
        return text

    def skip_id(self) -> None:
        if self.kind == ID:
            self.next()

    def index(self, space: int) -> int:
        """An index, as a number or an identifier."""
        if self.kind != NAT and self.kind != ID:
            self.unexpected(f"a {WORDS_OF_SPACES[space][0]}")
        index = self.index_between(space, self.kind, self.start, self.stop)
        self.next()
        return index

    def index_between(self, space: int, kind: int, start: int, stop: int) -> int:
        """The index that a token stands for."""
        if kind == NAT:
            return self.natural(start, stop, MAX_U32, "i32 constant out of range")
        name = self.id_between(start, stop)
        found = self.names[space].get(name)
        if found is None:
            self.fail(f"unknown {WORDS_OF_SPACES[space][0]} ${name.decode()}", start)
        return found

    def at_index(self) -> bool:
        return self.kind == NAT or self.kind == ID

    def field_index(self, type_index: int) -> int:
        """The index of a field of a struct type."""
        if self.kind != ID:
            return self.u32()
        found = self.fields.get(type_index, {}).get(self.id_of())
        if found is None:
            self.fail(f"unknown field {self.spelling()} of type {type_index}", self.start)
        self.next()
        return found

    # Types

    def heap_type(self) -> int:
        """A heap type, as types.py represents it."""
        if self.kind == WORD:
            heap = HEAP_TYPE_OF[self.code]
            if heap == 0:
                self.unexpected("a heap type")
            self.next()
            return heap
        if self.accept_open(KW_EXACT):
            index = self.index(SPACE_TYPE)
            self.close()
            return CONCRETE | EXACT | index
        if not self.at_index():
            self.unexpected("a heap type")
        return CONCRETE | self.index(SPACE_TYPE)

    def at_val_type(self) -> bool:
        """Whether a value type begins here."""
        if self.kind == WORD:
            return VAL_TYPE_OF[self.code] != 0
        return self.kind == OPEN and self.code == KW_REF

    def val_type(self) -> int:
        if self.kind == WORD:
            t = VAL_TYPE_OF[self.code]
            if t == 0 or self.code == KW_I8 or self.code == KW_I16:
                self.unexpected("a value type")
            self.next()
            return t
        if not self.accept_open(KW_REF):
            self.unexpected("a value type")
        bits = REF | NULLABLE if self.accept_word(KW_NULL) else REF
        bits |= self.heap_type()
        self.close()
        return bits

    def ref_type(self) -> int:
        at = self.start
        if self.kind == WORD and not VAL_TYPE_OF[self.code] & REF:
            self.unexpected("a reference type")
        t = self.val_type()
        if not t & REF:
            self.fail("unexpected token: a reference type expected", at)
        return t

    def func_parts(self, params: list[int], results: list[int], naming: int) -> None:
        """The parameters and results of a function type. Spec: 6.4.5 "Composite Types"."""
        while self.accept_open(KW_PARAM):
            named = self.kind == ID and naming != NO_NAMES
            if named:
                if naming == LOCAL_NAMES:
                    self.bind(SPACE_LOCAL, len(params))
                else:
                    self.next()
            if self.noted and naming == LOCAL_NAMES:
                self.given_locals[len(params)] = self.given_name()
            while self.kind != CLOSE:
                params.append(self.val_type())
                if named:
                    break
            self.close()
        while self.accept_open(KW_RESULT):
            while self.kind != CLOSE:
                results.append(self.val_type())
            self.close()

    def sub_type(self) -> SubType:
        """Spec: 6.4.7 "Type Definitions"."""
        final = True
        supers: list[int] = []
        wrapped = self.accept_open(KW_SUB)
        if wrapped:
            final = self.accept_word(KW_FINAL)
            while self.at_index():
                supers.append(self.index(SPACE_TYPE))
        describes = self.clause(KW_DESCRIBES)
        descriptor = self.clause(KW_DESCRIPTOR)
        comp = self.comp_type()
        if wrapped:
            self.close()
        return SubType(final, supers, comp, describes, descriptor)

    def clause(self, word: int) -> int | None:
        if not self.accept_open(word):
            return None
        index = self.index(SPACE_TYPE)
        self.close()
        return index

    def comp_type(self) -> FuncType | StructType | ArrayType:
        comp: FuncType | StructType | ArrayType
        if self.accept_open(KW_FUNC):
            params: list[int] = []
            results: list[int] = []
            self.func_parts(params, results, IDLE_NAMES)
            comp = FuncType(params, results)
        elif self.accept_open(KW_STRUCT):
            comp = StructType(self.field_types())
        elif self.accept_open(KW_ARRAY):
            comp = ArrayType(self.field_type())
        else:
            self.unexpected("a function, struct or array type")
        self.close()
        return comp

    def field_types(self) -> list[FieldType]:
        names: dict[bytes, int] = {}
        fields: list[FieldType] = []
        given: dict[int, str] = {}
        while self.accept_open(KW_FIELD):
            named = self.kind == ID
            if named:
                name = self.id_of()
                if name in names:
                    self.fail(f"duplicate field {self.spelling()}", self.start)
                names[name] = len(fields)
                self.next()
            if self.noted:
                given[len(fields)] = self.given_name()
            while self.kind != CLOSE:
                fields.append(self.field_type())
                if named:
                    break
            self.close()
        if names:
            self.fields[len(self.module.types)] = names
        if given:
            self.given_fields[len(self.module.types)] = given
        return fields

    def field_type(self) -> FieldType:
        mutable = self.accept_open(KW_MUT)
        if self.kind == WORD and (self.code == KW_I8 or self.code == KW_I16):
            storage = VAL_TYPE_OF[self.code]
            self.next()
        else:
            storage = self.val_type()
        if mutable:
            self.close()
        return FieldType(storage, mutable)

    # Types of what is imported and exported

    def limit(self) -> int:
        if self.kind != NAT:
            self.unexpected("a size")
        most = MAX_U64 if self.limit_bits == 64 else MAX_U32
        value = self.natural(self.start, self.stop, most, f"i{self.limit_bits} constant out of range")
        self.next()
        return value

    def address_type(self) -> bool:
        """Whether addresses have 64 bits."""
        if self.accept_word(KW_I64):
            return True
        self.accept_word(KW_I32)
        return False

    def table_type(self, is64: bool) -> TableType:
        least = self.limit()
        most = self.limit() if self.kind == NAT else None
        return TableType(self.ref_type(), least, most, is64)

    def memory_type(self, is64: bool) -> MemoryType:
        least = self.limit()
        most = self.limit() if self.kind == NAT else None
        shared = self.accept_word(KW_SHARED)
        return MemoryType(least, most, shared, is64, self.page_size())

    def page_size(self) -> int:
        """The logarithm of the size of a memory's pages."""
        if not self.accept_open(KW_PAGESIZE):
            return 16
        at = self.start
        size = self.u32()
        if size == 0 or size & (size - 1):
            self.fail(f"invalid custom page size: {size} is not a power of two", at)
        self.close()
        return size.bit_length() - 1

    def global_type(self) -> GlobalType:
        mutable = self.accept_open(KW_MUT)
        t = self.val_type()
        if mutable:
            self.close()
        return GlobalType(t, mutable)

    # Type uses. Spec: 6.4.9 "Type Uses"

    def type_use(self, naming: int) -> TypeUse:
        """A type use, whose parameters have names as `naming` says."""
        at = self.start
        index = -1
        if self.accept_open(KW_TYPE):
            index = self.index(SPACE_TYPE)
            self.close()
        use = TypeUse(index, [], [], at)
        if self.kind == OPEN:
            self.func_parts(use.params, use.results, naming)
            if self.kind == OPEN and (self.code == KW_TYPE or self.code == KW_PARAM or self.code == KW_RESULT):
                self.unexpected("(type …), (param …) and (result …) in this order")
        return use

    def resolve(self, use: TypeUse) -> int:
        """The type index of a type use; a type that does not exist is added."""
        params, results = tuple(use.params), tuple(use.results)
        if use.index >= 0:
            if params or results:
                self.check_inline(use)
            return use.index
        found = self.func_types.get((params, results))
        if found is None:
            types = self.module.types
            self.func_types[params, results] = found = len(types)
            types.append(SubType(True, (), FuncType(params, results)))
            self.module.rec_groups.append((found, 1))
        return found

    def check_inline(self, use: TypeUse) -> None:
        """Refuse a type use whose parts are not those of the type it names."""
        types = self.module.types
        if use.index >= len(types):
            self.fail(f"unknown type {use.index}", use.at)
        comp = types[use.index].comp
        if comp != FuncType(use.params, use.results):
            self.fail(f"inline function type does not match type {use.index}, which is {comp}", use.at)

    def note_func_type(self, index: int) -> None:
        """Let type uses mean the type at `index`, if it is a plain function type that does not name itself."""
        sub = self.module.types[index]
        if not isinstance(sub.comp, FuncType) or sub != SubType(True, (), sub.comp):
            return
        params, results = sub.comp.params, sub.comp.results
        if not any(t & CONCRETE and ValType(t).index == index for t in (*params, *results)):
            self.func_types.setdefault((params, results), index)

    def func_type_of(self, index: int) -> FuncType | None:
        types = self.module.types
        if index < len(types):
            comp = types[index].comp
            if isinstance(comp, FuncType):
                return comp
        return None
