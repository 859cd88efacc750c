"""A catalogue filled from the parts of a run: what a cluster has read needs no reading here.

A photo is taken over where its file is the one that the run saw, by its size and its mtime; of
photos in an object store, which are not looked at, what the run saw is noted. All else is left to
whoever reads photos.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from glob import has_magic
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.catalogue import places
from zsl_cli.photos.catalogue.met_folder import MetFolder
from zsl_cli.photos.cluster import parts, runs
from zsl_cli.photos.cluster.runs import RunError
from zsl_cli.photos.cluster.store import StoreError
from zsl_cli.photos.photo import Stamp, checksum_of
from zsl_cli.support.addresses import is_address
from zsl_cli.support.vectors import have_unit_length
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.embedding.walk import Walk
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.photos.catalogue.identity import Encoder
    from zsl_cli.photos.cluster.parts import PartPhoto
    from zsl_cli.photos.cluster.runs import Run
    from zsl_cli.photos.cluster.stores import Store
    from zsl_cli.photos.reporter import Reporter
    from zsl_cli.photos.result import Filled

_SYNCED = 64  # parts
_AT_ONCE = 8  # parts that are read; a store takes long to answer, and many requests
_FOLDERS = 64  # that are held at once
_LISTS = (".parquet", ".pq", ".jsonl", ".ndjson", ".tar", ".tgz", ".gz")
"""What the names of lists of photos, and of archives, end in."""
_ESCAPED = re.compile(r"\\u(dc[89a-f][0-9a-f])")


@dataclass(frozen=True)
class Root:
    """A folder, or an address, below which photos count. names: as it was given, and with all links
    followed."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, source: str) -> "Root":
        """That of a source."""
        return cls((places.full(source),) if is_address(source) else
                   (os.path.abspath(source), os.path.realpath(source)))

    def inside(self, path: str) -> str | None:
        """The way from here to a path; None for one that lies elsewhere."""
        return next((path[len(os.path.join(name, "")):] for name in self.names
                     if places.is_within(path, name)), None)


@dataclass(frozen=True)
class Parts:
    """The parts of a run that a catalogue can be filled from. Raises StoreError, RunError.

    names: in the order of the source, if the run has ended, else sorted.
    roots: folders, or addresses, below which photos count; all do if there are none.
    """

    store: "Store"
    run: "Run"
    names: tuple[str, ...]
    has_ended: bool
    roots: tuple[str, ...] = ()

    @classmethod
    def of(cls, store: "Store", encoder: "Encoder") -> "Parts":
        """Those in a store; raises RunError where there are none with embeddings of this
        encoder."""
        store.check()
        run = runs.read_run(store)
        if run is None:
            raise RunError(f"{store.address}: no {runs.RUN} there, so that it is not what zsl "
                           "label has written on a cluster; give the folder that was its output")
        if not run.embeddings:
            raise RunError(f"{store.address} has labels and no embeddings; label the photos again "
                           "with `embeddings`, or index them without it")
        if run.encoder != encoder.digest:
            other = (f"another version of model {run.model!r}" if run.model == encoder.model else
                     f"model {run.model!r}, not {encoder.model!r}")
            raise RunError(f"{store.address} was made by {other}; give that one as `model`, or "
                           "label the photos again with this one")
        manifest = runs.read_manifest(store)
        there = parts.finished(store)
        noted = [part.name for part in manifest.parts] if (
            manifest is not None and manifest.run == run.digest) else []
        # A run that goes on, since photos came, has parts already that nobody has noted.
        has_ended = bool(noted) and there.keys() <= set(noted)
        names = noted if has_ended else sorted(there)
        if not names:
            raise RunError(f"{store.address}: no part is there yet; wait until some are")
        return cls(store, run, tuple(names), has_ended)

    def among(self, sources: Sequence[str]) -> "Parts":
        """The same for these folders or addresses, by default for what the run was given. Raises
        RequestError for what is none, or is not there."""
        for source in sources:
            if not is_address(source) and not os.path.isdir(source):
                what = "is no folder" if os.path.exists(source) else "there is no such folder"
                raise RequestError(f"{source}: {what}; `from_run` is for folders, or addresses of "
                                   "an object store")
        if sources:
            return replace(self, roots=tuple(sources))
        given = [self._full(source) for source in self.run.sources]
        if len(given) != 1 or has_magic(given[0]) or (
                os.path.splitext(given[0])[1].lower() in _LISTS):
            return self
        if not is_address(given[0]) and not os.path.isdir(given[0]):
            raise RequestError(f"{self.store.address} is of the photos in {given[0]}, which is not "
                               "here; name the folder that has them in `sources`")
        return replace(self, roots=(given[0],))

    def _full(self, path: str) -> str:
        return path if is_address(path) else os.path.normpath(os.path.join(self.run.folder, path))

    def placed(self, path: str, roots: "Sequence[Root]") -> str | None:
        """Where the photo of this path is: below one of these roots, anywhere if there are none;
        None for one that is elsewhere.

        A root may be a copy of the run's source, or be what that is called here: the way from the
        one to the photo is that from the other.
        """
        found = self._full(path)
        if not roots or any(root.inside(found) is not None for root in roots):
            return found
        if len(roots) == len(self.run.sources) == 1:
            root, source = roots[0].names[-1], _plain(self._full(self.run.sources[0]))
            if places.is_within(found, source) and not places.is_within(root, source):
                inside = found[len(os.path.join(source, "")):]
                full = f"{root}/{inside}" if is_address(root) else os.path.normpath(
                    os.path.join(root, inside))
                return full if places.is_within(full, root) else None
        return None


