"""Modules for the tests of validation: from text, which is not validated on the way, or bytes."""

import wasmtime

from wasmcy.binary.decoder import decode
from wasmcy.features import DEFAULT
from wasmcy.opcodes import BY_NAME
from wasmcy.validation.module import validate
from wasmcy.validation.validator import Validator

HEADER = b"\0asm\1\0\0\0"


def from_text(text):
    """The bytes of a module, or of one with these fields."""
    return bytes(wasmtime.wat2wasm(text if text.startswith("(module") else f"(module {text})"))


def leb(n):
    """An unsigned LEB128 number."""
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def vector(items):
    return leb(len(items)) + b"".join(items)


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def from_bodies(types, bodies, *before_code):
    """A module of these types and (type index, body) functions; a body begins at its locals."""
    return (
        HEADER
        + section(1, vector(types))
        + section(3, vector([leb(index) for index, _ in bodies]))
        + b"".join(section(number, content) for number, content in before_code)
        + section(10, vector([leb(len(body)) + body for _, body in bodies]))
    )


def sections(data):
    """The (id, content) of a module's sections."""
    at = len(HEADER)
    while at < len(data):
        number, size, shift, at = data[at], 0, 0, at + 1
        while True:
            size |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                break
        yield number, data[at : at + size]
        at += size


def with_last_body(data, body, features=DEFAULT):
    """The module with another body, beginning at its locals, for its last function."""
    module = decode(data, features)
    spans = list(zip(module.body_start, module.body_end, strict=True))
    bodies = [data[start:end] for start, end in spans[:-1]] + [body]
    content = vector([leb(len(each)) + each for each in bodies])
    return HEADER + b"".join(section(number, content if number == 10 else old) for number, old in sections(data))


def code(*parts):
    """Bytes of instructions: mnemonics give opcodes, bytes and ints stand for themselves."""
    out = b""
    for part in parts:
        if isinstance(part, str):
            part = BY_NAME[part].opcode
        elif isinstance(part, int):
            part = bytes([part])
        out += part
    return out


def check(data, features=DEFAULT):
    """Decode and validate; returns the decoded module and its context."""
    module = decode(data, features)
    return module, validate(module)


def walk(data, function, listener):
    """Walk the body of a defined function once more, for a listener."""
    module, context = check(data)
    number = function - context.n_imported_funcs
    span = module.body_start[number], module.body_end[number]
    Validator(context).function(function, *span, listener)
    return module
