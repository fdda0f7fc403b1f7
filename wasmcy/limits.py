"""What a guest may use at most."""

from __future__ import annotations

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


class Limits:
    """Limits of a store: what all its instances together may use.

    `memory` (bytes of linear memories and tables) and `depth` (bytes of call stack) are ints or texts
    such as "64MiB"; `timeout` is in seconds of wall clock, for each outermost call. One memory may have
    `each_memory` bytes, one table `each_table` elements; there may be as many `instances`, `memories` and
    `tables`. None: no limit but the implementation's (8 MiB of stack).

        >>> Limits(memory="64MiB", timeout=2.0, depth="1MiB")
        Limits(memory=67108864, timeout=2.0, depth=1048576)

    Raises:
        ValueError: a value is negative, or no time or stack at all, or a text is no size.
    """

    __slots__ = ("memory", "timeout", "depth", "each_memory", "each_table", "instances", "memories", "tables")

    def __init__(
        self,
        *,
        memory: int | str | None = None,
        timeout: float | None = None,
        depth: int | str | None = None,
        each_memory: int | str | None = None,
        each_table: int | None = None,
        instances: int | None = None,
        memories: int | None = None,
        tables: int | None = None,
    ) -> None:
        self.memory = None if memory is None else parse_size(memory)
        self.each_memory = None if each_memory is None else parse_size(each_memory)
        self.each_table = _count(each_table)
        self.instances = _count(instances)
        self.memories = _count(memories)
        self.tables = _count(tables)
        self.timeout = None if timeout is None else float(timeout)
        self.depth = None if depth is None else parse_size(depth)
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"a timeout of {timeout} s")
        if self.depth is not None and not 0 < self.depth <= 1 << 32:
            raise ValueError(f"a stack of {depth} bytes: at most 4 GiB are possible")

    def __repr__(self) -> str:
        given = [(name, getattr(self, name)) for name in self.__slots__]
        return f"Limits({', '.join(f'{name}={value}' for name, value in given if value is not None)})"


def _count(number: int | None) -> int | None:
    if number is not None and number < 0:
        raise ValueError(f"a limit of {number}")
    return number


def parse_size(size: int | str) -> int:
    """Bytes, from an int or a text with a unit.

    >>> parse_size("1.5KiB"), parse_size("2MB"), parse_size(3)
    (1536, 2000000, 3)
    """
    if isinstance(size, str):
        text = size.strip()
        number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
        unit = text[len(number) :].strip().lower()
        if unit not in _UNITS:
            raise ValueError(f"no size: {size!r} (write bytes, or a number with KiB, MiB, GiB)")
        try:
            size = int(float(number) * _UNITS[unit])
        except (ValueError, OverflowError):
            raise ValueError(f"no size: {size!r} (write bytes, or a number with KiB, MiB, GiB)") from None
    elif not hasattr(type(size), "__index__"):
        raise TypeError(f"expected an int or a text for a size, got {type(size).__name__}")
    if size < 0:
        raise ValueError(f"a size of {size} bytes")
    return size
