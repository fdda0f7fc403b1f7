"""The documents are true: their examples run, and the files they name are there."""

import doctest
import importlib
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import wasmcy

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md"))
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
GENERATED = re.compile(r"_handlers\w+\.pyx|_tables\.py")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(wasmcy.__path__, "wasmcy."):
        if not re.search(r"\._handlers\w+$|\.__main__$|\.generate$", found.name):
            yield found.name


@pytest.fixture
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run_examples(text: str, name: str, names: dict[str, object]) -> int:
    """Run the examples of a text and return how many there were."""
    test = doctest.DocTestParser().get_doctest(text, dict(names), name, name, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert not report, "".join(report)
    return len(test.examples)


def documented(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The docstrings of a module, its functions, its classes and their members."""
    things = [(module.__name__, module)]
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) == module.__name__:
            things.append((f"{module.__name__}.{name}", value))
            if isinstance(value, type):
                things += [(f"{module.__name__}.{name}.{key}", member) for key, member in vars(value).items()]
    for name, thing in things:
        text = getattr(thing, "__doc__", None)
        if isinstance(text, str) and ">>>" in text:
            yield name, text


@pytest.mark.parametrize("name", sorted(modules()))
def test_docstring_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    for where, text in documented(module):
        run_examples(text, where, {**vars(wasmcy), **vars(module), "wasmcy": wasmcy})


def test_public_classes_carry_an_example() -> None:
    classes = [value for value in vars(wasmcy).values() if isinstance(value, type)]
    plain = {c for c in classes if not issubclass(c, (BaseException, tuple))}
    assert {c.__name__ for c in plain if ">>>" not in (c.__doc__ or "")} == set()


@pytest.mark.parametrize("name", ["README.md", "docs/embedding.md", "docs/limits.md", "docs/wasi.md"])
@pytest.mark.usefixtures("in_root")
def test_examples_of_the_documents_run(name: str) -> None:
    text = (ROOT / name).read_text()
    python = "\n".join(re.findall(r"^```pycon\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    assert run_examples(python, name, {}) >= 6


def shell_examples() -> list[tuple[str, str]]:
    """The commands `$ wasmcy …` of the documents, each with the output below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", README + ARCHITECTURE, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            if "wasmcy " in command:
                found.append((command, output))
    return found


@pytest.mark.parametrize(("command", "output"), shell_examples(), ids=lambda text: text.split("\n")[0])
@pytest.mark.usefixtures("in_root")
def test_commands_of_the_documents_run(command: str, output: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    fed, _, used = command.rpartition(" | ")
    stdin = "\n".join(shlex.split(fed)[1:]) + "\n" if fed else ""
    words = [sys.executable, "-m", *shlex.split(used)]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60, env=environment)
    wanted, given = doctest_lines(output), doctest_lines(done.stdout + done.stderr)
    assert doctest.OutputChecker().check_output(wanted, given, FLAGS), done.stdout + done.stderr


def doctest_lines(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip())


def test_the_two_commands_of_the_readme_are_there() -> None:
    first, second = re.findall(r"^```sh\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)[:2]
    assert first.startswith("python3 -m venv .venv && .venv/bin/pip install . && ")
    assert (ROOT / first.split()[-1]).exists()
    assert second == "ci/test"
    assert second in (ROOT / ".ci" / "run").read_text().replace("step ", "").splitlines()


def test_scripts_can_be_executed() -> None:
    if sys.platform == "win32":
        return
    assert [p.name for p in (ROOT / "ci").iterdir() if not os.access(p, os.X_OK)] == []
    assert shutil.which(str(ROOT / ".ci" / "run"))


def tour() -> list[str]:
    """The files that the source tour of the README lists, by their lines: `name .suffix …  what it is`."""
    text = README.split("## Source tour")[1]
    files, folder = [], ""
    for line in re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0].splitlines():
        names = re.split(r"  +", line.strip())[0].split()
        if not line.strip():
            continue
        if not line.startswith(" "):
            folder = names[0] if names[0].endswith("/") else ""
            if folder:
                continue
        for name in names:
            files.append(
                folder + names[0].partition(".")[0] + name if name.startswith(".") and folder else folder + name
            )
    return files


def source_files() -> list[str]:
    found = [p for p in (ROOT / "wasmcy").rglob("*") if p.suffix in (".py", ".pyx", ".pxd", ".pyi", ".h")]
    found += [p for folder in ("spectests", "benchmarks", "examples", "ci", "docs") for p in (ROOT / folder).iterdir()]
    files = (p for p in found if p.is_file() and p.suffix in ("", ".py", ".pyx", ".pxd", ".pyi", ".h", ".md", ".txt"))
    names = (p.relative_to(ROOT).as_posix() for p in files if not p.name.startswith("."))
    return sorted(name for name in names if not GENERATED.fullmatch(Path(name).name))


def test_tour_names_every_source_file_once() -> None:
    listed = tour()
    assert sorted(set(source_files()) - set(listed)) == []
    assert sorted(name for name in set(listed) if listed.count(name) > 1) == []


def test_files_of_the_tour_are_there() -> None:
    assert [name for name in tour() if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", ["README.md", *DOCUMENTS])
def test_files_that_documents_name_are_there(name: str) -> None:
    text = (ROOT / name).read_text()
    paths = set(re.findall(r"(?:wasmcy|tests|spectests|benchmarks|examples|docs|ci|\.ci|\.github)/[\w./]*\w", text))
    assert paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("name", ["README.md", *DOCUMENTS])
def test_links_of_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text()
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)  # code has such brackets too
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not ((ROOT / name).parent / link.partition("#")[0]).exists()] == []


def test_every_diagram_names_its_source_file() -> None:
    introductions = [before.strip().split("\n\n")[-1] for before in ARCHITECTURE.split("\n```text\n")[:-1]]
    assert len(introductions) >= 6
    assert [text for text in introductions if not re.search(r"wasmcy/[\w/]+\.\w+", text)] == []
