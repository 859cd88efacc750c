"""What was probably meant by a command line that is none."""

import glob
import os
import shlex
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

import click

from zsl_cli.embedding.walk import SUFFIXES
from zsl_cli.support import folders
from zsl_cli.support.wording import printable, quoted

Words = tuple[str, ...]

OTHER_WORDS: dict[str, Words] = {
    "accuracy": ("eval",), "caption": ("annotate",), "describe": ("annotate",),
    "find": ("search",), "query": ("search",), "scan": ("index",),
    "benchmark": ("eval",), "check": ("doctor",),
    "convert": ("export",), "evaluate": ("eval",), "finetune": ("train",), "fine-tune": ("train",),
    "identify": ("classify",), "info": ("doctor",), "keywords": ("label",),
    "measure": ("eval",), "nearest": ("vocab", "neighbours"), "neighbors": ("vocab", "neighbours"),
    "predict": ("classify",), "recognise": ("classify",), "recognize": ("classify",),
    "similar": ("vocab", "neighbours"), "status": ("doctor",), "tag": ("label",),
    "version": ("--version",), "vocabularies": ("vocab",), "vocabulary": ("vocab",),
}
"""Words that other programs have for what a command here does."""

CHECKPOINTS = frozenset({".pt", ".pt2", ".pth", ".safetensors"})

_OUTPUTS = frozenset({"-o", "--output", "--report", "--xmp", "--dry-run"})  # of zsl label

_MOST_LINES = 2
_MOST_WORDS = 10


def for_command(ctx: click.Context, words: Sequence[str]) -> str:
    """The message that ``words[0]`` is no command of the context's group.

    Where there is something near, it ends in whole command lines, escaped for the shell: a command
    of this name in another group, a photo or a folder behind the command that takes it, a word
    that other programs have, a command that is spelt nearly so.
    """
    group, name = _place(ctx), words[0]
    if name == "help":
        return f"no command 'help'; did you mean: {command_line(words[1:], ['--help'])}"
    commands = dict(commands_below(ctx.find_root()))
    lines = [[*path, *words[1:]] for path in _same_name(name, commands)]
    if not lines and (path := _of_path(group, words)):
        lines = [path]
    if not lines:
        lines = [_with_output([*path, *words[1:]])
                 for path in _near(name, group, list(commands))]
    if _is_missing(name):
        said = f"{printable(name)}: no such file, and no command"
    else:
        said = f"no command {quoted(' '.join((*group, name)))}"
    if not lines:
        return f"{said}; {command_line(group, ['--help'])} lists the commands"
    return f"{said}; did you mean: {_either(lines)}"


def for_option(ctx: click.Context, option: str, words: Sequence[str]) -> str | None:
    """The message that an option of a command stands before it, or instead of it; None where no
    command has this option."""
    group = _place(ctx)
    having = {path: command for path, command in commands_below(ctx.find_root())
              if path[:len(group)] == group and _has(command, option)}
    if not having:
        return None
    names = {path[len(group)]: path for path in having if len(path) == len(group) + 1}
    at = next((at for at, word in enumerate(words) if word in names), None)
    if at is not None:
        path = names[words[at]]
        line = [*path, *_with_value(having[path], words[:at]), *words[at + 1:]]
    else:
        line = _completed(having, words)
    return f"{option} stands behind a command; did you mean: {_either([line])}"


def command_line(*parts: Sequence[str]) -> str:
    """These words as a command line of zsl that a shell and a terminal take as they are meant."""
    words = [word for part in parts for word in part]
    more = [" …"] if len(words) > _MOST_WORDS else []
    return " ".join(["zsl", *map(for_shell, words[:_MOST_WORDS])]) + "".join(more)


def for_shell(word: str) -> str:
    """A word as a shell reads it. One with characters that would steer the terminal, or bytes that
    are not UTF-8, is in the form ``$'…'`` of bash and zsh."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(c if c.isprintable() and c not in "'\\" else
                          "".join(f"\\x{byte:02x}" for byte in os.fsencode(c))
                          for c in word) + "'"


def _either(lines: Sequence[Sequence[str]]) -> str:
    return " or ".join(map(command_line, lines[:_MOST_LINES]))


def _place(ctx: click.Context) -> Words:
    """The names of a context's groups below ``zsl``."""
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, ctx.info_name or "")
        ctx = ctx.parent
    return tuple(names)


