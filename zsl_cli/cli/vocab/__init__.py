"""``zsl vocab``: the vocabulary folders; a module a command."""

import click

from zsl_cli.cli import folder_commands
from zsl_cli.cli.vocab import export, fit, index, neighbours, show, verify
from zsl_cli.folders import VOCABULARY


@click.group("vocab")
def command() -> None:
    """Build, list, show and verify vocabulary folders."""


command.add_command(fit.command)
folder_commands.add_to(command, VOCABULARY)
for module in (show, neighbours, verify, export, index):  # show and verify: more than the shared
    command.add_command(module.command)
