"""The runner reads scripts and constants right, and reports every assertion that does not hold."""

import random
import struct
from pathlib import Path

import pytest

import wasmcy
from wasmcy.text import wat2wasm

from .__main__ import main
from .engine import Engine, MalformedError, features_with
from .forms import Form, Source
from .runner import Script
from .values import HostRef, argument, matches, number_bits

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
    assert report.passed == 0


def test_what_holds_passes() -> None:
    text = WRONG.split("\n")[1] + '(assert_return (invoke "f") (f32.const nan:0x200000))'
    report = Script(Source(text)).run()
    assert (report.passed, report.failures) == (1, [])


WRONG_TEXT = r"""
(assert_malformed (module quote "(func)") "unexpected token")
(assert_malformed (module quote "(func") "illegal character")
(assert_malformed (module quote "(func (result i32))") "type mismatch")
(assert_invalid (module quote "(func") "unexpected token")
(assert_malformed_custom (module quote "(@custom \"x\")") "@custom annotation")
(assert_malformed_custom (module quote "(@custom)") "@custom annotation: unexpected")
(assert_invalid_custom (module (@custom "x")) "@custom annotation")
(module quote "(func (result i32))")
(module (func $f) (func $f))
(module instance $I $M)
(wait $T)
(thread "T")
"""


def test_every_wrong_assertion_on_text_is_reported_with_its_line() -> None:
    report = Script(Source(WRONG_TEXT, "wrong.wast")).run()
    assert [int(failure.split(":")[1]) for failure in report.failures] == list(range(2, 14))
    assert report.passed == 0


RIGHT = r"""
(module definition $M (global $g (export "g") (mut i32) (i32.const 1))
  (func (export "set") (param i32) (global.set $g (local.get 0))))
(module instance $I1 $M)
(module instance $I2 $M)
(invoke $I1 "set" (i32.const 7))
(assert_return (get $I1 "g") (i32.const 7))
(assert_return (get $I2 "g") (i32.const 1))
(register "one" $I1)
(module quote "(import \"one\" \"g\" (global $g (mut i32)))" "(export \"h\" (global $g))")
(assert_return (get "h") (i32.const 7))
(module binary "\00asm" "\01\00\00\00")
(assert_trap (module (func $f unreachable) (start $f)) "unreachable")
(assert_malformed (module quote "(func" "(result i32") "unexpected token")
(assert_malformed_custom (module quote "(@custom)") "@custom annotation: missing section name")
(assert_invalid_custom (module (func (@metadata.code.branch_hint "\00") nop)) "@metadata.code.branch_hint ")
(assert_unlinkable (module (import "none" "f" (func))) "unknown import")
"""


def test_modules_may_be_defined_instantiated_quoted_and_binary() -> None:
    report = Script(Source(RIGHT)).run()
    assert (report.failures, report.passed) == ([], 8)


THREADS = r"""
(module $M (global (export "g") i32 (i32.const 3)))
(thread $T (shared (module $M))
  (module (func (export "f") (result i32) (i32.const 4)))
  (assert_return (invoke "f") (i32.const 4))
  (assert_return (get $M "g") (i32.const 3))
  (assert_return (invoke "f") (i32.const 5))
  (assert_return (invoke $N "f"))
)
(module $N (func (export "f")))
(wait $T)
(thread $U (assert_return (get $M "g") (i32.const 3)))
"""


def test_threads_know_what_is_shared_and_their_assertions_count() -> None:
    report = Script(Source(THREADS, "t")).run()
    assert [int(failure.split(":")[1]) for failure in report.failures] == [7, 8, 12]
    assert report.passed == 2


def test_assertions_that_need_a_module_which_did_not_load_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Engine, data: bytes) -> None:
        raise wasmcy.Unsupported("everything")

    monkeypatch.setattr(Engine, "load", refuse)
    report = Script(Source('(module)\n(assert_return (invoke "f"))\n(assert_unlinkable (module) "")', "s")).run()
    assert (report.passed, len(report.failures)) == (0, 3)


def test_a_missing_suite_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--suite", str(tmp_path)]) == 2
    assert "no .wast files" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 1


def test_forms_know_their_lines_and_modules_are_not_read() -> None:
    source = Source('(; (; ;) ;)\n(a "x)\\22\\u{e9}") ;; )\n(module $m (f ")" (; ) ;) ))\n(b (module quote "x") 0x1p2)')
    first, module, last = source.forms()
    assert first == ["a", 'x)"é'.encode()]
    assert module == ["module", "$m"] and source.data[module.start : module.end].endswith(b";) ))")
    assert last == ["b", ["module", "quote", b"x"], "0x1p2"] and last.modules() == [last[1]]
    assert [source.line(form.start) for form in (first, module, last)] == [2, 3, 4]


@pytest.mark.parametrize("text", ["(a", ")", "(module (b)", "(module", "(; (; ;)", '("a)', "(a))"])
def test_unbalanced_scripts_are_failures(text: str) -> None:
    with pytest.raises(MalformedError):
        Source(text).forms()
    assert len(Script(Source(text, "s")).run().failures) == 1


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
    module = Engine(features_with({})).load(wat2wasm('(module (func (export "f")))'))
    func = module.instantiate().exports.f
    assert matches(form("(ref.func)"), func) and not matches(form("(ref.any)"), func)
    assert matches(form("(ref.extern 3)"), HostRef(3)) and not matches(form("(ref.extern 4)"), HostRef(3))
    assert matches(form("(ref.host 3)"), HostRef(3)) and not matches(form("(ref.i31)"), HostRef(3))
    assert matches(form("(either (ref.null) (ref.extern))"), HostRef(3))
