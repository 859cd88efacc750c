"""One moment of a catalogue: its rows, and the file with embeddings that their slots are of."""

import sqlite3
from contextlib import closing
from pathlib import Path

from zsl_cli.photos.catalogue import database, facts, vectors
from zsl_cli.photos.catalogue.identity import Identity
from zsl_cli.photos.catalogue.vectors import Vectors

_TRIES = 5


def begin(connection: sqlite3.Connection, folder: Path) -> tuple[Identity, int, Vectors]:
    """Begin a transaction that reads. Returns of what the catalogue is, the generation of its
    embeddings, and these. Raises ZslError, sqlite3.Error and OSError."""
    for _ in range(_TRIES):
        connection.execute("BEGIN")
        if database.check(connection, folder / database.FILE):
            raise database.empty(folder)
        noted, generation = facts.identity(connection, folder), facts.generation(connection, folder)
        try:
            return noted, generation, Vectors.readable(folder / vectors.file_name(generation),
                                                       noted.encoder.dimension)
        except FileNotFoundError:  # another generation has just taken its place
            connection.execute("ROLLBACK")
    raise database.damaged(folder, "its embeddings are not there", database.NoEmbeddingsError)


def identity(folder: Path) -> Identity:
    """Of what a catalogue is, whatever became of its embeddings. Raises ZslError."""
    with (database.explained(folder), closing(
            database.connect(folder / database.FILE, read_only=True)) as connection):
        connection.execute("PRAGMA trusted_schema = OFF")
        if database.check(connection, folder / database.FILE):
            raise database.empty(folder)
        return facts.identity(connection, folder)
