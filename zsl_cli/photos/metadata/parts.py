"""The parts of JPEG, PNG, WebP and RAF files that have metadata in them, as they lie there."""

import binascii
import io
import struct
from collections.abc import Callable, Iterator

from zsl_cli.photos.metadata.kinds import Kind, Part
from zsl_cli.photos.metadata.reading import Reader

_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_SEGMENTS = ((_EXIF, Kind.EXIF), (b"http://ns.adobe.com/xap/1.0/\0", Kind.XMP),
             (b"http://ns.adobe.com/xmp/extension/\0", Kind.MORE_XMP),
             (b"Photoshop 3.0\0", Kind.PHOTOSHOP))
_STARTS = tuple(start for start, _ in _SEGMENTS)
_FUJI_START = 1 << 18  # bytes of the JPEG, its metadata among them
_PROFILES = {b"Raw profile type iptc": Kind.IPTC, b"Raw profile type exif": Kind.EXIF,
             b"Raw profile type APP1": Kind.EXIF}
"""Texts of a PNG in which ImageMagick keeps metadata, as digits."""

Walker = Callable[[Reader], Iterator[Part]]

START = 12
"""The first bytes of a file that tell its format."""


def walker(start: bytes) -> Walker | None:
    """What finds the parts of a file that begins so, and raises what is in ``reading.DAMAGE``;
    None for other formats."""
    if start.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if start.startswith(_PNG):
        return _png
    if start.startswith(b"RIFF") and start[8:] == b"WEBP":
        return _webp
    if start.startswith(b"FUJIFILMCCD"):
        return _fuji
    return None


def _jpeg(reader: Reader) -> Iterator[Part]:
    """ISO/IEC 10918-1, annex B: the application segments before the picture."""
    reader.seek(2)
    while True:
        head = reader.take(4)
        while head[0] != 0xFF or head[1] in (0, 0xFF):
            head = head[1:] + reader.take(1)  # decoders, too, skip what is no marker
        marker = head[1]
        if marker in (0xDA, 0xD9):
            return
        if marker == 1 or 0xD0 <= marker <= 0xD8:
            reader.skip(-2)  # which have no length
            continue
        data = reader.take(max((head[2] << 8 | head[3]) - 2, 0))
        if 0xE0 <= marker <= 0xEF:
            yield from _segment(data)


def _fuji(reader: Reader) -> Iterator[Part]:
    """A raw photo of Fujifilm's: its metadata are those of the JPEG in it."""
    reader.seek(84)
    (at,) = struct.unpack(">I", reader.take(4))
    reader.seek(at)
    yield from _jpeg(Reader(io.BytesIO(reader.some(_FUJI_START)), _FUJI_START))


def _png(reader: Reader) -> Iterator[Part]:
    """PNG, section 11.3, and the XMP specification, part 3, 1.1.5."""
    reader.seek(len(_PNG))
    while len(head := reader.some(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind == b"eXIf":
            yield Kind.EXIF, reader.take(size).removeprefix(_EXIF)
        elif kind in (b"iTXt", b"zTXt", b"tEXt"):
            first = reader.some(min(size, 80))
            reader.skip(-len(first))
            keyword = first.partition(b"\0")[0]
            if keyword == b"XML:com.adobe.xmp" and kind == b"iTXt":
                data = reader.take(size)[len(keyword) + 1:]
                text = data[2:].split(b"\0", 2)[2]
                yield Kind.XMP, reader.inflated(text) if data[0] else text
            elif keyword in _PROFILES and kind != b"iTXt":
                text = reader.take(size)[len(keyword) + 1:]
                yield _profile(_PROFILES[keyword],
                               reader.inflated(text[1:]) if kind == b"zTXt" else text)
            else:
                reader.skip(size)
        else:
            reader.skip(size)
        reader.skip(4)  # its checksum


def _profile(kind: Kind, text: bytes) -> Part:
    data = binascii.unhexlify(b"".join(text.strip().splitlines()[2:]))  # a name, and the length
    return next(_segment(data), (Kind.PHOTOSHOP if data.startswith(b"8BIM") else kind, data))


def _segment(data: bytes) -> Iterator[Part]:
    """What an application segment of a JPEG holds, if that is metadata."""
    if data.startswith(_STARTS):
        for start, kind in _SEGMENTS:
            if data.startswith(start):
                yield kind, data[len(start):]


def _webp(reader: Reader) -> Iterator[Part]:
    """RFC 9649, section 2.7.1.5."""
    reader.seek(12)
    while len(head := reader.some(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"XMP ":
            yield Kind.XMP, reader.take(size)
        elif name == b"EXIF":
            yield Kind.EXIF, reader.take(size).removeprefix(_EXIF)
        else:
            reader.skip(size)
        reader.skip(size % 2)