def commands_below(root: click.Context, group: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    """All commands below a group, each by the words that lead to it; groups before theirs."""
    command = root.command
    assert isinstance(command, click.Group)
    for name in command.list_commands(root):
        below = command.get_command(root, name)
        if below is None:
            continue
        yield (*group, name), below
        if isinstance(below, click.Group):
            yield from commands_below(click.Context(below, info_name=name, parent=root),
                                      (*group, name))


def _same_name(name: str, commands: dict[Words, click.Command]) -> list[Words]:
    """The commands of this name in another place, those of the top first."""
    return sorted((path for path in commands if path[-1] == name), key=len)


def _near(name: str, group: Words, commands: Sequence[Words]) -> list[Words]:
    """The commands whose name, or another word for them, is like this one: in the group itself,
    or else anywhere."""
    name = name.lower()
    own = {path[-1]: path for path in commands if path[:-1] == group}
    everywhere = {path[-1]: path for path in reversed(commands)}
    if name in OTHER_WORDS:
        return [OTHER_WORDS[name]]
    for known in (own, OTHER_WORDS | everywhere):
        if close := get_close_matches(name, known, n=_MOST_LINES):
            return list(dict.fromkeys(known[one] for one in close))
    return []


def _of_path(group: Words, words: Sequence[str]) -> list[str] | None:
    """The command for a file, a folder, standard input, or the name of a model or vocabulary."""
    name, rest = words[0], list(words[1:])
    for kind in folders.KINDS:
        known = group == (kind.parent,) and name in {
            folder.name for folder in folders.available(kind)}
        if known or os.path.isfile(os.path.join(name, kind.file)):
            return [kind.parent, "show", name, *rest]
    marked = ["--", *words] if name.startswith("-") and name != "-" else list(words)
    if os.path.isdir(name):
        if any(os.path.isfile(word) for word in rest):
            return ["classify", *marked]
        return _with_output(["label", *marked])
    suffix = os.path.splitext(name)[1].lower()
    if not os.path.exists(name):
        if suffix in CHECKPOINTS and not glob.has_magic(name):
            return ["export", *marked]
        is_photo = suffix in SUFFIXES or glob.has_magic(name)  # zsl classify expands patterns
        return ["classify", *marked] if name == "-" or is_photo else None
    if suffix in CHECKPOINTS:
        return ["export", *marked]
    if group == ("vocab",) and suffix not in SUFFIXES:
        return ["vocab", "build", *marked]
    return ["classify", *marked]


def _is_missing(name: str) -> bool:
    """Whether a word can be nothing but the path of a file, and there is none."""
    return not os.path.exists(name) and not glob.has_magic(name) and (
        os.sep in name or os.path.splitext(name)[1].lower() in SUFFIXES | CHECKPOINTS)


def _with_output(line: list[str]) -> list[str]:
    """The line, with a file for the labels where it is ``zsl label`` for a folder and names no
    output."""
    if line[0] != "label" or not any(map(os.path.isdir, line[1:])) or any(
            word.partition("=")[0] in _OUTPUTS for word in line):
        return line
    end = line.index("--") if "--" in line else len(line)
    return [*line[:end], "-o", "labels.jsonl", *line[end:]]


def _has(command: click.Command, option: str) -> bool:
    return any(option in (*parameter.opts, *parameter.secondary_opts)
               for parameter in command.params if isinstance(parameter, click.Option))


def _completed(having: dict[Words, click.Command], words: Sequence[str]) -> list[str]:
    """The words behind the command that most probably is meant, of those that take them: the first
    one of the top, ``show`` of a group, or ``label`` where a folder is among them; with a place
    for the argument where there is none."""
    path = min(having, key=lambda path: (len(path), path[-1] != "show"))
    if ("label",) in having and any(map(os.path.isdir, _arguments(having[("label",)], words))):
        path = ("label",)
    command = having[path]
    line = [*path, *_with_value(command, words)]
    if not _arguments(command, words):
        line += [parameter.metavar or (parameter.name or "").upper()
                 for parameter in command.params if isinstance(parameter, click.Argument)
                 and (parameter.required or parameter.nargs == -1)]
    return _with_output(line)


def _arguments(command: click.Command, words: Sequence[str]) -> list[str]:
    """Those of the words that are no options of the command, nor their values."""
    context = click.Context(command, resilient_parsing=True, ignore_unknown_options=True)
    try:
        values, _, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError:  # an option without its value
        return []
    given = [values.get(parameter.name or "") for parameter in command.params
             if isinstance(parameter, click.Argument)]
    return [word for value in given
            for word in (value if isinstance(value, tuple) else [value])
            if isinstance(word, str)]


def _with_value(command: click.Command, words: Sequence[str]) -> list[str]:
    """The words; behind an option at their end that wants a value, what stands for one."""
    for parameter in command.params:
        if words and words[-1] in parameter.opts and isinstance(parameter, click.Option) and not (
                parameter.is_flag or parameter.count):
            choices = getattr(parameter.type, "choices", ())
            return [*words, parameter.metavar or "|".join(choices) or parameter.type.name.upper()]
    return list(words)
