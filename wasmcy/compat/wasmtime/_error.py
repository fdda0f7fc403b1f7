"""WasmtimeError and ExitTrap."""

from __future__ import annotations

from ._managed import Managed


class WasmtimeError(Exception, Managed):
    """What goes wrong but is no trap: a module that is not valid, imports that do not fit, limits, wrong settings."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._message = message

    def __str__(self) -> str:
        return self._message


class ExitTrap(WasmtimeError):
    """The guest ended itself by WASI's proc_exit; `code` is the status it gave."""

    code: int

    def __init__(self, code: int) -> None:
        super().__init__(f"Exited with i32 exit status {code}")
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return ExitTrap, (self.code,)
