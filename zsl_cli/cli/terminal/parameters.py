"""What the library calls its parameters → how the command at hand spells them as options.

Messages of the library name a parameter between single backquotes (see ``errors``): raise the
limit, `max_pixels`. Here that becomes --max-pixels, where a message comes out of the library, so
that nothing which a command puts before it, such as the path of a photo, is taken for a parameter.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import click

from zsl_cli.errors import PARAMETER


def as_options(text: str, command: click.Command | None = None) -> str:
    """The text with each parameter of the command, by default of the one that runs, in the words
    of the command line: `force` as --force, `oov=skip` as --oov skip. What is no parameter of the
    command is no option either, and stands there without the quotes; what the user gave stands as
    it was given."""
    if "`" not in text:
        return text
    context = click.get_current_context(silent=True)
    if command is None:
        command = context.command if context else None
    options = {param.name: max(param.opts, key=len) for param in (command.params if command else [])
               if isinstance(param, click.Option)}

    # Of an option that may be repeated the command has a tuple, under the plural.
    options |= {_singular(name): option for name, option in options.items()}

    def spelt(match: re.Match[str]) -> str:
        name, value = match.groups()
        if name is None:  # the user's own
            return match[0]
        if name not in options:
            return match[0].strip("`")
        return options[name] if value is None else f"{options[name]} {value}"

    own = {value for value in _texts(context.params if context else {}) if "`" in value}
    given = [*map(re.escape, sorted(own, key=len, reverse=True))]
    parameter = PARAMETER.pattern.replace("[^`]*", "|".join([*given, "[^`]*"]))
    return re.sub("|".join([*given, parameter]), spelt, text)


def _texts(values: Any) -> Iterator[str]:
    """The texts and paths in the values of a command's parameters."""
    if isinstance(values, str | PurePath):
        yield str(values)
    elif isinstance(values, dict):
        yield from _texts(list(values.values()))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _texts(value)


def _singular(name: str) -> str:
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s")
