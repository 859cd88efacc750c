"""A catalogue that is not wanted any more."""

from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database, parts, places
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.support import files


def remove(folder: Path) -> None:
    """Delete what zsl made in the folder of a catalogue, and the folder if nothing else is in it.

    Raises ZslError for one that another process writes to, for what is no catalogue of zsl, and for
    what can't be deleted.
    """
    if not (folder.parent.resolve() == places.home().resolve() or database.is_ours(folder)
            or _can_be_read(folder)):
        raise ZslError(f"{folder / parts.DATABASE} is no catalogue of zsl, or nothing in it says "
                       "so any more; delete it yourself if you know it")
    try:
        with files.locked(folder / parts.LOCK) as held:
            if not held:
                raise database.busy(folder)
            for part in parts.parts(folder):
                if part.name != parts.LOCK:
                    part.unlink()
    except OSError as error:
        raise ZslError(f"cannot remove {folder}: {error.strerror or error}") from error
    parts.remove([folder / parts.LOCK], folder)


def _can_be_read(folder: Path) -> bool:
    """Whether it is a catalogue, which one whose first run was killed says in its log alone."""
    try:
        with Catalogue.reading(folder):
            return True
    except ZslError:
        return False
