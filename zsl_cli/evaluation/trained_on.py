"""Which images a model was trained on, by their fingerprints, so that an evaluation on the same
ones can be told."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.support import folders

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "trained_on.txt"
"""In a model folder: a fingerprint a line."""

_HEAD = 1 << 16  # bytes; two photos that agree in these and in their size are the same
_DIGEST = 16


def record(model: Path, images: "Iterable[str | os.PathLike[str]]",
           start: Path | None = None) -> None:
    """Write the fingerprints of images into a model folder, and those of the model that its
    training began with, and name the file in the manifest."""
    known = {mark for image in images if (mark := _fingerprint(image))}
    if start is not None:
        known |= _recorded(start)
    (model / FILE).write_text("".join(f"{mark}\n" for mark in sorted(known)), encoding="ascii")
    entries = dict(folders.read_manifest(folders.MODEL, model).entries)
    entries["files"] = entries["files"] | folders.describe_files(model, FILE)
    folders.write_manifest(folders.MODEL, model, entries)


def count(model: Path, images: "Iterable[str | os.PathLike[str]]") -> int:
    """How many of the images a model was trained on, as far as its folder knows."""
    known = _recorded(model)
    return sum(_fingerprint(image) in known for image in images) if known else 0


def _recorded(model: Path) -> set[str]:
    try:
        return set((model / FILE).read_text(encoding="ascii").split())
    except (OSError, ValueError):  # it serves a warning alone
        return set()


def _fingerprint(image: "str | os.PathLike[str]") -> str | None:
    """Of the size and the first bytes of a file; None for one that cannot be read."""
    try:
        with open(image, "rb") as file:
            head = file.read(_HEAD)
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError):
        return None
    return hashlib.blake2b(size.to_bytes(8, "little") + head, digest_size=_DIGEST).hexdigest()
