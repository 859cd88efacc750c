"""Which files of a folder are a catalogue's."""

import errno
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from zsl_cli.errors import ZslError

DATABASE = "catalogue.sqlite"
LOCK = "lock"
DAMAGED = ".damaged"
"""Behind the name of what was put aside."""

_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_EMBEDDINGS = re.compile(r"embeddings(-[1-9]\d*)?\.f16", re.ASCII)
_NAMES = re.compile(rf"{LOCK}|{re.escape(DATABASE)}(-wal|-shm|-journal)?(\.damaged|\.repaired)?"
                    rf"|{_EMBEDDINGS.pattern}(\.damaged)?", re.ASCII)


def parts(folder: Path) -> list[Path]:
    """The files of a catalogue, sorted, whatever else lies in its folder."""
    return _named(folder, _NAMES)


def embeddings(folder: Path) -> list[Path]:
    """The files with embeddings, of which one is in use."""
    return _named(folder, _EMBEDDINGS)


def _named(folder: Path, names: "re.Pattern[str]") -> list[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if names.fullmatch(name)]
    except OSError:
        return []


def is_there(folder: Path) -> bool:
    """Whether a catalogue is in a folder. Raises ZslError for one that can't be looked into."""
    try:
        return S_ISREG((folder / DATABASE).stat().st_mode)
    except OSError as error:
        if error.errno in _NOTHING:
            return False
        raise ZslError(f"cannot read {folder}: {error.strerror or error}") from error


def size(folder: Path) -> int:
    """Bytes that a catalogue takes."""
    total = 0
    for part in parts(folder):
        with suppress(OSError):
            total += part.lstat().st_size
    return total


def remove(files: Iterable[Path], folder: Path | None = None) -> None:
    """Remove files, as far as they are there and can be removed, and the folder if it is empty
    then."""
    for path in files:
        with suppress(OSError):
            path.unlink()
    if folder is not None:
        with suppress(OSError):
            folder.rmdir()
