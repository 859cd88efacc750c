"""Where the index over a catalogue's embeddings is kept: in the user's cache, since it is derived.

A folder an index. It appears by one renaming; only its tail grows afterwards. Nothing in it is
believed that somebody else can have written, and what does not belong to the catalogue any more,
which a few of its rows tell, is made again.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.photos.search.inverted import Inverted, Tail
from zsl_cli.photos.search.lists import Lists
from zsl_cli.photos.search.projection import Projection
from zsl_cli.support import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zsl_cli.photos.search.space import JointSpace

    Rows = NDArray[np.float16]
    Array = NDArray[np.float32]

DIMENSION = 192
"""Of codes."""
UNUSED = 90 * 86400.0
"""Seconds after which an index that nothing was asked of is taken away, when another is made."""
_FORMAT = 1
_LONGEST_TAIL = 0.25  # of what is in lists
_LISTS = 16  # times the root of the number of photos, at most
_LEAST = 64  # photos of a list, in the mean; each costs some microseconds, however short
_SAMPLE = 12  # photos a list that it is fitted to
_LEARNT = 65_536  # photos that dimensions are fitted to
_LOOKED_AT = 64
_BLOCK = 16_384
_WAIT = 3600.0
_ARRAYS = ("query", "photo", "mean", "scale", "groups", "centres", "group_starts", "starts",
           "slots", "codes")
_MAPPED = ("slots", "codes")
_TAIL_LISTS, _TAIL_CODES = "tail.lists", "tail.codes"
_LOG = logging.getLogger(__name__)

Advance = Callable[[int], object]


def cache_folder() -> Path:
    """Where the indexes are, for this user."""
    from platformdirs import user_cache_path

    return user_cache_path("zsl", appauthor=False) / "search"


class IndexFolder:
    """Where the index of one catalogue is kept."""

    def __init__(self, catalogue: Path, encoder: str, space: "JointSpace") -> None:
        """encoder: the digest of what made the embeddings."""
        text = f"{os.path.realpath(catalogue)}\0{encoder}\0{space.width}\0{_FORMAT}\0{DIMENSION}"
        self._key = hashlib.sha256(os.fsencode(text)).hexdigest()[:32]
        self._space = space
        self.folder = cache_folder()

    def open(self, rows: "Rows", words: "Callable[[], Array]", *,
             building: Callable[[], object] = lambda: None,
             advance: Advance | None = None) -> Inverted:
        """The index over rows ``[n, D]``, built or brought up to date if need be.

        words: gives unit vectors ``[m, width]`` such as queries have.
        building: called if it has to be built. advance: told how many more photos are in.
        """
        if (index := self._load(rows)) and len(index) >= len(rows):
            return index
        with self._locked() as kept:
            index = self._load(rows)
            if index is not None and len(rows) - len(index.slots) <= (
                    _LONGEST_TAIL * len(index.slots)):
                return self._extended(index, rows, kept=kept)
            building()
            index = build(rows, self._space, words(), advance)
            if not kept:
                return index
            try:
                self._save(index, rows)
            except OSError as error:  # costs time only, each time
                _LOG.info("the index cannot be kept in %s: %s", self.folder,
                          error.strerror or error)
                return index
            return self._load(rows) or index

    def _extended(self, index: Inverted, rows: "Rows", *, kept: bool) -> Inverted:
        """With what was added to the catalogue."""
        if len(index) >= len(rows):
            return index
        reduced = index.projection.photos(self._space.unit(rows[len(index):]))
        codes, lists = index.projection.codes(reduced), index.lists.assign(reduced)
        old = index.tail
        tail = Tail(np.concatenate([old.lists, lists]), np.concatenate([old.codes, codes]))
        if kept and (folder := self._newest()):
            with suppress(OSError):
                for name, array, before in ((_TAIL_CODES, codes, old.codes),
                                            (_TAIL_LISTS, lists, old.lists)):
                    with open(folder / name, "rb+") as file:
                        file.truncate(before.nbytes)  # what a killed process has left
                        file.seek(before.nbytes)
                        file.write(array.tobytes())
        return Inverted(index.projection, index.lists, index.starts, index.slots, index.codes,
                        tail)

    def _newest(self) -> Path | None:
        """The folder of the index, None if there is none that is this user's own."""
        with suppress(OSError):
            if not files.why_not_own(self.folder.resolve()):
                own = [path for path in self.folder.glob(f"{self._key}-*[0-9]")
                       if not any(files.why_not_own(one) for one in (path, *path.iterdir()))]
                return max(own, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
        return None

    def _load(self, rows: "Rows") -> Inverted | None:
        """The index as it is, None where there is none, it is damaged, or of other rows."""
        folder = self._newest()
        if folder is None:
            return None
        try:
            said = json.loads((folder / "index.json").read_text())
            # Plain arrays: a slice of a memmap takes ten times as long as one of an array.
            arrays = {name: np.asarray(np.load(folder / f"{name}.npy", allow_pickle=False,
                                               mmap_mode="r" if name in _MAPPED else None))
                      for name in _ARRAYS}
            index = Inverted(
                Projection(arrays["query"], arrays["photo"], arrays["mean"], arrays["scale"]),
                Lists(arrays["groups"], arrays["centres"], arrays["group_starts"]),
                arrays["starts"], arrays["slots"], arrays["codes"],
                _tail(folder, arrays["codes"].shape[1]))
            whole = _fits(index, self._space) and said["sample"] == _sample(
                rows, len(index.slots))
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError):
            return None
        if not whole:
            return None
        with suppress(OSError):
            os.utime(folder)  # it is used
        return index if self._is_of(index, rows) else replace(index, tail=_no_tail(index.codes))

    def _is_of(self, index: Inverted, rows: "Rows") -> bool:
        """Whether the codes of some photos of the tail are theirs: others may have their slots
        since the catalogue's file was written anew."""
        there = min(len(index), len(rows)) - len(index.slots)
        if there <= 0:
            return True
        at = np.linspace(0, there - 1, _LOOKED_AT).astype(np.int64)
        reduced = index.projection.photos(self._space.unit(rows[len(index.slots) + at]))
        known = index.tail.codes[at].astype(np.int16)
        return bool((np.abs(index.projection.codes(reduced) - known) <= 1).all())  # 1: rounding

    def _save(self, index: Inverted, rows: "Rows") -> None:
        """Put an index into its place, and take away what was there and what has not been used for
        long. Raises OSError."""
        work = Path(tempfile.mkdtemp(prefix=f"{self._key}-", suffix=".tmp", dir=self.folder))
        try:
            projection, lists = index.projection, index.lists
            arrays: Sequence[NDArray[Any]] = (
                projection.query, projection.photo, projection.mean, projection.scale,
                lists.groups, lists.centres, lists.starts, index.starts, index.slots, index.codes)
            for name, array in zip(_ARRAYS, arrays, strict=True):
                np.save(work / f"{name}.npy", array, allow_pickle=False)
            for name in (_TAIL_LISTS, _TAIL_CODES):
                (work / name).touch()
            (work / "index.json").write_text(json.dumps(
                {"format": _FORMAT, "sample": _sample(rows, len(index.slots))}))
            for path in work.iterdir():
                path.chmod(0o600)  # whatever the umask: what a group may write to is not believed
                files.sync(path)
            newest = self._newest()
            number = 1 + (int(newest.name.rpartition("-")[2]) if newest else 0)
            target = self.folder / f"{self._key}-{number}"
            os.replace(work, target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        for path in self.folder.iterdir():
            if path != target and path.is_dir() and (
                    path.name.startswith(self._key) or _is_unused(path)):
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Within it no other process changes this index; whether it can be kept."""
        with ExitStack() as stack:
            kept = False
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                kept = not files.why_not_own(self.folder.resolve()) and stack.enter_context(
                    files.locked(self.folder / f"{self._key}.lock", wait=_WAIT,
                                 waiting=lambda: _LOG.info(
                                     "another process is building the index; waiting for it")))
            yield kept


def build(rows: "Rows", space: "JointSpace", words: "Array",
          advance: Advance | None = None) -> Inverted:
    """The index over rows ``[n, D]``; see IndexFolder.open."""
    number = max(1, min(int(_LISTS * len(rows) ** 0.5), len(rows) // _LEAST))
    generator = np.random.default_rng(1)
    sample = np.sort(generator.choice(len(rows), min(len(rows), max(_LEARNT, _SAMPLE * number)),
                                      replace=False))
    known = space.unit(rows[sample])
    learnt = known[generator.choice(len(known), min(len(known), _LEARNT), replace=False)]
    projection = Projection.fit(learnt, words, min(DIMENSION, space.width))
    lists = Lists.fit(projection.photos(known), number)
    codes = np.empty((len(rows), projection.photo.shape[1]), np.int8)
    of = np.empty(len(rows), np.int32)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        reduced = projection.photos(space.unit(rows[block]))
        codes[block], of[block] = projection.codes(reduced), lists.assign(reduced)
        if advance:
            advance(len(of[block]))
    order = np.argsort(of, kind="stable").astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(lists)))])
    return Inverted(projection, lists, starts.astype(np.int64), order, codes[order],
                    _no_tail(codes))


def _no_tail(codes: "NDArray[np.int8]") -> Tail:
    return Tail(np.empty(0, np.int32), np.empty((0, codes.shape[1]), np.int8))


def _tail(folder: Path, dimension: int) -> Tail:
    lists = np.fromfile(folder / _TAIL_LISTS, np.int32)
    codes = np.fromfile(folder / _TAIL_CODES, np.int8)
    number = min(len(lists), len(codes) // dimension)
    return Tail(lists[:number], codes[:number * dimension].reshape(number, dimension))


def _fits(index: Inverted, space: "JointSpace") -> bool:
    """Whether the parts of an index belong together."""
    photos, dimension = index.codes.shape
    lists = len(index.lists)
    kinds = {array.dtype for array in (index.lists.centres, index.lists.groups,
                                       index.projection.query, index.projection.scale)}
    return bool(
        index.slots.shape == (photos,) and index.starts.shape == (lists + 1,)
        and index.starts[0] == 0 and index.starts[-1] == photos
        and (np.diff(index.starts) >= 0).all() and index.slots.dtype == np.int32
        and index.lists.centres.shape == (lists, dimension)
        and index.lists.groups.shape == (len(index.lists.starts) - 1, dimension)
        and index.projection.query.shape == index.projection.photo.shape == (
            space.width, dimension)
        and index.projection.scale.shape == (dimension,)
        and kinds == {np.dtype(np.float32)} and index.codes.dtype == np.int8
        and (not len(index.tail) or 0 <= index.tail.lists.min() <= index.tail.lists.max() < lists))


def _sample(rows: "Rows", covered: int) -> int | None:
    """What tells the rows below a slot from others."""
    if covered > len(rows):
        return None
    at = np.linspace(0, covered - 1, _LOOKED_AT).astype(np.int64)
    return zlib.crc32(np.ascontiguousarray(rows[at]).tobytes())


def _is_unused(path: Path) -> bool:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > UNUSED
    return False
