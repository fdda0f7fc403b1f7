"""The runner reads scripts and constants right, and reports every assertion that does not hold."""

import random
import struct
from pathlib import Path

import pytest

from .__main__ import main
from .runner import Script
from .sexpr import Form, ReadError, Source
from .values import argument, matches, number_bits

WRONG = r"""
(module (func (export "f") (result f32) (f32.const nan:0x200000)))
(assert_return (invoke "f") (f32.const nan:canonical))
(assert_return (invoke "f") (f32.const nan:arithmetic))
(assert_return (invoke "f") (f32.const 1.5))
(assert_return (invoke "f"))
(assert_return (invoke "f") (either (f32.const 1.5) (f32.const nan)))
(assert_trap (invoke "f") "unreachable")
(assert_invalid (module) "type mismatch")
(assert_invalid (module (func (result i32))) "unknown local")
(assert_unlinkable (module) "unknown import")
(assert_malformed (module binary "\00asm\01\00\00\00") "unexpected end")
(assert_exhaustion (invoke "f") "call stack exhausted")
(assert_exception (invoke "f"))
(assert_return (invoke $X "f"))
(assert_return (invoke "g"))
(frob)
(module binary "xx")
(assert_return (invoke "f") (f32.const nan:0x200000))
"""


def test_every_wrong_assertion_is_reported_with_its_line() -> None:
    report = Script(Source(WRONG, "wrong.wast")).run()
    lines = [int(failure.split(":")[1]) for failure in report.failures]
    assert lines == list(range(3, 20))
    assert (report.passed, report.skipped) == (0, 0)


def test_what_holds_passes() -> None:
    text = WRONG.split("\n")[1] + '(assert_return (invoke "f") (f32.const nan:0x200000))'
    report = Script(Source(text)).run()
    assert (report.passed, report.failures, report.skipped) == (1, [], 0)


def test_assertions_on_text_are_skipped() -> None:
    report = Script(Source('(assert_malformed (module quote "(func") "unexpected token")')).run()
    assert (report.passed, report.failures, report.skipped_text) == (0, [], 1)


def test_a_missing_suite_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--suite", str(tmp_path)]) == 2
    assert "no .wast files" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 1


def test_forms_know_their_lines_and_modules_are_not_read() -> None:
    source = Source('(; (; ;) ;)\n(a "x)\\22\\u{e9}") ;; )\n(module $m (f ")" (; ) ;) ))\n(b)')
    first, module, last = source.forms()
    assert first == ["a", 'x)"é'.encode()]
    assert module == ["module", "$m"] and source.text[module.start : module.end].endswith(";) ))")
    assert [source.line(form.start) for form in (first, module, last)] == [2, 3, 4]


@pytest.mark.parametrize("text", ["(a", ")", "(module (b)", "(; (; ;)", '("a)'])
def test_unbalanced_scripts_are_errors(text: str) -> None:
    with pytest.raises(ReadError):
        Source(text).forms()


def test_floats_are_rounded_once() -> None:
    rnd = random.Random(1)
    for kind, width, layout in (("f32", 32, "<If"), ("f64", 64, "<Qd")):
        for _ in range(500):
            bits = rnd.getrandbits(width)
            value = struct.unpack(layout[::2], struct.pack(layout[:2], bits))[0]
            if abs(value) < float("inf"):
                assert number_bits(kind, repr(value)) == number_bits(kind, value.hex()) == bits
    # 1 + 2^-24 + 2^-54: just above the middle of two f32, and a double rounds it to the middle.
    assert number_bits("f32", "0x1.00000100000001p0") == 0x3F800001
    assert number_bits("f32", "0x1p-149") == 1 and number_bits("f32", "0x1p-150") == 0


def test_lanes_and_patterns() -> None:
    def form(text: str) -> Form:
        return Source(text).forms()[0]

    value = argument(form("(v128.const f32x4 1 nan inf -0x1.8p3)"))
    assert value == 0xC1400000_7F800000_7FC00000_3F800000
    assert matches(form("(v128.const f32x4 1 nan:canonical inf -12)"), value)
    assert not matches(form("(v128.const f32x4 1 nan:canonical inf 12)"), value)
    assert matches(form("(ref.null)"), None) and not matches(form("(ref.func)"), None)
