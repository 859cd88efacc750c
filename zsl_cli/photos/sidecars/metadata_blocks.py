"""Where photos keep their metadata: the parts of a file that may have keywords in them.

Only those are read, never the picture, and no more of them than a sidecar may have. JPEG, PNG,
WebP and TIFF are followed part by part; in all other formats (HEIC, AVIF, JPEG 2000, GIF) XMP lies
as it is, so that it is found by its first and last words.
"""

import binascii
import io
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars.elements import error
from zsl_cli.photos.sidecars.iptc import resource
from zsl_cli.photos.sidecars.packet import MAX_BYTES

_CHUNK = 1 << 20
_SEARCHED = 1 << 28  # bytes in which XMP is looked for in other formats
_MAX_TAGS = 10_000
_MAX_CHUNKS = 200_000
_STEP = 100  # what a step costs at least, of the bytes that may be read
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_FIRST, _LAST = re.compile(rb"<x:x[ma]pmeta[\s>]"), re.compile(rb"</x:x[ma]pmeta\s*>")
_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _WINDOWS_TAG = 700, 33723, 34377, 0x9C9E
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}  # of the types that those tags have, in bytes


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
            raise _too_much()
        kind.append(data)


def collect(file: BinaryIO, blocks: Blocks) -> None:
    """Read from a photo what may have keywords in it. Where something is wrong, what came before
    it is in ``blocks``.

    Raises ImageError of kind ``sidecar``, OSError, and for damaged data struct.error, zlib.error,
    ValueError, IndexError and OverflowError.
    """
    start = file.read(12)
    file.seek(0)
    if start.startswith(b"\xff\xd8\xff"):
        _read_jpeg(file, blocks)
    elif start.startswith(_PNG):
        _read_png(file, blocks)
    elif start.startswith(b"RIFF") and start[8:] == b"WEBP":
        _read_webp(file, blocks)
    elif start.startswith(_TIFF):
        _read_tiff(file, blocks)
    else:
        _search(file, blocks)


def _too_much() -> ImageError:
    return error(f"its metadata exceeds the limit of {MAX_BYTES:,} bytes")


def _take(file: BinaryIO, size: int) -> bytes:
    if size > MAX_BYTES:
        raise _too_much()
    data = file.read(size)
    if len(data) < size:
        raise error("its metadata is cut off")
    return data


def _read_jpeg(file: BinaryIO, blocks: Blocks) -> None:
    more: dict[bytes, list[tuple[int, bytes]]] = {}
    photoshop = b""
    for data in _segments(file):
        if data.startswith(_XMP):
            blocks.add(blocks.xmp, data[len(_XMP):])
        elif data.startswith(_MORE_XMP):
            guid, _, offset = struct.unpack_from(">32sII", data, len(_MORE_XMP))
            more.setdefault(guid, []).append((offset, data[len(_MORE_XMP) + 40:]))
        elif data.startswith(_PHOTOSHOP):
            photoshop += data[len(_PHOTOSHOP):]
        elif data.startswith(b"Exif\0\0"):
            _read_exif(data[6:], blocks)
    if photoshop:
        _add_photoshop(photoshop, blocks)
    for guid, parts in more.items():
        if any(guid in data for data in blocks.xmp):  # else it belongs to an earlier state
            blocks.add(blocks.xmp, b"".join(part for _, part in sorted(parts)))


def _add_photoshop(data: bytes, blocks: Blocks) -> None:
    for records in resource(data):
        blocks.add(blocks.iptc, records)


def _segments(file: BinaryIO) -> Iterator[bytes]:
    """The application segments before the picture."""
    file.seek(2)
    left = MAX_BYTES
    while left > 0:
        mark = file.read(2)
        while len(mark) == 2 and (mark[0] != 0xFF or mark[1] in (0, 0xFF)):
            mark = mark[1:] + file.read(1)  # decoders, too, skip what is no marker
            left -= _STEP
            if left < 0:
                raise _too_much()
        if len(mark) < 2:
            raise error("its metadata is cut off")
        if mark[1] in (0xDA, 0xD9):
            return
        if mark[1] == 1 or 0xD0 <= mark[1] <= 0xD8:
            left -= _STEP
            continue  # which have no length
        size, = struct.unpack(">H", _take(file, 2))
        data = _take(file, max(size - 2, 0))
        left -= max(size, _STEP)
        if 0xE0 <= mark[1] <= 0xEF:
            yield data
    raise _too_much()


