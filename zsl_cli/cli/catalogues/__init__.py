"""``zsl catalogues``: what is indexed."""

import click

from zsl_cli.cli.catalogues import list as list_command
from zsl_cli.cli.catalogues import remove, show, verify
from zsl_cli.cli.terminal.groups import Group


@click.group("catalogues", cls=Group)
def command() -> None:
    """List, show, verify and remove what zsl index and zsl label know of photos."""


for _module in (list_command, show, verify, remove):
    command.add_command(_module.command)
