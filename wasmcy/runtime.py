"""Modules as programs use them: loading, what they want and offer, instantiating."""

from __future__ import annotations

import os
from operator import itemgetter

from .binary.decoder import decode
from .engine.code import Code
from .engine.instance import Instance, instantiate
from .engine.machine import set_caller_class
from .engine.store import Store
from .errors import LinkError, ModuleError, expect
from .features import DEFAULT, Features
from .types import FuncType, GlobalType, MemoryType, TableType, TagType
from .validation.context import Context
from .validation.module import validate

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time `typing` alone would take 8 ms
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Self, TypeVar

    from .engine.instance import Exports
    from .engine.snapshots import Snapshot
    from .engine.store import Memory
    from .limits import Limits
    from .module import Import, ModuleSyntax

    ExternType = FuncType | TableType | MemoryType | GlobalType | TagType
    F = TypeVar("F", bound=Callable[..., Any])


class ImportType(tuple[str, str, "ExternType"]):
    """What a module wants: from which module, under which name, of which type."""

    __slots__ = ()

    module: str = property(itemgetter(0))  # type: ignore[assignment]
    name: str = property(itemgetter(1))  # type: ignore[assignment]
    type: ExternType = property(itemgetter(2))  # type: ignore[assignment]

    def __new__(cls, module: str, name: str, type: ExternType) -> Self:
        return tuple.__new__(cls, (module, name, type))

    def __getnewargs__(self) -> tuple[str, str, ExternType]:
        return self[0], self[1], self[2]

    @property
    def kind(self) -> str:
        return _KIND[self[2].__class__]

    def __repr__(self) -> str:
        return f"ImportType(module={self[0]!r}, name={self[1]!r}, type={self[2]!r})"


class ExportType(tuple[str, "ExternType"]):
    """What a module offers: a name and a type."""

    __slots__ = ()

    name: str = property(itemgetter(0))  # type: ignore[assignment]
    type: ExternType = property(itemgetter(1))  # type: ignore[assignment]

    def __new__(cls, name: str, type: ExternType) -> Self:
        return tuple.__new__(cls, (name, type))

    def __getnewargs__(self) -> tuple[str, ExternType]:
        return self[0], self[1]

    @property
    def kind(self) -> str:
        return _KIND[self[1].__class__]

    def __repr__(self) -> str:
        return f"ExportType(name={self[0]!r}, type={self[1]!r})"


LEAD = 1024  # bytes in which text must show that it is text
_KIND = {FuncType: "func", TableType: "table", MemoryType: "memory", GlobalType: "global", TagType: "tag"}


