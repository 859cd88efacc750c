"""What a catalogue has, in figures."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database, parts, places, vectors
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Encoder
from zsl_cli.photos.catalogue.scanning import SCANNED
from zsl_cli.photos.result import reason
from zsl_cli.support import folders
from zsl_cli.support.wording import counted

OK = "ok"
AWAY = "library not there (moved or not mounted)"
OTHER_MODEL = "model is another version now"
DAMAGED = "damaged"

_LOOKED_AT = 64
"""Embeddings that are compared with their checksums; ``verification`` compares all."""


@dataclass(frozen=True)
class Overview:
    """A catalogue in figures.

    library: its folder; empty for single photos and lists. model: its name.
    photos: how many have an embedding; failed: how many can't be read; pending: how many are to be
        read; gone: how many were not there any more, and are remembered.
    bytes: on the disk. scanned: when the library was looked through last, seconds since 1970.
    state: OK, AWAY, OTHER_MODEL or DAMAGED, as far as that is seen at a glance: of the embeddings
        that each has a place in the file, and that some are what was written. message: what is
        wrong.
    """

    folder: Path
    bytes: int
    state: str
    message: str = ""
    library: str = ""
    model: str = ""
    photos: int = 0
    failed: int = 0
    pending: int = 0
    gone: int = 0
    scanned: int | None = None


@dataclass(frozen=True)
class Details:
    """More of it.

    reasons: how often photos failed for what reason (see result.reason). folders: with photos.
    first, last: between which times they were taken, by the camera's clock, as
    ``2024-07-01T18:03:22``; dated, placed: of how many the time and the place are known.
    dimension: of an embedding. slots: how many the file with embeddings has, unused: how many of
    these no photo has any more.
    """

    overview: Overview
    reasons: Counter[str] = field(default_factory=Counter)
    folders: int = 0
    first: str | None = None
    last: str | None = None
    dated: int = 0
    placed: int = 0
    dimension: int = 0
    slots: int = 0
    unused: int = 0

    @property
    def bytes_a_photo(self) -> float:
        """What a photo takes on the disk; 0 where there is none."""
        one = self.overview
        return one.bytes / max(1, one.photos) if one.photos else 0.0


def overview(folder: Path) -> Overview:
    """Of the catalogue in a folder, which may be damaged."""
    try:
        with Catalogue.reading(folder) as catalogue:
            return _overview(folder, catalogue)
    except ZslError as error:
        return Overview(folder, parts.size(folder), DAMAGED, str(error))


def details(folder: Path) -> Details:
    """Of the catalogue in a folder. Raises ZslError for one that can't be read."""
    with Catalogue.reading(folder) as catalogue:
        db = catalogue.db
        reasons: Counter[str] = Counter()
        for message, count in db.execute(
                "SELECT message, count(*) FROM photos WHERE kind IS NOT NULL AND gone IS NULL "
                "GROUP BY message"):
            reasons[reason(message or "")] += count
        used, = db.execute("SELECT count(*) FROM photos WHERE slot IS NOT NULL").fetchone()
        holding, first, last, dated, placed = db.execute(
            "SELECT count(DISTINCT folder), min(taken), max(taken), count(taken), count(latitude) "
            "FROM photos WHERE slot IS NOT NULL AND gone IS NULL").fetchone()
        return Details(_overview(folder, catalogue), reasons, holding, first, last, dated, placed,
                       catalogue.identity.encoder.dimension, catalogue.slots,
                       catalogue.slots - used)


def _overview(folder: Path, catalogue: Catalogue) -> Overview:
    photos, failed, pending = catalogue.db.execute(
        "SELECT coalesce(sum(slot IS NOT NULL), 0), coalesce(sum(kind IS NOT NULL), 0), "
        "coalesce(sum(todo), 0) FROM photos WHERE gone IS NULL").fetchone()
    gone, = catalogue.db.execute(
        "SELECT count(*) FROM photos WHERE gone IS NOT NULL").fetchone()
    scanned = catalogue.fact(SCANNED) or ""
    identity = catalogue.identity
    state, message = _state(catalogue)
    return Overview(folder, parts.size(folder), state, message, identity.library,
                    identity.encoder.model, photos, failed, pending, gone,
                    int(scanned) if scanned.isdecimal() and len(scanned) < 12 else None)


def _damage(catalogue: Catalogue) -> str:
    """What is wrong with the embeddings, as far as that costs next to nothing to see."""
    there = len(catalogue.vectors)
    lost, = catalogue.db.execute("SELECT count(*) FROM photos WHERE slot >= ? OR slot < 0",
                                 (there,)).fetchone()
    if lost:
        return f"{counted(lost, 'embedding is', 'embeddings are')} not in the file"
    slots = np.unique(np.linspace(0, catalogue.slots - 1, _LOOKED_AT).astype(np.int64)).tolist()
    rows = catalogue.at(slots) if catalogue.slots else {}
    found = catalogue.embeddings(list(rows))
    if any(vectors.checksum(embedding) != row.checksum
           for row, embedding in zip(rows.values(), found, strict=True)):
        return "embeddings are not what was written"
    return ""


def _state(catalogue: Catalogue) -> tuple[str, str]:
    if damage := _damage(catalogue):
        return DAMAGED, str(database.damaged(catalogue.folder, damage))
    identity = catalogue.identity
    if places.is_away(identity.library):
        return AWAY, (f"{identity.library}: no such folder, or an empty one; where it lies "
                      "elsewhere now, index it there, and nothing is read again")
    try:
        manifest = folders.read_manifest(folders.MODEL, folders.find(
            folders.MODEL, identity.encoder.model))
    except ZslError:
        return OK, ""  # a model that has no name here, but a folder somewhere
    if Encoder.of(manifest).digest != identity.encoder.digest:
        return OTHER_MODEL, (f"model {identity.encoder.model!r} is not what it was; index "
                             f"{identity.library or 'the photos'} again, and remove this one")
    return OK, ""
