"""The APIs of wasmtime, pywasm3 and pywasm on top of wasmcy's own.

`import wasmcy.compat.wasmtime as wasmtime` is enough for a program of one's own. For programs that cannot be
edited, `install` makes the name itself mean wasmcy's layer; so does `python -m wasmcy.compat wasmtime script.py`.
For a whole environment, `path` names a directory to be put on the module search path.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    class _HasMetadata:
        metadata: Any
        version: str


# For each layer, the distribution it stands for, and the release whose API it has.
LAYERS = {"wasmtime": ("wasmtime", "50.0.1"), "wasm3": ("pywasm3", "0.5.0"), "pywasm": ("pywasm", "2.2.3")}


def install(*names: str, version: int | None = None) -> None:
    """Let `import wasmtime` (or wasm3, or pywasm) mean wasmcy's layer, in this process.

    `version` is the release of wasmtime to be, where releases disagree: before 48, `preopen_dir` takes `DirPerms`
    and `FilePerms`; from 48 on, `fs_mutable`, and those two names do not exist. Without it, both are accepted.

    Raises:
        ValueError: a name is none of the three, or `version` is given without "wasmtime", or is none from 46 to 50.
        RuntimeError: the other package of that name has been imported already.
    """
    if version is not None and "wasmtime" not in names:
        raise ValueError("a version is one of wasmtime's, which is not among the names")
    for name in names:
        if name not in LAYERS:
            raise ValueError(f"there is no layer for {name!r}, only for {', '.join(LAYERS)}")
        loaded = sys.modules.get(name)
        if loaded is not None and not hasattr(loaded, "IS_LAYER") and not loaded.__name__.startswith(f"{__name__}."):
            raise RuntimeError(f"{name} has been imported already: call install before that")
    if version is not None:
        from .wasmtime import _version

        _version.choose(version)
    finder = next((f for f in sys.meta_path if isinstance(f, _Finder)), None)
    if finder is None:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    finder.names.update(names)


def path(name: str) -> str:
    """A directory with nothing but a module of that name, which means wasmcy's layer.

    A file `wasmtime.pth` with this path, in an environment's site-packages, makes the layer be found there.
    """
    if name not in LAYERS:
        raise ValueError(f"there is no layer for {name!r}, only for {', '.join(LAYERS)}")
    return os.path.join(os.path.dirname(__file__), "names", name)


class _Finder:
    """Finds the installed names, their submodules, and the metadata of what they stand for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.names:
            return None
        from importlib.util import find_spec, spec_from_loader

        if find_spec(f"{__name__}.{fullname}") is None:
            return None
        return spec_from_loader(fullname, _Loader(f"{__name__}.{fullname}"))  # type: ignore[arg-type]

    def find_distributions(self, context: Any = None) -> Iterator[_HasMetadata]:
        """For `importlib.metadata.version("wasmtime")`."""
        wanted = getattr(context, "name", None)
        for name in self.names:
            distribution, version = LAYERS[name]
            if wanted is None or wanted.lower().replace("_", "-") == distribution:
                yield _distribution(distribution, version)


class _Loader:
    """Gives out the module of another name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from importlib import import_module

        module = import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put that of the other name there


def _distribution(name: str, version: str) -> Any:
    from importlib.metadata import Distribution

    class Layer(Distribution):
        def read_text(self, filename: str) -> str | None:
            return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" if filename == "METADATA" else None

        def locate_file(self, path: Any) -> Any:
            raise FileNotFoundError(path)

    return Layer()
