"""Every module of the suite survives the ways between its bytes, its parts and its text."""

from collections.abc import Iterator
from typing import Any

import pytest

from wasmcy import Features
from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.errors import ModuleError
from wasmcy.module import Custom, Data, Expr, ModuleSyntax
from wasmcy.text import wat2wasm
from wasmcy.text.printer import wasm2wat

from . import scope
from .engine import binary
from .forms import Form, Source
from .test_suite import NAMES, SUITE

ALL = Features.all()
CODE = ("bodies", "tables", "globals", "elems", "datas")  # parts with instructions in them
FORMS: list[dict[str, bool]] = [{"folded": False, "names": True}, {"folded": True, "names": False}]


def parts(module: ModuleSyntax) -> dict[str, Any]:
    """What makes a module, without where it stands in the bytes, or among sections that may be empty."""
    found = {name: plain(getattr(module, name), module.data) for name in module.__slots__ if name[0] != "_"}
    spans = zip(module.body_start, module.body_end, strict=True)
    found["bodies"] = [module.data[start:end] for start, end in spans]
    for name in ("data", "features", "body_start", "body_end"):
        del found[name]
    return found


def plain(value: Any, data: bytes) -> Any:
    """A part as values: bytes for spans, nothing for offsets."""
    if isinstance(value, list):
        return [plain(item, data) for item in value]
    if isinstance(value, Expr):
        return data[value.start : value.end]
    if not hasattr(value, "__slots__") or type(value).__module__ != Custom.__module__:
        return value
    fields = {name: plain(getattr(value, name), data) for name in value.__slots__}
    for name in ("offset", "place", "position"):
        if isinstance(fields.get(name), int):
            del fields[name]
    if isinstance(value, (Custom, Data)):
        fields["bytes"] = data[fields.pop("start") : fields.pop("end")]
    return fields


def modules(source: Source) -> Iterator[tuple[Form, bytes, ModuleSyntax]]:
    """The modules of a script that are well-formed; only an assertion may have others."""
    for command in source.forms():
        for form in command.modules():
            if "instance" in form:
                continue
            try:
                data = binary(source, form, ALL)
                module = decode(data, ALL)
                wasm2wat(data)
            except ModuleError:
                assert command.head.startswith("assert_"), source.spelling(form)
                continue
            yield form, data, module


@pytest.mark.parametrize("name", NAMES)
def test_modules_survive_round_trips(name: str) -> None:
    assert SUITE is not None
    source = Source((SUITE / name).read_bytes(), name)
    for form, data, module in modules(source):
        where = f"{name}:{source.line(form.start)}"
        known = parts(module)
        assert parts(decode(encode(module), ALL)) == known, where
        for form_of_text in FORMS:
            text = wasm2wat(data, **form_of_text)
            again = wat2wasm(text, ALL)
            assert wat2wasm(wasm2wat(again, **form_of_text), ALL) == again, where
            if "binary" not in form:  # our own encoding, which is canonical
                assert again == data, where
            else:
                assert kept(dict(known), parts(decode(again, ALL)), form_of_text["names"]), where


def kept(before: dict[str, Any], after: dict[str, Any], names: bool) -> bool:
    """Whether a binary module is the same, but for its encoding.

    Numbers in its code may be padded, sections may be empty, data may be counted without need.
    """
    for found in before, after:
        found["customs"] = [custom for custom in found["customs"] if not names or custom["name"] != "name"]
    return all(
        len(before[part]) == len(after[part]) if part in CODE else before[part] == after[part]
        for part in before.keys() - {"data_count"}
    )


def test_the_suite_has_modules_enough() -> None:
    assert SUITE is not None
    scripts = scope.scripts(SUITE)
    assert sum(len(form.modules()) for path in scripts for form in Source(path.read_bytes()).forms()) > 6_000
