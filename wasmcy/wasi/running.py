"""`run` and `run_async`: a WASI program from start to end, like `subprocess.run`."""

from __future__ import annotations

import io
import os

from wasmcy.errors import Exit, WasmError
from wasmcy.runtime import Module
from wasmcy.wasi.preview1 import Wasi, several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from socket import socket
    from typing import Any

    from wasmcy.engine.machine import Func
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
    program = _Program(
        module, args, argv0=argv0, env=env, stdin=stdin, stdout=stdout, stderr=stderr, text=text, check=check,
        dirs=dirs, sockets=sockets, clock=clock, random=random, buffer=buffer, imports=imports, limits=limits,
    )  # fmt: skip
    with program:
        program.start()()
    return program.completed()


async def run_async(
    module: Module | bytes | str | os.PathLike[str], args: Iterable[Text] = (), **options: Any
) -> Completed:
    """Run a WASI program without blocking the event loop; arguments, result and errors are those of `run`.

        >>> import asyncio
        >>> asyncio.run(run_async("examples/guests/upper.wasm", stdin=b"hello")).stdout
        b'HELLO'

    What the program waits for, it waits for in the loop, and cancelling the task ends it. `stdin` may be an
    `asyncio.StreamReader`, `stdout` and `stderr` an `asyncio.StreamWriter`, or coroutine functions.
    """
    program = _Program(module, args, **options)
    with program:
        await program.start().call_async()
    return program.completed()


class _Program:
    """A program that runs while it is entered; its arguments are those of `run`."""

    def __init__(
        self,
        module: Module | bytes | str | os.PathLike[str],
        args: Iterable[Text],
        *,
        argv0: Text | None = None,
        stdin: object = None,
        stdout: object = CAPTURE,
        stderr: object = CAPTURE,
        text: bool = False,
        check: bool = False,
        imports: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        **granted: Any,
    ) -> None:
        if not isinstance(module, Module):
            if argv0 is None and not isinstance(module, bytes):
                argv0 = os.path.basename(os.fspath(module))
            module = Module(module, lazy=True) if isinstance(module, bytes) else Module.from_file(module, lazy=True)
        self.module = module
        self.args = [argv0 if argv0 is not None else module.name or "program", *several(args)]
        if text and isinstance(stdin, str):
            stdin = stdin.encode()
        self.captured = [io.BytesIO() if given is CAPTURE else None for given in (stdout, stderr)]
        stdout, stderr = (mine or given for mine, given in zip(self.captured, (stdout, stderr), strict=True))
        self.wasi = Wasi(self.args, stdin=stdin, stdout=stdout, stderr=stderr, **granted)
        self.text = text
        self.check = check
        self.imports = imports
        self.limits = limits
        self.code = 0

    def start(self) -> Func:
        """The function that runs it."""
        exports = self.module.instantiate(self.imports, wasi=self.wasi, limits=self.limits).exports
        try:
            return exports["_start"]  # type: ignore[no-any-return]
        except KeyError:
            raise WasmError("no _start is exported: this is no program") from None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Take up the exit status. With what else ended the program goes what has been captured until then."""
        try:
            with self.wasi:
                if isinstance(error, Exit):
                    self.code = error.code
                elif error is not None:
                    raise error
            if self.check and self.code:
                raise Exit(self.code)
        except WasmError as ended:
            ended.stdout, ended.stderr = map(self._output, self.captured)  # type: ignore[attr-defined]
            raise
        return True

    def completed(self) -> Completed:
        """How it ended."""
        return Completed(self.args, self.code, *map(self._output, self.captured))

    def _output(self, captured: io.BytesIO | None) -> bytes | str | None:
        if captured is None:
            return None
        data = captured.getvalue()
        return data.decode("utf-8", "replace") if self.text else data
