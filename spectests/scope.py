"""Where the suite is, which scripts it has, the features that each folder is written for."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

# Where the scripts of a proposal contradict WebAssembly 3.0, its folder runs with the features that
# the proposal was written against. Nothing else alters an expectation.
FOLDER_FEATURES: dict[str, dict[str, bool]] = {
    "proposals/threads": {"memory64": False, "multi_memory": False, "reference_types": False},
    "proposals/custom-page-sizes": {"custom_page_sizes": True},
    "proposals/custom-descriptors": {"custom_descriptors": True},
}


class SuiteMissing(Exception):
    """The suite is not where it was looked for."""


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
    """The name by which messages call a script."""
    path = path.resolve()
    return path.relative_to(suite).as_posix() if path.is_relative_to(suite) else str(path)


def features_of(name: str) -> dict[str, bool]:
    """The features by which a script's folder differs from the default."""
    return FOLDER_FEATURES.get(name.rpartition("/")[0], {})
