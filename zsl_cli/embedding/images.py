"""A path, bytes, an open file or a Pillow image → the square uint8 RGB array that an encoder takes.

The centre square of the picture is resized straight to the encoder's side. A JPEG, or JPEG 2000, is
decoded at a reduced size where that loses nothing the resize would keep, which is most of the
speed.
"""

import io
import math
import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from zsl_cli.embedding.pictures import colour, decoder_noise, jpeg, jpeg2000, memory
from zsl_cli.embedding.pictures.formats import open_image, pixels_at_opening
from zsl_cli.embedding.pictures.headers import check_size
from zsl_cli.embedding.pictures.samples import eight_bit, is_blank
from zsl_cli.errors import ImageError
from zsl_cli.support import files
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image

REDUCING_GAP = 2.75
"""A reduced-size decode stops at this many times the final size, so that what follows is still
a good resize, and a 12-megapixel photo is decoded at a quarter of its sides."""

_TALL = 4
"""A picture more than so many times as tall as wide is cut before it is resized."""

_BYTES = 8  # a pixel, as Pillow keeps it, and a copy of it in another mode
_MORE_BYTES = {"JPEG2000": 20, "WEBP": 16}  # while it is decoded: numbers of 32 bits, two canvases
_JPEGS = ("JPEG", "MPO")
_SAYS_NOTHING = ("decoder error", "Generic Error")
_ANIMATED = ("AVIF", "GIF", "PNG", "WEBP")
_FRAMES = 100
"""Of an animation that begins with blank ones."""

_FRAMES_PIXELS = 1 << 27  # of all those frames together

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
    """The picture as uint8 ``[size, size, 3]`` (``[3, size, size]`` for NCHW), sRGB.

    EXIF orientation and the colour profile are applied, transparency is laid on white, 16 bits are
    scaled to 8, and of an animation the first frame that shows something is taken.
    ``reduced=False`` decodes in full size.

    Raises ImageError for a source that cannot be used, whatever is wrong with it.
    """
    if isinstance(source, Image.Image):
        check_size(source.size, max_pixels)
        if reduced:
            _reduce(source, preprocessing)
        source.load()
        return _arrange(_square(source, preprocessing), preprocessing)
    with _file(source) as file, decoder_noise.caught() as noise:
        try:
            early = pixels_at_opening(file) * _BYTES
            with memory.DECODING.lent(early), open_image(file, max_pixels) as image:
                if reduced:
                    _reduce(image, preprocessing)
                    _reduce_2000(image, file, preprocessing)
                # Who has been lent something asks for no more, lest two wait for one another.
                with memory.DECODING.lent(0 if early else _bytes(image, max_pixels)):
                    _turn_to_first_to_show(image, max_pixels)
                    decoded = _decoded(image, file, max_pixels)
                    return _arrange(_square(decoded, preprocessing), preprocessing)
        except ImageError:
            raise
        except MemoryError as error:
            raise ImageError("not enough memory to decode it", "limit") from error
        except Exception as error:  # Pillow's parsers raise whatever a damaged file leads them to
            raise _reported(error, noise) from error


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
        _check_regular(os.stat(source).st_mode)
        file = open(source, "rb", opener=files.at_once)  # noqa: SIM115
        try:
            _check_regular(os.fstat(file.fileno()).st_mode)  # something else may be there by now
        except ImageError:
            file.close()
            raise
        return file
    except FileNotFoundError as error:
        raise ImageError("no such file", "missing") from error
    except PermissionError as error:
        raise ImageError("no permission to read it", "permission") from error
    except OSError as error:
        raise ImageError(error.strerror or str(error), "file") from error
    except ValueError as error:  # a NUL byte in the name
        raise ImageError(str(error), "missing") from error


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise ImageError("a folder, not an image", "file")
    if not stat.S_ISREG(mode):
        raise ImageError("not a regular file", "file")


