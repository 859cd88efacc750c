"""How large a picture is, read from the header alone.

For formats that Pillow decodes, or for which it takes the memory, as soon as it opens them.
"""

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from zsl_cli.errors import ImageError

Size = tuple[int, int]
"""Width and height in pixels."""

PPM_HEADER = 1 << 16  # bytes that are looked at
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_PPM = re.compile(rb"P([1-6])" + (_GAP + rb"(\d{1,10})") * 2)
_WHITE = re.compile(_GAP + rb"\d")  # the number that means white, which those of bits lack
_PLAIN = 1 << 24  # numbers in plain text; Pillow reads less than two million a second
_PNG = b"\x89PNG\r\n\x1a\n"


def check_size(size: Size, max_pixels: int) -> None:
    """Raise ImageError for a picture of more pixels."""
    pixels = size[0] * size[1]
    if pixels > max_pixels:
        raise ImageError(f"its {pixels:,} pixels exceed the limit of {max_pixels:,} pixels; if you "
                         "trust the file, raise the limit with `max_pixels`", "limit")


def png_size(start: bytes) -> Size:
    """PNG, section 11.2.2: the header is the first chunk."""
    if len(start) < 24 or start[12:16] != b"IHDR":
        raise ImageError("a damaged PNG file: it has no header")
    width, height = struct.unpack(">II", start[16:24])
    return width, height


def check_ppm(start: bytes) -> None:
    """Raise ImageError for what would take long to read: a file whose first PPM_HEADER bytes are
    comments, for the most part, and one that has a great many numbers in plain text."""
    found = _PPM.match(start)
    kind, width, height = map(int, found.groups()) if found else (0, 0, 0)
    if len(start) == PPM_HEADER and not (
            found and (kind in (1, 4) or _WHITE.match(start, found.end()))):
        raise ImageError("a damaged PPM file: its header does not end")
    if kind <= 3 and width * height * (3 if kind == 3 else 1) > _PLAIN:
        raise ImageError(f"a PPM with more than {_PLAIN:,} numbers in plain text, which take too "
                         "long to read; save it as a binary one", "limit")


def webp_size(start: bytes) -> Size:
    """RFC 9649: the canvas of an extended file, else of the picture, lossy (RFC 6386) or not."""
    if len(start) < 30:
        raise ImageError("a damaged WEBP file: it ends in the header")
    kind, data = start[12:16], start[20:30]
    if kind == b"VP8X":
        return (1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little"))
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return (int.from_bytes(data[6:8], "little") & 0x3FFF,
            int.from_bytes(data[8:10], "little") & 0x3FFF)


def ico_sizes(file: BinaryIO) -> Iterator[Size]:
    """The sizes of the pictures in an icon, each a PNG or a bitmap."""
    count = struct.unpack("<H", file.read(6)[4:].ljust(2, b"\0"))[0]
    directory = file.read(16 * count)
    for at in range(0, len(directory) - 15, 16):
        file.seek(struct.unpack_from("<I", directory, at + 12)[0])
        start = file.read(24)
        if start.startswith(_PNG):
            yield png_size(start)
        elif len(start) >= 12:
            width, height = struct.unpack_from("<ii", start, 4)
            yield abs(width), abs(height) // 2  # the mask lies below the picture


def jxl_size(file: BinaryIO) -> Size:
    """ISO/IEC 18181-1, SizeHeader: the first bits of the codestream, which may lie in boxes."""
    start = file.read(12)
    if not start.startswith(b"\xff\x0a"):
        codestream = b""
        while not codestream:
            head = file.read(8)
            if len(head) < 8:
                raise ImageError("a damaged JPEG XL file: it ends in the header")
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if length == 1:
                length = int.from_bytes(file.read(8), "big") - 8
            if kind in (b"jxlc", b"jxlp"):
                codestream = file.read(16)[4 if kind == b"jxlp" else 0:]
            elif length < 8:
                raise ImageError("a damaged JPEG XL file: it has no picture")
            else:
                file.seek(length - 8, 1)
    else:
        codestream = start
    bits = _Bits(codestream[2:])
    small = bits.take(1)
    height = _jxl_side(bits, small)
    ratio = bits.take(3)
    if ratio:
        over, under = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        return height * over // under, height
    return _jxl_side(bits, small), height


def _jxl_side(bits: "_Bits", small: int) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return 1 + bits.take((9, 13, 18, 30)[bits.take(2)])


class _Bits:
    """Bits of bytes, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken
