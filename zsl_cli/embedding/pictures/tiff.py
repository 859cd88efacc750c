"""What a TIFF says of its samples: which kinds are read right, and why the others are not.

TIFF 6.0 allows hundreds of combinations. Pillow reads the usual ones; of the rest it refuses some
without a reason and shows others wrong, so that those are refused here before it sees them.
"""

import os
import struct
from typing import Any, BinaryIO

from PIL import Image

from zsl_cli.embedding.pictures.headers import check_size
from zsl_cli.errors import ImageError

WIDTH, HEIGHT, BITS, PHOTOMETRIC = 256, 257, 258, 262
SAMPLES, PLANES, TILE_WIDTH, TILE_HEIGHT, EXTRA, KIND = 277, 284, 322, 323, 338, 339
STRIPS, TILES = 273, 324
SUBFILE, OTHER_PICTURES, DNG = 254, 330, 50706
_READ = {SUBFILE, WIDTH, HEIGHT, BITS, PHOTOMETRIC, SAMPLES, PLANES, TILE_WIDTH, TILE_HEIGHT,
         OTHER_PICTURES, EXTRA, KIND, DNG}

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
_KINDS = {SIGNED: "signed numbers", FLOAT: "floating-point numbers", 4: "undefined samples",
          5: "complex integers", 6: "complex numbers"}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
_UNASSOCIATED = 2  # transparency, the colours not multiplied by it
_COLOURS = {RGB: "RGB", PALETTE: "palette", CMYK: "CMYK", YCBCR: "YCbCr", LAB: "Lab",
            9: "ICC Lab", 10: "ITU Lab", 32803: "raw sensor", 32844: "LogL", 32845: "LogLuv",
            34892: "linear raw"}

Tags = dict[int, tuple[int, ...]]

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_FEW = 64  # values of a tag that is looked at
_LARGE_TILE = 1 << 24  # pixels; a small picture may lie in one tile that is larger than itself
_ENTRIES = 4096
_PARTS = 1 << 19  # strips or tiles; Pillow reads some 100,000 a second


def is_raw(tags: Tags) -> bool:
    """Whether it is a raw photo: a DNG, or a small picture before others, as cameras put it."""
    return DNG in tags or (tags.get(SUBFILE, (0,))[0] & 1 == 1 and OTHER_PICTURES in tags)


def check(tags: Tags, max_pixels: int) -> None:
    """Raise ImageError for a TIFF that cannot be read, or whose parts are larger than they may
    be."""
    width, height = (tags.get(tag, (0,))[0] for tag in (WIDTH, HEIGHT))
    check_size((width, height), max_pixels)
    tile = tags.get(TILE_WIDTH, (0,))[0] * tags.get(TILE_HEIGHT, (0,))[0]
    if tile > max(width * height, _LARGE_TILE):
        check_size((tile, 1), max_pixels)
        raise ImageError(f"a damaged TIFF file: its picture of {width:,} x {height:,} pixels lies "
                         f"in tiles of {tile:,} pixels")
    reason = _why_unreadable(tags)
    if reason:
        raise unreadable(reason)


def unreadable(reason: str) -> ImageError:
    """The error of a TIFF that is whole, and of a kind that is not read."""
    return ImageError(f"a TIFF of a kind that is not read: {reason}; save it as RGB or grey with "
                      "8 or 16 bits", "decoder")


