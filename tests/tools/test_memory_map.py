"""How memory is laid out: compared with C programs whose sizes are known, linked in both orders."""

import subprocess
import sys
from itertools import pairwise

import pytest
import wasmtime

from wasmcy.tools.memory_map import Layout, memory_map

RODATA, DATA, BSS, STACK = 1000, 3000, 50_000, 32_768
PROGRAM = f"""
const char rodata[{RODATA}] = {{1}};
char data[{DATA}] = {{2}};
char bss[{BSS}];
__attribute__((noinline)) void fill(volatile char *p, int n) {{ for (int i = 0; i < n; i++) p[i] = n; }}
__attribute__((export_name("run"))) int run(int i) {{
    char frame[100];
    fill(frame, 100);
    bss[i] = 1;
    return frame[i] + rodata[i] + data[i] + bss[2 * i];
}}
"""
ORDERS = {"stack first": ["--stack-first"], "data first": ["--no-stack-first"]}
SYMBOLS = ["--export=__data_end", "--export=__heap_base"]


def zig(*words, **options):
    subprocess.run([sys.executable, "-m", "ziglang", *map(str, words)], check=True, **options)


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """The program, by its linker flags."""
    folder = tmp_path_factory.mktemp("linked")
    (folder / "program.c").write_text(PROGRAM)
    zig("cc", "-target", "wasm32-freestanding", "-O1", "-c", folder / "program.c", "-o", folder / "program.o")

    def link(*flags):
        out = folder / "program.wasm"
        zig("wasm-ld", *flags, "-z", f"stack-size={STACK}", "--no-entry", folder / "program.o", "-o", out)
        return out.read_bytes()

    return link


def sizes(layout):
    """The size of each region, by name, in order; those of one name together."""
    found = {}
    for region in layout.regions():
        found[region.name] = None if region.size is None else found.get(region.name, 0) + region.size
    return found


@pytest.mark.parametrize("strip", [[], ["--strip-all"]], ids=["names", "stripped"])
@pytest.mark.parametrize("order", ORDERS)
def test_everything_is_found_where_the_symbols_are_there(linked, order, strip):
    layout = Layout(linked(*ORDERS[order], *SYMBOLS, *strip))
    assert layout.stack_first is (order == "stack first")
    found = sizes(layout)
    assert found["stack"] == STACK
    assert found["static data"] == RODATA + DATA
    assert BSS <= found["BSS"] < BSS + 16  # aligned
    regions = {region.name: region for region in layout.regions()}
    names = [name for name in found if name in ("stack", "BSS", "heap")]
    assert names == (["stack", "BSS", "heap"] if layout.stack_first else ["BSS", "stack", "heap"])
    assert regions["heap"].start == layout.symbols["__heap_base"]
    assert regions["heap"].end == 2 << 16
    whole = layout.regions()
    assert whole[0].start == 0 and all(a.end == b.start for a, b in pairwise(whole))
    assert ("use" in layout.evidence) is bool(strip)


@pytest.mark.parametrize("strip", [[], ["--strip-all"]], ids=["names", "stripped"])
def test_what_is_not_recorded_is_not_guessed(linked, strip):
    first = sizes(Layout(linked("--stack-first", *strip)))
    assert (first["stack"], first["static data"]) == (STACK, RODATA + DATA)
    assert "BSS" not in first and first["BSS and heap"] == (2 << 16) - STACK - RODATA - DATA - 8
    last = sizes(Layout(linked("--no-stack-first", *strip)))
    assert last["static data"] == RODATA + DATA
    assert "BSS" not in last and STACK + BSS <= last["BSS and stack"] < STACK + BSS + 32
    text = "\n".join(memory_map(linked("--no-stack-first", *strip)))
    assert "__data_end: not recorded" in text
    assert "where BSS ends is not recorded" in text


def test_the_heap_base_alone_bounds_bss_where_the_stack_is_first(linked):
    found = sizes(Layout(linked("--stack-first", "--export=__heap_base")))
    assert BSS <= found["BSS"] < BSS + 32


def test_the_picture(linked):
    text = "\n".join(memory_map(linked("--stack-first", *SYMBOLS)))
    assert "order: stack first (--stack-first)" in text
    assert "stack pointer: starts at 0x8000 (named by the module)" in text
    assert "| stack                32,768 bytes |  grows down" in text
    assert '1,000 bytes |  segment 0 ".rodata"' in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["The module has no memory."]),
        ("(memory 1)", ["stack pointer: not known", "order: not known"]),
        ("(memory 1) (global (mut i32) (i32.const 4096))", ["stack pointer: not known", "order: not known"]),
        ('(memory 1) (data (i32.const 8) "x")', ["order: not known", "static data   segment 0"]),
        ('(global $g (import "a" "b") i32) (memory 1) (data "x") (data (global.get $g) "y")',
         ["2 data segments are placed when the program runs"]),
        ('(memory 1) (global (export "__stack_pointer") (mut i32) (i32.const 9)) (data (i32.const 8) "xyz")',
         ["starts at 0x9", "order: not known"]),  # in the midst of data: not the linker's work
        ('(memory 1) (global (export "__stack_pointer") (mut i32) (i32.const 64))'
         '(global (export "__data_end") i32 (i32.const 4096)) (data (i32.const 8) "x")', ["order: not known"]),
        ('(memory i64 1) (global (export "__stack_pointer") (mut i64) (i64.const 1024)) (data (i64.const 1024) "x")',
         ["starts at 0x400", "stack first"]),
        ('(memory 1) (global (export "__stack_pointer") (mut i32) (i32.const -16)) (data (i32.const 8) "x")',
         ["starts at 0xfffffff0"]),
    ],
)  # fmt: skip
def test_modules_that_tell_little(text, lines):
    shown = "\n".join(memory_map(wasmtime.wat2wasm(f"(module {text})")))
    for line in lines:
        assert line in shown


def test_two_globals_that_are_used_alike_tell_nothing():
    frame = "(global.set {0} (i32.sub (global.get {0}) (i32.const 16)))"
    text = f"""(module (memory 1) (data (i32.const 1024) "x") (global (mut i32) (i32.const 512))
        (global (mut i32) (i32.const 256)) (func {frame.format(0)} {{}}))"""
    one, two = text.replace("{}", ""), text.replace("{}", frame.format(1))
    assert Layout(wasmtime.wat2wasm(one)).stack_first is True
    assert Layout(wasmtime.wat2wasm(two)).stack_first is None
