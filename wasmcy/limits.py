"""What a guest may use at most."""

from __future__ import annotations

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


class Limits:
    """Limits of a store: what all its instances together may use.

    `memory` (bytes of linear memories, tables, exceptions and stacks put aside) and `depth` (bytes of
    call stack) are ints or texts such as "64MiB"; `fuel` is a number of executed instructions, for all
    calls together; `timeout` is in seconds of wall clock, for each outermost call. One memory may have
    `each_memory` bytes, one table `each_table` elements, all tables `table_elements`; there may be as
    many `instances`, `memories` and `tables`. None: no limit but the implementation's (8 MiB of stack).
    What each means exactly stands in docs/limits.md.

        >>> Limits(memory="64MiB", fuel=1_000_000, timeout=2.0, depth="1MiB")
        Limits(memory=67108864, fuel=1000000, timeout=2.0, depth=1048576)

    Raises:
        ValueError: a value is negative or too large, or no time or stack at all, or a text is no size.
    """

    __slots__ = (
        "memory",
        "fuel",
        "timeout",
        "depth",
        "each_memory",
        "each_table",
        "table_elements",
        "instances",
        "memories",
        "tables",
    )

    def __init__(
        self,
        *,
        memory: int | str | None = None,
        fuel: int | None = None,
        timeout: float | None = None,
        depth: int | str | None = None,
        each_memory: int | str | None = None,
        each_table: int | None = None,
        table_elements: int | None = None,
        instances: int | None = None,
        memories: int | None = None,
        tables: int | None = None,
    ) -> None:
        self.memory = None if memory is None else parse_size(memory)
        self.each_memory = None if each_memory is None else parse_size(each_memory)
        self.fuel = None if fuel is None else parse_fuel(fuel)
        self.each_table = _count(each_table)
        self.table_elements = _count(table_elements)
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


def parse_fuel(fuel: int) -> int:
    """A number of instructions: an int from 0 to 2**62."""
    if not hasattr(type(fuel), "__index__"):
        raise TypeError(f"expected an int for fuel, got {type(fuel).__name__}")
    fuel = fuel.__index__()
    if not 0 <= fuel <= 1 << 62:
        raise ValueError(f"fuel of {fuel}: from 0 to 2**62 are possible")
    return fuel


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
