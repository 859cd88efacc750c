"""What one catalogue knows, for another that meets the same photos: nothing is read twice because
a folder was indexed first and then the one above it."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import vectors
from zsl_cli.photos.catalogue.catalogue import Catalogue

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.photos.catalogue.identity import Identity


_KNOWN = ("SELECT size, mtime, ctime, crc, slot, checksum, photos.id, taken, latitude, "
          "longitude, name FROM photos JOIN folders ON folders.id = folder "
          "WHERE slot IS NOT NULL AND NOT todo")


class Lender:
    """A catalogue of the same model, of which each photo is looked up as it is known then."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def photos_in(self, folder: str) -> dict[bytes, tuple]:
        """What it knows of the photos in a folder, an absolute path, by their names: size, mtime,
        ctime, crc, slot, checksum, id, taken, latitude, longitude. Nothing where the database is
        damaged."""
        try:
            return {line[-1]: line[:-1] for line in self._catalogue.db.execute(
                f"{_KNOWN} AND folders.path = ?", (self._catalogue.key(folder),))}
        except sqlite3.DatabaseError:
            return {}

    def photo(self, folder: str, name: str) -> tuple | None:
        """The same of one photo in a folder."""
        try:
            row = self._catalogue.db.execute(
                f"{_KNOWN} AND folders.path = ? AND name = ?",
                (self._catalogue.key(folder), os.fsencode(name))).fetchone()
        except sqlite3.DatabaseError:
            return None
        return row and row[:-1]

    def photos_of(self, size: int, crc: int) -> list[tuple[str, tuple]]:
        """The paths of photos of this size and CRC-32, and the same of each."""
        try:
            lines = self._catalogue.db.execute(
                _KNOWN.replace("SELECT ", "SELECT folders.path, ", 1)
                + " AND size = ? AND crc = ?", (size, crc)).fetchall()
        except sqlite3.DatabaseError:
            return []
        return [(os.path.join(self._catalogue.full(line[0]), os.fsdecode(line[-1])),
                 tuple(line[1:-1])) for line in lines]

    def sample(self, number: int) -> "NDArray[np.float16]":
        """float16 ``[n, D]``: embeddings of up to about so many photos, evenly of all."""
        try:
            slots = [slot for slot, in self._catalogue.db.execute(
                "SELECT slot FROM photos WHERE slot IS NOT NULL AND NOT todo ORDER BY slot")
                if 0 <= slot < len(self._catalogue.vectors)]
        except sqlite3.DatabaseError:
            slots = []
        return self._catalogue.embeddings(slots[::max(1, -(-len(slots) // number))])

    def thumbnail(self, row: tuple) -> bytes | None:
        """That of a photo, if there is one."""
        return self._catalogue.thumbnail(row[6])

    def embedding(self, row: tuple) -> "NDArray[np.float16] | None":
        """float16 ``[D]``: the embedding of a photo; None where it is damaged."""
        _, _, _, _, slot, checksum, *_ = row
        if (embedding := self._stored(slot, checksum)) is None:
            with suppress(ZslError), self._catalogue.moment() as is_same:
                if not is_same:  # slots were numbered anew meanwhile
                    embedding = self._stored(slot, checksum)
        return embedding

    def _stored(self, slot: int, checksum: int) -> "NDArray[np.float16] | None":
        if not 0 <= slot < len(self._catalogue.vectors):
            return None
        embedding = self._catalogue.embeddings([slot])[0]
        return embedding if vectors.checksum(embedding) == checksum else None

    def lend(self, borrower: Catalogue, id_: int, folder: int, name: bytes, row: tuple) -> bool:
        """Note in another catalogue what is known of a photo; whether that could be done, which it
        can't where the embedding is damaged."""
        size, mtime, ctime, crc, _, _, _, *capture = row
        if (embedding := self.embedding(row)) is None:
            return False
        borrower.insert(id_, folder, name, (size, mtime, ctime, crc), embedding, tuple(capture))
        borrower.set_thumbnail(id_, self.thumbnail(row))
        return True


@contextmanager
def lenders(folders: "Sequence[Path]", identity: "Identity") -> Iterator[list[Lender]]:
    """The catalogues of the same model among these that may have photos of the same library; one
    that can't be read lends nothing."""
    with ExitStack() as stack:
        found = []
        for folder in folders:
            try:
                catalogue = stack.enter_context(Catalogue.reading(folder))
            except ZslError:
                continue
            catalogue.let_go()
            if catalogue.identity.encoder.digest == identity.encoder.digest and _overlap(
                    catalogue.identity.library, identity.library):
                found.append(Lender(catalogue))
        yield found


def _overlap(one: str, other: str) -> bool:
    one, other = os.path.join(one, ""), os.path.join(other, "")
    return one.startswith(other) or other.startswith(one) or os.sep in (one, other) or not (
        one.strip(os.sep) and other.strip(os.sep))
