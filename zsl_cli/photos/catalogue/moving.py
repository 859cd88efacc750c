"""A library that was moved, or that is mounted elsewhere: its catalogue goes with it."""

import os
from contextlib import suppress
from pathlib import Path

from zsl_cli.photos.catalogue import parts, places
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.database import EmptyError
from zsl_cli.photos.catalogue.identity import Identity
from zsl_cli.photos.photo import Stamp, checksum_of

_LOOKED_AT = 64  # photos
_SHARE = 0.5
"""Of these, the share that has to be there for a folder to be the library."""


def followed(place: Path, identity: Identity, *, ours: bool) -> Path:
    """The folder of the catalogue, after that of the same library at another place, if there is
    one whose own is gone, is made this one's.

    ours: whether it lies in the user's data folder, where it is called after the library.
    """
    if not identity.library:
        return place
    if not ours:
        if parts.is_there(place):
            with suppress(EmptyError):
                _adopt(place, identity)
        return place
    if os.path.lexists(place / parts.DATABASE):
        return place
    for other, _ in places.moved_from(identity):
        if _adopt(other, identity):
            try:
                os.replace(other, place)
            except OSError:  # something else is there; it is found by its library all the same
                return other
            break
    return place


def _adopt(folder: Path, identity: Identity) -> bool:
    """Have a catalogue be of this library, if its own is gone and this one has its photos."""
    with Catalogue.reading(folder) as catalogue:
        noted = catalogue.identity
        # Not from an empty folder: a copy would take what belongs to a disk that is not mounted.
        if (noted.encoder.digest != identity.encoder.digest or not places.is_gone(noted.library)
                or not _has_photos(identity.library, catalogue)):
            return False
    with Catalogue.writing(folder, noted) as catalogue, catalogue.transaction():
        for name, value in Identity(identity.library, noted.encoder).facts().items():
            catalogue.set_fact(name, value)
    return True


def _has_photos(library: str, catalogue: Catalogue) -> bool:
    """Whether a folder has the photos of a catalogue, by their names and sizes, and their times or,
    in a copy, their content."""
    rows = catalogue.db.execute(
        "SELECT folders.path, name, size, mtime, crc FROM photos JOIN folders ON folders.id = "
        "folder WHERE slot IS NOT NULL AND gone IS NULL ORDER BY photos.id LIMIT ?",
        (_LOOKED_AT,)).fetchall()
    found = 0
    for folder, name, size, mtime, crc in rows:
        path = os.path.join(library, os.fsdecode(folder), os.fsdecode(name))
        try:
            stamp = Stamp.of(os.stat(path))
        except (OSError, ValueError):
            continue
        found += stamp.size == size and (stamp.mtime == mtime or checksum_of(path) == crc)
    return bool(rows) and found >= _SHARE * len(rows)
