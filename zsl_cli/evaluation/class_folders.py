"""The class folders of a data set, told from the folders that may lie above them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from zsl_cli.embedding.walk import SUFFIXES, TOOL_FOLDERS
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

_PART = re.compile(r"(train|training|val|valid|validation|dev|test|testing|eval)"
                   r"([\W_]*(set|data|split|images|[0-9]+(x[0-9]+)?))*", re.IGNORECASE)
_ALL_OF_IT = re.compile(r"(jpeg[\W_]*)?(images?|imgs?|photos?|pictures?)|data([\W_]*set)?|classes",
                        re.IGNORECASE)
_NAMED = 5
_DEEPEST = 6


def names_in(folder: Path) -> list[str]:
    """The names of a data set's class folders, sorted.

    Raises ZslError for what lies above them: the parts of a data set (``train``, ``val``), the
    letters that its classes begin with, or the one folder with all of its images.
    """
    try:
        names = [name for name in sorted(_folders_in(folder))
                 if name.lower() not in TOOL_FOLDERS]
    except OSError as error:
        raise ZslError(f"{folder}: {error.strerror or error}") from error
    what = _above_the_classes(folder, names)
    if what is None:
        return names
    below = classes_below(folder)
    raise ZslError(f"{folder}: its folders are {what} ({listed(names, _NAMED)}), not classes; "
                   + (f"{below} has classes" if below else
                      f"name one of them, such as {folder / names[0]}"))


def classes_below(folder: Path) -> Path | None:
    """The first folder below this one whose own folders have images right in them."""
    for _ in range(_DEEPEST):
        try:
            names = sorted(_folders_in(folder), key=lambda name: (not _PART.fullmatch(name), name))
        except OSError:
            return None
        ahead = [name for name in names if not _has_images(folder / name)
                 and any(_folders_in(folder / name))]
        if not ahead:
            return None
        folder /= ahead[0]
        if any(_has_images(folder / name) for name in _folders_in(folder)):
            return folder
    return None


def images_beside(folder: Path) -> int:
    """How many images lie right in a folder."""
    with os.scandir(folder) as entries:
        return sum(map(_is_image, entries))


def _above_the_classes(folder: Path, names: list[str]) -> str | None:
    """What the folders of these names are, if they are no classes. Names alone do not tell: a
    train and a letter may be classes, and then have images right in them."""
    if not names:
        return None
    parts = [name for name in names if _PART.fullmatch(name)]
    if len(parts) == len(names):
        return "parts of a dataset"
    if parts:
        above = [name for name in parts if _has_folders_of_images(folder / name)]
        if len(above) > 1 or (above and not any(
                _has_images(folder / name) for name in names if name not in parts)):
            return "parts of a dataset"
        return None
    if all(len(name) == 1 and name.isalpha() for name in names):
        return ("letters above the classes" if all(
            _has_folders_of_images(folder / name, name) for name in names) else None)
    full = [name for name in names if _has_images(folder / name)
            or _has_folders_of_images(folder / name)] if any(
                map(_ALL_OF_IT.fullmatch, names)) else []
    if len(full) == 1 and _ALL_OF_IT.fullmatch(full[0]) and not _has_images(folder / full[0]):
        return "what holds all of a dataset"
    return None


def _has_folders_of_images(folder: Path, letter: str = "", deeper: int = 1) -> bool:
    """Whether there are images in the folders of a folder, or in those below them, and none in
    itself; all of its folders begin with the letter."""
    try:
        names = list(_folders_in(folder))
    except OSError:
        return False
    return (all(name.lower().startswith(letter.lower()) for name in names)
            and not _has_images(folder)
            and any(_has_images(folder / name)
                    or (deeper > 0 and _has_folders_of_images(folder / name, deeper=deeper - 1))
                    for name in names))


def _folders_in(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_dir():
                yield entry.name


def _has_images(folder: Path) -> bool:
    """Whether there is an image right in a folder."""
    try:
        with os.scandir(folder) as entries:
            return any(map(_is_image, entries))
    except OSError:
        return False


def _is_image(entry: "os.DirEntry[str]") -> bool:
    """Whether what a folder holds counts as an image, links included."""
    return (not entry.name.startswith(".")
            and os.path.splitext(entry.name)[1].lower() in SUFFIXES and not entry.is_dir())