def _read_png(file: BinaryIO, blocks: Blocks) -> None:
    file.seek(len(_PNG))
    for _ in range(_MAX_CHUNKS):
        if len(head := file.read(8)) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in (b"iTXt", b"zTXt", b"tEXt", b"eXIf"):
            file.seek(size + 4, os.SEEK_CUR)
            continue
        keyword = b""
        if kind != b"eXIf":
            first = file.read(min(size, 80))
            file.seek(-len(first), os.SEEK_CUR)
            keyword = first.partition(b"\0")[0]
        if kind == b"eXIf":
            _read_exif(_take(file, size), blocks)
        elif keyword == b"XML:com.adobe.xmp" and kind == b"iTXt":
            data = _take(file, size)[len(keyword) + 1:]
            text = data[2:].split(b"\0", 2)[2]
            blocks.add(blocks.xmp, _inflated(text) if data[0] else text)
        elif keyword == b"Raw profile type iptc" and kind != b"iTXt":  # as ImageMagick has it
            text = _take(file, size)[len(keyword) + 1:]
            text = _inflated(text[1:]) if kind == b"zTXt" else text
            lines = text.strip().splitlines()[2:]  # a name, the length, and then digits
            data = binascii.unhexlify(b"".join(lines))
            if data.startswith(b"8BIM"):
                _add_photoshop(data, blocks)
            else:
                blocks.add(blocks.iptc, data)
        else:
            file.seek(size, os.SEEK_CUR)
        file.seek(4, os.SEEK_CUR)


def _inflated(data: bytes) -> bytes:
    """Compressed data; what a few bytes grow to is limited."""
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(data, MAX_BYTES)
    if unpacker.unconsumed_tail:
        raise _too_much()
    return plain


def _read_webp(file: BinaryIO, blocks: Blocks) -> None:
    file.seek(12)
    for _ in range(_MAX_CHUNKS):
        if len(head := file.read(8)) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        if kind == b"XMP ":
            blocks.add(blocks.xmp, _take(file, size))
            file.seek(size % 2, os.SEEK_CUR)
        elif kind == b"EXIF":
            _read_exif(_take(file, size).removeprefix(b"Exif\0\0"), blocks)
            file.seek(size % 2, os.SEEK_CUR)
        else:
            file.seek(size + size % 2, os.SEEK_CUR)


def _read_exif(data: bytes, blocks: Blocks) -> None:
    """Damaged Exif, of which there is much, holds back no keywords that stand elsewhere."""
    try:
        if data.startswith(_TIFF):
            _read_tiff(io.BytesIO(data), blocks)
    except (ImageError, struct.error, ValueError, OverflowError):
        return


def _read_tiff(file: BinaryIO, blocks: Blocks) -> None:
    start = file.read(4)
    order = "<" if start.startswith(b"II") else ">"
    if start in _TIFF[:2]:
        pointer, number, entry = "I", "H", "HHI4s"
    else:  # BigTIFF
        pointer, number, entry = "Q", "Q", "HHQ8s"
        file.seek(8)

    def unpacked(form: str) -> tuple[int, ...]:
        return struct.unpack(order + form, _take(file, struct.calcsize(order + form)))

    file.seek(unpacked(pointer)[0])
    size = struct.calcsize(order + entry)
    tags = _take(file, min(unpacked(number)[0], _MAX_TAGS) * size)
    for tag, kind, count, value in struct.iter_unpack(order + entry, tags):
        if tag not in (_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _WINDOWS_TAG) or kind not in _SIZES:
            continue
        length = count * _SIZES[kind]
        if length > len(value):
            file.seek(struct.unpack(order + pointer, value)[0])
            data = _take(file, length)
        else:
            data = value[:length]
        if tag == _PHOTOSHOP_TAG:
            _add_photoshop(data, blocks)
        else:
            blocks.add({_XMP_TAG: blocks.xmp, _IPTC_TAG: blocks.iptc}.get(tag, blocks.windows),
                       data)


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