def _why_unreadable(tags: Tags) -> str | None:
    bits = tags.get(BITS, (1,))
    kinds = set(tags.get(KIND, (UNSIGNED,)))
    colour = tags.get(PHOTOMETRIC, (BLACK_IS_ZERO,))[0]
    samples = tags.get(SAMPLES, (1,))[0]
    separate = tags.get(PLANES, (1,))[0] == 2 and samples > 1
    grey = colour in (WHITE_IS_ZERO, BLACK_IS_ZERO)
    if colour not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB):
        return f"{_COLOURS.get(colour, f'photometric interpretation {colour}')} colours"
    if len(kinds) > 1 or len(set(bits)) > 1:
        return "samples of different kinds"
    kind, depth = kinds.pop(), bits[0]
    what = f"{depth}-bit {_KINDS.get(kind, 'numbers')}"
    if kind == FLOAT and not (grey and samples == 1 and depth == 32):
        return what + ("" if depth != 32 else f" of {samples} channels")
    if kind == SIGNED and not (grey and samples == 1 and depth in (16, 32)
                               and colour == BLACK_IS_ZERO):
        return what
    if kind not in (UNSIGNED, SIGNED, FLOAT):
        return _KINDS.get(kind, f"samples of kind {kind}")
    if separate and (depth != 8 or grey or colour == LAB
                     or tags.get(EXTRA, ()) not in ((), (_UNASSOCIATED,))):
        return f"separate planes of {what}" + (" with transparency" if depth == 8 else "")
    if kind == UNSIGNED and depth not in (1, 2, 4, 8, 12, 16, 32):
        return what
    if depth == 12 and not (grey and samples == 1 and colour == BLACK_IS_ZERO):
        return f"{what} of other than one channel"
    if depth == 32 and kind == UNSIGNED and not (samples == 1 and colour == BLACK_IS_ZERO):
        return f"{what} of other than one channel"
    if depth == 16 and grey and samples > 1:
        return f"{what}, grey with a further channel"
    return None


def full_scale(image: Image.Image) -> int:
    """The number that means white in an open TIFF of whole numbers, or black where 0 is white."""
    bits = _tag(image, BITS, 16)
    return int((1 << (bits if is_unsigned(image) else bits - 1)) - 1)


def is_unsigned(image: Image.Image) -> bool:
    """Whether the numbers of an open TIFF have no sign; Pillow's ``I`` always has one."""
    return _tag(image, KIND, UNSIGNED) == UNSIGNED


def is_inverted(image: Image.Image) -> bool:
    """Whether 0 is white in an open TIFF with more than 8 bits; up to 8 Pillow heeds it."""
    return _tag(image, PHOTOMETRIC, BLACK_IS_ZERO) == WHITE_IS_ZERO


def _tag(image: Image.Image, tag: int, default: int) -> int:
    value: Any = getattr(image, "tag_v2", {}).get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


def read_tags(file: BinaryIO) -> Tags:
    """The numbers of the tags that say what the samples are, of the first picture in the file.

    Raises ImageError for a directory that claims more than the file has.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    big = start[2:4] in (b"+\0", b"\0+")  # BigTIFF
    entry, count_of, inline = (20, "Q", 8) if big else (12, "H", 4)
    offset = "Q" if big else "I"
    try:
        (at,) = struct.unpack_from(order + offset, start, 8 if big else 4)
        file.seek(at)
        (count,) = struct.unpack(order + count_of, file.read(struct.calcsize(count_of)))
        if not 0 < count <= _ENTRIES:
            raise ImageError("a damaged TIFF file: it has no directory")
        directory = file.read(entry * count)
        tags: Tags = {}
        claimed = 0
        for position in range(0, len(directory) - entry + 1, entry):
            tag, type_, number = struct.unpack_from(f"{order}HH{offset}", directory, position)
            if tag in (STRIPS, TILES) and number > _PARTS:
                raise ImageError(f"its picture lies in {number:,} parts, which take too long to "
                                 "read; save it anew", "limit")
            length = number * _SIZES.get(type_, 1)
            claimed += length
            if tag not in _READ or type_ not in _NUMBERS or not 0 < number <= _FEW:
                continue
            data = directory[position + entry - inline:position + entry]
            if length > inline:
                file.seek(struct.unpack(order + offset, data)[0])
                data = file.read(length)
            tags[tag] = struct.unpack_from(f"{order}{number}{_NUMBERS[type_]}", data)
    except (struct.error, OverflowError, OSError, ValueError) as error:
        raise ImageError("a damaged TIFF file: its directory lies beyond its end") from error
    if claimed > 2 * size:
        raise ImageError("a damaged TIFF file: its directory claims more than the file has")
    return tags
