"""What is to be labelled → chunks, in a stable order: folders, patterns, lists and photos as on one
machine, addresses in object stores, manifests and tar files."""

import glob
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zsl_cli.embedding.patterns import any_of, composed
from zsl_cli.errors import ImageError, RequestError, ZslError
from zsl_cli.photos.cluster import archives, manifests
from zsl_cli.photos.cluster.chunks import Chunk, Files, Found, Objects
from zsl_cli.photos.cluster.stores import Stored, StoreError, is_address, store_at
from zsl_cli.support.wording import more

if TYPE_CHECKING:
    from zsl_cli.embedding.walk import Walk
    from zsl_cli.photos.cluster.manifests import Lines, Rows
    from zsl_cli.photos.cluster.request import ClusterRequest
    from zsl_cli.photos.cluster.stores import Store

_SAMPLE = 3
"""Files of this machine that every node is asked for."""

Met = Callable[[int], None]
"""Told how many more photos were met."""


@dataclass
class Listing:
    """What was found.

    chunks: all of it. sample: some files of this machine, absolute. unreadable: folders that can't
    be looked into. not_text: see LabelResult.
    """

    chunks: list[Chunk] = field(default_factory=list)
    sample: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    not_text: int = 0

    @property
    def photos(self) -> int | None:
        """How many photos there are; None where that is known only in the end."""
        if any(not chunk.photos for chunk in self.chunks):
            return None
        return sum(chunk.photos for chunk in self.chunks)


def listed(request: "ClusterRequest", walk: "Walk", most: int, met: Met) -> Listing:
    """All that a request means, in chunks of up to so many photos.

    Sources are what they are on one machine; besides, an address stands for the images below it, or
    with ``*`` for the files that match, and a file whose name ends as those of manifests and
    archives do for what is in it.

    Raises RequestError for what can't be meant, StoreError for a store that can't be read, and
    ZslError where there is nothing.
    """
    return _Lister(request, walk, most, met).all()


