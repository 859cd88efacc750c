"""``zsl vocab``: the vocabulary folders; a module a command."""

import click

from zsl_cli.cli.terminal import folder_commands
from zsl_cli.cli.terminal.groups import Group
from zsl_cli.cli.vocab import (
    build,
    encode,
    export,
    fit,
    index,
    names,
    neighbours,
    show,
    train,
    verify,
)
from zsl_cli.support.folders import VOCABULARY


@click.group("vocab", cls=Group)
def command() -> None:
    """Build, train, look at and verify vocabulary folders."""


folder_commands.add_to(command, VOCABULARY)
for _module in (build, encode, train, fit, names, show, neighbours, verify, export, index):
    command.add_command(_module.command)
