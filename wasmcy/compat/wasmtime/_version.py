"""The release of wasmtime to be, where releases disagree."""

from __future__ import annotations

import sys

# None: what any of them has. From 48 on preopen_dir takes fs_mutable, before that DirPerms and FilePerms.
release: int | None = None
RELEASES = range(46, 51)
_PERMISSIONS = ("DirPerms", "FilePerms")


def choose(version: int) -> None:
    """Be that release.

    Raises:
        ValueError: it is none that programs can find here.
    """
    global release
    if version not in RELEASES:
        raise ValueError(f"wasmtime {version}: from {RELEASES[0]} to {RELEASES[-1]} are possible")
    from . import _wasi

    release = version
    package = sys.modules[__package__ or ""]
    for name in _PERMISSIONS:
        if version < 48:
            setattr(package, name, getattr(_wasi, name))
        elif hasattr(package, name):
            delattr(package, name)
    package.__all__[:] = [name for name in package.__all__ if version < 48 or name not in _PERMISSIONS]
