"""Photos that are no files of this machine: of a store, or bytes that somebody else has read."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.errors import ImageError
from zsl_cli.photos.cluster.stores import StoreError
from zsl_cli.photos.photo import Photo, Stamp
from zsl_cli.support.limits import MAX_PIXELS

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.fetching import Fetching
    from zsl_cli.photos.cluster.stores import Store

WHOLE = 1 << 28
"""Bytes of a file that is fetched at once; of a larger one only what its decoder asks for, which is
little where that refuses it."""


class LentPhoto(Photo):
    """A photo whose size and mtime somebody else says; ``mtime`` in nanoseconds, if there is
    one."""

    def __init__(self, path: str, size: int, mtime: int | None, *,
                 max_pixels: int = MAX_PIXELS) -> None:
        super().__init__(path, 0, max_pixels=max_pixels)
        self.size, self.mtime = size, mtime

    def _look_at(self, file: BinaryIO) -> Stamp:  # noqa: ARG002
        return Stamp(self.size, self.mtime or 0, 0)


class BytesPhoto(LentPhoto):
    """A photo of which these are the bytes."""

    def __init__(self, path: str, data: bytes, mtime: int | None = None, *,
                 max_pixels: int = MAX_PIXELS) -> None:
        super().__init__(path, len(data), mtime, max_pixels=max_pixels)
        self._data = data

    def _open(self) -> AbstractContextManager[BinaryIO]:
        return io.BytesIO(self._data)


class StoredPhoto(LentPhoto):
    """A photo in a store.

    size, mtime: as its listing has them, None where nobody has looked yet.
    fetching: what fetches it, perhaps before it is opened.
    listed: the size in the listing.
    """

    def __init__(self, store: "Store", name: str, size: int | None = None,
                 mtime: int | None = None, *, max_pixels: int = MAX_PIXELS,
                 fetching: "Fetching | None" = None) -> None:
        super().__init__(store.full(name), size or 0, mtime, max_pixels=max_pixels)
        self.listed = size
        self._store, self._name, self._is_known = store, name, size is not None
        self._fetching = fetching

    def fetch(self) -> bytes | None:
        """Its bytes, or None for a photo that is too large for being fetched at once.

        Raises ImageError for what is wrong with this photo, and StoreError for a store that can't
        be read at all, since its photos are not to blame.
        """
        try:
            if not self._is_known:
                if (known := self._store.look(self._name)) is None:
                    raise ImageError("no such file", "missing")
                self.size, self.mtime, self._is_known = known.size, known.mtime, True
            if self.size > WHOLE:
                return None
            data = self._store.read(self._name, most=WHOLE)
            self.size = len(data)
            return data
        except StoreError as error:
            raise self._blamed(error) from error

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        """Raises what ``fetch`` does."""
        with self._fetching.fetched(self) if self._fetching else nullcontext(
                self.fetch()) as data:
            if data is not None:
                yield io.BytesIO(data)
                return
        try:
            with self._store.open(self._name) as file:
                yield io.BufferedReader(file)  # type: ignore[type-var]
        except StoreError as error:
            raise self._blamed(error) from error

    def _blamed(self, error: StoreError) -> ImageError:
        if error.kind == "missing":
            self._store.check()  # that of one file, or of all
            return ImageError("no such file", "missing")
        if error.kind == "permission":
            self._store.check()
            return ImageError("no permission to read it", "permission")
        if error.kind == "limit":
            return ImageError(str(error), "limit")
        raise error
