"""The programs of programs.py for structs with descriptors. wasmtime runs none of them: each returns 1."""

from collections.abc import Iterator

from tests.engine.programs import Case

FIELDS = """
    (rec
      (type $t (sub (descriptor $d) (struct (field i32))))
      (type $d (sub (describes $t) (struct (field i32)))))
    (global $one (ref (exact $d)) (struct.new $d (i32.const 1)))
    (func $any (result anyref) (struct.new_desc $t (i32.const 1) (global.get $one)))
    (func $desc (result (ref null (exact $d))) (global.get $one))
"""
LOCALS = "(local $o (ref null $t)) (local $found (ref null $d)) (local $null (ref null (exact $d)))"
MADE = "(struct.new_desc $t (i32.const 1) (global.get $one))"
DEFAULT = "(struct.new_default_desc $t (call $desc))"  # the check that it is not null is made
FIELD = "(struct.get $d 0 {})"


def descriptors() -> Iterator[Case]:
    for made in (MADE, DEFAULT):
        kept = f"(local.set $o {made}) (drop (call $desc))"  # no accumulator holds it
        for value in ("(local.get $o)", made):
            got = f"(ref.get_desc $t {value})"
            yield Case(f"{kept} {FIELD.format(got)}", "i32", LOCALS)
            yield Case(f"{kept} (local.set $found {got}) {FIELD.format('(local.get $found)')}", "i32", LOCALS)
    for value in ("(call $any)", MADE):
        for descriptor in ("(call $desc)", "(global.get $one)"):
            test = f"(ref $t) {value} {descriptor}"
            yield Case(f"(i32.eqz (ref.is_null (ref.cast_desc_eq {test})))", "i32")
            for branch, ends in (("br_on_cast_desc_eq", "10"), ("br_on_cast_desc_eq_fail", "01")):
                yield Case(
                    f"(block $l (result anyref) ({branch} $l anyref {test})"
                    f" (return (i32.const {ends[1]}))) (return (i32.const {ends[0]}))",
                    "i32",
                )
    # a value below that is a sum, and takes the accumulator when the branch goes
    yield Case(
        "(block $l (result i32 anyref) (i32.add (local.get $a) (i32.const 5)) (br_on_cast_desc_eq $l anyref (ref $t)"
        " (call $any) (call $desc)) (return (i32.const 0))) (drop) (i32.eq (i32.add (local.get $a) (i32.const 5)))",
        "i32",
    )
