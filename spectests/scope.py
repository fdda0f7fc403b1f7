"""Which scripts are run: where the suite is, what is not in scope yet, each folder's features.

`scope.txt` is the list of exceptions, one `pattern  state  reason` a line: `out` means that the
script is not run with the suite, `partial` that wasmcy may refuse some of its modules as
unsupported. Everything else must pass whole.
"""

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SCOPE_FILE = Path(__file__).with_name("scope.txt")

# Where the scripts of a proposal contradict WebAssembly 3.0, its folder runs with the features that
# the proposal was written against. Nothing else alters an expectation.
FOLDER_FEATURES: dict[str, dict[str, bool]] = {
    "proposals/threads": {"memory64": False, "multi_memory": False, "reference_types": False},
    "proposals/custom-page-sizes": {"custom_page_sizes": True},
    "proposals/custom-descriptors": {"custom_descriptors": True},
}


class SuiteMissing(Exception):
    """The suite is not where it was looked for."""


@dataclass(frozen=True)
class Exempt:
    """A line of scope.txt."""

    pattern: str
    state: str
    reason: str


def exemptions() -> list[Exempt]:
    """The lines of scope.txt.

    Raises:
        ValueError: a line is not `pattern state reason`.
    """
    lines = [line.split("#", 1)[0].split(None, 2) for line in SCOPE_FILE.read_text().splitlines()]
    found = [Exempt(*parts) for parts in lines if len(parts) == 3]
    if len(found) != sum(bool(parts) for parts in lines) or any(one.state not in ("out", "partial") for one in found):
        raise ValueError(f"{SCOPE_FILE.name}: a line is not `pattern out|partial reason`")
    return found


def exemption(name: str, among: list[Exempt]) -> Exempt | None:
    """What scope.txt says of a script, named relative to the suite: the first line that matches."""
    return next((one for one in among if fnmatch(name, one.pattern)), None)


def suite_folder(given: str | None = None) -> Path:
    """The folder of the suite: `given`, else $WASMCY_SUITE, else ../shared/testsuite.

    Raises:
        SuiteMissing: there are no scripts.
    """
    folder = Path(given or os.environ.get("WASMCY_SUITE") or PROJECT.parent / "shared" / "testsuite")
    if not any(folder.glob("*.wast")):
        raise SuiteMissing(f"no .wast files in {folder}: give --suite or set WASMCY_SUITE")
    return folder.resolve()


def scripts(folder: Path) -> list[Path]:
    """All scripts in a folder and below, in a fixed order: the folder's own first."""
    return sorted(folder.rglob("*.wast"), key=lambda path: (path.parent != folder, path))


def relative_name(path: Path, suite: Path) -> str:
    """The name by which scope.txt and messages call a script."""
    path = path.resolve()
    return path.relative_to(suite).as_posix() if path.is_relative_to(suite) else str(path)


def features_of(name: str) -> dict[str, bool]:
    """The features by which a script's folder differs from the default."""
    return FOLDER_FEATURES.get(name.rpartition("/")[0], {})
