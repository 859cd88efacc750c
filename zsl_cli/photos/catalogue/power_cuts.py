"""After a power cut the rows may know more than the disk got of the embeddings."""

import sqlite3

from zsl_cli.photos.catalogue.vectors import Vectors, checksum

_PAGE = 512


def lost(connection: sqlite3.Connection, rows: Vectors, synced: int) -> list[tuple[int]]:
    """The ids of photos whose embeddings are not there: the file may end before them, or have
    nothing at their place. synced: so many slots were on the disk once."""
    there = len(rows)
    found = [(id_,) for id_, in connection.execute(
        "SELECT id FROM photos WHERE slot >= ? OR slot < 0", (there,))]
    cursor = connection.execute(
        "SELECT slot, id, checksum FROM photos WHERE slot >= ? AND slot < ?", (synced, there))
    while page := cursor.fetchmany(_PAGE):
        embeddings = rows.read([slot for slot, _, _ in page])
        found += [(id_,) for (_, id_, expected), row in zip(page, embeddings, strict=True)
                  if checksum(row) != expected]
    return found
