"""``zsl catalogues verify``: is all of a catalogue as it was written?"""

from typing import TYPE_CHECKING

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zsl_cli.photos.catalogue.verification import Repair, Verification


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME|FOLDER|LIBRARY]...")
@click.option("--repair", "repairs", is_flag=True,
              help="Save what can be saved: photos whose part is damaged will be read again, a "
                   "damaged database is made anew, and the old one is kept as .damaged.")
@options.common
def command(names: tuple[str, ...], repairs: bool, quiet: bool, verbose: bool,
            debug: bool) -> int:
    """Compare all that catalogues have with its checksums; without a NAME those in the user's data
    folder, and of a LIBRARY those of all models.

    \b
      zsl catalogues verify
      zsl catalogues verify ~/Pictures --repair
    """
    from zsl_cli.photos.catalogue import finding, places

    folders = (list(dict.fromkeys(folder for name in names for folder in finding.find_all(name)))
               if names else places.every())
    damaged = 0
    for folder in folders:
        try:
            damaged += not (_repaired(folder) if repairs else _verified(folder))
        except ZslError as error:
            if len(folders) == 1:
                raise
            printing.say(f"{folder.name}: {as_options(str(error))}")
            damaged += 1
    if not folders:
        printing.note("no catalogues; zsl index FOLDER makes one")
    return int(bool(damaged))


def _verified(folder: "Path") -> bool:
    from zsl_cli.photos.catalogue.verification import verify

    found = verify(folder)
    printing.put(f"{folder.name}: " + (
        f"ok, {counted(found.checked, 'embedding')} compared" if found.ok else "damaged"))
    for line in _damage(found):
        printing.put(f"  {line}")
    if not found.ok:
        printing.note("--repair saves what can be saved")
    return found.ok


def _repaired(folder: "Path") -> bool:
    from zsl_cli.photos.catalogue.verification import repair

    result = repair(folder)
    printing.put(f"{folder.name}: {_outcome(result)}")
    for line in _damage(result.found):
        printing.put(f"  {line}")
    return result.saved


def _outcome(result: "Repair") -> str:
    if not result.saved:
        return ("nothing could be saved; what was there is kept as .damaged, and zsl index reads "
                "the library anew")
    if result.found.ok:
        return f"ok, {counted(result.found.checked, 'embedding')} compared"
    rebuilt = "the database was made anew, the old one is kept as .damaged; "
    return (f"repaired: {rebuilt if result.rebuilt else ''}{counted(result.kept, 'photo')} kept, "
            f"{result.again:,} to be read again by zsl index")


def _damage(found: "Verification") -> "Iterator[str]":
    for what, count in found.damage.most_common():
        yield counted(count, what.one, what.many)
    yield from found.database
