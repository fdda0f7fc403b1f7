"""Build: generate the handlers, cythonize, compile.

WASMCY_DISPATCH=tail|loop chooses the form of dispatch; else a probe is compiled and its code read.
WASMCY_SANITIZE=1 builds with AddressSanitizer and UBSan (loop form).
"""

import os
import subprocess
import sys
import tempfile
import types
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))
ENGINE = "wasmcy/engine"
SANITIZE = os.environ.get("WASMCY_SANITIZE") == "1"
GCC_FLAGS = [
    "-O2", "-fno-strict-aliasing", "-fno-math-errno", "-fwrapv", "-fomit-frame-pointer", "-ffp-contract=off",
    "-fno-tree-loop-distribute-patterns", "-fno-semantic-interposition", "-g0",
]  # fmt: skip
HANDLER_FLAGS = ["-fno-stack-protector", "-fcf-protection=none", "-foptimize-sibling-calls", "-mno-outline-atomics"]
# lanes are loops that the compiler is to turn into vector instructions; nobody looks at exceptions of floats
VECTOR_FLAGS = ["-O3", "-fno-trapping-math"]
# Modules that keep their checks: they read foreign bytes. Those that walk bodies never count from the end, so a
# negative index is an error there, and found by the comparison that finds one that is too large.
TEXT = [
    "wasmcy/text/lexer.py", "wasmcy/text/types.py", "wasmcy/text/immediates.py", "wasmcy/text/instructions.py",
    "wasmcy/text/parser.py", "wasmcy/text/disassembler.py", "wasmcy/text/folding.py",
]  # fmt: skip
WALKING = [
    "wasmcy/binary/reader.py", "wasmcy/binary/decoder.py", "wasmcy/binary/types.py", "wasmcy/binary/writer.py",
    "wasmcy/validation/context.py", "wasmcy/validation/listener.py", "wasmcy/validation/operands.py",
    "wasmcy/validation/references.py", "wasmcy/validation/validator.py",
    "wasmcy/engine/translator.py", "wasmcy/engine/vector_translator.py", "wasmcy/engine/object_translator.py",
]  # fmt: skip
CHECKED = ["wasmcy/engine/instance.pyx", "wasmcy/engine/snapshots.pyx", "wasmcy/engine/graphs.pyx"]
SHARED = "wasmcy._cyutility"
# Modules that are compiled for size: a module goes through them once, or never.
SMALL = {
    SHARED, "wasmcy.binary.decoder", "wasmcy.binary.types", "wasmcy.binary.writer", "wasmcy.text.lexer",
    "wasmcy.text.types", "wasmcy.text.immediates", "wasmcy.text.instructions", "wasmcy.text.parser",
    "wasmcy.text.disassembler", "wasmcy.text.folding", "wasmcy.validation.context", "wasmcy.validation.listener",
    "wasmcy.validation.references", "wasmcy.engine.code", "wasmcy.engine.instance", "wasmcy.engine.objects",
    "wasmcy.engine.object_translator", "wasmcy.engine.vector_translator",
    "wasmcy.engine.snapshots", "wasmcy.engine.graphs", "wasmcy.engine.calls",
}  # fmt: skip
VECTOR_HANDLERS = "_handlers_vectors"
RUNTIME = [
    f"wasmcy/engine/{name}.pyx"
    for name in ("waiting", "heap", "store", "collector", "objects", "code", "aggregates", "machine", "calls")
]
PROBE = """
#include <stdint.h>
typedef int (*handler)(uint64_t *, uint64_t *, uint8_t *, uint64_t, void *, uint64_t, double, float);
int probe(uint64_t *pc, uint64_t *sp, uint8_t *mem, uint64_t n, void *i, uint64_t r, double f, float s) {
    sp[(uint16_t)pc[1]] = r += sp[pc[1] >> 48];
    if (r > n) sp[0] = (uint64_t)mem;
    return (*(handler *)(pc + 2))(pc + 2, sp, mem, n, i, r, f, s);
}
"""


