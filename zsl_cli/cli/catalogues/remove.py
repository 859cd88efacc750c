"""``zsl catalogues remove``: what is known of a library is forgotten."""

import sys

import click

from zsl_cli.cli.catalogues import figures
from zsl_cli.cli.terminal import options, printing
from zsl_cli.support.wording import counted, printable


@click.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME|FOLDER|LIBRARY...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options.common
def command(names: tuple[str, ...], yes: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """Delete catalogues: what zsl made in their folders, and nothing else.

    Photos, labels and sidecars stay as they are; to label or to search, all photos have to be read
    again.
    """
    from zsl_cli.photos.catalogue import finding, overview, removal

    folders = list(dict.fromkeys(finding.find(name) for name in names))
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; --yes deletes without asking")
    for folder in folders:
        one = overview.overview(folder)
        what = (f"{folder}: {counted(one.photos, 'photo')}, {figures.size(one.bytes)}"
                + (f", of {one.library}" if one.library else ""))
        if yes or click.confirm(printable(f"{what}. Delete it?"), err=True):
            removal.remove(folder)
            printing.note(f"deleted {what}")
