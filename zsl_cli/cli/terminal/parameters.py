"""What the library calls its parameters → how the command at hand spells them as options.

Messages of the library name a parameter between single backquotes (see ``errors``): raise the
limit, `max_pixels`. Here that becomes --max-pixels.
"""

import re

import click

_PARAMETER = re.compile(r"`([a-z][a-z_]*)(?:=([^`]*))?`")


def as_options(text: str, command: click.Command | None = None) -> str:
    """The text with each parameter of the command, by default of the one that runs, in the words
    of the command line: `force` as --force, `oov=skip` as --oov skip. What is no parameter of the
    command is no option either, and stands there without the quotes."""
    if "`" not in text:
        return text
    if command is None:
        context = click.get_current_context(silent=True)
        command = context.command if context else None
    options = {param.name: max(param.opts, key=len) for param in (command.params if command else [])
               if isinstance(param, click.Option)}

    # Of an option that may be repeated the command has a tuple, under the plural.
    options |= {_singular(name): option for name, option in options.items()}

    def spelt(match: re.Match[str]) -> str:
        name, value = match.groups()
        if name not in options:
            return match[0].strip("`")
        return options[name] if value is None else f"{options[name]} {value}"

    return _PARAMETER.sub(spelt, text)


def _singular(name: str) -> str:
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s")
