"""What was found for the photos of a catalogue before, by the same labels: another question about
them needs no products with all label vectors, which are nine tenths of the work.

It is derived and lies in the user's cache: a folder for a catalogue, a model's numbers and a
vocabulary, in it files of entries, one a slot. An entry holds for the embedding whose checksum it
has; a file that is damaged, or not the user's own, costs time only.
"""

import hashlib
import os
import shutil
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from zsl_cli.classifier.confidence import Sure
from zsl_cli.classifier.findings import Findings, cache_folder
from zsl_cli.support import files
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary.search.nearest import Hnsw
from zsl_cli.vocabulary.search.second import Patched
from zsl_cli.vocabulary.search.subset import Subset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.vocabulary.search.nearest import Nearest

TOP = 10
"""Labels of a photo that are kept."""
LEAST = 0.1
"""The confidence of what is kept for keywords, as far as there is room."""
UNUSED = 90 * 86400.0
"""Seconds after which what nobody has asked for is taken away, when more is kept."""
_SURE = 20  # labels at most that are kept for keywords
_FORMAT = 1
_SLOTS = 4096  # of a file
_OPEN = 16  # files held in memory
_ENTRY = np.dtype([
    ("checksum", "<u4"), ("floor", "<f4"), ("total", "<f8"),
    ("rows", "<i4", TOP), ("products", "<f4", TOP), ("confidences", "<f4", TOP),
    ("sure", "<i4", _SURE), ("confidence", "<f4", _SURE), ("main", "<f4", _SURE)])
"""floor: keywords above this confidence are all there; above 1 where nobody asked for any, and
infinite where nothing is known."""
_NO_KEYWORDS = 2.0


