"""The programs as modules, what they give, and which handlers that takes."""

import struct
from functools import cache

import wasmtime

import wasmcy
from tests.differential.backends import Here, Job, Outcome, Result
from tests.engine import descriptor_programs, object_programs, programs, vector_programs, words
from tests.engine.programs import TYPE, Group
from wasmcy.types import V128

RESULT = {**TYPE, "v128": int(V128)}
OBJECTS = programs.group(object_programs.objects(), "objects", object_programs.FIELDS)
GROUPS = [*programs.groups(), *vector_programs.groups(), OBJECTS]
VARIABLES = next(group for group in GROUPS if group.name == "variables")
ATOMICS = next(group for group in GROUPS if group.name == "atomics")
SHARED = programs.group(programs.atomics(), "shared atomics", programs.SHARED_FIELDS)
IMPORTED_VARIABLES = programs.group(programs.variables(), "imported variables", programs.IMPORTED_VARIABLE_FIELDS)
IMPORTED_CALLS = programs.group(programs.imported_calls(), "imported functions", programs.IMPORTED_CALL_FIELDS)
IMPORTED_REFERENCES = programs.group(programs.imported_references(), "references", programs.IMPORTED_CALL_FIELDS)
IMPORTED_VECTORS = programs.group(
    vector_programs.variables(), "imported vectors", vector_programs.IMPORTED_VARIABLE_FIELDS
)
IMPORTED_VECTORS.calls = vector_programs.CALLS
VECTORS = next(group for group in GROUPS if group.name == "vector variables")
DESCRIPTORS = programs.group(descriptor_programs.descriptors(), "descriptors", descriptor_programs.FIELDS)
DESCRIPTORS.features = wasmcy.Features(custom_descriptors=True)
RELAXED = programs.group(vector_programs.lanewise(different=True), "relaxed", vector_programs.FIELDS)
RELAXED.calls = vector_programs.CALLS


def instance(text: str, given: dict[str, object] | None = None) -> wasmcy.Instance:
    return wasmcy.Module(bytes(wasmtime.wat2wasm(text))).instantiate(given)


def bits(kind: str, value: float) -> int:
    if kind[0] == "f":
        return int(
            struct.unpack("<I" if kind == "f32" else "<Q", struct.pack("<f" if kind == "f32" else "<d", value))[0]
        )
    return int(value) & ((1 << int(kind[1:])) - 1)


@cache
def job(group: Group) -> Job:
    binary = bytes(wasmtime.wat2wasm(group.text))
    signatures = [(programs.SIGNATURE, (RESULT[case.result],) if case.result else ()) for case in group.cases]
    arguments = [tuple(bits(kind, value) for kind in TYPE for value in call[kind]) for call in group.calls]
    calls = [(at, values) for at in range(len(group.cases)) for values in arguments]
    return Job(binary, signatures, [], calls)


@cache
def outcome(group: Group) -> Outcome:
    engine = Here()
    engine.start(job(group))
    return engine.finish()


@cache
def metered_outcome(group: Group) -> Outcome:
    engine = Here(limits=wasmcy.Limits(fuel=1 << 60))
    engine.start(job(group))
    return engine.finish()


def executed(group: Group, ends: list[Result], metered: bool = False) -> set[str]:
    """The handlers that ran: those of each function on the path that a call takes which ends well."""
    found: set[str] = set()
    translated = wasmcy.Module(job(group).binary, features=group.features)._code.variant(metered, False)
    last = translated.context.n_funcs
    first = last - len(group.cases)
    calls = len(group.calls)
    for at, case in enumerate(group.cases):
        code = translated.words(first + at)[0]
        if any(isinstance(end, tuple) or end in words.WHOLE for end in ends[at * calls : (at + 1) * calls]):
            found |= words.names(code) if case.whole else words.certain(code)
    for at in range(translated.context.n_imported_funcs, first):  # helpers, which others call
        found |= words.certain(translated.words(at)[0])
    return found


def imports() -> dict[str, object]:
    """What the programs that import want: another instance, and the host's functions."""
    other = wasmcy.Module(
        bytes(wasmtime.wat2wasm(f"(module {programs.EXPORTED_FIELDS} {vector_programs.EXPORTED_FIELDS})"))
    ).instantiate()
    same = {f"same {kind}": lambda value: value for kind in TYPE}
    return {"other": other, "host": same}


def outcome_with_imports(group: Group, given: dict[str, object] | None = None) -> list[Result]:
    """The raw results of all calls of a program that imports or needs features; none of them traps."""
    work = job(group)
    exports = wasmcy.Module(work.binary, features=group.features).instantiate(given or imports()).exports
    return [tuple(exports[f"f{at}"].call_raw(*values)) for at, values in work.calls]
