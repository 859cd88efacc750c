"""Writes docs/commands.md, usage and options of every command as the program declares them:
python tests/cli/docs/commands_page.py [--check]

With --check nothing is written, and the exit status is 1 if the page is not what it would be.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from zsl_cli.cli.main import zsl

PAGE = Path(__file__).resolve().parents[3] / "docs" / "commands.md"

_HEAD = """\
# Commands

Every command's usage and options, as the program declares them; written by
`python tests/cli/docs/commands_page.py`. The other pages say what they are for:
[photo libraries](photo-libraries.md), [labels](your-own-labels.md), [models](your-own-model.md),
[research](research.md).
"""

Options = list[click.Option]


def commands(group: click.Group, names: tuple[str, ...] = ("zsl",),
             ) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands below a group that are no groups, with the words that call them."""
    context = click.Context(group, info_name=names[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))
        elif command is not None:
            yield (*names, name), command


def page() -> str:
    """The whole page as Markdown."""
    all_commands = list(commands(zsl))
    shared = _shared([command for _, command in all_commands])
    parts = [_HEAD, "Every command has `--help` and takes these as well:\n", _table(shared)]
    parts += ["\n".join(f"- [`{' '.join(names)}`](#{'-'.join(names)})"
                        for names, _ in all_commands) + "\n"]
    for names, command in all_commands:
        parts.append(f"## {' '.join(names)}\n")
        parts.append(f"```\n{_usage(names, command)}\n```\n")
        parts.append(_help(command))
        own = [option for option in _options(command) if _names(option) not in
               {_names(other) for other in shared}]
        if own:
            parts.append(_table(own))
    return "\n".join(parts)


def _shared(all_commands: list[click.Command]) -> Options:
    """The options that every command has."""
    first, *others = [_options(command) for command in all_commands]
    return [option for option in first if all(
        _names(option) in map(_names, options) for options in others)]


def _options(command: click.Command) -> Options:
    return [parameter for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.hidden]


def _usage(names: tuple[str, ...], command: click.Command) -> str:
    arguments = [parameter.metavar or (parameter.name or "").upper()
                 for parameter in command.params if isinstance(parameter, click.Argument)]
    return " ".join([*names, "[OPTIONS]", *arguments])


def _names(option: click.Option) -> str:
    """``-k, --top K``, ``--exact / --hnsw``, ``--device [auto|cpu|cuda]``."""
    names = ", ".join(option.opts)
    if option.secondary_opts:
        names += " / " + ", ".join(option.secondary_opts)
    if option.is_flag:
        return names
    kind = option.metavar or (
        f"[{'|'.join(map(str, option.type.choices))}]" if isinstance(option.type, click.Choice)
        else option.type.name.upper())
    return f"{names} {kind}"


def _help(command: click.Command) -> str:
    """The help as paragraphs; what click is told to leave as it is, as a block."""
    parts = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            parts.append(f"```sh\n{inspect.cleandoc(paragraph[2:])}\n```")
        else:
            parts.append(" ".join(paragraph.split()).replace("<", "&lt;"))
    return "\n\n".join(parts) + "\n"


def _table(options: Options) -> str:
    rows = [f"| {_code(_names(option))} | {_cell(_meaning(option))} |" for option in options]
    return "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"


def _meaning(option: click.Option) -> str:
    notes = []
    if option.required:
        notes.append("required")
    if option.show_default is True:
        notes.append(f"default: {_default(option)}")
    if limits := _limits(option.type):
        notes.append(limits)
    text = option.help or ""
    return f"{text} [{'; '.join(notes)}]" if notes else text


def _default(option: click.Option) -> str:
    if option.is_flag and option.secondary_opts:
        return (option.opts if option.default else option.secondary_opts)[0].lstrip("-")
    return str(option.default)


def _limits(kind: click.ParamType) -> str:
    """``1 to 1000``, ``at least 1``, ``above 0``."""
    if not isinstance(kind, click.IntRange | click.FloatRange):
        return ""
    least = "" if kind.min is None else f"{'above' if kind.min_open else 'at least'} {kind.min}"
    most = "" if kind.max is None else f"{'below' if kind.max_open else 'at most'} {kind.max}"
    if least and most and not (kind.min_open or kind.max_open):
        return f"{kind.min} to {kind.max}"
    return ", ".join(filter(None, (least, most)))


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    """Text as it stands in a table."""
    return text.replace("|", "\\|")


def main(*arguments: str) -> int:
    """Write the page, or compare it; returns the exit status."""
    if arguments not in ((), ("--check",)):
        print(__doc__, file=sys.stderr)
        return 2
    text = page()
    if not arguments:
        PAGE.write_text(text, "utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text("utf-8") == text:
        return 0
    print("docs/commands.md is not what the program says; python tests/cli/docs/commands_page.py "
          "writes it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