class Remembered:
    """What is known of the photos of one catalogue, and what is found for them now."""

    def __init__(self, folder: Path) -> None:
        """folder: where it is kept."""
        self._folder = folder
        self._files: dict[int, NDArray[np.void]] = {}  # by their number, the last used last
        self._changed: set[int] = set()

    @classmethod
    def of(cls, catalogue: "Catalogue", classifier: "Classifier",
           nearest: "Nearest") -> Self | None:
        """That of a catalogue for a search over the whole vocabulary; None for candidates, of
        which there are as many kinds as questions, and for a catalogue that is not kept."""
        if catalogue.folder is None or isinstance(nearest, Subset):
            return None
        model = classifier.model.manifest
        index = nearest.index if isinstance(nearest, Patched) else nearest
        search = index.parameters if isinstance(index, Hnsw) else "exact"
        text = "\0".join(map(repr, (
            _FORMAT, __version__, os.path.realpath(catalogue.folder), catalogue.identity.encoder,
            model.calibration, model.confidence, classifier.vocabulary.manifest, search)))
        key = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        return cls(cache_folder() / key)

    def get(self, slots: "Sequence[int]", checksums: "Sequence[int]", top: int,
            least: float | None) -> Findings | None:
        """The findings for the embeddings at these slots that have these checksums, of so many
        labels and, unless it is None, all that is as sure as ``least``; None where that is not
        known of each of them."""
        if top > TOP:
            return None
        at = np.asarray(slots, np.int64)
        entries = np.empty(len(at), _ENTRY)
        for number in sorted(set((at // _SLOTS).tolist())):
            here = at // _SLOTS == number
            entries[here] = self._entries(number)[at[here] % _SLOTS]
        known = (entries["checksum"] == np.asarray(checksums, np.uint32)) & (
            np.isfinite(entries["floor"]) if least is None else entries["floor"] < least)
        if not known.all():
            return None
        found = Findings(entries["rows"][:, :top].astype(np.int64), entries["products"][:, :top],
                         entries["total"])
        if least is None:
            return found
        there = entries["sure"] >= 0
        sure = Sure(np.concatenate([[0], np.cumsum(there.sum(axis=1))]),
                    entries["sure"][there].astype(np.int64), entries["confidence"][there],
                    entries["main"][there])
        return Findings(found.rows, found.products, found.totals,
                        entries["confidences"][:, :top], sure)

    def put(self, slots: "Sequence[int]", checksums: "Sequence[int]", findings: Findings,
            least: float | None) -> None:
        """Keep what was found, of TOP labels and, unless it is None, all that is as sure as
        ``least``."""
        entries = np.zeros(len(slots), _ENTRY)
        kept = findings.rows.shape[1]
        if not len(slots) or kept < TOP:  # a vocabulary so small that nothing is won
            return
        entries["checksum"], entries["total"] = checksums, findings.totals
        entries["rows"], entries["products"] = findings.rows[:, :TOP], findings.products[:, :TOP]
        entries["floor"], entries["sure"] = _NO_KEYWORDS, -1
        if least is not None and findings.confidences is not None and findings.sure is not None:
            entries["confidences"] = findings.confidences[:, :TOP]
            _put_sure(entries, findings.sure, least)
        at = np.asarray(slots, np.int64)
        for number in sorted(set((at // _SLOTS).tolist())):
            here = at // _SLOTS == number
            self._entries(number)[at[here] % _SLOTS] = entries[here]
            self._changed.add(number)

    def save(self) -> None:
        """Write what is new; where it can't be, the next question takes longer."""
        with suppress(OSError):
            if self._changed:
                self._prepare()
            elif self._folder.is_dir():
                os.utime(self._folder)  # it was asked for
            for number in sorted(self._changed):
                self._write(number)
        self._changed.clear()

    def _entries(self, number: int) -> "NDArray[np.void]":
        """Those of a file, which may be changed."""
        entries = self._files.pop(number, None)
        if entries is None:
            if len(self._files) >= _OPEN:
                oldest = next(iter(self._files))
                if oldest in self._changed:
                    with suppress(OSError):
                        self._prepare()
                        self._write(oldest)
                    self._changed.discard(oldest)
                del self._files[oldest]
            entries = self._read(number)
        self._files[number] = entries
        return entries

    def _read(self, number: int) -> "NDArray[np.void]":
        entries = np.zeros(_SLOTS, _ENTRY)
        entries["floor"] = np.inf
        try:
            path = self._path(number)
            if any(files.why_not_own(one) for one in (path, path.parent, path.parent.parent)):
                return entries
            data = path.read_bytes()
        except OSError:
            return entries
        sum_, data = data[:4], data[4:]
        if len(data) == entries.nbytes and sum_ == _checksum(data):
            entries = np.frombuffer(data, _ENTRY).copy()
        return entries

    def _write(self, number: int) -> None:
        data = self._files[number].tobytes()
        path = self._path(number)
        with files.replacing(path, durable=False) as file:
            file.write(_checksum(data))
            file.write(data)
        path.chmod(0o600)  # whatever the umask: what a group may write to is not believed

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}"

    def _prepare(self) -> None:
        """Make the folder, and take away those that were not asked for long."""
        is_new = not self._folder.is_dir()
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.mkdir(exist_ok=True, mode=0o700)
        os.utime(self._folder)
        for other in self._folder.parent.iterdir() if is_new else ():
            with suppress(OSError):
                if time.time() - other.stat().st_mtime > UNUSED:
                    shutil.rmtree(other)


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def _put_sure(entries: "NDArray[np.void]", sure: Sure, least: float) -> None:
    """The surest of each image, and the floor above which these are all."""
    images = np.repeat(np.arange(len(entries)), np.diff(sure.offsets))
    order = np.lexsort((-sure.confidences, images))
    places = np.arange(len(order)) - sure.offsets[images]
    floor = np.full(len(entries), np.nextafter(np.float32(least), np.float32(0)))
    over = places == _SURE  # the first that has no room
    floor[images[over]] = sure.confidences[order[over]]
    entries["floor"] = floor
    room = places < _SURE
    at, chosen = (images[room], places[room]), order[room]
    entries["sure"][at] = sure.rows[chosen]
    entries["confidence"][at] = sure.confidences[chosen]
    entries["main"][at] = sure.main[chosen]
