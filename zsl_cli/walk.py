"""Files, folders and patterns → image paths, in a stable order."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from zsl_cli.errors import ImageError

SUFFIXES = frozenset({
    ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".ico", ".jfif", ".jp2", ".jpe",
    ".jpeg", ".jpg", ".mpo", ".pbm", ".pgm", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp"})
"""What counts as an image in a folder; a file that is named outright is tried whatever it is
called."""


def expand(arguments: Iterable[str]) -> Iterator[tuple[str, ImageError | None]]:
    """The paths that a command line's arguments stand for, as (path, error or None).

    A folder stands for the images in it and in the folders below, a pattern (``*``, ``?``,
    ``[…]``, ``**``) that the shell left alone for the files that match.
    """
    for argument in arguments:
        if os.path.isdir(argument):
            yield from _nonempty(argument, images_in(argument), "no images in this folder")
        elif not os.path.lexists(argument) and glob.has_magic(argument):
            matches = sorted(glob.glob(argument, recursive=True))
            files = [path for path in matches if not os.path.isdir(path)]
            yield from _nonempty(argument, files, "no file matches this pattern")
        else:
            yield argument, None


def _nonempty(argument: str, paths: Iterable[str],
              message: str) -> Iterator[tuple[str, ImageError | None]]:
    empty = True
    for path in paths:
        empty = False
        yield path, None
    if empty:
        try:
            os.listdir(argument)
        except PermissionError:
            message = "no permission to read this folder"
        except OSError:
            pass
        yield argument, ImageError(message, "missing")


def images_in(folder: str) -> Iterator[str]:
    """The images in a folder and below it, sorted within each folder; hidden ones are left out."""
    for parent, below, files in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(files):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield os.path.join(parent, name)