class Module:
    """A module: decoded, valid, ready to be instantiated any number of times.

        >>> module = Module(bytes.fromhex("0061736d01000000"))
        >>> module.imports, module.exports
        ([], [])

    `source` is the binary format, or text: a str, or bytes that begin with a parenthesis or comment.
    `lazy` validates each function at its first call instead of all of them now. Modules are
    immutable, can be shared by threads and pickled (as their bytes in the binary format).

    Raises:
        MalformedError, InvalidError: with the offset of what is wrong, or its line and column in the text.

    Spec: 2.5 "Modules".
    """

    def __init__(
        self, source: bytes | bytearray | memoryview | str, *, features: Features = DEFAULT, lazy: bool = False
    ):
        if not isinstance(source, str):
            try:
                memoryview(source)
            except TypeError:
                raise TypeError(f"a module is bytes or a str, not {type(source).__name__}") from None
        expect(features, Features, "Features")
        text = source if isinstance(source, str) or _is_text(source) else None
        if text is None:
            self._load(bytes(source), features, lazy)  # type: ignore[arg-type]
            return
        from .text import text_bytes, wat2wasm

        data = text_bytes(text)
        try:
            self._load(wat2wasm(data, features), features, lazy)
        except ModuleError as error:
            from .text.places import placed

            raise placed(error, data) from None

    def _load(self, data: bytes, features: Features, lazy: bool) -> None:
        self._syntax: ModuleSyntax = decode(data, features)
        context = Context(self._syntax)
        validate(self._syntax, context, bodies=not lazy)
        self._code = Code(self._syntax, context, lazy)
        self._digest: bytes | None = None  # of its bytes, once a snapshot has asked for it
        self._export_places = {item.name: (item.kind, item.index) for item in self._syntax.exports}

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, features: Features = DEFAULT, lazy: bool = False) -> Module:
        """Load a .wasm file; or a .wat file, or another whose text is as `Module` takes it."""
        return cls(read_file(path), features=features, lazy=lazy)

    @classmethod
    def from_wat(cls, text: str | bytes, *, features: Features = DEFAULT, lazy: bool = False) -> Module:
        """Load a module in the text format (UTF-8, if it is bytes).

        >>> module = Module.from_wat('(func (export "two") (result i32) i32.const 2)')
        >>> module.instantiate().exports.two()
        2
        """
        if not isinstance(text, str):
            from .text import decoded

            text = decoded(text)
        return cls(text, features=features, lazy=lazy)

    @property
    def imports(self) -> list[ImportType]:
        """What the module wants, in order."""
        return [ImportType(item.module, item.name, self._import_type(item)) for item in self._syntax.imports]

    def _import_type(self, item: Import) -> ExternType:
        if not isinstance(item.desc, int):
            return item.desc
        func_type = self._syntax.func_type_at(item.desc)
        return TagType(func_type) if item.kind == "tag" else func_type

    @property
    def exports(self) -> list[ExportType]:
        """What the module offers, in order."""
        syntax = self._syntax
        kinds: dict[str, Callable[[int], ExternType]] = {
            "func": syntax.func_type,
            "table": syntax.table_type,
            "memory": syntax.memory_type,
            "global": syntax.global_type,
            "tag": syntax.tag_type,
        }
        return [ExportType(item.name, kinds[item.kind](item.index)) for item in syntax.exports]

    @property
    def name(self) -> str | None:
        """The module's own name, if it has one."""
        return self._syntax.name

    @property
    def features(self) -> Features:
        return self._syntax.features

    @property
    def binary(self) -> bytes:
        """The module in the binary format, as it was loaded."""
        return self._syntax.data

    def custom_sections(self, name: str) -> list[bytes]:
        """The contents of the custom sections of that name, in order."""
        syntax = self._syntax
        return [syntax.data[c.start : c.end] for c in syntax.customs if c.name == name]

    def instantiate(
        self,
        imports: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        wasi: Any = None,
        limits: Limits | None = None,
        deterministic: bool = False,
        store: Store | None = None,
    ) -> Instance:
        """Make an instance.

        `imports` maps module names to mappings (or instances, or their exports) of names to functions,
        memories, tables, globals and tags; a plain callable serves as function, an int or float as
        immutable global. A list or tuple has one object for each import, in order. `wasi` is a provider
        such as Wasi, or several of them. The instance lives in `store`, else in that of its imports, else
        in a new one with `limits`, and `deterministic` where all results shall be the same bits on every
        machine, NaNs included.

        Raises:
            LinkError: an import is missing, does not match, or belongs to another store, or to one that is
                not deterministic.
            Trap, LimitError, GuestException: raised while initialising or by the start function.
        """
        if isinstance(imports, (list, tuple)):
            return self._instantiate_in_order(imports, wasi, limits, deterministic, store)
        return self._made(imports, wasi, limits, deterministic, store, None)

    def restore(
        self,
        snapshot: Snapshot,
        imports: Mapping[str, Any] | None = None,
        *,
        wasi: Any = None,
        limits: Limits | None = None,
        deterministic: bool = False,
        store: Store | None = None,
    ) -> Instance:
        """Make an instance that has the state of a snapshot; all else as for `instantiate`.

        Neither segments nor the start function have a part in it. The snapshot is checked: it may come
        from anywhere.

        Raises:
            SnapshotError: the snapshot does not fit the module.
            LinkError: an import is missing, does not match, or belongs to another store.
            LimitError: the state exceeds the limits.
            TypeError: it is no Snapshot.
        """
        from .engine.snapshots import Snapshot

        expect(snapshot, Snapshot, "a Snapshot")
        return self._made(imports, wasi, limits, deterministic, store, snapshot)

    def _made(
        self,
        imports: Any,
        wasi: Any,
        limits: Limits | None,
        deterministic: bool,
        store: Store | None,
        snapshot: Snapshot | None,
    ) -> Instance:
        providers: list[Any] = []
        if imports is not None:
            if not hasattr(imports, "__getitem__") or isinstance(imports, (str, bytes)):
                raise TypeError(f"expected imports by module and name, got {type(imports).__name__}")
            providers.append(imports)
        if wasi is not None:
            providers += map(provided, wasi if isinstance(wasi, (list, tuple)) else (wasi,))

        def lookup(module: str, name: str) -> Any:
            for provider in providers:
                try:
                    return _member(provider[module], name)
                except KeyError:
                    continue
            raise KeyError(name)

        instance = instantiate(self, lookup, store, limits, deterministic, snapshot)
        instance._origin = Origin(self, imports, wasi, limits, instance.store.deterministic, snapshot)
        return instance

    def _instantiate_in_order(
        self, imports: Sequence[Any], wasi: Any, limits: Limits | None, deterministic: bool, store: Store | None
    ) -> Instance:
        if wasi is not None:
            raise TypeError("WASI provides imports by name: give the others in a mapping, too")
        if len(imports) != len(self._syntax.imports):
            raise LinkError(f"expected {len(self._syntax.imports)} imports, found {len(imports)}")
        following = iter(imports)
        return instantiate(self, lambda module, name: next(following), store, limits, deterministic)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._syntax.data, self._syntax.features, self._code.lazy)

    def __repr__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"<wasmcy.Module{name} of {len(self._syntax.data)} bytes>"


