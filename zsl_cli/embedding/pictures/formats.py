"""The first bytes of a file → an open Pillow image of a format that is read, or why it is none.

Only these formats are ever opened. Pillow knows some forty more, one of which hands the file to an
outside interpreter (PostScript), and looks at what is inside a file, whatever it is called.
"""

import importlib
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from PIL import Image

from zsl_cli.embedding.pictures import jpeg, raw, tiff
from zsl_cli.embedding.pictures.headers import (
    PPM_HEADER,
    Size,
    check_ppm,
    check_size,
    ico_sizes,
    jxl_size,
    png_size,
    webp_size,
)
from zsl_cli.errors import ImageError, MissingExtraError
from zsl_cli.support.extras import needed

_PLUGINS = {"JPEG": "Jpeg", "PNG": "Png", "GIF": "Gif", "WEBP": "WebP", "TIFF": "Tiff",
            "BMP": "Bmp", "AVIF": "Avif", "JPEG2000": "Jpeg2K", "ICO": "Ico", "PPM": "Ppm",
            "TGA": "Tga"}
"""What is read without an extra, as Pillow calls it and as it calls the modules."""

_EXTRAS = {"HEIF": ("heif", "pillow_heif", "HEIC"), "JXL": ("jxl", "pillow_jxl", "JPEG XL")}
"""What is read with an extra: the extra, its module, what people call the format."""

_STARTS = (
    (b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"), (b"BM", "BMP"), (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"), (b"\0\0\1\0", "ICO"),
    (b"\xff\x0a", "JXL"), (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"))

_OTHERS = (
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript program, which is never run"),
    (rb"%PDF", "a PDF document"), (rb"8BPS", "a Photoshop document; save it as TIFF or PNG"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)", "a web page"),
    (rb"(?s)(?:\xef\xbb\xbf)?\s*<(?:svg|[?!].*<svg)", "an SVG drawing; save it as PNG"),
    (rb"version https://git-lfs", "the pointer of a file that git lfs holds; run git lfs pull"),
    (rb"\x1aE\xdf\xa3|RIFF....AVI |\x00\x00\x01[\xba\xb3]|FLV\x01", "a film"),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b", "an archive; unpack it first"))
"""What lies among photos and is none, by how it begins."""

_SIZES: dict[str, Callable[[BinaryIO], Iterable[Size]]] = {
    "ICO": ico_sizes, "JXL": lambda file: [jxl_size(file)],
    "PNG": lambda file: [png_size(file.read(24))], "WEBP": lambda file: [webp_size(file.read(30))]}
"""What the headers say of formats that Pillow decodes, or takes the memory for, when it opens."""

_DECODED_AT_OPENING = ("ICO", "JXL")

_AVIF, _HEIF = {b"avif", b"avis"}, {
    b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1",
    b"mif2", b"miaf", b"jpeg", b"avci"}

_TEXT = 64 << 20
"""Bytes of one text or profile of a PNG once unpacked, and of all texts; Pillow's own limit, 1 MB,
refuses pictures that carry the workflow which made them."""


def open_image(file: BinaryIO, max_pixels: int) -> Image.Image:
    """The image with its header read and its size checked, not yet decoded.

    Raises ImageError where it is of no format that is read, and whatever Pillow's parsers raise for
    a damaged one.
    """
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels  # global to the process: raised here, never lowered
    start = file.read(256)
    file.seek(0)
    if not start:
        raise ImageError("the file is empty")
    name = getattr(file, "name", "")
    suffix = os.path.splitext(name)[1].lower() if isinstance(name, str) else ""
    if raw.is_raw(start, suffix):
        image = raw.preview(file, max_pixels)
    else:
        image = _opened(file, _format(start, suffix), max_pixels)
    check_size(image.size, max_pixels)
    return image


def pixels_at_opening(file: BinaryIO) -> int:
    """The pixels of the largest picture in a file that is decoded as soon as it is opened; 0 for
    one of another format. Raises ImageError for a damaged one."""
    start = file.read(12)
    file.seek(0)
    format_ = next((format_ for beginning, format_ in _STARTS if start.startswith(beginning)), "")
    if format_ not in _DECODED_AT_OPENING:
        return 0
    pixels = max((width * height for width, height in _SIZES[format_](file)), default=0)
    file.seek(0)
    return pixels


def _format(start: bytes, suffix: str) -> str:
    """What a file is by its first bytes, as Pillow calls it. Raises ImageError."""
    for beginning, format_ in _STARTS:
        if start.startswith(beginning):
            return format_
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WEBP"
    if re.match(rb"P[1-6]\s", start):
        return "PPM"
    if start[4:8] == b"ftyp":
        return _of_brands(start)
    for pattern, what in _OTHERS:
        if re.match(pattern, start):
            raise ImageError(f"not an image but {what}")
    if suffix == ".tga":  # which has no beginning of its own
        return "TGA"
    raise ImageError("not an image in a known format")


def _of_brands(start: bytes) -> str:
    """The format of a file in boxes, ISO/IEC 14496-12: its first box names what it may be read
    as."""
    length = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12], *(start[at:at + 4] for at in range(16, length - 3, 4))}
    if brands & _AVIF:
        return "AVIF"
    if brands & _HEIF:
        return "HEIF"
    raise ImageError("not an image but a film")


def _opened(file: BinaryIO, format_: str, max_pixels: int) -> Image.Image:
    """The file, as an image of a format; where opening decodes or takes memory, its size is looked
    at before."""
    if format_ == "JPEG":
        file = jpeg.without_surplus_segments(file)
    elif format_ == "TIFF":
        tags = tiff.read_tags(file)
        if tiff.is_raw(tags):
            return raw.preview(file, max_pixels)
        tiff.check(tags, max_pixels)
    elif format_ == "PPM":
        check_ppm(file.read(PPM_HEADER))
    for size in _SIZES.get(format_, lambda _: ())(file):
        check_size(size, max_pixels)
    file.seek(0)
    try:
        image = _factory(format_)(file)
        if format_ == "JPEG" and image.info.get("progressive"):
            jpeg.check_scans(file, image.size)
        return image
    except SyntaxError as error:  # what plugins raise for files that are not theirs
        if format_ == "TIFF":
            raise tiff.unreadable("samples of a rare kind") from error
        raise ImageError(f"a damaged {format_} file, or one of a rare kind: "
                         f"{error}") from error
    except Image.DecompressionBombError as error:
        claimed = re.search(r"\d+", str(error))
        check_size((int(claimed[0]) if claimed else 0, 1), max_pixels)
        raise


def _factory(format_: str) -> Callable[[BinaryIO], Image.Image]:
    """What makes an image of a format of an open file. Raises ImageError."""
    plugin: Any
    if format_ in _EXTRAS:
        extra, module, what = _EXTRAS[format_]
        try:
            with needed(extra, what):
                plugin = importlib.import_module(module)
        except MissingExtraError as error:
            raise ImageError(str(error), "decoder") from error
        if format_ == "HEIF":
            plugin.register_heif_opener()
    else:
        plugin = importlib.import_module(f"PIL.{_PLUGINS[format_]}ImagePlugin")
        if format_ == "JPEG":
            factory: Any = plugin.jpeg_factory  # one that holds several pictures (MPO) included
            return factory
        if format_ == "PNG":
            plugin.MAX_TEXT_CHUNK = plugin.MAX_TEXT_MEMORY = _TEXT
    opened: Any = Image.OPEN[format_][0]
    return lambda file: opened(file, "")