class _Lister:
    def __init__(self, request: "ClusterRequest", walk: "Walk", most: int, met: Met) -> None:
        self._request, self._walk, self._most, self._met = request, walk, most, met
        self._folder = request.folder
        self._listing = Listing()
        self._files: list[Found] = []
        self._objects: dict[str, tuple[Store, list[Found]]] = {}  # by the store's address
        self._buckets: dict[str, Store] = {}
        self._folders: dict[str, str] = {}  # as it was met, and in full
        self._seen: set[int] | None = None
        self._good = 0
        self._last = ""

    def all(self) -> Listing:
        request, walk = self._request, self._walk
        if len(request.arguments) > 1 or request.files_from is not None:
            self._seen = set()
        for argument in request.arguments:
            if is_address(argument):
                self._address(argument)
            else:
                for path, error in walk.expand([argument]):
                    self._local(path, error)
        for path, error in walk.expand(request.listed(), patterns=False):
            self._local(path, error)
        self._flush()
        if not self._good:
            errors = len(self._listing.chunks)
            raise ZslError("nothing to read: " + (self._last or "the list is empty")
                           + (f" (and {more(errors - 1)})" if errors > 1 else ""))
        return self._listing

    def _local(self, path: str, error: ImageError | None) -> None:
        """A file of this machine, as the walk has it."""
        name = path.lower()
        if error is None and name.endswith((*manifests.SUFFIXES, *archives.SUFFIXES)):
            store = store_at(os.path.abspath(path))
            stored = store.look()
            if stored is not None:
                self._inside(store, stored, path, os.path.dirname(path))
                return
            error = ImageError("no such file", "missing")
        self._file(path, error)

    def _file(self, path: str, error: ImageError | None = None) -> None:
        if self._seen is not None:
            folder, name = os.path.split(path)
            if folder not in self._folders:
                self._folders[folder] = os.path.realpath(folder)
            if self._is_seen(f"{self._folders[folder]}\0{name}"):
                return
        size = mtime = None
        if error is None:
            self._good += 1
            try:
                status = os.stat(path)
                size, mtime = status.st_size, status.st_mtime_ns
                if len(self._listing.sample) < _SAMPLE:
                    self._listing.sample.append(os.path.abspath(path))
            except (OSError, ValueError):  # whoever reads it says why
                pass
        else:
            self._last = f"{path}: {error}"
            if error.kind != "empty":
                self._listing.unreadable.append(path)
        if not path.isascii():
            self._listing.not_text += path != path.encode("utf-8", "replace").decode()
        self._files.append(Found(path, size, mtime, error))
        self._met(1)
        if len(self._files) == self._most:
            self._put(Files(self._folder, tuple(self._files)))
            self._files = []

    def _is_seen(self, key: str) -> bool:
        assert self._seen is not None
        number = hash(key)  # a text takes ten times as much
        if number in self._seen:
            return True
        self._seen.add(number)
        return False

    def _object(self, store: "Store", one: Found) -> None:
        """A file of a store."""
        if self._seen is not None and self._is_seen(store.full(one.name)):
            return
        if one.error is None:
            self._good += 1
        _, found = self._objects.setdefault(store.address, (store, []))
        found.append(one)
        self._met(1)
        if len(found) == self._most:
            self._put(Objects(store, tuple(found)))
            found.clear()

    def _put(self, photos: "Files | Objects | archives.Members | Rows | Lines") -> None:
        self._listing.chunks.append(Chunk.of(photos))

    def _flush(self) -> None:
        if self._files:
            self._put(Files(self._folder, tuple(self._files)))
        for store, found in self._objects.values():
            if found:
                self._put(Objects(store, tuple(found)))

    def _address(self, address: str) -> None:
        """What an address stands for."""
        scheme, _, rest = address.partition("://")
        if scheme.lower() == "file":
            store = store_at(address)
            for path, error in self._walk.expand([store.full("")]):
                self._local(path, error)
            return
        fixed, pattern = _split(rest)
        store = store_at(f"{scheme}://{fixed}")
        store.check()
        if not pattern and (stored := store.look()) is not None:  # a file
            self._stored(store, stored, at=store)
            return
        number = 0
        matches = any_of([f"/{pattern}"]) if pattern else None
        for stored in store.files():
            if matches.fullmatch(composed(stored.name)) if matches else (
                    self._walk.counts(stored.name)):
                number += 1
                self._stored(store, stored)
        if not number:
            what = "no file matches this pattern" if pattern else "no images below this address"
            self._object(store, Found("", error=ImageError(what, "empty")))
            self._last = f"{address}: {what}"

    def _stored(self, store: "Store", stored: Stored, at: "Store | None" = None) -> None:
        """A file of a store; ``at``: the store that it is itself."""
        path = store.full(stored.name)
        if path.lower().endswith((*manifests.SUFFIXES, *archives.SUFFIXES)):
            self._inside(at or store_at(path), stored, path, path.rpartition("/")[0])
        elif at is not None:
            above, _, name = path.rpartition("/")
            self._object(store_at(above), Found(name, stored.size, stored.mtime))
        else:
            self._object(store, Found(stored.name, stored.size, stored.mtime))

    def _inside(self, store: "Store", stored: Stored, path: str, folder: str) -> None:
        """What is in a manifest or an archive. folder: what it lies in."""
        if path.lower().endswith(archives.SUFFIXES):
            for piece in archives.members(store, stored, path, self._walk, self._most):
                if isinstance(piece, ImageError):
                    self._file(path, piece)
                else:
                    self._good += 1
                    self._met(len(piece))
                    self._put(piece)
            return
        if self._seen is None:
            self._seen = set()
        for row in manifests.rows(store, stored, path, self._request.column, self._most):
            if isinstance(row, str):
                self._row(row, folder)
            elif isinstance(row, ImageError):
                place, _, message = str(row).partition(": ")
                self._file(place, ImageError(message, row.kind))
            else:
                self._good += 1
                self._met(len(row))
                self._put(row)

    def _row(self, path: str, folder: str) -> None:
        """A path of a manifest."""
        full = path if is_address(path) or os.path.isabs(path) else os.path.join(folder, path)
        if not is_address(full):
            self._file(full)
            return
        try:
            scheme, _, rest = full.partition("://")
            bucket, _, key = rest.partition("/")
            if scheme.lower() == "file":
                self._file(store_at(full).full(""))
                return
            if not key or any(part in ("", ".", "..") for part in key.split("/")):
                raise RequestError("no address of a file")
            address = f"{scheme}://{bucket}"
            if address not in self._buckets:
                self._buckets[address] = store_at(address)
            self._object(self._buckets[address], Found(key))
        except StoreError:
            raise
        except ZslError as error:
            self._file(full, ImageError(str(error), "missing"))


def _split(rest: str) -> tuple[str, str]:
    """What stands behind the scheme: up to the first folder with a ``*``, and from there on."""
    parts = rest.split("/")
    at = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    if at == 0:
        raise RequestError(f"{re.split('/', rest)[0]}: the name of a bucket has no *")
    return "/".join(parts[:at]), "/".join(parts[at:])
