"""Chunks: some photos of a source, by reference, that are labelled together and become one part.

A chunk says where photos lie and never has their bytes, so that a list of all of them is small. It
is called after all that its photos are told apart by: the same photos in the same order have the
same name, on any machine and in any run, and one that changed makes another.
"""

import hashlib
import json
import os
import pickle
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from zsl_cli.errors import ImageError
from zsl_cli.photos.cluster.fetching import Fetching
from zsl_cli.photos.cluster.stored_photo import StoredPhoto
from zsl_cli.photos.photo import Photo

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.stores import Store

PHOTOS = 256
"""Of a chunk, about: work for a second or two, so that little is lost with a worker, and enough
that a part and what it costs to hand it out hardly count."""

Located = tuple[str, "Photo | ImageError"]
"""A photo by the path that its record has, or why there is none."""


@dataclass(frozen=True)
class Found:
    """A file that was found.

    name: below the folder or the store of its Files. size in bytes and mtime in nanoseconds, as far
    as they are known before it is opened. error: why it can't be read, if that is known already.
    """

    name: str
    size: int | None = None
    mtime: int | None = None
    error: ImageError | None = None

    def identity(self) -> list[Any]:
        """What tells it from any other, and from itself when it has changed."""
        kind = self.error.kind if self.error else None
        return [self.name, self.size, self.mtime, kind]


class Photos(Protocol):
    """What a chunk refers to."""

    def identity(self) -> list[Any]:
        """What tells them from any others, as JSON takes it."""

    def located(self, max_pixels: int) -> Iterator[Located]:
        """The photos, in order. Raises StoreError where none can be had for now."""

    def __len__(self) -> int:
        """How many there are; 0 where that is known only when they are read."""


@dataclass(frozen=True)
class Files:
    """Files of this machine, or one that has the same folders.

    folder: absolute; names that are relative begin there.
    """

    folder: str
    found: tuple[Found, ...]

    def __len__(self) -> int:
        return len(self.found)

    def identity(self) -> list[Any]:
        """See Photos."""
        return ["files", self.folder, *(one.identity() for one in self.found)]

    def located(self, max_pixels: int) -> Iterator[Located]:
        """See Photos."""
        for one in self.found:
            place = os.path.join(self.folder, one.name)
            yield one.name, one.error or Photo(place, 0, max_pixels=max_pixels)


@dataclass(frozen=True)
class Objects:
    """Files of a store."""

    store: "Store"
    found: tuple[Found, ...]

    def __len__(self) -> int:
        return len(self.found)

    def identity(self) -> list[Any]:
        """See Photos."""
        return ["objects", self.store.address, *(one.identity() for one in self.found)]

    def located(self, max_pixels: int) -> Iterator[Located]:
        """See Photos."""
        fetching = Fetching()
        try:
            for one in self.found:
                photo = one.error or StoredPhoto(self.store, one.name, one.size, one.mtime,
                                                 max_pixels=max_pixels, fetching=fetching)
                if isinstance(photo, StoredPhoto):
                    fetching.put(photo)
                yield self.store.full(one.name), photo
        except BaseException:
            fetching.stop()
            raise
        fetching.close()  # the last ones are still to be opened


@dataclass(frozen=True)
class Chunk:
    """Photos, packed: some bytes of a name each.

    part: what the part is called that they become. photos: how many, 0 if that is not known yet.
    """

    part: str
    photos: int
    packed: bytes

    @classmethod
    def of(cls, photos: Photos) -> "Chunk":
        """The chunk that refers to these."""
        text = json.dumps(photos.identity(), separators=(",", ":"))  # ASCII, whatever names hold
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(f"part-{digest[:32]}.parquet", len(photos),
                   zlib.compress(pickle.dumps(photos, pickle.HIGHEST_PROTOCOL), 1))

    def unpacked(self) -> Photos:
        """What ``of`` was given. Only for chunks of this run: whoever may write one runs code."""
        photos: Photos = pickle.loads(zlib.decompress(self.packed))
        return photos


def grouped(found: "Iterator[Found]", size: int) -> Iterator[tuple[Found, ...]]:
    """So many at a time."""
    group: list[Found] = []
    for one in found:
        group.append(one)
        if len(group) == size:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def photos_in(chunks: Sequence[Chunk]) -> int:
    """How many photos there are in all, as far as that is known."""
    return sum(chunk.photos for chunk in chunks)
