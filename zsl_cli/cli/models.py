"""``zsl models``: the model folders."""

import click

from zsl_cli.cli.terminal import folder_commands
from zsl_cli.cli.terminal.groups import Group
from zsl_cli.support.folders import MODEL


@click.group("models", cls=Group)
def command() -> None:
    """List, show and verify model folders."""


folder_commands.add_to(command, MODEL)
