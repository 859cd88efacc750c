"""``zsl catalogues list``: the catalogues of this user."""

import click

from zsl_cli.cli.catalogues import figures
from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options

_HEAD = ("name", "library", "model", "photos", "failures", "size", "last scan", "state")


@click.command("list")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="A JSON object a line.")
@options.common
def command(as_jsonl: bool, quiet: bool, verbose: bool, debug: bool) -> int:
    """The catalogues in the user's data folder: of what they are, and in what state.

    That is as seen at a glance; zsl catalogues verify compares all that they have.
    """
    from zsl_cli.photos.catalogue import overview, places

    found = [overview.overview(folder) for folder in places.every()]
    if as_jsonl:
        for one in found:
            printing.put_json(figures.record(one), indent=None)
    else:
        printing.put_table(_HEAD, [
            (one.folder.name, one.library or (figures.SINGLE if one.model else ""), one.model,
             f"{one.photos:,}", f"{one.failed:,}", figures.size(one.bytes),
             figures.moment(one.scanned), one.state) for one in found])
        if not found:
            printing.note("no catalogues; zsl index FOLDER makes one")
    for one in found:
        if one.message and (verbose or one.state == overview.DAMAGED):
            printing.say(f"{one.folder.name}: {as_options(one.message)}")
    return int(any(one.state == overview.DAMAGED for one in found))
