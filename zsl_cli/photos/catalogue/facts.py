"""What a catalogue notes of itself: of what it is, and in which file its embeddings are."""

import os
import sqlite3
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database
from zsl_cli.photos.catalogue.identity import Identity

GENERATION = "generation"


def generation(connection: sqlite3.Connection, folder: Path | None) -> int:
    """See Catalogue.generation. Raises ZslError."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (GENERATION,)).fetchone()
    fact = row[0] if row else "0"
    if not (fact.isdecimal() and len(fact) < 10):
        raise database.damaged(folder, "the generation of its embeddings is no number")
    return int(fact)


def identity(connection: sqlite3.Connection, folder: Path) -> Identity:
    """Of which library and model a catalogue is. Raises ZslError."""
    noted = dict(connection.execute("SELECT name, value FROM facts"))
    try:
        return Identity.noted(noted)
    except ValueError as error:
        raise database.damaged(folder, f"it does not say what it is of: {error}") from error


def check(noted: Identity, wanted: Identity, folder: Path) -> None:
    """Raise ZslError for a catalogue of another model, or of a library that this one is not in."""
    if noted.encoder.digest != wanted.encoder.digest:
        other = (f"another version of model {noted.encoder.model!r}"
                 if noted.encoder.model == wanted.encoder.model else
                 f"model {noted.encoder.model!r}, not {wanted.encoder.model!r}")
        raise ZslError(f"{folder} was made by {other}; give `catalogue` another folder, or remove "
                       "this one (`zsl catalogues remove`) and index the library again")
    if noted.encoder.dimension != wanted.encoder.dimension:
        raise database.damaged(folder, f"a dimension of {noted.encoder.dimension}")
    inside = os.path.join(noted.library, "") if noted.library else ""
    if noted.library and not os.path.join(wanted.library, "").startswith(inside):
        raise ZslError(f"{folder} is the catalogue of {noted.library}, not of {wanted.library}; "
                       "give `catalogue` another folder")