def _plain(source: str) -> str:
    """The folder that a source with a pattern in it starts from."""
    while has_magic(source):
        source = os.path.dirname(source)
    return source.rstrip("/")


def fill(catalogue: "Catalogue", of: Parts, reporter: "Reporter", *,
         check_content: bool = False,
         walk: "Walk | None" = None) -> "Filled":
    """Note in a catalogue, open for writing, what a run knows of photos; what the catalogue knows
    itself, and what has changed since, stays as it is.

    check_content: to compare what is in the files, instead of their mtimes.
    walk: which photos of a folder count; all do without.

    A part that is damaged is told of and passed over. Raises ZslError where no photo of the run
    lies below the roots, and where the store can't be read.
    """
    filling = _Filling(catalogue, of, check_content, walk)
    reporter.start("taking over embeddings", len(of.names), "parts")
    for number, part in enumerate(_read(of), start=1):
        if isinstance(part, ZslError):
            filling.counts["damaged"] += 1
            reporter.left_out(str(part))
        else:
            filling.add(part)
        if number % _SYNCED == 0:
            catalogue.sync()
        reporter.advance(1)
    filled = filling.result()
    if filled.elsewhere and not (filled.taken or filled.known or filled.changed or filled.missing):
        raise ZslError(
            f"none of the {counted(filled.elsewhere, 'photo')} in {of.store.address} lies below "
            f"{' or '.join(of.roots)} (the first is {filling.first}); name the folder or address "
            "that has what the run was given")
    return filled


