"""The parts of a photo that may have keywords in them.

Where the format is known, only its metadata is read. In all others (HEIC, AVIF, JPEG 2000, GIF) XMP
lies as it is, so that it is found by its first and last words.
"""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from zsl_cli.errors import ImageError
from zsl_cli.photos.metadata import parts, tiff
from zsl_cli.photos.metadata.kinds import Kind, Part
from zsl_cli.photos.metadata.reading import Reader
from zsl_cli.photos.sidecars.elements import error
from zsl_cli.photos.sidecars.iptc import resource
from zsl_cli.photos.sidecars.packet import MAX_BYTES

_CHUNK = 1 << 20
_SEARCHED = 1 << 28  # bytes in which XMP is looked for in other formats
_FIRST, _LAST = re.compile(rb"<x:x[ma]pmeta[\s>]"), re.compile(rb"</x:x[ma]pmeta\s*>")
_IPTC, _PHOTOSHOP, _WINDOWS = 33723, 34377, 0x9C9E  # tags


@dataclass
class Blocks:
    """What a photo holds that may have keywords in it, as it was read."""

    xmp: list[bytes] = field(default_factory=list)
    iptc: list[bytes] = field(default_factory=list)
    windows: list[bytes] = field(default_factory=list)
    left: int = MAX_BYTES

    def add(self, kind: list[bytes], data: bytes) -> None:
        """Keep it, if not too much is kept already."""
        self.left -= len(data)
        if self.left < 0:
            raise error(f"its metadata exceeds the limit of {MAX_BYTES:,} bytes")
        kind.append(data)


def collect(file: BinaryIO, blocks: Blocks) -> None:
    """Read from a photo what may have keywords in it. Where something is wrong, what came before
    it is in ``blocks``.

    Raises OSError, and for damaged data what is in ``reading.DAMAGE``.
    """
    start = file.read(parts.START)
    file.seek(0)
    reader = Reader(file, MAX_BYTES)
    if start.startswith(tiff.STARTS):
        _add_tags(reader, blocks)
    elif walk := parts.walker(start):
        _add_parts(walk(reader), blocks)
    else:
        _search(file, blocks)


def _add_parts(found: Iterator[Part], blocks: Blocks) -> None:
    more: dict[bytes, list[tuple[int, bytes]]] = {}
    photoshop = b""
    for kind, data in found:
        if kind is Kind.XMP:
            blocks.add(blocks.xmp, data)
        elif kind is Kind.MORE_XMP:
            guid, _, offset = struct.unpack_from(">32sII", data)
            more.setdefault(guid, []).append((offset, data[40:]))
        elif kind is Kind.PHOTOSHOP:
            photoshop += data
        elif kind is Kind.IPTC:
            blocks.add(blocks.iptc, data)
        elif data.startswith(tiff.STARTS):
            _add_exif(data, blocks)
    if photoshop:
        _add_photoshop(photoshop, blocks)
    for guid, pieces in more.items():
        if any(guid in data for data in blocks.xmp):  # else it belongs to an earlier state
            blocks.add(blocks.xmp, b"".join(piece for _, piece in sorted(pieces)))


def _add_photoshop(data: bytes, blocks: Blocks) -> None:
    for records in resource(data):
        blocks.add(blocks.iptc, records)


def _add_exif(data: bytes, blocks: Blocks) -> None:
    """Damaged Exif, of which there is much, holds back no keywords that stand elsewhere."""
    try:
        _add_tags(Reader(io.BytesIO(data), MAX_BYTES), blocks)
    except (ImageError, struct.error):
        return


def _add_tags(reader: Reader, blocks: Blocks) -> None:
    directories = tiff.Tiff(reader)
    kept = {tiff.XMP: blocks.xmp, _IPTC: blocks.iptc, _WINDOWS: blocks.windows}
    for entry in directories.directory(directories.first, {*kept, _PHOTOSHOP}):
        if entry.tag == _PHOTOSHOP:
            _add_photoshop(directories.value(entry), blocks)
        else:
            blocks.add(kept[entry.tag], directories.value(entry))


def _search(file: BinaryIO, blocks: Blocks) -> None:
    data = b""
    for _ in range(0, _SEARCHED, _CHUNK):
        chunk = file.read(_CHUNK)
        data = data[-16:] + chunk
        if first := _FIRST.search(data):
            data = data[first.start():] + file.read(MAX_BYTES)
            last = _LAST.search(data)
            if last is None:
                raise error("its metadata is cut off, or too large")
            blocks.add(blocks.xmp, data[:last.end()])
        if not chunk or blocks.xmp:
            return
