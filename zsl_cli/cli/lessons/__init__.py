"""``zsl lessons``: what was taught."""

import click

from zsl_cli.cli.lessons import export, forget, importing, rebuild
from zsl_cli.cli.lessons import list as list_command
from zsl_cli.cli.terminal.groups import Group


@click.group("lessons", cls=Group)
def command() -> None:
    """List, forget, hand on, take over and rebuild what zsl teach taught."""


for _module in (list_command, forget, export, importing, rebuild):
    command.add_command(_module.command)
