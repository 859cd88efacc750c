"""Reading from files that may be damaged, or made to deceive: so much and no more."""

import errno
import os
import struct
import zlib
from typing import BinaryIO

from zsl_cli.errors import ImageError

_STEP = 100  # what a step costs at least, of the bytes that may be read

DAMAGE = (ImageError, struct.error, zlib.error, ValueError, IndexError, OverflowError)
"""What reading and taking apart the metadata of a damaged photo raises."""


class Reader:
    """A seekable file of which at most ``most`` bytes are read, and in few enough steps.

    All methods raise ImageError where the file ends before what is asked for, or where that is
    more than may be read, and OSError.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.most = most
        self._left = most
        self._file = file

    def some(self, size: int) -> bytes:
        """The next bytes, fewer at the end of the file."""
        self._left -= size if size > _STEP else _STEP
        if self._left < 0:
            raise self._too_much()
        return self._file.read(size)

    def take(self, size: int) -> bytes:
        """The next bytes, all of them."""
        data = self.some(size)
        if len(data) < size:
            raise _cut_off()
        return data

    def skip(self, size: int) -> None:
        """Go on behind the next bytes; fewer than none is back."""
        self._left -= _STEP
        self._seek(size, os.SEEK_CUR)

    def seek(self, at: int) -> None:
        """Go to a place in the file."""
        self._seek(at, os.SEEK_SET)

    def inflated(self, data: bytes) -> bytes:
        """What was compressed by zlib; what a few bytes grow to counts as read."""
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(data, self._left + 1)
        self._left -= len(plain)
        if self._left < 0:
            raise self._too_much()
        return plain

    def _seek(self, at: int, whence: int) -> None:
        try:
            self._file.seek(at, whence)
        except OverflowError:
            raise _cut_off() from None
        except OSError as reason:  # a place where no file system could have a byte
            if reason.errno != errno.EINVAL:
                raise
            raise _cut_off() from None

    def _too_much(self) -> ImageError:
        return ImageError(f"its metadata exceeds the limit of {self.most:,} bytes")


def _cut_off() -> ImageError:
    return ImageError("its metadata is cut off")
