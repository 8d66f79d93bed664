"""`lianpu completion bash|zsh|fish`: a script that completes commands, their options, and the values of options with choices."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import tyro

from lianpu.cli.subcommands import Command

Shell = Literal["bash", "zsh", "fish"]


@dataclass(frozen=True)
class CompletionArguments:
    """Print a script that completes lianpu's commands and options in your shell. It does not start Python while you type.

    bash: lianpu completion bash > ~/.local/share/bash-completion/completions/lianpu
    zsh: source <(lianpu completion zsh), in ~/.zshrc
    fish: lianpu completion fish > ~/.config/fish/completions/lianpu.fish
    """

    shell: Annotated[Shell, tyro.conf.Positional]
    """bash, zsh or fish."""


@dataclass(frozen=True)
class Words:
    """What may follow some words of a command line.

    Args:
        path: the words before, such as ("parser", "train"); () for the first word.
        commands: the commands that may come next, with a summary of each.
        options: the options (`--run-dir`), with their choices, if any.
    """

    path: tuple[str, ...]
    commands: Mapping[str, str]
    options: Mapping[str, tuple[str, ...]]


def main(arguments: list[str]) -> None:
    """Parse the command line and print the script."""
    parsed = tyro.cli(CompletionArguments, args=arguments, prog="lianpu completion")
    print(completion_script(parsed.shell), end="")


def completion_script(shell: Shell) -> str:
    """The script for a shell. It contains every word."""
    from lianpu.cli.main import COMMANDS

    summaries = {name: command.summary for name, command in COMMANDS.items()}
    words = [Words((), summaries, {"--help": (), "--version": ()}), *_words_of(COMMANDS, ())]
    return _fish(words) if shell == "fish" else _bash(words) if shell == "bash" else _zsh(words)


def _words_of(commands: Mapping[str, Command], path: tuple[str, ...]) -> Iterator[Words]:
    for name, command in commands.items():
        module = importlib.import_module(command.module)
        below: Mapping[str, Command] = getattr(module, command.subcommands) if command.subcommands else {}
        summaries = {word: found.summary for word, found in below.items()}
        if command.arguments:
            yield from _words_of_arguments(getattr(module, command.arguments), (*path, name), summaries)
        else:
            yield Words((*path, name), summaries, {"--help": ()})
        yield from _words_of(below, (*path, name))


def _words_of_arguments(arguments: Any, path: tuple[str, ...], below: Mapping[str, str]) -> Iterator[Words]:
    """The words of a class of options, or of a union of such classes for subcommands."""
    if get_origin(arguments) in (Union, UnionType):
        classes = {_subcommand_name(member): get_args(member)[0] for member in get_args(arguments)}
        yield Words(path, {name: _first_line(one) for name, one in classes.items()}, {"--help": ()})
        for name, one in classes.items():
            yield from _words_of_arguments(one, (*path, name), {})
        return
    yield Words(path, below, {"--help": (), "--commercial-safe": (), **dict(_options(arguments))})


def _options(arguments: type) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The options of a dataclass and its nested dataclasses as tyro spells them (without prefixes), each with its choices."""
    hints = get_type_hints(arguments, include_extras=True)
    for field in dataclasses.fields(arguments):
        kind, *notes = get_args(hints[field.name]) if get_origin(hints[field.name]) is Annotated else (hints[field.name],)
        if tyro.conf.Positional in notes:
            continue
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            yield from _options(kind)
            continue
        word = field.name.replace("_", "-")
        yield f"--{word}", tuple(map(str, _choices(kind)))
        yield from ((alias, ()) for note in notes for alias in getattr(note, "aliases", None) or ())
        if kind is bool:
            yield f"--no-{word}", ()


def _choices(kind: Any) -> tuple[Any, ...]:
    """The values of a Literal, also of one in a union or a tuple."""
    return (
        get_args(kind) if get_origin(kind) is Literal else tuple(value for inner in get_args(kind) for value in _choices(inner))
    )


def _subcommand_name(member: Any) -> str:
    return next(str(note.name) for note in get_args(member)[1:] if getattr(note, "name", None))


def _first_line(arguments: type) -> str:
    return (arguments.__doc__ or "").strip().partition("\n")[0]


def _bash(all_words: Sequence[Words]) -> str:
    """A function that finds the longest path in the words before the cursor, then offers its words, or the choices of an option.

    It filters the words itself (zsh's `compgen -W` does not), and has no variable named like one of zsh's own (`path`, `words`).
    """
    paths = "\n".join(
        f"        {_quoted(' '.join(words.path))}) offers={_quoted(' '.join((*words.commands, *words.options)))} ;;"
        for words in all_words
    )
    choices = "\n".join(
        f"        {_quoted(' '.join((*words.path, option)))}) offers={_quoted(' '.join(values))} ;;"
        for words in all_words
        for option, values in words.options.items()
        if values
    )
    known = " ".join(_quoted(" ".join(words.path)) for words in all_words if words.path)
    return f"""# bash completion of lianpu
_lianpu() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} typed="" next known offers="" offer index
    local -a paths=({known})
    for ((index = 1; index < COMP_CWORD; index++)); do
        next="${{typed:+$typed }}${{COMP_WORDS[index]}}"
        for known in "${{paths[@]}}"; do [[ $known == "$next" ]] && typed=$next && continue 2; done
        break
    done
    case "$typed $before" in
{choices}
    esac
    if [[ -z $offers ]]; then
        case "$typed" in
{paths}
        esac
    fi
    COMPREPLY=()
    for offer in $offers; do
        [[ $offer == "$current"* && ( -n $current || $offer != -* ) ]] && COMPREPLY+=("$offer")
    done
    [[ ${{#COMPREPLY[@]}} -gt 0 || $current == -* ]] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _lianpu lianpu
"""


def _zsh(all_words: Sequence[Words]) -> str:
    """The bash function, run by zsh's bashcompinit: one logic for both."""
    return f"""# zsh completion of lianpu
autoload -U +X compinit bashcompinit && compinit && bashcompinit
{_bash(all_words)}"""


def _fish(all_words: Sequence[Words]) -> str:
    lines = [
        "# fish completion of lianpu",
        "function __lianpu_path",
        "    set -l words (commandline -opc)[2..]",
        "    for path in $__lianpu_paths",
        '        if string match -q -- "$path *" "$words "; echo $path; return; end',
        "    end",
        "    echo ''",
        "end",
    ]
    paths = sorted((" ".join(words.path) for words in all_words if words.path), key=lambda path: -path.count(" "))
    lines.append(f"set -g __lianpu_paths {' '.join(map(_quoted, paths))}")
    for words in all_words:
        no_files = " -f" if set(words.options) == {"--help"} or not words.path else ""  # only a command can follow
        when = _quoted(f'test (__lianpu_path) = "{" ".join(words.path)}"')
        lines += [
            f"complete -c lianpu{no_files} -n {when} -a {_quoted(name)} -d {_quoted(summary)}"
            for name, summary in words.commands.items()
        ]
        for option, values in words.options.items():
            more = f" -x -a {_quoted(' '.join(values))}" if values else ""
            lines.append(f"complete -c lianpu -n {when} -l {option.removeprefix('--')}{more}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Text in single quotes, as all three shells read it."""
    return "'" + text.replace("'", "’") + "'"
