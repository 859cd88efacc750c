"""After a power cut the rows may know more than the disk got of the embeddings."""

from typing import TYPE_CHECKING

from zsl_cli.photos.catalogue import vectors

if TYPE_CHECKING:
    from zsl_cli.photos.catalogue.catalogue import Catalogue

_PAGE = 512


def forget_what_was_lost(catalogue: "Catalogue") -> None:
    """Have embeddings done again that are not there: the file may end before them, or have nothing
    at their place."""
    there, db = len(catalogue.vectors), catalogue.db
    lost = [(id_,) for id_, in db.execute(
        "SELECT id FROM photos WHERE slot >= ? OR slot < 0", (there,))]
    cursor = db.execute("SELECT slot, id, checksum FROM photos WHERE slot >= ? AND slot < ?",
                        (catalogue.synced_slots, there))
    while page := cursor.fetchmany(_PAGE):
        found = catalogue.vectors.read([slot for slot, _, _ in page])
        lost += [(id_,) for (_, id_, expected), row in zip(page, found, strict=True)
                 if vectors.checksum(row) != expected]
    if lost:
        with catalogue.transaction():
            catalogue.forget(lost)