def _read(of: Parts) -> "Iterator[list[PartPhoto] | ZslError]":
    """The photos of each part, or why it can't be read; some are on their way while others are
    noted. Raises StoreError where the store can't be read."""

    def read(name: str) -> "list[PartPhoto] | ZslError":
        try:
            return list(parts.photos_of(of.store, name, of.run))
        except RunError as error:
            return error
        except StoreError as error:
            if error.kind != "missing":
                raise
            return error

    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="zsl-parts")
    try:
        names = iter(of.names)
        window = deque(pool.submit(read, name) for name in islice(names, 2 * _AT_ONCE))
        while window:
            yield window.popleft().result()
            window.extend(pool.submit(read, name) for name in islice(names, 1))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Filling:
    def __init__(self, catalogue: "Catalogue", of: Parts, check_content: bool,
                 walk: "Walk | None") -> None:
        self._catalogue, self._of, self._db = catalogue, of, catalogue.db
        self._check_content, self._walk = check_content, walk
        self._roots = [Root.of(root) for root in of.roots]
        self._last_id, = self._db.execute("SELECT coalesce(max(id), 0) FROM photos").fetchone()
        self._folder = lru_cache(_FOLDERS)(self._met)
        self.counts: Counter[str] = Counter()
        self.first = ""

    def result(self) -> "Filled":
        """What came of it."""
        from zsl_cli.photos.result import Filled

        return Filled(**self.counts, has_ended=self._of.has_ended)

    def add(self, photos: "Sequence[PartPhoto]") -> None:
        """Note those of a part, all of them or none."""
        embedded = [photo for photo in photos if photo.seen is not None]
        sound = have_unit_length(np.array([one.seen.embedding for one in embedded if one.seen]
                                         or np.empty((0, 1)), np.float32))
        are_sound = {id(photo) for photo, is_sound in zip(embedded, sound, strict=True) if is_sound}
        with self._catalogue.transaction():
            for photo in photos:
                if photo.seen is None:
                    self.counts["failed"] += 1
                elif id(photo) not in are_sound:
                    self.counts["unsound"] += 1
                else:
                    self.counts[self._add(photo)] += 1

    def _add(self, photo: "PartPhoto") -> str:
        """Note one; what became of it."""
        assert photo.seen is not None
        became = "elsewhere"
        for path in _spellings(photo.path):
            place = self._of.placed(path, self._roots)
            if place is None or not self._counts(place):
                self.first = self.first or photo.path
            elif (stamp := self._stamp(photo, place)) is None:
                became = "missing"
            else:
                return self._note(photo, place, stamp)
        return became

    def _counts(self, place: str) -> bool:
        """Whether it is what was chosen below its root; a folder's photos are told by their
        names."""
        inside = next((one for root in self._roots if (one := root.inside(place)) is not None),
                      None)
        if self._walk is None or inside is None:
            return True
        return (self._walk.chooses if is_address(place) else self._walk.counts)(inside)

    def _stamp(self, photo: "PartPhoto", place: str) -> Stamp | None:
        """What the file looks like; None where there is none."""
        if is_address(place):
            return Stamp(photo.size or 0, (photo.mtime or 0) * 1000, 0)
        try:
            return Stamp.of(os.stat(place))
        except (OSError, ValueError):
            return None

    def _note(self, photo: "PartPhoto", place: str, stamp: Stamp) -> str:
        folder = self._folder(os.path.dirname(place))
        name = os.path.basename(place)
        known = folder.known(name)
        if known is not None:
            _, size, mtime, _, _, slot, _, todo, gone, _ = known
            if (slot is not None and not todo and gone is None
                    and (size, mtime) == (stamp.size, stamp.mtime)):
                return "known"
        if not self._is_same(photo, place, stamp):
            return "changed"
        if known is None:
            self._last_id += 1
        seen = photo.seen
        assert seen is not None
        self._catalogue.insert(
            self._last_id if known is None else known[0], folder.id, os.fsencode(name),
            (stamp.size, stamp.mtime, stamp.ctime, seen.crc), seen.embedding,
            (seen.capture.taken, seen.capture.latitude, seen.capture.longitude))
        return "taken"

    def _is_same(self, photo: "PartPhoto", place: str, stamp: Stamp) -> bool:
        """Whether a file is what the run has read."""
        if is_address(place):
            return True
        if stamp.size != photo.size or photo.seen is None or photo.seen.crc is None:
            return False
        if self._check_content:
            return checksum_of(place) == photo.seen.crc
        return photo.mtime is not None and abs(stamp.mtime - photo.mtime * 1000) <= 1000

    def _met(self, folder: str) -> MetFolder:
        return MetFolder(self._catalogue, places.full(folder), (), whole=False)


def _spellings(path: str) -> Iterator[str]:
    """A path as a part has it, and with bytes that are no text where that has escapes."""
    yield path
    if _ESCAPED.search(path):
        yield _ESCAPED.sub(lambda match: chr(int(match[1], 16)), path)
