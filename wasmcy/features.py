"""Which proposals a module may use.

A switch refuses exactly what its proposal added to WebAssembly 1.0; switches do
not imply one another. Names are those of the proposals at github.com/WebAssembly.
"""

from __future__ import annotations

# name: on by default
_SWITCHES = {
    # WebAssembly 2.0
    "mutable_global": True,
    "sign_extension": True,
    "saturating_float_to_int": True,
    "multi_value": True,
    "reference_types": True,
    "bulk_memory": True,
    "simd": True,
    # WebAssembly 3.0
    "relaxed_simd": True,
    "extended_const": True,
    "tail_call": True,
    "exceptions": True,
    "function_references": True,
    "gc": True,
    "memory64": True,
    "multi_memory": True,
    "branch_hinting": True,
    # beyond 3.0
    "threads": True,
    "wide_arithmetic": True,
    "legacy_exceptions": True,
    "custom_page_sizes": False,
    "custom_descriptors": False,
}


class Features:
    """A set of switches, one per proposal; immutable and hashable.

    The default is WebAssembly 3.0 with threads, wide arithmetic and the older
    exception instructions.

        >>> Features(simd=False).simd
        False
        >>> Features.mvp().with_(multi_value=True)
        Features.mvp().with_(multi_value=True)

    Raises:
        TypeError: a name is no proposal's, or a value is no bool.
    """

    __slots__ = (*_SWITCHES, "_key")

    mutable_global: bool
    sign_extension: bool
    saturating_float_to_int: bool
    multi_value: bool
    reference_types: bool
    bulk_memory: bool
    simd: bool
    relaxed_simd: bool
    extended_const: bool
    tail_call: bool
    exceptions: bool
    function_references: bool
    gc: bool
    memory64: bool
    multi_memory: bool
    branch_hinting: bool
    threads: bool
    wide_arithmetic: bool
    legacy_exceptions: bool
    custom_page_sizes: bool
    custom_descriptors: bool
    _key: tuple[bool, ...]

    NAMES: tuple[str, ...] = tuple(_SWITCHES)

    def __init__(self, **switches: bool) -> None:
        for name, value in switches.items():
            if name not in _SWITCHES:
                raise TypeError(f"there is no feature named {name!r}")
            if not isinstance(value, bool):
                raise TypeError(f"feature {name} must be a bool, not {type(value).__name__}")
        values = {**_SWITCHES, **switches}
        for name, value in values.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_key", tuple(values.values()))

    @classmethod
    def mvp(cls) -> Features:
        """WebAssembly 1.0: everything off."""
        return cls(**dict.fromkeys(_SWITCHES, False))

    @classmethod
    def all(cls) -> Features:
        """Everything on."""
        return cls(**dict.fromkeys(_SWITCHES, True))

    def with_(self, **switches: bool) -> Features:
        """The same switches but for those given."""
        return type(self)(**{**dict(zip(_SWITCHES, self._key, strict=True)), **switches})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Features are immutable; use with_()")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("Features are immutable; use with_()")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Features):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (dict(zip(_SWITCHES, self._key, strict=True)),)

    def __repr__(self) -> str:
        start, text = (
            (_SWITCHES, "Features({})")
            if self._key[0]
            else (dict.fromkeys(_SWITCHES, False), "Features.mvp().with_({})")
        )
        changed = ", ".join(
            f"{name}={value}" for name, value in zip(_SWITCHES, self._key, strict=True) if value is not start[name]
        )
        return text.format(changed).removesuffix(".with_()")


def _restore(switches: dict[str, bool]) -> Features:
    return Features(**switches)


DEFAULT = Features()
