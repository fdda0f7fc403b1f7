"""`wasmcy run`: a WASI program with this process's streams, or one function of a module."""

from __future__ import annotations

import gc
import os

from ..engine.machine import Func
from ..engine.store import Store
from ..errors import Exit
from ..limits import Limits, parse_size
from ..runtime import Module
from .calling import entry, print_results
from .options import FEATURES, Command, Option, UsageError, features_of
from .status import EXPECTED, PROGRAM_STATUS, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from typing import Any

    from ..engine.instance import Instance
    from ..features import Features
    from .options import Values


def _run(values: Values, positional: list[str]) -> int:
    file, *arguments = positional
    try:
        limits = _limits(values)
        module = _load(file, features_of(values))
        return _run_module(module, file, arguments, values, limits)
    except Exit as error:
        return error.code
    except BrokenPipeError:
        raise
    except EXPECTED as error:
        return failed(file, error, bool(values.get("--verbose")))


def _load(file: str, features: Features) -> Module:
    gc.disable()  # a module is many objects that stay
    try:
        return Module.from_file(file, features=features, lazy=True)
    finally:
        gc.freeze()
        gc.enable()


def _run_module(module: Module, file: str, arguments: list[str], values: Values, limits: Limits | None) -> int:
    name = values.get("--invoke")
    call, given = entry(module, name, arguments)
    preloaded = [_preload(text, module.features) for text in values.get("--preload", ())]
    wanted = {item.module for m in (module, *(m for _, m in preloaded)) for item in m._syntax.imports}
    providers = _providers(wanted, values, [values.get("--argv0", os.path.basename(file)), *arguments])
    store = Store(limits, deterministic="--deterministic" in values)
    imports: dict[str, Any] = {}
    try:
        for namespace, other in preloaded:
            imports[namespace] = other.instantiate(imports, wasi=providers, store=store)
            _initialize(imports[namespace])
        instance = module.instantiate(imports, wasi=providers, store=store)
        if name is not None and name != "_initialize":
            _initialize(instance)
        if call is None:
            return 0
        results = instance.exports[call](*given)
    finally:
        for provider in providers[:1]:  # Wasi, which owns what is open
            provider.close()
    if name is not None:
        print_results(module, name, results)
    return 0


def _preload(text: str, features: Features) -> tuple[str, Module]:
    name, equals, path = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--preload: not NAME=FILE: {text!r}")
    return name, _load(path, features)


def _initialize(instance: Instance) -> None:
    if isinstance(instance.exports.get("_initialize"), Func):
        instance.exports["_initialize"]()


def _limits(values: Values) -> Limits | None:
    if not values.keys() & {option for option, _, _ in _LIMITS}:
        return None
    given: Values = {}
    for option, name, read in _LIMITS:
        if option in values:
            try:
                given[name] = read(values[option])
                Limits(**{name: given[name]})
            except (ValueError, OverflowError) as error:
                raise UsageError(f"{option}: {error}") from None
    return Limits(**given)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"no number of seconds: {text!r}") from None


def _fuel(text: str) -> int:
    try:
        return int(text.replace("_", ""))
    except ValueError:
        raise ValueError(f"no number of instructions: {text!r}") from None


_LIMITS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("--timeout", "timeout", _seconds),
    ("--fuel", "fuel", _fuel),
    ("--max-memory", "memory", parse_size),
    ("--max-stack", "depth", parse_size),
)


def _providers(wanted: set[str], values: Values, arguments: list[str]) -> list[Any]:
    """What gives the guest its imports: nothing, if it wants nothing of the system."""
    if not any(name.startswith("wasi_") or name == "wasmcy_network" for name in wanted):
        return []
    wasi = _wasi(values, arguments)
    if "wasmcy_network" not in wanted:
        return [wasi]
    from ..network import Network

    try:
        return [wasi, Network(wasi, values.get("--allow", ()))]
    except ValueError as error:
        wasi.close()
        raise UsageError(f"--allow: {error}") from None


def _wasi(values: Values, arguments: list[str]) -> Any:
    """What the guest is granted of the system."""
    from ..wasi import INHERIT, ReadOnly, Wasi

    env = {}
    for text in values.get("--env", ()):
        name, equals, value = text.partition("=")
        if not name:
            raise UsageError(f"--env: no name in {text!r}")
        if equals or name in os.environ:
            env[name] = value if equals else os.environ[name]
    dirs: dict[str, Any] = {}
    for option in ("--dir", "--ro-dir"):
        for text in values.get(option, ()):
            host, colons, guest = text.partition("::")
            dirs[guest if colons else host] = host if option == "--dir" else ReadOnly(host)
    sockets = []
    try:
        for text in values.get("--listen", ()):
            sockets.append(_listen(text))
        return Wasi(
            args=arguments,
            env=env,
            dirs=dirs,
            stdin=INHERIT,
            stdout=INHERIT,
            stderr=INHERIT,
            clock=INHERIT,
            random=INHERIT,
            sockets=sockets,
        )
    finally:
        for sock in sockets:  # the guest has duplicates
            sock.close()


def _listen(text: str) -> socket:
    from socket import AF_INET, AF_INET6, create_server

    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen: not HOST:PORT: {text!r}")
    try:
        host = host.removeprefix("[").removesuffix("]")
        return create_server((host, int(port)), family=AF_INET6 if ":" in host else AF_INET)
    except OSError as error:
        raise OSError(error.errno, f"--listen {text}: {error.strerror}") from None


COMMAND = Command(
    _run,
    "[OPTION]... FILE [ARGS]...",
    "Run a WebAssembly program (WASI): its _start, with ARGS and the terminal's input and output.",
    [
        Option("--dir", "HOST[::GUEST]", "a directory the program may use, under the name GUEST", many=True),
        Option("--ro-dir", "HOST[::GUEST]", "the same, but it cannot change anything there", many=True),
        Option("--env", "NAME[=VALUE]", "a variable of its environment; without VALUE, ours", many=True),
        Option("--argv0", "NAME", "its own name, instead of FILE's last part"),
        Option("--invoke", "NAME", "call this export instead; ARGS are its arguments: 42, -0x2a, 1.5,\n"
               f"{'':24}inf, null; its results are printed, one in a line"),
        Option("--preload", "NAME=FILE", "first make an instance of this module; its exports are imports\n"
               f"{'':24}from NAME, for later ones and the program", many=True),
        Option("--listen", "HOST:PORT", "let it accept connections there; numbered after the directories", many=True),
        Option("--allow", "HOST:PORT", "let it connect there (wasmcy_network); *.example.com:443, host:*", many=True),
        Option("--timeout", "SECONDS", "stop it after that time"),
        Option("--fuel", "NUMBER", "stop it after that many instructions"),
        Option("--max-memory", "SIZE", "let it have at most that much memory: 64MiB, 1GB, 65536"),
        Option("--max-stack", "SIZE", "let its calls use at most that much: 8MiB if not given"),
        Option("--deterministic", "", "let its results be the same bits on every machine, NaNs included"),
        FEATURES,
    ],
    last=True,
    notes="\nThe program sees nothing of the system but what is named here, the time, randomness, and\n"
    "standard input, output and error.\n" + PROGRAM_STATUS,
)  # fmt: skip