def _reported(error: Exception, noise: list[str]) -> ImageError:
    """What is told of an error of Pillow's; where it is a number, what libtiff has said."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if "memory" in reason:
        return ImageError("not enough memory to decode it", "limit")
    if reason.startswith(_SAYS_NOTHING):
        reason = noise[0] if noise else "its data are damaged"
    return ImageError(f"cannot decode it: {reason}")


def _turn_to_first_to_show(image: Image.Image, max_pixels: int) -> None:
    """Turn an animation to its first frame that is not blank, if there is one among the first."""
    if image.format not in _ANIMATED or not getattr(image, "is_animated", False):
        return
    frames = min(_FRAMES, _FRAMES_PIXELS // (image.width * image.height))
    for frame in range(frames if frames > 1 else 0):
        try:
            image.seek(frame)
        except EOFError:
            break
        check_size(image.size, max_pixels)  # one that lies beyond the others makes a GIF larger
        if not is_blank(image):
            return
    image.seek(0)


def _reduce(image: Image.Image, preprocessing: Preprocessing) -> None:
    """Have a JPEG decoded at a reduced size."""
    if image.format in _JPEGS:
        scale = _least(image, preprocessing)
        image.draft(None, (int(image.width * scale), int(image.height * scale)))


def _least(image: Image.Image, preprocessing: Preprocessing) -> float:
    """The whole picture's scale at which the square's side is REDUCING_GAP times what we need."""
    needed = preprocessing.crop * (
        max(image.size) if preprocessing.fit == "pad" else min(image.size))
    return REDUCING_GAP * preprocessing.size / needed


def _reduce_2000(image: Any, file: BinaryIO, preprocessing: Preprocessing) -> None:
    """Have a JPEG 2000 decoded at a half of its sides, or a half of that, as a JPEG is."""
    if image.format == "JPEG2000":
        halvings = int(-math.log2(min(1.0, _least(image, preprocessing))))
        image.reduce = min(halvings, jpeg2000.levels(file))


def _bytes(image: Image.Image, max_pixels: int) -> int:
    """What decoding takes. Raises ImageError for more than a picture of as many pixels as are
    allowed takes in most formats."""
    pixels = image.width * image.height >> 2 * getattr(image, "_reduce", 0)
    needed = pixels * _MORE_BYTES.get(image.format or "", _BYTES)
    if needed > max(max_pixels, MAX_PIXELS) * _BYTES:
        raise ImageError(f"decoding its {pixels:,} pixels takes {needed / 1e9:.1f} GB; if you "
                         "trust the file, raise the limit with `max_pixels`", "limit")
    return needed


def _decoded(image: Image.Image, file: BinaryIO, max_pixels: int) -> Image.Image:
    """The image with its pixels, or another one of the same file where its end is missing."""
    try:
        image.load()  # a TIFF is turned here by Pillow itself, and its orientation is then 1
        return image
    except OSError:
        if image.format not in (*_JPEGS, "JPEG2000"):
            raise
        size, format_, halvings = image.size, image.format, getattr(image, "_reduce", 0)

    def again(file: BinaryIO) -> Image.Image:
        image: Any = open_image(file, max_pixels)
        image.draft(None, size)
        if halvings:
            image.reduce = halvings
        image.load()
        return image

    if format_ == "JPEG2000":  # whose decoder makes nothing up
        file.seek(0)
        return again(io.BytesIO(file.read() + jpeg.END))
    return jpeg.complete(file, again)


def _square(image: Image.Image, preprocessing: Preprocessing) -> "NDArray[np.uint8]":
    """The decoded picture made square and resized, as [size, size, 3]."""
    side, profile = preprocessing.size, image.info.get("icc_profile")
    orientation = _orientation(image)
    image = _resized(eight_bit(image), preprocessing)
    if image.mode in ("RGBA", "LA"):
        white = Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(white, image.convert("RGBA"))
        image = flat.convert("RGB" if image.mode == "RGBA" else "L")
    image = colour.to_srgb(image, profile).convert("RGB")
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
        scale = round(side / preprocessing.crop) / max(image.size)
        columns, rows = (max(1, round(length * scale)) for length in image.size)
        x, y = (_start(max(length - side, 0), preprocessing) for length in (columns, rows))
        return image.resize((columns, rows), filter_).crop(
            (x, y, min(x + side, columns), min(y + side, rows)))
    shorter = round(side / preprocessing.crop)
    if preprocessing.fit == "squash":
        start = _start(shorter - side, preprocessing)
        box = (start * width / shorter, 0, min((start + side) * width / shorter, width), height)
        return image.resize((side, shorter), filter_, box=box).crop((0, start, side, start + side))
    wide, rows = (int(shorter * length / min(image.size)) for length in image.size)
    left, top = (_start(length - side, preprocessing) for length in (wide, rows))
    box = (left * width / wide, 0, min((left + side) * width / wide, width), height)
    if rows > _TALL * side:
        return image.resize((side, side), filter_, box=(
            box[0], top * height / rows, box[2], (top + side) * height / rows))
    # Pillow rounds after resizing the columns and again after the rows, in an order that hangs on
    # the sizes. All rows, cut off afterwards, give the very pixels of resizing the whole picture.
    return image.resize((side, rows), filter_, box=box).crop((0, top, side, top + side))


def _start(margin: int, preprocessing: Preprocessing) -> int:
    """Where the centre begins when so many pixels are cut off."""
    return margin // 2 if preprocessing.odd_margins == "floor" else round(margin / 2)


def _arrange(pixels: "NDArray[np.uint8]", preprocessing: Preprocessing) -> "NDArray[np.uint8]":
    if preprocessing.layout == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(pixels)
