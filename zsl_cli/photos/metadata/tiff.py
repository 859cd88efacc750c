"""Directories of tags: TIFF 6.0, BigTIFF, most raw photos, and Exif (CIPA DC-008)."""

import struct
from collections.abc import Container, Iterator
from typing import NamedTuple

from zsl_cli.photos.metadata.reading import Reader

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFF files and blocks of Exif begin."""

RAW_STARTS = (b"IIU\0", b"IIRO", b"IIRS", b"MMOR")
"""How raw photos begin that are TIFF files but for this: Panasonic's and Olympus'."""

XMP, DATE_TIME, EXIF, GPS = 0x02BC, 0x0132, 0x8769, 0x8825
"""Tags of the first directory; the last two are the places of directories of their own."""

ASCII, SHORT, LONG, RATIONAL, SIGNED_RATIONAL = 2, 3, 4, 5, 10

_MAX_TAGS = 10_000
_SIZES = {1: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, 7: 1, SIGNED_RATIONAL: 8, 13: 4,
          18: 8}
"""Bytes of a value by its type, for the types of the tags that are looked at."""


class Entry(NamedTuple):
    """A tag's entry in a directory: how many values it has, and in ``field`` these, or where they
    lie."""

    tag: int
    type: int
    values: int
    field: bytes


class Tiff:
    """A TIFF file, or a block of Exif.

    order: of its bytes, as ``struct`` has it; first: where its first directory lies.
    Everything raises ImageError for damaged data.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        reader.seek(0)
        start = reader.take(8)
        self.order = "<" if start.startswith(b"II") else ">"
        if start.startswith(STARTS[2:]):  # BigTIFF
            self._pointer, self._number, self._entry = "Q", "Q", "HHQ8s"
            (self.first,) = struct.unpack(self.order + "Q", reader.take(8))
        else:
            self._pointer, self._number, self._entry = "I", "H", "HHI4s"
            (self.first,) = struct.unpack_from(self.order + "I", start, 4)

    def directory(self, at: int, wanted: Container[int]) -> Iterator[Entry]:
        """The entries of some tags in the directory that lies there, of types that are known."""
        self._reader.seek(at)
        number, layout = self.order + self._number, self.order + self._entry
        (count,) = struct.unpack(number, self._reader.take(struct.calcsize(number)))
        data = self._reader.take(min(count, _MAX_TAGS) * struct.calcsize(layout))
        for entry in struct.iter_unpack(layout, data):
            if entry[0] in wanted and entry[1] in _SIZES:
                yield Entry._make(entry)

    def value(self, entry: Entry) -> bytes:
        """The bytes of a tag's value, or values."""
        length = entry.values * _SIZES[entry.type]
        if length <= len(entry.field):
            return entry.field[:length]
        (place,) = struct.unpack(self.order + self._pointer, entry.field)
        self._reader.seek(place)
        return self._reader.take(length)

    def number(self, entry: Entry) -> int:
        """The value of a tag that has one whole number, such as the place of a directory."""
        return int.from_bytes(self.value(entry), "little" if self.order == "<" else "big")
