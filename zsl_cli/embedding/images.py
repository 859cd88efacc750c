"""A path, bytes, an open file or a Pillow image → the square uint8 RGB array that an encoder takes.

The centre square of the picture is resized straight to the encoder's side. A JPEG is decoded
at a reduced size where that loses nothing the resize would keep, which is most of the speed.
"""

import io
import os
import re
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from zsl_cli.errors import ImageError
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.manifests import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image

REDUCING_GAP = 2.75
"""A reduced-size decode stops at this many times the final size, so that what follows is still
a good resize, and a 12-megapixel photo is decoded at a quarter of its sides."""

_TALL = 4
"""A picture more than so many times as tall as wide is cut before it is resized."""


_JPEG = b"\xff\xd8\xff"  # what each begins with

_EXIF_ORIENTATION = 0x0112
_TURN: dict[int, Callable[[Any], Any]] = {  # EXIF 2.3, tag 274, on an [H, W, C] array
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


def load(source: "ImageSource", preprocessing: Preprocessing, *,
         max_pixels: int = MAX_PIXELS, reduced: bool = True) -> "NDArray[np.uint8]":
    """The picture as uint8 ``[size, size, 3]`` (``[3, size, size]`` for NCHW), RGB.

    EXIF orientation is applied, transparency is laid on white, 16 bits are scaled to 8, and of
    an animation the first frame is taken. ``reduced=False`` decodes in full size.

    Raises ImageError for a source that cannot be used, whatever is wrong with it.
    """
    if isinstance(source, Image.Image):
        _check_size(source, max_pixels)
        return _arrange(_square(source, preprocessing, reduced), preprocessing)
    with _file(source) as file:
        try:
            with _open(file, max_pixels) as image:
                return _arrange(_square(image, preprocessing, reduced), preprocessing)
        except ImageError:
            raise
        except MemoryError as error:
            raise ImageError("not enough memory to decode it", "limit") from error
        except Exception as error:  # Pillow's parsers raise whatever a damaged file leads them to
            raise ImageError(f"cannot decode it: {_reason(error)}") from error


def _file(source: str | os.PathLike[str] | bytes | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """The source as a binary file; one that was open already stays open."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        return open_file(source)
    return nullcontext(source)


def open_file(source: str | os.PathLike[str]) -> BinaryIO:
    """An open regular file; a fifo or a device is never opened, since it could block for ever.

    Raises ImageError.
    """
    try:
        mode = os.stat(source).st_mode
        if stat.S_ISDIR(mode):
            raise ImageError("a folder, not an image", "file")
        if not stat.S_ISREG(mode):
            raise ImageError("not a regular file", "file")
        return Path(source).open("rb")
    except FileNotFoundError as error:
        raise ImageError("no such file", "missing") from error
    except PermissionError as error:
        raise ImageError("no permission to read it", "permission") from error
    except OSError as error:
        raise ImageError(error.strerror or str(error), "file") from error
    except ValueError as error:  # a NUL byte in the name
        raise ImageError(str(error), "missing") from error


def _open(file: BinaryIO, max_pixels: int) -> Image.Image:
    """The image with its header read and its size checked, not yet decoded."""
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels  # global to the process: raised here, never lowered
    start = file.read(32)
    file.seek(0)
    if not start:
        raise ImageError("the file is empty")
    if start[4:8] == b"ftyp" and start[8:12] not in (b"avif", b"avis"):
        _enable_heif()
    try:
        image = _jpeg(file) if start.startswith(_JPEG) else Image.open(file)
    except Image.UnidentifiedImageError as error:
        raise ImageError("not an image in a known format") from error
    except Image.DecompressionBombError as error:
        claimed = re.search(r"\d+", str(error))
        raise _too_large(int(claimed[0]) if claimed else 0, max_pixels) from error
    _check_size(image, max_pixels)
    return image


def _jpeg(file: BinaryIO) -> Image.Image:
    """As ``Image.open``, which would import the plugins of five formats first."""
    from PIL.JpegImagePlugin import jpeg_factory

    try:
        return jpeg_factory(file)
    except SyntaxError:  # what plugins raise for files that are not theirs
        file.seek(0)
        return Image.open(file)


def _check_size(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise _too_large(image.width * image.height, max_pixels)


def _too_large(pixels: int, max_pixels: int) -> ImageError:
    return ImageError(f"its {pixels:,} pixels exceed the limit of {max_pixels:,} pixels; if you "
                      "trust the file, raise the limit with `max_pixels`", "limit")


def _enable_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise ImageError("HEIC needs pillow-heif: pip install 'zsl-cli[heif]'",
                         "decoder") from error
    register_heif_opener()


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _square(image: Image.Image, preprocessing: Preprocessing,
            reduced: bool) -> "NDArray[np.uint8]":
    """The picture made square and resized, as [size, size, 3]."""
    side = preprocessing.size
    if reduced and image.format in ("JPEG", "MPO"):
        # The whole picture's size at which the square's side is REDUCING_GAP times what we need.
        needed = max(image.size) if preprocessing.fit == "pad" else (
            min(image.size) * preprocessing.crop)
        scale = REDUCING_GAP * side / needed
        image.draft(None, (int(image.width * scale), int(image.height * scale)))
    image.load()  # a TIFF is turned here by Pillow itself, and its orientation is then 1
    orientation = _orientation(image)
    image = _eight_bit(image)
    image = _resized(image, preprocessing)
    if image.mode in ("RGBA", "LA"):
        white = Image.new(image.mode, image.size, "white")
        image = Image.alpha_composite(white.convert("RGBA"), image.convert("RGBA"))
    image = image.convert("RGB")
    if image.size != (side, side):
        bars = Image.new("RGB", (side, side), preprocessing.fill)
        bars.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        image = bars
    pixels = np.asarray(image)
    turn = _TURN.get(orientation)  # what is done to a turned picture, turned, is the same
    return pixels if turn is None else turn(pixels)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 where the metadata is damaged: the pixels are good all the same."""
    try:
        return image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # as in load
        return 1


def _resized(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """The part of the picture that is kept, at its final size."""
    side, filter_ = preprocessing.size, Image.Resampling[preprocessing.interpolation.upper()]
    width, height = image.size
    if preprocessing.fit == "pad":
        scale = side / max(image.size)
        return image.resize((max(1, round(width * scale)), max(1, round(height * scale))), filter_)
    if preprocessing.fit == "squash":
        left, top = (length * (1 - preprocessing.crop) / 2 for length in image.size)
        return image.resize((side, side), filter_, box=(left, top, width - left, height - top))
    shorter = round(side / preprocessing.crop)
    columns, rows = (int(shorter * length / min(image.size)) for length in image.size)
    left, top = (_start(length - side, preprocessing) for length in (columns, rows))
    box = (left * width / columns, 0, min((left + side) * width / columns, width), height)
    if rows > _TALL * side:
        return image.resize((side, side), filter_, box=(
            box[0], top * height / rows, box[2], (top + side) * height / rows))
    # Pillow rounds after resizing the columns and again after the rows, in an order that hangs on
    # the sizes. All rows, cut off afterwards, give the very pixels of resizing the whole picture.
    return image.resize((side, rows), filter_, box=box).crop((0, top, side, top + side))


def _start(margin: int, preprocessing: Preprocessing) -> int:
    """Where the centre begins when so many pixels are cut off."""
    return margin // 2 if preprocessing.odd_margins == "floor" else round(margin / 2)


def _eight_bit(image: Image.Image) -> Image.Image:
    """The image in a mode that resizes well: L, LA, RGB or RGBA."""
    if image.mode in ("RGB", "RGBA", "L", "LA"):
        if image.mode in ("RGB", "L") and "transparency" in image.info:
            return image.convert("RGBA")
        return image
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in ("PA", "RGBa", "La"):
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled_to_eight_bit(image)
    return image.convert("RGB")  # CMYK, YCbCr, LAB, HSV


def _scaled_to_eight_bit(image: Image.Image) -> Image.Image:
    """16- and 32-bit grey as 8 bits: Pillow's own conversion would clip at 255."""
    values = np.asarray(image, dtype=np.float32)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ImageError("it holds no number, only NaN or infinity")
    low, high = float(finite.min()), float(finite.max())
    if image.mode != "F" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    values = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / (high - low or 1.0)
    return Image.fromarray((values.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def _arrange(pixels: "NDArray[np.uint8]", preprocessing: Preprocessing) -> "NDArray[np.uint8]":
    if preprocessing.layout == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(pixels)
