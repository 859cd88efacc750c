"""JPEG files that are good but for something beside the picture: ISO/IEC 10918-1, annex B."""

import io
import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

END = b"\xff\xd9"
"""The last marker of a file, of JPEG 2000 as well."""

_SCAN, _EXIF = 0xDA, 0xE1
_FOR_PEOPLE = {*range(0xE3, 0xEE), 0xEF, 0xFE}
"""Segments that say nothing of the pixels: of programs, and comments."""

_SEGMENTS = 500
"""A file with more before its picture is read without what says nothing of it: Pillow joins some
kinds one by one, each time copying all that it has."""

_FILLING = 1000
"""Bytes between two segments; as many as one likes are allowed."""

_SCANS = 1000
"""A picture in more scans is refused; ten are usual, and each is a walk over all of its blocks."""

_SCANNED_PIXELS = 1 << 33  # those of all scans together: some ten seconds
_MARKER = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")  # RST and a stuffed nought are data
_CHUNK = 1 << 16


def check_scans(file: BinaryIO, size: tuple[int, int]) -> None:
    """Raise ImageError for a picture that comes in so many parts, of a few bytes each, that it
    would take minutes to decode. The file is at its start afterwards."""
    most = min(_SCANS, _SCANNED_PIXELS // max(1, size[0] * size[1]))
    at = max((start + size for _, start, size in _segments(file)), default=2)
    scans = 0
    while scans <= most:
        file.seek(at)
        chunk = file.read(_CHUNK)
        found = _MARKER.search(chunk)
        if not found:
            if len(chunk) < _CHUNK:
                break
            at += len(chunk) - 1  # the last byte may begin a marker
            continue
        marker = found[0][-1]
        if marker == END[1]:
            break
        scans += marker == _SCAN
        at += found.end()
        file.seek(at)
        at += int.from_bytes(file.read(2), "big")
    file.seek(0)
    if scans > most:
        raise ImageError(f"its picture comes in more than {most:,} scans, which take too long to "
                         "decode; save it anew", "limit")


def without_surplus_segments(file: BinaryIO) -> BinaryIO:
    """The file, at its start; where it has a great many segments, what of it makes the picture."""
    count = sum(1 for _ in _segments(file))
    file.seek(0)
    if count <= _SEGMENTS:
        return file
    kept, exif, picture = [file.read(2)], False, 2
    for marker, start, size in _segments(file):
        picture = start + size
        if marker in _FOR_PEOPLE or (marker == _EXIF and exif):
            continue
        exif = exif or marker == _EXIF
        file.seek(start - 4)
        kept.append(file.read(4 + size))
    file.seek(picture)
    return io.BytesIO(b"".join([*kept, file.read()]))


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """The segments before the picture: marker, where the content begins, its bytes."""
    at = 2
    while True:
        file.seek(at)
        head = file.read(4)
        filling = 0
        while head[:2] == b"\xff\xff" and filling < _FILLING:
            filling += 1
            head = head[1:] + file.read(1)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0, 0xFF, _SCAN, END[1]):
            return
        size = int.from_bytes(head[2:], "big") - 2
        if size < 0:
            return
        yield head[1], at + filling + 4, size
        at += filling + 4 + size


def complete(file: BinaryIO, decode: "Callable[[BinaryIO], Image.Image]") -> "Image.Image":
    """The picture of a file whose end marker is missing, if every pixel is there.

    The decoder makes up what is missing. Whether it did is seen by giving it two different ends:
    where every pixel is there it uses neither. Raises ImageError where one is missing.
    """
    file.seek(0, os.SEEK_END)
    file.seek(0)
    data = file.read().rstrip(b"\xff")
    first, second = (decode(io.BytesIO(data + more + END)) for more in (b"", b"\x55" * 999))
    if first.size != second.size or first.tobytes() != second.tobytes():
        raise ImageError("cannot decode it: the file is truncated")
    return first
