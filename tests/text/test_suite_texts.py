"""Modules of the official suite are what wasmtime makes of their texts. (The suite itself is run by spectests.)"""

import re

import pytest
import wasmtime

from spectests.forms import Form, Source
from spectests.scope import relative_name, scripts, suite_folder
from wasmcy.binary.decoder import decode
from wasmcy.binary.encoder import encode
from wasmcy.features import Features
from wasmcy.text import parse_form, parse_module

ALL = Features.all()
SUITE = suite_folder()
SAMPLE = 40  # every so many modules are compared, for wasmtime takes long


def is_text(form: Form) -> bool:
    return form.head == "module" and not {"binary", "quote", "instance"} & {i for i in form if isinstance(i, str)}


def texts():
    """Where it stands, and the text: of all valid modules of the suite that are text."""
    for path in scripts(SUITE):
        source = Source(path.read_bytes(), relative_name(path, SUITE))
        for form in source.forms():
            if is_text(form):
                yield f"{source.name}:{source.line(form.start)}", b"(module " + source.data[form.body : form.end]


def canonical(data):
    """A module without its name section, and with all its parts written in the shortest way."""
    module = decode(data, ALL)
    module.customs = [custom for custom in module.customs if custom.name != "name"]
    return encode(module)


def assembled(text):
    """What wasmtime makes of a text; None if it does not read it."""
    text = re.sub(rb"[^\x00-\x7f]+", lambda match: b"".join(b"\\%02x" % byte for byte in match.group()), text)
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError:
        return None


def test_a_sample_is_what_wasmtime_makes_of_it():
    wrong, n = [], 0
    for place, text in list(texts())[::SAMPLE]:
        theirs = assembled(text)
        if theirs is not None:
            n += 1
            if canonical(encode(parse_module(text, ALL))) != canonical(theirs):
                wrong.append(place)
    assert wrong == []
    assert n > 50


@pytest.mark.parametrize("script", ["address.wast", "annotations.wast"])
def test_modules_are_parsed_where_they_stand_in_a_script(script):
    data = (SUITE / script).read_bytes()
    forms = [form for form in Source(data).forms() if is_text(form)]
    assert forms
    for form in forms:
        module, end = parse_form(data, form.start)
        assert end == form.end
        assert encode(module) == encode(parse_module(data[form.start : end]))
