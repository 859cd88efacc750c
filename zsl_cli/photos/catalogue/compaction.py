"""Embeddings that no photo has any more leave the file: a new one takes its place.

It is called after the next generation, and the database names it in the transaction that numbers
the slots anew, so that a kill at any moment leaves the one or the other, whole. Who has the old
file open goes on with it.
"""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database, parts
from zsl_cli.photos.catalogue.vectors import Vectors, file_name

if TYPE_CHECKING:
    from pathlib import Path

    from zsl_cli.photos.catalogue.catalogue import Catalogue

_SHARE = 0.25
_LEAST = 10_000
"""More than this share of the slots, and more than so many, have to be unused."""
_PAGE = 4096


def is_worthwhile(catalogue: "Catalogue") -> bool:
    """Whether many slots are unused."""
    used, = catalogue.db.execute("SELECT count(*) FROM photos WHERE slot IS NOT NULL").fetchone()
    unused = catalogue.slots - used
    return unused > _LEAST and unused > _SHARE * catalogue.slots


def compact_if_worthwhile(catalogue: "Catalogue") -> None:
    """Do so at the end of a run; where there is no space for it, all stays as it was."""
    with suppress(ZslError), database.explained(catalogue.folder):
        if is_worthwhile(catalogue):
            compact(catalogue)


def compact(catalogue: "Catalogue") -> None:
    """Leave out what is unused; the catalogue is open for writing. Raises ZslError."""
    folder = catalogue.folder
    assert folder is not None
    old = folder / file_name(catalogue.generation)
    path = folder / file_name(catalogue.generation + 1)
    with database.explained(folder):
        slots = [slot for slot, in catalogue.db.execute(
            "SELECT slot FROM photos WHERE slot IS NOT NULL ORDER BY slot")]
        parts.remove([path])  # what a run has left that was killed
        rows = Vectors.writable(path, catalogue.identity.encoder.dimension)
        try:
            for start in range(0, len(slots), _PAGE):
                rows.write(start, catalogue.embeddings(slots[start:start + _PAGE]))
            rows.sync()
            _sync_folder(folder)
            catalogue.renumber(rows, slots)
        except BaseException:
            if catalogue.vectors is not rows:
                rows.close()
            if file_name(catalogue.generation) != path.name:
                parts.remove([path])
            raise
    parts.remove([old])


def _sync_folder(folder: "Path") -> None:
    """Wait until the name of a new file is on the disk, where that can be waited for."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
