"""A photo on disk: what tells whether it has changed, and how it is read for labelling."""

import io
import os
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from zsl_cli.embedding import images
from zsl_cli.errors import ImageError
from zsl_cli.photos import capture
from zsl_cli.photos.capture import Capture
from zsl_cli.support.limits import MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.embedding.model import Model

_CHUNK = 1 << 20
_FAR = (1 << 63) - 1
_NO_PHOTO = 1 << 28  # bytes; what is larger and can't be decoded is not read to its end
_TRIES = 2
_THUMBNAIL = 144  # pixels; twice that would be sharper, and four times as heavy


@dataclass(frozen=True)
class Stamp:
    """What a file looked like: ``size`` in bytes, ``mtime`` and ``ctime`` in nanoseconds.

    ctime moves with every write and can't be set back, so that a file that was changed and given
    its old mtime is noticed too (not on Windows, where it is the time of creation).
    """

    size: int
    mtime: int
    ctime: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """The stamp in a file's status."""
        return cls(status.st_size, _in_range(status.st_mtime_ns), _in_range(status.st_ctime_ns))


def _in_range(nanoseconds: int) -> int:
    """Damaged times, centuries away, as the last one that 64 bits can hold."""
    return max(-_FAR, min(nanoseconds, _FAR))


def checksum(file: BinaryIO, size: int | None = None) -> int:
    """The CRC-32 of a file from where it stands, to where it ends now: one that grows has no end.
    With the size, it tells whether a touched file is still the same; against somebody who wants to
    deceive it does not help.

    size: in bytes, of a file that the system does not know.
    """
    end = os.fstat(file.fileno()).st_size if size is None else size
    crc, left = 0, end - file.tell()
    while left > 0 and (chunk := file.read(min(left, _CHUNK))):
        crc = zlib.crc32(chunk, crc)
        left -= len(chunk)
    return crc


def checksum_of(path: str) -> int | None:
    """The CRC-32 of a file, None if it can't be read."""
    try:
        with images.open_file(path) as file:
            return checksum(file)
    except (ImageError, OSError):
        return None


class Photo:
    """One photo to be labelled. ``read`` fills in what was found on the way.

    stamp, crc: of the bytes that were decoded; None where there was nothing to read.
    capture: when and where it was taken.
    thumbnail: a small JPEG of what the model sees, if it was asked for.
    """

    def __init__(self, path: str, row: int, *, max_pixels: int = MAX_PIXELS,
                 with_thumbnail: bool = False) -> None:
        self.path = path
        self.row = row
        self.stamp: Stamp | None = None
        self.crc: int | None = None
        self.capture = Capture()
        self.thumbnail: bytes | None = None
        self._max_pixels = max_pixels
        self._with_thumbnail = with_thumbnail

    def read(self, model: "Model") -> "NDArray[np.uint8]":
        """The pixels as the model takes them; raises ImageError.

        A file that changes meanwhile is read again, once.
        """
        for _ in range(_TRIES):
            self.stamp = self.crc = None
            with self._open() as file:
                stamp = self._look_at(file)
                pixels: NDArray[np.uint8] | ImageError
                crc = None
                try:
                    try:
                        pixels = model.read(file, max_pixels=self._max_pixels)
                    except ImageError as error:
                        pixels = error
                    if not isinstance(pixels, ImageError) or stamp.size <= _NO_PHOTO:
                        file.seek(0)
                        crc = checksum(file, stamp.size)
                        file.seek(0)
                        self.capture = capture.read(file)
                except OSError as error:  # a disk or a network that fails
                    raise ImageError(f"cannot read it: {error.strerror or error}",
                                     "file") from error
                if self._look_at(file) == stamp:
                    break
        else:
            raise ImageError("it changed while it was being read; run the command again",
                             "changed")
        self.stamp, self.crc = stamp, crc
        if isinstance(pixels, ImageError):
            raise pixels
        if self._with_thumbnail:
            self.thumbnail = _thumbnail(pixels, model.preprocessing.layout)
        return pixels

    def _open(self) -> AbstractContextManager[BinaryIO]:
        """The file; raises ImageError."""
        return images.open_file(self.path)

    def _look_at(self, file: BinaryIO) -> Stamp:
        """What the open file looks like now."""
        return Stamp.of(os.fstat(file.fileno()))


def _thumbnail(pixels: "NDArray[np.uint8]", layout: str) -> bytes:
    image = Image.fromarray(pixels if layout == "NHWC" else pixels.transpose(1, 2, 0).copy())
    side = min(_THUMBNAIL, image.width)
    file = io.BytesIO()
    image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=2).save(
        file, "JPEG", quality=60)
    return file.getvalue()
