"""From text to `ModuleSyntax`. Spec: 6.6 "Modules".

Three passes over the fields. The first binds names to indices, stepping over what the fields contain;
the second parses the types, since everything else may refer to them; the third parses the rest in
the order of the text, and adds the function types that are written where they are used.

Compiled with the C types of parser.pxd; an ordinary class uncompiled.
"""

from __future__ import annotations

from array import array
from operator import itemgetter

from ..binary.decoder import CUSTOM, ORDER
from ..binary.encoder import sections_of
from ..module import Custom, Data, Elem, Export, Expr, Global, Import, Table
from ..opcodes import OP_END, OP_I32_CONST, OP_I64_CONST, OP_REF_FUNC
from ..types import FUNCREF, HEAP_FUNC, MemoryType, TableType, ref_type, val_type
from .annotations import BEFORE_CODE, LAST, custom_section, hints_payload
from .annotations import name as name_annotation
from .instructions import InstructionParser
from .lexer import BRANCH_HINT, CUSTOM_SECTION, GIVEN_NAME
from .names import Names
from .tokens import (
    CLOSE,
    END,
    ID,
    KW_DATA,
    KW_DECLARE,
    KW_ELEM,
    KW_EXACT,
    KW_EXPORT,
    KW_FUNC,
    KW_GLOBAL,
    KW_IMPORT,
    KW_ITEM,
    KW_LOCAL,
    KW_MEMORY,
    KW_MODULE,
    KW_OFFSET,
    KW_REC,
    KW_START,
    KW_TABLE,
    KW_TAG,
    KW_TYPE,
    NAT,
    OPEN,
    SPACE_DATA,
    SPACE_ELEM,
    SPACE_FUNC,
    SPACE_GLOBAL,
    SPACE_LOCAL,
    SPACE_MEMORY,
    SPACE_TABLE,
    SPACE_TAG,
    SPACE_TYPE,
    STRING,
)
from .types import LOCAL_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..features import Features
    from ..module import ExternType, Kind, Mode, ModuleSyntax

# What can be imported and exported: the word of the field, its index space, its kind, and its name in messages.
EXTERNS: dict[int, tuple[int, Kind, str]] = {
    KW_FUNC: (SPACE_FUNC, "func", "function"),
    KW_TABLE: (SPACE_TABLE, "table", "table"),
    KW_MEMORY: (SPACE_MEMORY, "memory", "memory"),
    KW_GLOBAL: (SPACE_GLOBAL, "global", "global"),
    KW_TAG: (SPACE_TAG, "tag", "tag"),
}


