"""`run`: a WASI program from start to end, like `subprocess.run`."""

from __future__ import annotations

import io
import os

from wasmcy.errors import Exit, WasmError
from wasmcy.runtime import Module
from wasmcy.wasi.preview1 import Wasi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from socket import socket
    from typing import Any

    from wasmcy.limits import Limits
    from wasmcy.wasi.preview1 import Grant, Text
    from wasmcy.wasi.streams import Inherit


class Capture:
    """The type of CAPTURE."""

    def __repr__(self) -> str:
        return "wasmcy.CAPTURE"


CAPTURE = Capture()


class Completed:
    """How a program ended: `args`, `returncode`, and `stdout` and `stderr` if they were captured, else None.

    >>> Completed(["app", "-v"], 0, b"1.0", b"")
    Completed(args=['app', '-v'], returncode=0, stdout=b'1.0', stderr=b'')
    """

    __slots__ = ("args", "returncode", "stderr", "stdout")

    def __init__(self, args: list[Text], returncode: int, stdout: Any = None, stderr: Any = None) -> None:
        self.args = args
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr

    def check_returncode(self) -> None:
        """Raises: Exit: the status is not 0."""
        if self.returncode:
            raise Exit(self.returncode)

    def __repr__(self) -> str:
        fields = ((name, getattr(self, name)) for name in ("args", "returncode", "stdout", "stderr"))
        return f"Completed({', '.join(f'{name}={value!r}' for name, value in fields if value is not None)})"


def run(
    module: Module | bytes | str | os.PathLike[str],
    args: Iterable[Text] = (),
    *,
    argv0: Text | None = None,
    env: Mapping[str, str] | Inherit | None = None,
    stdin: object = None,
    stdout: object = CAPTURE,
    stderr: object = CAPTURE,
    text: bool = False,
    check: bool = False,
    dirs: Mapping[str, Grant] | None = None,
    sockets: Iterable[socket] = (),
    clock: Callable[[int], int] | Inherit | None = None,
    random: Callable[[int], bytes] | Inherit | int | None = None,
    buffer: int | str = "256MiB",
    imports: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
) -> Completed:
    """Run a WASI program to its end, granting what is named and nothing else.

        >>> run("examples/guests/upper.wasm", stdin=b"hello").stdout
        b'HELLO'

    Args:
        module: a module, its bytes, or the path of its file.
        args: the arguments after the program's name, which is `argv0`: by default the name of the
            file or module.
        stdout, stderr: CAPTURE, for the result to hold them; or what `Wasi` takes.
        text: whether `stdin` may be a str, and what is captured becomes one (UTF-8, what is not
            is replaced).
        check: whether a status other than 0 raises Exit.
        imports, limits: as for `Module.instantiate`.

    The others are those of `Wasi`.

    Raises:
        OSError, MalformedError, InvalidError, LinkError: the module cannot be run.
        Exit: `check` is set and the status is not 0.
        Trap, LimitError, GuestException: what ended the program. Every WasmError that it ends with has what
            was captured until then as its attributes `stdout` and `stderr`.
    """
    if not isinstance(module, Module):
        if argv0 is None and not isinstance(module, bytes):
            argv0 = os.path.basename(os.fspath(module))
        module = Module(module, lazy=True) if isinstance(module, bytes) else Module.from_file(module, lazy=True)
    args = [argv0 if argv0 is not None else module.name or "program", *args]
    if text and isinstance(stdin, str):
        stdin = stdin.encode()
    captured = [io.BytesIO() if given is CAPTURE else None for given in (stdout, stderr)]
    stdout, stderr = (mine or given for mine, given in zip(captured, (stdout, stderr), strict=True))
    wasi = Wasi(args, env, stdin, stdout, stderr, dirs, clock, random, sockets, buffer)
    try:
        with wasi:
            code = _start(module, wasi, imports, limits)
        if check and code:
            raise Exit(code)
    except WasmError as error:
        error.stdout, error.stderr = (_output(mine, text) for mine in captured)  # type: ignore[attr-defined]
        raise
    return Completed(args, code, *(_output(mine, text) for mine in captured))


def _start(module: Module, wasi: Wasi, imports: Mapping[str, Any] | None, limits: Limits | None) -> int:
    """The exit status."""
    try:
        module.instantiate(imports, wasi=wasi, limits=limits).exports["_start"]()
    except Exit as error:
        return error.code
    except KeyError:
        raise WasmError("no _start is exported: this is no program") from None
    return 0


def _output(captured: io.BytesIO | None, text: bool) -> bytes | str | None:
    if captured is None:
        return None
    data = captured.getvalue()
    return data.decode("utf-8", "replace") if text else data
