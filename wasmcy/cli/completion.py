"""`wasmcy completion`: what a shell must know to complete command lines."""

from __future__ import annotations

from . import COMMANDS, load
from .options import SHORT, Command, UsageError
from .status import EXIT_STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .options import Values


def _completion(values: Values, positional: list[str]) -> int:
    if len(positional) > 1 or positional[0] not in _SHELLS:
        raise UsageError(f"wasmcy completion takes one of {', '.join(_SHELLS)}")
    for line in _SHELLS[positional[0]]():
        print(line)
    return 0


def _options(name: str) -> list[str]:
    """The options of a command, short forms included."""
    options = load(name).options
    return [*options, *(short for short, long in SHORT.items() if long in options)]


def _bash() -> Iterator[str]:
    yield "_wasmcy() {"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" options='
    yield '    if [ "$COMP_CWORD" -eq 1 ]; then'
    yield f'        COMPREPLY=($(compgen -W "{" ".join(COMMANDS)} --help --version" -- "$word"))'
    yield "        return"
    yield "    fi"
    yield '    case "${COMP_WORDS[1]}" in'
    for name in COMMANDS:
        yield f'        {name}) options="{" ".join(_options(name))}" ;;'
    yield f'        completion) options="$options {" ".join(_SHELLS)}" ;;'
    yield "    esac"
    yield '    case "$word" in'
    yield '        -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;'
    yield '        *) COMPREPLY=($(compgen -f -- "$word")) ;;'
    yield "    esac"
    yield "}"
    yield "complete -o filenames -F _wasmcy wasmcy"


def _zsh() -> Iterator[str]:
    yield "#compdef wasmcy"
    yield "_wasmcy() {"
    yield "    if (( CURRENT == 2 )); then"
    yield f"        compadd -- {' '.join(COMMANDS)} --help --version"
    yield "        return"
    yield "    fi"
    yield '    case "$words[2]" in'
    for name in COMMANDS:
        yield f'        {name}) [[ "$PREFIX" == -* ]] && compadd -- {" ".join(_options(name))} || _files ;;'
    yield "    esac"
    yield "}"
    yield "compdef _wasmcy wasmcy"


def _fish() -> Iterator[str]:
    for name in COMMANDS:
        command = load(name)
        yield f"complete -c wasmcy -n __fish_use_subcommand -a {name} -d {_quoted(command.summary)}"
        for option in command.options.values():
            takes = " -r" if option.value else ""
            short = next((f" -s {short[1:]}" for short, long in SHORT.items() if long == option.name), "")
            yield (
                f"complete -c wasmcy -n '__fish_seen_subcommand_from {name}' -l {option.name[2:]}{short}{takes}"
                f" -d {_quoted(option.help)}"
            )


def _quoted(text: str) -> str:
    return "'" + " ".join(text.split()).replace("\\", "\\\\").replace("'", "\\'") + "'"


_SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}

COMMAND = Command(
    _completion,
    "SHELL",
    "Print a script that completes command lines in bash, zsh or fish.",
    notes="""
bash:  eval "$(wasmcy completion bash)"         in ~/.bashrc
zsh:   eval "$(wasmcy completion zsh)"          in ~/.zshrc, after compinit
fish:  wasmcy completion fish | source          in ~/.config/fish/config.fish
"""
    + EXIT_STATUS,
)
