"""``zsl vocab``: the vocabulary folders; a module a command."""

import click

from zsl_cli.cli import folder_commands
from zsl_cli.cli.vocab import build, fit, train
from zsl_cli.folders import VOCABULARY


@click.group("vocab")
def command() -> None:
    """Build, train, list, show and verify vocabulary folders."""


for _module in (build, train, fit):
    command.add_command(_module.command)
folder_commands.add_to(command, VOCABULARY)
