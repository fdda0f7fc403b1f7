"""Pools of guests that are ready to run."""

from __future__ import annotations

from .engine.snapshots import Snapshot
from .errors import expect
from .runtime import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .engine.instance import Instance
    from .limits import Limits


class Pool:
    """Guests that begin where a snapshot was taken: each request gets a fresh one.

        >>> from wasmcy import Limits, Module
        >>> module = Module.from_file("examples/guests/counter.wasm")
        >>> pool = Pool(module, setup=lambda guest: guest.exports.count(), limits=Limits(fuel=10_000))
        >>> [pool.instantiate().exports.count() for _ in range(3)]
        [2, 2, 2]

    `setup` is called once, with the instance the snapshot is taken of, which `setup_limits` bound, or else `limits`,
    those of each guest; all of them are `deterministic` or none. `imports` and `wasi` are what each guest gets:
    callables that make them, called for each, or objects that all share.

    Raises:
        TypeError: an argument is of another type.
        What `Module.instantiate`, the setup and `Instance.snapshot` raise.
    """

    def __init__(
        self,
        module: Module,
        imports: Any = None,
        *,
        wasi: Any = None,
        limits: Limits | None = None,
        setup_limits: Limits | None = None,
        deterministic: bool = False,
        setup: Callable[[Instance], Any] | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        expect(module, Module, "a Module")
        self.module = module
        self.limits = limits
        self.deterministic = deterministic
        self._imports = imports
        self._wasi = wasi
        if snapshot is None:
            bounds = limits if setup_limits is None else setup_limits
            first = module.instantiate(_made(imports), wasi=_made(wasi), limits=bounds, deterministic=deterministic)
            if setup is not None:
                setup(first)
            snapshot = first.snapshot()
        expect(snapshot, Snapshot, "a Snapshot")
        self.snapshot = snapshot

    def instantiate(self, imports: Any = None, *, wasi: Any = None, limits: Limits | None = None) -> Instance:
        """A fresh guest, in a store of its own; what is given is for this one."""
        return self.module.restore(
            self.snapshot,
            _made(self._imports) if imports is None else imports,
            wasi=_made(self._wasi) if wasi is None else wasi,
            limits=self.limits if limits is None else limits,
            deterministic=self.deterministic,
        )


def _made(given: Any) -> Any:
    return given() if callable(given) else given
