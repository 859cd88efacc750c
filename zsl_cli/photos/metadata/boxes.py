"""Metadata in files that are laid out in boxes: HEIC, AVIF, JPEG XL, JPEG 2000 and Canon's CR3.

The boxes are those of ISO/IEC 14496-12; in HEIC and AVIF metadata are items, which a box ``meta``
lists and says the place of (ISO/IEC 23008-12, annex A).
"""

import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

from zsl_cli.errors import ImageError
from zsl_cli.photos.metadata import tiff
from zsl_cli.photos.metadata.kinds import Kind, Part
from zsl_cli.photos.metadata.reading import Reader

_FIRST = (b"ftyp", b"JXL ", b"jP  ")
_XMP_TYPE = b"application/rdf+xml"
_UUIDS = {b"JpgTiffExif->JP2": Kind.EXIF,  # as JPEG 2000 has them
          bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC"): Kind.XMP}
_CANON = bytes.fromhex("85C0B687820F11E08111F4CE462B6A48")
_CANON_TYPES = {b"CMT4": Kind.GPS, b"CMT2": Kind.EXIF}  # each with one directory of Exif
_MOST = 1 << 20  # bytes of a box that is read whole; lists of items have kilobytes
_ITEMS = 10_000


class Box(NamedTuple):
    """A box: its type, where its content begins, and the content's size."""

    type: bytes
    start: int
    size: int


def begins(start: bytes) -> bool:
    """Whether a file is laid out in boxes, by its first 8 bytes or more."""
    return start[4:8] in _FIRST


def boxes(reader: Reader, start: int, end: int | None = None) -> Iterator[Box]:
    """The boxes that lie one behind the other, up to a place or to the end of the file, whose last
    one may be without a size."""
    while end is None or start + 8 <= end:
        reader.seek(start)
        head = reader.some(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", reader.take(8))
            header = 16
        if size == 0:
            yield Box(kind, start + header, _MOST)
            return
        if size < header:
            raise ImageError("its metadata is damaged")
        yield Box(kind, start + header, size - header)
        start += size


def parts(reader: Reader) -> Iterator[Part]:
    """The parts with metadata, of a file that begins with a box."""
    for box in boxes(reader, 0):
        if box.type == b"meta":
            yield from _items(reader, box)
        elif box.type == b"Exif":  # of JPEG XL
            yield Kind.EXIF, _exif(_content(reader, box))
        elif box.type == b"xml ":
            yield Kind.XMP, _content(reader, box)
        elif box.type == b"uuid":
            reader.seek(box.start)
            if kind := _UUIDS.get(reader.take(16)):
                yield kind, reader.take(box.size - 16)
        elif box.type == b"moov":
            yield from _canon(reader, box)


def _content(reader: Reader, box: Box) -> bytes:
    """All that a box holds; of the last one in a file, what there is."""
    if box.size > _MOST:
        raise ImageError("its metadata is damaged, or of an unusual size")
    reader.seek(box.start)
    return reader.some(box.size) if box.size == _MOST else reader.take(box.size)


def _exif(data: bytes) -> bytes:
    """The Exif in an item or box, which says how much lies before it, where that is not left out
    (pillow-jxl-plugin does so)."""
    if data.startswith(tiff.STARTS):
        return data
    return data[4 + int.from_bytes(data[:4], "big"):].removeprefix(b"Exif\0\0")


def _canon(reader: Reader, movie: Box) -> Iterator[Part]:
    """The place before the time, so that whoever has the time need not look on."""
    for box in boxes(reader, movie.start, movie.start + movie.size):
        if box.type != b"uuid":
            continue
        reader.seek(box.start)
        if reader.take(16) == _CANON:
            found = {inner.type: inner
                     for inner in boxes(reader, box.start + 16, box.start + box.size)}
            for type_, kind in _CANON_TYPES.items():
                if type_ in found:
                    yield kind, _content(reader, found[type_])


def _items(reader: Reader, meta: Box) -> Iterator[Part]:
    """The items with metadata."""
    lists = {box.type: box for box in boxes(reader, meta.start + 4, meta.start + meta.size)
             if box.type in (b"iinf", b"iloc", b"idat")}
    if b"iinf" not in lists or b"iloc" not in lists:
        return
    wanted = _metadata_items(_content(reader, lists[b"iinf"]))
    if not wanted:
        return
    places = _places(_content(reader, lists[b"iloc"]), wanted)
    for item, kind in wanted.items():
        pieces = []
        for method, offset, size in places.get(item, ()):
            if method == 1 and b"idat" in lists:
                reader.seek(lists[b"idat"].start + offset)
            elif method == 0:
                reader.seek(offset)
            else:  # in other items
                break
            pieces.append(reader.take(size))
        if pieces:
            data = b"".join(pieces)
            yield kind, _exif(data) if kind is Kind.EXIF else data


def _metadata_items(data: bytes) -> dict[int, Kind]:
    """The ids of the items that hold Exif and XMP, out of a box ``iinf``."""
    found: dict[int, Kind] = {}
    list_reader = Reader(io.BytesIO(data), _MOST)
    for box in boxes(list_reader, 6 if data[0] == 0 else 8):
        if box.type != b"infe":
            continue
        entry = data[box.start:box.start + box.size]
        if entry[0] not in (2, 3):  # older ones have no types
            continue
        width = 2 if entry[0] == 2 else 4
        item = int.from_bytes(entry[4:4 + width], "big")
        kind, rest = entry[6 + width:10 + width], entry[10 + width:]
        if kind == b"Exif":
            found[item] = Kind.EXIF
        elif kind == b"mime" and rest.split(b"\0")[1:2] == [_XMP_TYPE]:  # behind its name
            found[item] = Kind.XMP
    return found


def _places(data: bytes, wanted: dict[int, Kind]) -> dict[int, list[tuple[int, int, int]]]:
    """Where items lie, out of a box ``iloc``: for each of their pieces how it is to be found (0:
    in the file, 1: in ``idat``, 2: in another item), its place and its size."""
    version = data[0]
    offset_width, size_width = data[4] >> 4, data[4] & 15
    base_width, index_width = data[5] >> 4, data[5] & 15 if version else 0
    if version > 2 or not size_width:
        raise ImageError("its metadata is of an unknown kind")
    stream = io.BytesIO(data)
    stream.seek(6)

    def number(width: int) -> int:
        return int.from_bytes(stream.read(width), "big")

    id_width = 4 if version == 2 else 2
    found: dict[int, list[tuple[int, int, int]]] = {}
    for _ in range(min(number(id_width), _ITEMS)):
        item = number(id_width)
        method = number(2) & 15 if version else 0
        number(2)  # which file; 0 is this one
        base, pieces = number(base_width), number(2)
        step = index_width + offset_width + size_width
        if item not in wanted:
            stream.seek(pieces * step, io.SEEK_CUR)
            continue
        for _ in range(pieces):
            number(index_width)
            found.setdefault(item, []).append((method, base + number(offset_width),
                                               number(size_width)))
    return found
