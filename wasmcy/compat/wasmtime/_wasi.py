"""WasiConfig: what a store grants to WASI programs."""

from __future__ import annotations

import os
import sys
from enum import Enum

import wasmcy
from wasmcy.wasi import abi
from wasmcy.wasi.directories import open_directory

from . import _version
from ._error import WasmtimeError
from ._managed import Managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Path = str | bytes | os.PathLike[str]
    CustomOutput = Callable[[bytes], int | None]


class DirPerms(Enum):
    """What may be done with a directory's entries (before release 48)."""

    READ_ONLY = 1
    WRITE_ONLY = 2
    READ_WRITE = 3


class FilePerms(Enum):
    """What may be done with a directory's files (before release 48)."""

    READ_ONLY = 1
    WRITE_ONLY = 2
    READ_WRITE = 3


_LOOKING = abi.PATH_OPEN | abi.PATH_READLINK | abi.PATH_FILESTAT_GET | abi.FD_READDIR | abi.FD_READ
_CHANGING_FILES = (
    abi.WRITING_RIGHTS | abi.PATH_CREATE_FILE | abi.PATH_FILESTAT_SET_SIZE | abi.FD_FILESTAT_SET_TIMES
)  # fmt: skip


class WasiConfig(Managed):
    """What is granted by `Store.set_wasi`: nothing but clocks, random numbers, and what is named here."""

    def __init__(self) -> None:
        self._argv: Sequence[str] = ()
        self._env: dict[str, str] = {}
        self._streams: dict[str, Any] = {"stdin": None, "stdout": None, "stderr": None}
        self._files: list[Any] = []  # to be closed with the guest
        self._dirs: dict[str, Any] = {}
        self._lacking: dict[str, int] = {}  # the rights that each of them does not get, nor what is opened there

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            self._open()
        super().__setattr__(name, value)

    def _set_argv(self, argv: Sequence[str]) -> None:
        self._argv = [str(argument) for argument in argv]

    argv = property(fset=_set_argv, doc="The program's name and its arguments; can be set, not read.")

    def inherit_argv(self) -> None:
        """Take this process's arguments."""
        self._open()
        self._argv = list(sys.argv)

    def _set_env(self, pairs: Iterable[Iterable[str]]) -> None:
        self._env = {name: value for name, value in pairs}  # noqa: C416 pairs may be lists

    env = property(fset=_set_env, doc="The variables, as pairs of name and value; can be set, not read.")

    def inherit_env(self) -> None:
        """Take this process's variables."""
        self._open()
        self._env = dict(os.environ)

    def _open_file(self, name: str, path: Path, mode: str) -> None:
        try:
            file = open(path, mode, buffering=0)  # noqa: SIM115 the guest's, until it has ended
        except OSError:
            raise WasmtimeError(f"failed to set {name} file") from None
        self._streams[name] = file
        self._files.append(file)

    stdin_file = property(
        fset=lambda self, path: self._open_file("stdin", path, "rb"), doc="A file to read; can be set, not read."
    )
    stdout_file = property(
        fset=lambda self, path: self._open_file("stdout", path, "wb"), doc="A file to write; can be set, not read."
    )
    stderr_file = property(
        fset=lambda self, path: self._open_file("stderr", path, "wb"), doc="A file to write; can be set, not read."
    )

    def _custom(self, name: str, callback: CustomOutput) -> None:
        if not callable(callback):
            raise TypeError("expected a callable")
        self._streams[name] = callback

    stdout_custom = property(
        fset=lambda self, callback: self._custom("stdout", callback),
        doc="A function that is called with what the guest writes; can be set, not read.",
    )
    stderr_custom = property(
        fset=lambda self, callback: self._custom("stderr", callback),
        doc="A function that is called with what the guest writes; can be set, not read.",
    )

    def inherit_stdin(self) -> None:
        """Take this process's standard input."""
        self._inherit("stdin")

    def inherit_stdout(self) -> None:
        self._inherit("stdout")

    def inherit_stderr(self) -> None:
        self._inherit("stderr")

    def _inherit(self, name: str) -> None:
        self._open()
        self._streams[name] = wasmcy.INHERIT

    def preopen_dir(
        self,
        path: str,
        guest_path: str,
        dir_perms: DirPerms | bool | None = None,
        file_perms: FilePerms | None = None,
        *,
        fs_mutable: bool = True,
    ) -> None:
        """Grant a directory of the host, under the guest's name for it.

        The third argument is a DirPerms, as before release 48, or whether it may be changed, as from then on.
        Without leave to write in the directory its files cannot be changed either; without leave to write files,
        none can be made; without leave to read the directory, nothing in it can be opened.

        Raises:
            WasmtimeError: there is no such directory.
        """
        self._open()
        if isinstance(dir_perms, bool):
            fs_mutable, dir_perms = dir_perms, None
        old, new = (dir_perms or file_perms) is not None, not fs_mutable
        if ((_version.release or 0) >= 48 and old) or ((_version.release or 48) < 48 and new):
            raise TypeError(f"not the arguments of preopen_dir in release {_version.release}")
        try:
            directory = open_directory(path)
        except (OSError, ValueError):
            raise WasmtimeError("failed to add preopen dir") from None
        writable = fs_mutable and dir_perms is not DirPerms.READ_ONLY
        self._dirs[guest_path] = directory if writable else wasmcy.ReadOnly(directory)
        self._files.append(directory)
        lacking = 0
        if dir_perms is DirPerms.WRITE_ONLY:
            lacking |= _LOOKING
        if file_perms is FilePerms.READ_ONLY:
            lacking |= _CHANGING_FILES
        self._lacking[guest_path] = lacking

    def _release(self) -> None:
        for file in self._files:
            file.close()

    def _consume(self) -> wasmcy.Wasi:
        """What is granted, as wasmcy has it; the WasiConfig is closed."""
        self._open()
        try:
            granted = _Granted(
                args=self._argv,
                env=self._env,
                dirs=self._dirs,
                clock=wasmcy.INHERIT,
                random=wasmcy.INHERIT,
                **self._streams,
            )
        except (ValueError, TypeError) as error:
            raise WasmtimeError(str(error)) from None
        for fd, name in enumerate(self._dirs, 3):
            directory = granted.descriptors.find(fd, 0)
            directory.rights &= ~self._lacking[name]
            directory.inheriting &= ~self._lacking[name]
        granted.files = [file for file in self._files if file in self._streams.values()]
        self._files = []
        self.close()
        return granted


class _Granted(wasmcy.Wasi):
    """A Wasi that closes the files that were opened for it."""

    files: Iterable[Any] = ()

    def close(self) -> None:
        super().close()
        for file in self.files:
            file.close()
