"""Commands and their options: how they are declared, parsed and explained.

Arguments are parsed here, from the declarations, for argparse takes as long to import as the engine.
"""

from __future__ import annotations

from ..features import DEFAULT, Features

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Values = dict[str, Any]


class UsageError(Exception):
    """The command line is wrong."""


class Option:
    """An option: its name, the name of its value (empty: it takes none), whether it may be repeated."""

    __slots__ = ("help", "many", "name", "value")

    def __init__(self, name: str, value: str, help: str, many: bool = False) -> None:
        self.name = name
        self.value = value
        self.help = help
        self.many = many


class Command:
    """A command: what runs it, its arguments and options.

    `run` gets the options' values by name and the arguments, and returns the exit status. `last` says that
    everything after the first argument is left for the guest.
    """

    __slots__ = ("arguments", "last", "notes", "options", "run", "summary")

    def __init__(
        self,
        run: Callable[[Values, list[str]], int],
        arguments: str,
        summary: str,
        options: Sequence[Option] = (),
        last: bool = False,
        notes: str = "",
    ) -> None:
        self.run = run
        self.arguments = arguments
        self.summary = summary
        self.options = {option.name: option for option in (*options, VERBOSE, HELP)}
        self.last = last
        self.notes = notes


VERBOSE = Option("--verbose", "", "say more; errors with a backtrace (-v)")
HELP = Option("--help", "", "show this (-h)")
SHORT = {"-v": "--verbose", "-h": "--help", "-o": "--output"}


FEATURES = Option(
    "--features", "NAMES", "proposals that modules may use, or not: simd,-threads; mvp, all: none,\n"
    f"{'':24}or every one; the default is WebAssembly 3.0 with threads"
)  # fmt: skip


def features_of(values: Values) -> Features:
    """What --features says.

    Raises:
        UsageError: a name is no proposal's.
    """
    features = DEFAULT
    for word in filter(None, values.get("--features", "").split(",")):
        name = word.removeprefix("-").removeprefix("+").replace("-", "_")
        if word in ("mvp", "all"):
            features = getattr(Features, word)()
        elif name in Features.NAMES:
            features = features.with_(**{name: not word.startswith("-")})
        else:
            raise UsageError(f"--features: {word!r} is none of mvp, all, {', '.join(Features.NAMES)}")
    return features


def parse(prefix: str, command: Command, words: list[str]) -> tuple[Values, list[str]]:
    """The options' values by name (lists for those that may be repeated), and the arguments."""
    values: Values = {}
    positional: list[str] = []
    words = words[::-1]
    while words:
        word = words.pop()
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            positional.append(word)
            if command.last:
                break
            continue
        name, equals, value = word.partition("=")
        name = SHORT.get(name, name)
        option = command.options.get(name)
        if option is None:
            raise UsageError(f"{prefix} has no option {name} (see {prefix} --help)")
        if not option.value:
            if equals:
                raise UsageError(f"{name} takes no value")
            values[name] = True
            continue
        if not equals:
            if not words:
                raise UsageError(f"{name} needs a value: {name} {option.value}")
            value = words.pop()
        if option.many:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values, positional + words[::-1]


def help_lines(name: str, command: Command) -> Iterator[str]:
    """What `wasmcy NAME --help` prints."""
    yield f"usage: wasmcy {name} {command.arguments}\n\n{command.summary}\n\noptions:"
    for option in command.options.values():
        head = f"  {option.name} {option.value}".rstrip()
        yield f"{head:<24}{option.help}" if len(head) < 23 else f"{head}\n{'':24}{option.help}"
    yield command.notes.rstrip()
