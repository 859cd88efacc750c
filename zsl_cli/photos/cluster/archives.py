"""Tar files, such as WebDataset's shards, whose images are read where they lie.

An archive of this machine is looked through once, so that its pieces can be labelled side by side.
One that is compressed, or in a store, where each look is a request, is read from its start to its
end by one worker: such data come in many archives.
"""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from tarfile import ReadError
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from zsl_cli.embedding.walk import Walk
from zsl_cli.errors import ImageError
from zsl_cli.photos.cluster.chunks import Located
from zsl_cli.photos.cluster.stored_photo import WHOLE, BytesPhoto
from zsl_cli.photos.cluster.stores import StoreError
from zsl_cli.support.wording import reason

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.stores import Store, Stored

PLAIN = (".tar",)
COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SUFFIXES = (*PLAIN, *COMPRESSED)
"""What archives are called."""

_BUFFER = 1 << 23  # bytes that are fetched at once
_BROKEN = (tarfile.TruncatedHeaderError, tarfile.InvalidHeaderError)  # type: ignore[attr-defined]


class _Header(tarfile.TarInfo):
    """A header that is damaged, or not whole, is told of; ``tarfile`` takes it for the end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """See tarfile.TarInfo."""
        try:
            return super().fromtarfile(tarfile)
        except _BROKEN as error:
            raise ReadError(str(error)) from error


@dataclass(frozen=True)
class Members:
    """Images of an archive, in its order.

    store: the archive itself. path: as it was given; size, mtime: of the archive, by which it is
    told from what it becomes. walk: which members count. start: the offset of the first; number:
    how many, 0 for all.
    """

    store: "Store"
    path: str
    size: int
    mtime: int | None
    walk: Walk
    start: int = 0
    number: int = 0

    def __len__(self) -> int:
        return self.number

    def identity(self) -> list[Any]:
        """See Photos."""
        return ["members", self.store.full(""), self.path, self.size, self.mtime, self.start,
                self.number, self.walk.include, self.walk.exclude, self.walk.hidden]

    def located(self, max_pixels: int) -> Iterator[Located]:
        """See Photos."""
        number = 0
        with self.store.open() as file:
            try:
                for archive, member in self._members(file):
                    yield self._located(archive, member, max_pixels)
                    number += 1
                    if number == self.number:
                        return
            except _DAMAGED as error:
                yield self.path, _damaged(number, error)
                return
        if not number:
            yield self.path, ImageError("no images in this archive", "empty")

    def _members(self, file: BinaryIO) -> "Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]":
        if self.number:
            file.seek(self.start)
            archive = tarfile.open(fileobj=file, mode="r:", tarinfo=_Header)  # noqa: SIM115
        else:
            raw: Any = file
            archive = tarfile.open(  # noqa: SIM115
                fileobj=io.BufferedReader(raw, _BUFFER), mode="r|*", tarinfo=_Header)
        with archive:
            for member in archive:
                if member.isreg() and self.walk.counts(name_of(member)):
                    yield archive, member

    def _located(self, archive: tarfile.TarFile, member: tarfile.TarInfo,
                 max_pixels: int) -> Located:
        path = f"{self.path}/{name_of(member)}"
        if member.size > WHOLE:
            return path, ImageError(f"{member.size:,} bytes, more than the {WHOLE:,} that a "
                                    "picture in an archive may have", "limit")
        content = archive.extractfile(member)
        data = b"" if content is None else content.read()
        return path, BytesPhoto(path, data, int(member.mtime) * 10**9, max_pixels=max_pixels)


def members(store: "Store", stored: "Stored", path: str, walk: Walk,
            most: int) -> "Iterator[Members | ImageError]":
    """The pieces of an archive, of up to so many images; an error for what is damaged. Raises
    StoreError.

    store: the archive itself; stored: what is known of it; path: as it was given.
    """
    chosen = Walk(walk.include, walk.exclude, walk.hidden)  # without what it has counted
    whole = Members(store, path, stored.size, stored.mtime, chosen)
    if not store.is_local or not path.lower().endswith(PLAIN):
        yield whole
        return
    number = images = start = 0

    def piece() -> Members:
        return Members(store, path, stored.size, stored.mtime, chosen, start, number)

    with store.open() as file:
        try:
            with tarfile.open(fileobj=file, mode="r:", tarinfo=_Header) as archive:
                for member in archive:
                    archive.members.clear()  # type: ignore[attr-defined]  # else all are kept
                    if not (member.isreg() and walk.counts(name_of(member))):
                        continue
                    if number == most:
                        yield piece()
                        number = 0
                    start = start if number else member.offset
                    number += 1
                    images += 1
        except _DAMAGED as error:
            yield _damaged(images, error)
    if number:
        yield piece()
    elif not images:
        yield ImageError("no images in this archive", "empty")


_DAMAGED = (tarfile.TarError, EOFError, OSError, ValueError)


def _damaged(number: int, error: Exception) -> ImageError:
    if isinstance(error, StoreError):
        raise error
    return ImageError(f"a damaged archive: behind {number:,} images nothing can be read "
                      f"({reason(error)})", "file")


def name_of(member: tarfile.TarInfo) -> str:
    """The name of a member as records have it."""
    return member.name.removeprefix("./")
