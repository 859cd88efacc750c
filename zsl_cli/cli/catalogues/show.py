"""``zsl catalogues show``: what one catalogue has."""

from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.catalogues import figures
from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.libraries import reasons
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zsl_cli.photos.catalogue.overview import Details


@click.command("show")
@click.argument("name", metavar="NAME|FOLDER|LIBRARY")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="As one line of JSON.")
@options.common
def command(name: str, as_jsonl: bool, quiet: bool, verbose: bool, debug: bool) -> int:
    """What a catalogue has: by its name, its own folder, or the folder of its library.

    Its state is as seen at a glance; zsl catalogues verify compares all that it has.
    """
    from zsl_cli.photos.catalogue import finding, overview

    details = overview.details(finding.find(name))
    if as_jsonl:
        printing.put_json(_record(details), indent=None)
    else:
        for line in _lines(details):
            printing.put(line)
    is_damaged = details.overview.state == overview.DAMAGED
    if details.overview.message and (is_damaged or not as_jsonl):
        (printing.say if is_damaged else printing.note)(as_options(details.overview.message))
    return int(is_damaged)


def _record(details: "Details") -> dict[str, Any]:
    return {**figures.record(details.overview), "reasons": dict(details.reasons),
            "folders": details.folders, "first": details.first, "last": details.last,
            "dated": details.dated, "placed": details.placed, "dimension": details.dimension,
            "bytes_a_photo": round(details.bytes_a_photo, 1), "slots": details.slots,
            "unused": details.unused}


def _lines(details: "Details") -> "Iterator[str]":
    one = details.overview
    yield f"catalogue  {one.folder}"
    yield f"library    {one.library or figures.SINGLE}"
    yield f"model      {one.model}, {counted(details.dimension, 'dimension')}"
    yield f"state      {one.state}"
    yield f"last scan  {figures.moment(one.scanned)}"
    yield f"photos     {one.photos:,} in {counted(details.folders, 'folder')}"
    yield f"to read    {one.pending:,}"
    yield f"failed     {one.failed:,}"
    yield from (f"           {line}" for line in reasons(details.reasons))
    yield f"gone       {one.gone:,}"
    yield f"taken      {details.first} to {details.last} ({counted(details.dated, 'photo')})" if (
        details.dated) else "taken      at no time that the photos tell"
    yield f"with place {details.placed:,}"
    yield (f"size       {figures.size(one.bytes)}, "
           f"{figures.size(details.bytes_a_photo)} a photo")
    yield f"unused     {details.unused:,} of {counted(details.slots, 'slot')}"
