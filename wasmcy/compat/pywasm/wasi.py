"""WASI: `Preview1`, what a program is granted."""

from __future__ import annotations

import os
import sys

import wasmcy
from wasmcy.wasi.calls import MODULES

from .core import Extern, FuncHost, ModuleInst, Runtime
from .types import FuncType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

_MODULE = "wasi_snapshot_preview1"


class Preview1:
    """Arguments, directories (the guest's name: the host's path) and variables for one program.

    `fd[0].pipe`, `fd[1].pipe` and `fd[2].pipe` may be set to binary files, to be the program's standard streams
    instead of the process's.
    """

    class File:
        """A standard stream."""

        def __init__(self) -> None:
            self.pipe: Any = None

    def __init__(self, args: Sequence[str], dirs: Mapping[str, str], envs: Mapping[str, str]) -> None:
        self.args = list(args)
        self.dirs = {os.path.normpath(guest): os.path.normpath(host) for guest, host in dirs.items()}
        self.envs = dict(envs)
        self.fd = [self.File() for _ in range(3)]
        self.return_on_exit = 1  # 0: the process ends with the program
        self._imports: dict[str, Callable[..., Any]] | None = None
        self._granted: wasmcy.Wasi | None = None

    def bind(self, runtime: Runtime) -> None:
        """Let a runtime's modules import the calls of WASI."""
        names = runtime.imports.setdefault(_MODULE, {})
        for name in MODULES[_MODULE]:
            names[name] = self._call(runtime, name)

    def _call(self, runtime: Runtime, name: str) -> Extern:
        params, _, results = MODULES[_MODULE][name].signature.partition("->")  # type: ignore[attr-defined]
        store = runtime.machine.store

        def call(caller: wasmcy.Caller, *arguments: int) -> Any:
            return self._calls()[name](caller, *arguments)

        own = wasmcy.Func(wasmcy.with_caller(call), params.split(), results.split(), store=store.own)
        function = FuncHost(FuncType.of(own.type), lambda machine, arguments: None)
        function.own = own
        store.func.append(function)
        return Extern(0, len(store.func) - 1)

    def _calls(self) -> dict[str, Callable[..., Any]]:
        """The calls, granted what was asked for when the program makes the first."""
        if self._imports is None:
            stdin, stdout, stderr = (wasmcy.INHERIT if file.pipe is None else file.pipe for file in self.fd)
            self._granted = wasmcy.Wasi(
                args=self.args,
                env=self.envs,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                dirs=self.dirs,
                clock=wasmcy.INHERIT,
                random=wasmcy.INHERIT,
            )
            self._imports = self._granted.imports()[_MODULE]
        return self._imports

    def main(self, runtime: Runtime, module: ModuleInst) -> int:
        """Run _start; returns the exit code."""
        code = 0
        try:
            runtime.invocate(module, "_start", [])
        except wasmcy.Exit as ended:
            code = ended.code
        finally:
            if self._granted is not None:
                self._granted.close()
            for file in self.fd[1:]:
                if file.pipe is not None:
                    file.pipe.seek(0)
        if not self.return_on_exit:
            sys.exit(code)
        return code
