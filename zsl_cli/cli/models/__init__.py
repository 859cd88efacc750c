"""``zsl models``: the model folders."""

import click

from zsl_cli.cli.models import calibrate, importing, pulling, suggest
from zsl_cli.cli.terminal import folder_commands, options, printing
from zsl_cli.cli.terminal.groups import Group
from zsl_cli.support import folders


@click.group("models", cls=Group)
def command() -> None:
    """List, show, verify, fetch, import and calibrate model folders."""


folder_commands.add_to(command, folders.MODEL)


@command.command("show")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@options.common
def _show(name: str, as_json: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """Everything that a model's manifest says."""
    folder_commands.show(folders.MODEL, name, as_json)


@command.command("verify")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@options.common
def _verify(name: str, quiet: bool, verbose: bool, debug: bool) -> None:
    """Check the files against the manifest's hashes."""
    from zsl_cli.classifier.verification import verify_model

    folder = folders.find(folders.MODEL, name)
    verify_model(folder)
    printing.put(f"{folder}: all files are what the manifest says")


for _module in (importing, pulling, suggest, calibrate):
    command.add_command(_module.command)
