"""``zsl models``: the model folders."""

import click

from zsl_cli.cli import folder_commands
from zsl_cli.folders import MODEL


@click.group("models")
def command() -> None:
    """List, show and verify model folders."""


folder_commands.add_to(command, MODEL)