def tail_calls_work(compiler):
    """Whether the compiler turns the probe's last call into a jump, read from its assembly."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    jump = {"x86_64": "jmp", "amd64": "jmp", "aarch64": "br", "arm64": "br", "riscv64": "jr"}.get(machine)
    if jump is None or not hasattr(compiler, "compiler"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "probe.c"), Path(folder, "probe.s")
        source.write_text(PROBE)
        command = [
            *compiler.compiler_so,
            *flags_known(compiler, [*GCC_FLAGS, *HANDLER_FLAGS]),
            "-S",
            str(source),
            "-o",
            str(target),
        ]
        if subprocess.run(command, capture_output=True).returncode:
            return False
        lines = [line.split() for line in target.read_text().splitlines()]
    calls = [line for line in lines if line and line[0] in ("call", "callq", "bl", "blr", "jalr")]
    jumps = [line for line in lines if line and line[0] in (jump, jump + "q") and not line[-1].startswith(".L")]
    return bool(jumps) and not calls


def flags_known(compiler, flags):
    """Those of the flags that the compiler takes."""
    known = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "empty.c")
        source.write_text("int x;\n")
        for flag in flags:
            command = [*compiler.compiler_so, "-Werror", flag, "-c", str(source), "-o", str(Path(folder, "empty.o"))]
            if subprocess.run(command, capture_output=True).returncode == 0:
                known.append(flag)
    return known


class Build(build_ext):
    """Generate and cythonize when the compiler is known; compile in parallel."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        wanted = os.environ.get("WASMCY_DISPATCH") or ("loop" if SANITIZE else "")
        tail = wanted == "tail" if wanted else tail_calls_work(self.compiler)
        if sys.platform == "win32" and self.compiler.compiler_type == "msvc":
            flags, handler_flags, vector_flags, link = ["/O2", "/fp:precise"], [], [], []
        else:
            flags, handler_flags, vector_flags = (
                flags_known(self.compiler, some) for some in (GCC_FLAGS, HANDLER_FLAGS, VECTOR_FLAGS)
            )
            link = [] if SANITIZE or sys.platform == "darwin" else ["-s"]
        if SANITIZE:
            sanitizers = [
                "-fsanitize=address,undefined",
                "-fno-sanitize=alignment",
                "-O1",
                "-g",
                "-fno-sanitize-recover=undefined",
            ]
            # thousands of small functions: to optimize what watches them would take half an hour
            flags, handler_flags, vector_flags = [*flags, *sanitizers], ["-O0", "-g0"], []
            link = ["-fsanitize=address,undefined"]
        print(f"wasmcy: dispatch by {'tail calls' if tail else 'a loop'}")
        for extension in self.extensions:
            extension.define_macros.append(("WASMCY_TAIL", str(int(tail))))
            extension.extra_compile_args = flags + (handler_flags if "_handlers" in extension.name else [])
            if extension.name in SMALL and "-O2" in flags and not SANITIZE:
                extension.extra_compile_args = [*flags, "-Os"]
            if extension.name.endswith(VECTOR_HANDLERS):
                extension.extra_compile_args += vector_flags
            extension.extra_link_args = link
        super().build_extensions()


class BuildPython(build_py):
    """Modules that are compiled are not packaged as sources besides."""

    def find_package_modules(self, package, package_dir):
        compiled = {extension.name for extension in self.distribution.ext_modules or ()}
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if f"{module[0]}.{module[1]}" not in compiled]


def wanted_form():
    """The form to generate for, before a compiler object exists."""
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler

    wanted = os.environ.get("WASMCY_DISPATCH") or ("loop" if SANITIZE else "")
    if wanted:
        return wanted == "tail"
    compiler = new_compiler()
    customize_compiler(compiler)
    return tail_calls_work(compiler)


def extensions():
    package = types.ModuleType("wasmcy")  # the generator, without the compiled modules of the package
    package.__path__ = [str(ROOT / "wasmcy")]
    sys.modules["wasmcy"] = package
    from wasmcy.engine import generate

    form = "tail" if wanted_form() else "loop"
    os.environ["WASMCY_DISPATCH"] = form
    folder = ROOT / ENGINE
    generated = [p for p in generate.write(folder, form == "tail") if p.suffix == ".pyx"]
    build = ROOT / "build" / f"cython-{form}"
    common = {"language_level": 3, "cdivision": True, "emit_code_comments": False, "freethreading_compatible": True,
              "initializedcheck": False, "annotation_typing": False}  # fmt: skip
    # plain methods instead of Cython's function objects, and nothing to pickle: a third of a module's size
    plain = {"binding": False, "auto_pickle": False}
    public = {**plain, "embedsignature": True, "embedsignature.format": "clinic"}
    private = {**plain, "always_allow_keywords": False}

    def group(paths, bounds, negative, more):
        made = [
            Extension(p.replace("/", ".").rpartition(".")[0], [p], include_dirs=[ENGINE], define_macros=[])
            for p in paths
        ]
        return cythonize(
            made, build_dir=str(build.relative_to(ROOT)), nthreads=os.cpu_count() if len(made) > 1 else 0,
            quiet=True, show_all_warnings=False, shared_utility_qualified_name=SHARED,
            cache="CYTHON_CACHE_DIR" in os.environ,
            compiler_directives={**common, **more, "boundscheck": bounds, "wraparound": negative},
        )  # fmt: skip

    # what Cython adds to modules that use memoryviews, once instead of in each
    shared = build / "_cyutility.c"
    shared.parent.mkdir(parents=True, exist_ok=True)
    if not shared.exists():
        subprocess.run([sys.executable, "-m", "cython", f"--generate-shared={shared}"], check=True)
    utility = Extension(SHARED, [str(shared.relative_to(ROOT))], define_macros=[])
    handlers = [f"{ENGINE}/{p.name}" for p in generated]
    return [
        utility, *group(TEXT, True, True, private), *group(WALKING, True, False, private),
        *group(CHECKED, True, True, public), *group(RUNTIME, False, False, public), *group(handlers, False, False, {}),
    ]  # fmt: skip


if __name__ == "__main__":
    metadata_only = {"egg_info", "dist_info", "sdist", "clean", "--version", "--name"} & set(sys.argv)
    setup(ext_modules=[] if metadata_only else extensions(), cmdclass={"build_ext": Build, "build_py": BuildPython})
