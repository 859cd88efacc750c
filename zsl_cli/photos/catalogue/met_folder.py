"""A folder of which photos are met, with what catalogues know of these."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zsl_cli.photos.catalogue.borrowing import Lender
    from zsl_cli.photos.catalogue.catalogue import Catalogue

_ROWS = ("SELECT id, size, mtime, ctime, crc, slot, kind, todo, gone, name FROM photos "
         "WHERE folder = ?")


class MetFolder:
    """What is known of its photos is read at once; or, where photos of many folders come mixed, so
    that a folder is met again and again, photo by photo."""

    def __init__(self, catalogue: "Catalogue", path: str, lenders: "Sequence[Lender]", *,
                 whole: bool) -> None:
        self._db, self._path, self._lenders = catalogue.db, path, lenders
        key = catalogue.key(path)
        row = self._db.execute("SELECT id FROM folders WHERE path = ?", (key,)).fetchone()
        if row is None:
            row = (self._db.execute("INSERT INTO folders (path) VALUES (?)", (key,)).lastrowid,)
        self.id: int = row[0]
        self._known: dict[bytes, tuple] | None = None
        if whole:
            self._known = {line[-1]: line for line in self._db.execute(_ROWS, row)}
            self._lent = [(lender, found) for lender in lenders
                          if (found := lender.photos_in(path))]

    def known(self, name: str) -> tuple | None:
        """What the catalogue has of a photo: id, size, mtime, ctime, crc, slot, kind, todo, gone,
        name; None for a new one."""
        if self._known is None:
            row: tuple | None = self._db.execute(
                f"{_ROWS} AND name = ?", (self.id, os.fsencode(name))).fetchone()
            return row
        return self._known.get(os.fsencode(name))

    def add(self, name: str, id_: int) -> None:
        """Have a photo known that was put into the catalogue."""
        if self._known is not None:
            self._known[os.fsencode(name)] = (id_, *[None] * 9)

    def lent(self, name: str) -> "Iterator[tuple[Lender, tuple | None]]":
        """What others know of a photo; see Lender."""
        if self._known is None:
            yield from ((lender, lender.photo(self._path, name)) for lender in self._lenders)
        else:
            yield from ((lender, found.get(os.fsencode(name))) for lender, found in self._lent)