def provided(provider: Any) -> Any:
    """What a provider such as Wasi offers, by module and name.

    Raises:
        TypeError: it is no provider.
    """
    if not hasattr(provider, "imports"):
        raise TypeError(f"expected a provider such as Wasi, got {type(provider).__name__}")
    return provider.imports()


def read_file(path: str | os.PathLike[str]) -> bytes | str:
    """The module in a file: bytes of the binary format, or its text.

    Raises:
        OSError: the file cannot be read.
        MalformedError: it is text, but not UTF-8.
    """
    path = os.fsdecode(path)  # a number would be a descriptor, and be closed
    with open(path, "rb") as file:
        data = file.read()
    if not _is_text(data) and (data.startswith(b"\0asm") or not path.endswith(".wat")):
        return data
    from .text import decoded

    return decoded(data)


def _is_text(data: bytes | bytearray | memoryview) -> bool:
    """Whether bytes are those of a text: they begin with a parenthesis or a comment."""
    return bytes(data[:LEAD]).lstrip().startswith((b"(", b";;"))


def _restore(data: bytes, features: Features, lazy: bool) -> Module:
    return Module(data, features=features, lazy=lazy)


class Origin:
    """How an instance was made: what a pickle of its functions carries. Their copies share one fresh instance."""

    __slots__ = ("instance", "made_of")

    def __init__(self, *made_of: Any) -> None:
        self.made_of = made_of
        self.instance: Instance | None = None

    def export(self, name: str) -> Any:
        if self.instance is None:
            module, imports, wasi, limits, deterministic, snapshot = self.made_of
            self.instance = module._made(imports, wasi, limits, deterministic, None, snapshot)
        return self.instance.exports[name]

    def __reduce__(self) -> tuple[Any, ...]:
        return Origin, self.made_of


def _member(namespace: Any, name: str) -> Any:
    if isinstance(namespace, Instance):
        return namespace.exports[name]
    return namespace[name]


class Caller:
    """The instance that calls a host function, given to functions marked with `with_caller`.

    >>> @with_caller
    ... def log(caller: Caller, at: int) -> None:
    ...     print(caller.memory.read_cstring(at).decode())

    `memory` is the memory exported as "memory"; None (not in the type: it is rare) where there is none.
    """

    __slots__ = ("exports", "instance", "memory")

    instance: Instance | None
    exports: Exports
    memory: Memory

    def __init__(self, instance: Instance | None) -> None:
        self.instance = instance
        if instance is None:
            self.memory = None  # type: ignore[assignment]
        else:
            self.exports = instance.exports
            self.memory = instance.exports.get("memory")

    def __getattr__(self, name: str) -> Any:
        if name == "exports":
            raise RuntimeError("called from Python: there is no calling instance")
        raise AttributeError(f"a Caller has no attribute {name!r}")

    @property
    def limits(self) -> Limits | None:
        """The limits of the calling instance's store."""
        return None if self.instance is None else self.instance.store.limits

    @property
    def suspendable(self) -> bool:
        """Whether what runs was called by `call_async`: then a function may return an awaitable."""
        return self.instance is not None and self.instance.store.suspendable

    @property
    def interrupted(self) -> bool:
        """Whether `interrupt` was asked for, and the running call must end."""
        return self.instance is not None and self.instance.store.interrupted != 0

    def time_left(self) -> float | None:
        """Seconds until the running call must end, 0 if it must now; None: it may take any time.

        A function that waits looks here now and then, and returns when none are left: the call then ends
        with Timeout, or as `Instance.interrupt` wants it.
        """
        return None if self.instance is None else self.instance.store.time_left()


set_caller_class(Caller)


def with_caller(function: F) -> F:
    """Mark a host function: it gets the Caller as its first argument."""
    try:
        function.wants_caller = True  # type: ignore[attr-defined]
    except AttributeError:  # a method or a built-in function
        from functools import partial

        function = partial(function)  # type: ignore[assignment]
        function.wants_caller = True  # type: ignore[attr-defined]
    return function
