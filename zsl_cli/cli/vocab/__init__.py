"""``zsl vocab``: the vocabulary folders; a module a command."""

import click

from zsl_cli.cli import folder_commands
from zsl_cli.cli.vocab import fit, train
from zsl_cli.folders import VOCABULARY


@click.group("vocab")
def command() -> None:
    """Build, list, show and verify vocabulary folders."""


command.add_command(fit.command)
command.add_command(train.command)
folder_commands.add_to(command, VOCABULARY)