class Parser(InstructionParser):
    """Parses one module, `(module …)` or the fields of one.

    given         names for the name section
    counts        the size of each index space so far, in the first pass
    type_fields   where the fields `type` and `rec` begin; from the second pass on, where they end
    n_skipped     how many of them the third pass has met
    defined       what kind of definition came first, for imports must not come later
    sections      custom sections: (place among the others, name, payload)
    branch_hints  of each function that has some: (index, hints)
    """

    def __init__(self, data: bytes, start: int, end: int, features: Features) -> None:
        super().__init__(data, start, end, features)
        self.given = Names()
        self.counts = [0] * len(self.names)
        self.type_fields: list[int] = []
        self.n_skipped = 0
        self.defined = ""
        self.sections: list[tuple[int, str, bytes]] = []
        self.branch_hints: list[tuple[int, list[tuple[int, int]]]] = []

    def parse(self, form: bool) -> ModuleSyntax:
        """The module that is all there is; `form`: the `(module …)` that begins here, `pos` is then its end."""
        start = self.pos
        self.next()
        wrapped = self.is_open(KW_MODULE)
        if wrapped:
            start = self.pos
            if self.next() == ID:
                self.given.module = self.id_of().decode()
                start = self.pos
        elif form:
            self.unexpected("(module")
        self.rewind(start)
        self.declare()
        self.noting = True
        self.define_types()
        self.rewind(start)
        self.fields_of_module()
        if wrapped:
            if self.kind != CLOSE:
                self.unexpected("a field of the module, or )")
            if form:
                return self.finish()
            self.next()
        if self.kind != END:
            self.unexpected("the end of the text" if wrapped else "a field of the module")
        return self.finish()

    def rewind(self, pos: int) -> None:
        self.pos = pos
        self.next()

    # The first pass

    def declare(self) -> None:
        """Bind the names of all fields. What is malformed is left for the other passes to find."""
        while self.kind == OPEN:
            word = self.code
            paren = self.paren
            self.next()
            if word == KW_TYPE:
                self.type_fields.append(paren)
                self.declare_name(SPACE_TYPE)
            elif word == KW_REC:
                self.type_fields.append(paren)
                self.declare_group()
            elif word == KW_IMPORT:
                self.declare_import()
            elif word in EXTERNS:
                self.declare_name(EXTERNS[word][0])
                if word == KW_TABLE:
                    self.declare_inline(KW_ELEM, SPACE_ELEM)
                elif word == KW_MEMORY:
                    self.declare_inline(KW_DATA, SPACE_DATA)
            elif word == KW_ELEM:
                self.declare_name(SPACE_ELEM)
            elif word == KW_DATA:
                self.declare_name(SPACE_DATA)
            self.skip_form()
            self.next()

    def declare_name(self, space: int) -> None:
        self.bind(space, self.counts[space])
        self.counts[space] += 1

    def declare_group(self) -> None:
        while self.accept_open(KW_TYPE):
            self.declare_name(SPACE_TYPE)
            self.skip_form()
            self.next()

    def declare_import(self) -> None:
        while self.kind == STRING:
            self.next()
        if self.kind == OPEN and self.code in EXTERNS:
            space = EXTERNS[self.code][0]
            self.next()
            self.declare_name(space)
            self.skip_form()
            self.next()

    def declare_inline(self, word: int, space: int) -> None:
        """Count the segment that may stand within a table or memory."""
        while self.kind != CLOSE and self.kind != END:
            if self.kind == OPEN:
                if self.code == word:
                    self.counts[space] += 1
                self.next()
                self.skip_form()
            self.next()

    # The second pass

    def define_types(self) -> None:
        types = self.module.types
        for i, paren in enumerate(self.type_fields):
            self.rewind(paren)
            first = len(types)
            if self.accept_open(KW_REC):
                while self.is_open(KW_TYPE):
                    self.type_definition()
                    self.close()
            else:
                self.type_definition()
            if self.kind != CLOSE:
                self.unexpected(")")
            if self.noted:
                self.misplaced()
            self.type_fields[i] = self.pos
            self.module.rec_groups.append((first, len(types) - first))
            if len(types) - first == 1:
                self.note_func_type(first)

    def type_definition(self) -> None:
        self.next()
        self.definition_name(SPACE_TYPE, len(self.module.types))
        self.module.types.append(self.sub_type())

    # The third pass

    def fields_of_module(self) -> None:
        first = True
        while self.kind == OPEN:
            if self.noted:
                self.notes_of_module(first)
            parse = FIELDS.get(self.code)
            if parse is None:
                self.unexpected("a field of the module")
            parse(self)
            first = False
        if self.noted:
            self.notes_of_module(first)

    def notes_of_module(self, first: bool) -> None:
        """Annotations between fields: custom sections, and before all fields the module's name."""
        named = False
        for note in self.take_notes():
            if note[0] == CUSTOM_SECTION:
                self.sections.append(custom_section(self, note))
            elif note[0] == GIVEN_NAME and first:
                if named:
                    self.fail("@name annotation: multiple module names", note[1])
                self.given.module = name_annotation(self, note)
                named = True
            else:
                self.misplaced_note(note)

    def definition_name(self, space: int, index: int) -> None:
        """The identifier of a definition, which is bound already, and its name annotation."""
        text = None
        if self.kind == ID:
            text = self.id_of().decode()
            self.next()
        if self.noted and self.notes[0][0] == GIVEN_NAME:
            for note in self.take_notes():
                if note[0] == GIVEN_NAME:
                    text = name_annotation(self, note)
                elif note[0] == BRANCH_HINT and space == SPACE_FUNC:  # if it is for the first instruction
                    self.notes.append(note)
                    self.noted = True
                else:
                    self.misplaced_note(note)
        if text is not None:
            self.given.spaces[space][index] = text

    def type_field(self) -> None:
        """Step over what the second pass has parsed."""
        end = self.type_fields[self.n_skipped]
        self.n_skipped += 1
        self.rewind(end)

    def string(self) -> str:
        if self.kind != STRING:
            self.unexpected("a string")
        text = self.text_of(self.start, self.stop)
        self.next()
        return text

    # Imports and exports. Spec: 6.6.3 to 6.6.5

    def import_field(self) -> None:
        at = self.paren
        self.next()
        module_name = self.string()
        name = self.string()
        if self.kind != OPEN or self.code not in EXTERNS:
            self.unexpected("what is imported, such as (func")
        word = self.code
        space, kind, _ = EXTERNS[word]
        self.next()
        self.definition_name(space, self.count(kind))
        self.import_desc(kind, module_name, name, at)
        self.close()
        self.close()

    def count(self, kind: Kind) -> int:
        """How many functions, tables … there are so far."""
        module = self.module
        counts = {
            "func": module.n_funcs,
            "table": module.n_tables,
            "memory": module.n_memories,
            "global": module.n_globals,
            "tag": module.n_tags,
        }
        return counts[kind]

    def import_desc(self, kind: Kind, module_name: str, name: str, at: int) -> None:
        if self.defined:
            self.fail(f"import after {self.defined}: imports come before all definitions", at)
        module = self.module
        exact = False
        desc: ExternType
        if kind == "func":
            exact = self.accept_open(KW_EXACT)
            desc = self.named_type_use()
            if exact:
                self.close()
            module.imported_funcs.append(desc)
            self.names_of_locals(len(module.imported_funcs) - 1)
        elif kind == "table":
            desc = self.table_type(self.address_type())
            module.imported_tables.append(desc)
        elif kind == "memory":
            desc = self.memory_type(self.address_type())
            module.imported_memories.append(desc)
        elif kind == "global":
            desc = self.global_type()
            module.imported_globals.append(desc)
        else:
            desc = self.named_type_use()
            module.imported_tags.append(desc)
        module.imports.append(Import(module_name, name, kind, desc, at, exact))

    def named_type_use(self) -> int:
        """The type of a function or tag without a body."""
        self.names[SPACE_LOCAL] = {}
        self.given_locals = {}
        return self.resolve(self.type_use(LOCAL_NAMES))

    def names_of_locals(self, function: int) -> None:
        """Put the names of a function's locals into the name section."""
        names = {index: name.decode() for name, index in self.names[SPACE_LOCAL].items()} | self.given_locals
        if names:
            self.given.locals.append((function, sorted(names.items())))

    def export_field(self) -> None:
        at = self.paren
        self.next()
        name = self.string()
        if self.kind != OPEN or self.code not in EXTERNS:
            self.unexpected("what is exported, such as (func")
        space, kind, _ = EXTERNS[self.code]
        self.next()
        self.module.exports.append(Export(name, kind, self.index(space), at))
        self.close()
        self.close()

    def begin_definition(self, word: int) -> bool:
        """What all definitions have: a name, exports, perhaps an import. False: it is an import, and complete."""
        space, kind, described = EXTERNS[word]
        at = self.paren
        self.next()
        index = self.count(kind)
        self.definition_name(space, index)
        while self.accept_open(KW_EXPORT):
            self.module.exports.append(Export(self.string(), kind, index, at))
            self.close()
        if not self.accept_open(KW_IMPORT):
            if not self.defined:
                self.defined = described
            return True
        module_name = self.string()
        name = self.string()
        self.close()
        self.import_desc(kind, module_name, name, at)
        self.close()
        return False

    # Definitions. Spec: 6.6.6 to 6.6.10

    def func_field(self) -> None:
        at = self.paren
        if not self.begin_definition(KW_FUNC):
            return
        module = self.module
        index = module.n_funcs
        self.names[SPACE_LOCAL] = {}
        self.given_locals = {}
        use = self.type_use(LOCAL_NAMES)
        module.funcs.append(self.resolve(use))
        n_params = len(use.params)
        if use.index >= 0 and n_params == 0:
            declared = self.func_type_of(use.index)
            n_params = len(declared.params) if declared is not None else 0
        self.begin_body()
        module.body_start.append(self.body)
        if self.recording:
            self.record(at)
        self.local_declarations(n_params)
        self.instructions(False)
        self.end_of_code()
        module.body_end.append(self.out.size)
        self.end_body(index)
        self.close()

    def begin_body(self) -> None:
        self.body = self.out.size
        self.in_function = True
        self.labels.append(None)
        self.hints = []
        self.n_labels = 0
        self.label_names = []

    def end_body(self, index: int) -> None:
        self.in_function = False
        self.labels.pop()
        if self.hints:
            self.branch_hints.append((index, self.hints))
        self.names_of_locals(index)
        if self.label_names:
            self.given.labels.append((index, [(i, n.decode()) for i, n in self.label_names]))

    def local_declarations(self, n: int) -> None:
        """The locals after `n` parameters, written as runs of equal types. Spec: 5.5.13 "Code Section"."""
        runs: list[list[int]] = []
        while self.accept_open(KW_LOCAL):
            named = self.kind == ID
            if named:
                self.bind(SPACE_LOCAL, n)
            if self.noted:
                self.given_locals[n] = self.given_name()
            while named or self.kind != CLOSE:
                t = self.val_type()
                n += 1
                if runs and runs[-1][1] == t:
                    runs[-1][0] += 1
                else:
                    runs.append([1, t])
                if named:
                    break
            self.close()
        self.out.unsigned(len(runs))
        for count, t in runs:
            self.out.unsigned(count)
            self.out.val_type(t)

    def global_field(self) -> None:
        at = self.paren
        if self.begin_definition(KW_GLOBAL):
            t = self.global_type()
            self.module.globals.append(Global(t, self.expression(), at))
            self.close()

    def tag_field(self) -> None:
        if self.begin_definition(KW_TAG):
            self.module.tags.append(self.named_type_use())
            self.close()

    def table_field(self) -> None:
        at = self.paren
        if not self.begin_definition(KW_TABLE):
            return
        is64 = self.address_type()
        if self.kind == NAT:
            t = self.table_type(is64)
            init = None if self.kind == CLOSE else self.expression()
            self.module.tables.append(Table(t, init, at))
        else:
            self.inline_elem(is64, at)
        self.close()

    def inline_elem(self, is64: bool, at: int) -> None:
        """A table that is as large as the segment it is written with."""
        element = val_type(self.ref_type())
        if not self.accept_open(KW_ELEM):
            self.unexpected("(elem")
        offset = self.zero(is64)
        t, funcs, exprs = element, None, None
        if self.kind == OPEN:
            exprs = self.elem_expressions()
        elif element == FUNCREF:
            t, funcs = ref_type(HEAP_FUNC, False), self.elem_indices()
        else:  # a segment of indices would have the type (ref func)
            exprs = [self.function_reference(index) for index in self.elem_indices()]
        self.close()
        elem = Elem("active", self.module.n_tables, offset, t, funcs, exprs, at)
        self.module.elems.append(elem)
        self.module.tables.append(Table(TableType(element, len(elem), len(elem), is64), None, at))

    def memory_field(self) -> None:
        at = self.paren
        if not self.begin_definition(KW_MEMORY):
            return
        is64 = self.address_type()
        if self.kind == NAT:
            self.module.memories.append(self.memory_type(is64))
        else:
            self.inline_data(is64, at)
        self.close()

    def inline_data(self, is64: bool, at: int) -> None:
        """A memory that is as large as the segment it is written with."""
        page = self.page_size()
        if not self.accept_open(KW_DATA):
            self.unexpected("(data")
        offset = self.zero(is64)
        data = Data("active", self.module.n_memories, offset, *self.strings(), at)
        self.close()
        pages = (len(data) + (1 << page) - 1) >> page
        self.module.datas.append(data)
        self.module.memories.append(MemoryType(pages, pages, False, is64, page))

    def zero(self, is64: bool) -> Expr:
        """The offset of a segment that stands within a table or memory."""
        start = self.out.size
        self.out.byte(OP_I64_CONST if is64 else OP_I32_CONST)
        self.out.byte(0)
        self.out.byte(OP_END)
        return Expr(start, self.out.size)

    # Start and segments. Spec: 6.6.11 to 6.6.13

    def start_field(self) -> None:
        if self.module.start is not None:
            self.fail("multiple start sections", self.paren)
        self.next()
        self.module.start = self.index(SPACE_FUNC)
        self.close()

    def place(self, word: int, space: int) -> int:
        """The table or memory of an active segment; a mere index is how WebAssembly 1.0 wrote it."""
        if self.at_index():
            return self.index(space)
        if not self.accept_open(word):
            return 0
        index = self.index(space)
        self.close()
        return index

    def offset(self) -> Expr:
        if not self.accept_open(KW_OFFSET):
            return self.folded_expression()
        offset = self.expression()
        self.close()
        return offset

    def elem_field(self) -> None:
        at = self.paren
        self.next()
        self.definition_name(SPACE_ELEM, len(self.module.elems))
        mode: Mode = "passive"
        table = 0
        offset = None
        if self.accept_word(KW_DECLARE):
            mode = "declarative"
        elif self.at_index() or (self.kind == OPEN and not self.at_val_type()):
            mode = "active"
            table = self.place(KW_TABLE, SPACE_TABLE)
            offset = self.offset()
        t = ref_type(HEAP_FUNC, False)
        funcs, exprs = None, None
        if self.at_val_type():
            t = val_type(self.ref_type())
            exprs = self.elem_expressions()
        elif self.accept_word(KW_FUNC) or mode == "active":
            funcs = self.elem_indices()
        else:
            self.unexpected("func or a reference type")
        self.module.elems.append(Elem(mode, table, offset, t, funcs, exprs, at))
        self.close()

    def elem_indices(self) -> array[int]:
        indices = array("I")
        while self.at_index():
            indices.append(self.index(SPACE_FUNC))
        return indices

    def function_reference(self, index: int) -> Expr:
        """The expression that a function's index stands for among elements."""
        start = self.out.size
        self.out.byte(OP_REF_FUNC)
        self.out.unsigned(index)
        self.out.byte(OP_END)
        return Expr(start, self.out.size)

    def elem_expressions(self) -> list[Expr]:
        exprs = []
        while self.kind == OPEN:
            if self.accept_open(KW_ITEM):
                exprs.append(self.expression())
                self.close()
            else:
                exprs.append(self.folded_expression())
        return exprs

    def data_field(self) -> None:
        at = self.paren
        self.next()
        self.definition_name(SPACE_DATA, len(self.module.datas))
        memory = 0
        offset = None
        if self.at_index() or self.kind == OPEN:
            memory = self.place(KW_MEMORY, SPACE_MEMORY)
            offset = self.offset()
        mode: Mode = "passive" if offset is None else "active"
        self.module.datas.append(Data(mode, memory, offset, *self.strings(), at))
        self.close()

    def strings(self) -> tuple[int, int]:
        """Write the bytes of strings; returns where they are."""
        start = self.out.size
        while self.kind == STRING:
            self.out.raw(self.bytes_of(self.start, self.stop))
            self.next()
        return start, self.out.size

    # The end

    def names_of_fields(self) -> dict[int, dict[int, str]]:
        """The names of the fields of struct types, as the name section has them."""
        found = {index: {i: name.decode() for name, i in names.items()} for index, names in self.fields.items()}
        for index, given in self.given_fields.items():
            found[index] = found.get(index, {}) | given
        return found

    def finish(self) -> ModuleSyntax:
        """Add what stands in custom sections, and the bytes that everything refers to."""
        module = self.module
        if self.needs_count:
            module.data_count = len(module.datas)
        if self.branch_hints:
            self.sections.append((BEFORE_CODE, BRANCH_HINT.decode(), hints_payload(self.branch_hints)))
        names = self.given.payload(self.names_of_fields())
        if names:
            self.sections.insert(0, (LAST, "name", names))  # before others that come last
        present = sections_of(module)
        for place, title, payload in sorted(self.sections, key=itemgetter(0)):
            before = [section for section in present if 2 * ORDER.index(section) < place]
            start = self.out.size
            self.out.raw(payload)
            module.customs.append(Custom(title, start, self.out.size, before[-1] if before else CUSTOM))
        module.data = self.out.getvalue()
        return module


FIELDS: dict[int, Callable[[Parser], None]] = {
    KW_TYPE: Parser.type_field,
    KW_REC: Parser.type_field,
    KW_IMPORT: Parser.import_field,
    KW_FUNC: Parser.func_field,
    KW_TABLE: Parser.table_field,
    KW_MEMORY: Parser.memory_field,
    KW_TAG: Parser.tag_field,
    KW_GLOBAL: Parser.global_field,
    KW_EXPORT: Parser.export_field,
    KW_START: Parser.start_field,
    KW_ELEM: Parser.elem_field,
    KW_DATA: Parser.data_field,
}
