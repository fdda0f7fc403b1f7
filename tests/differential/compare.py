"""Finds disagreements of two backends and makes them small."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from .backends import Backend, Job, Outcome
from .encode import OP, Function, Module, constant

Call = tuple[int, tuple[int, ...]]


@dataclass
class Disagreement:
    """`text` describes how the last of `calls`, on a fresh instance of `module`, differs."""

    module: Module
    calls: list[Call]
    text: str


# What is wrong with an address that is neither aligned nor in bounds: engines differ in which they look at first.
EITHER = {"out of bounds memory access", "unaligned atomic"}


def difference(expected: Outcome, got: Outcome, calls: list[Call]) -> tuple[int, str] | None:
    """The first call after which the outcomes, as far as they were recorded, differ, and how."""
    if expected.error or got.error:
        if expected.error == got.error:
            return None
        return len(calls) - 1, f"expected {expected.error or 'an answer'}, got {got.error or 'an answer'}"
    traced = len(expected.states) > 1
    for at, (index, arguments) in enumerate(calls):
        both = {expected.results[at], got.results[at]}
        if len(both) > 1 and both != EITHER:
            wanted, found = _show(expected.results[at]), _show(got.results[at])
            return at, f"f{index}{_show(arguments)}: expected {wanted}, got {found}"
        if traced and expected.states[at] != got.states[at]:
            return (
                at,
                f"after f{index}{_show(arguments)}: " + _show_states(expected.states[at], got.states[at]),
            )
    if expected.states[-1] != got.states[-1]:
        return len(calls) - 1, f"after all calls: {_show_states(expected.states[-1], got.states[-1])}"
    return None


def _show(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(f"{bits:#x}" if isinstance(bits, int) else str(bits) for bits in value) + ")"
    return str(value)


def _show_states(expected: tuple[int, int, object], got: tuple[int, int, object]) -> str:
    names = ("memory size", "memory content", "globals")
    return "; ".join(
        f"{name} {_show(wanted)} became {_show(found)}"
        for name, wanted, found in zip(names, expected, got, strict=True)
        if wanted != found
    )


def run(backends: list[Backend], job: Job) -> list[Outcome]:
    """One job on several backends; processes work at the same time."""
    for one in reversed(backends):
        one.start(job)
    return [one.finish() for one in backends]


def shrink(reference: Backend, tested: Backend, module: Module, calls: list[Call]) -> Disagreement:
    """Fewer calls and functions, shorter functions, as long as the two still differ."""

    def differs(candidate: Module, candidate_calls: list[Call]) -> tuple[int, str] | None:
        job = Job.of(candidate, candidate_calls, trace=True)
        expected, got = run([reference, tested], job)
        return difference(expected, got, candidate_calls)

    found = differs(module, calls)
    if found is None:
        return Disagreement(module, calls, "the difference did not show again")
    calls = calls[: found[0] + 1]
    calls = _fewer_calls(calls, lambda some: differs(module, some) is not None)
    module = replace(module, functions=list(module.functions))
    _empty_functions(module, lambda: differs(module, calls) is not None)
    for index, function in enumerate(module.functions):
        if len(function.code) > 2:
            _cut(module, index, lambda: differs(module, calls) is not None)
    found = differs(module, calls)
    assert found is not None
    return Disagreement(module, calls[: found[0] + 1], found[1])


def _fewer_calls(calls: list[Call], fails: Callable[[list[Call]], bool]) -> list[Call]:
    """Drop calls before the last, in ever smaller pieces."""
    earlier, last = calls[:-1], calls[-1:]
    size = len(earlier)
    while size and earlier:
        for start in range(0, len(earlier), size):
            shorter = earlier[:start] + earlier[start + size :]
            if fails(shorter + last):
                earlier = shorter
                break
        else:
            size //= 2
        size = min(size, len(earlier))
    return earlier + last


def _empty_functions(module: Module, fails: Callable[[], bool]) -> None:
    """Replace functions by one that traps, in ever smaller pieces."""
    size = len(module.functions)
    while size:
        for start in range(0, len(module.functions), size):
            before = module.functions[start : start + size]
            module.functions[start : start + size] = [
                Function(one.signature, [], OP["unreachable"] + OP["end"]) for one in before
            ]
            if not fails():
                module.functions[start : start + size] = before
        size //= 2


def _cut(module: Module, index: int, fails: Callable[[], bool]) -> None:
    """Cut statements and replace expressions of one function, the longest first."""
    original = module.functions[index]
    edits: list[tuple[int, int, bytes]] = [(start, end, b"") for start, end in original.statements]
    edits += [(start, end, constant(type, 0)) for start, end, type in original.expressions]
    edits.sort(key=lambda edit: edit[0] - edit[1])
    done: list[tuple[int, int, bytes]] = []
    for edit in edits:
        start, end, instead = edit
        if end - start <= len(instead) or any(one[0] < end and start < one[1] for one in done):
            continue
        module.functions[index] = replace(original, code=_edited(original.code, [*done, edit]))
        if fails():
            done.append(edit)
    module.functions[index] = replace(original, code=_edited(original.code, done))


def _edited(code: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for start, end, instead in sorted(edits, reverse=True):
        code = code[:start] + instead + code[end:]
    return code
