"""``zsl vocab``: the vocabulary folders."""

import click

from zsl_cli.cli import folder_commands
from zsl_cli.folders import VOCABULARY


@click.group("vocab")
def command() -> None:
    """Build, list, show and verify vocabulary folders."""


folder_commands.add_to(command, VOCABULARY)
