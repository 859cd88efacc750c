"""Images of any mode of Pillow's → those that resize well: eight bits a sample."""

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zsl_cli.embedding.pictures import colour, tiff
from zsl_cli.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_WHITE = 65535
"""Of whole numbers whose range no file says, 16 bits."""

_AT_ONCE = 1 << 20  # samples, so that floating-point copies of a large picture stay small
_BLANK = 8  # grey levels


def eight_bit(image: Image.Image) -> Image.Image:
    """The image as L, LA, RGB or RGBA; CMYK and LAB stay what they are where a profile, or Lab
    itself, says what their colours are. Raises ImageError."""
    mode = image.mode
    if mode in ("RGB", "RGBA", "L", "LA"):
        if mode in ("RGB", "L") and "transparency" in image.info:
            return image.convert("RGBA")
        return image
    if mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if mode in ("PA", "RGBa"):
        return image.convert("RGBA")
    if mode == "La":
        return image.convert("LA")
    if mode == "1":
        return image.convert("L")
    if mode.startswith("I") or mode == "F":
        return _scaled(image)
    if mode == "LAB" or (mode == "CMYK" and colour.is_converted(image)):
        return image
    return image.convert("RGB")  # CMYK, YCbCr, HSV


def is_blank(image: Image.Image) -> bool:
    """Whether every pixel of a decoded image has, nearly, one colour, or is transparent."""
    least, most = [255] * 4, [0] * 4
    rows = max(1, _AT_ONCE // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        bounds: Any = band.convert("RGBA").getextrema()
        least = [min(pair) for pair in zip(least, (low for low, _ in bounds), strict=True)]
        most = [max(pair) for pair in zip(most, (high for _, high in bounds), strict=True)]
        if most[3] and any(high - low > _BLANK for low, high in zip(least, most, strict=True)):
            return False
    return True


def _scaled(image: Image.Image) -> Image.Image:
    """Numbers of more than 8 bits as 8: Pillow's own conversion would clip them at 255."""
    low, high = _black_and_white(image)
    inverted = image.format == "TIFF" and tiff.is_inverted(image)
    scaled = Image.new("L", image.size)
    for top, values in _bands(image):
        shares = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / (
            high - low or 1.0)
        shares = shares.clip(0, 1) * 255 + 0.5
        band = Image.fromarray((256 - shares if inverted else shares).astype(np.uint8))
        scaled.paste(band, (0, top))
    return scaled


def _black_and_white(image: Image.Image) -> tuple[float, float]:
    """The numbers that mean black and white: those that the kind of file says, where the picture
    keeps to them and does not lie far below, else the smallest and the largest there are."""
    low, high = np.inf, -np.inf
    for _, values in _bands(image):
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        raise ImageError("it holds no number, only NaN or infinity")
    if image.mode == "F":
        return (0.0, 1.0) if low >= 0 and 0.5 < high <= 1 else (low, high)
    white = tiff.full_scale(image) if image.format == "TIFF" else _WHITE
    if white > _WHITE and high < white / 256:  # 32 bits, of which the upper ones are not used
        white = _WHITE
    return (0.0, float(white)) if low >= 0 and high <= white else (low, high)


def _bands(image: Image.Image) -> "Iterator[tuple[int, NDArray[np.float32]]]":
    """Some rows at a time: where they begin, and their numbers."""
    unsigned = image.mode == "I" and image.format == "TIFF" and tiff.is_unsigned(image)
    rows = max(1, _AT_ONCE // image.width)
    for top in range(0, image.height, rows):
        band = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
        yield top, (band.view(np.uint32) if unsigned else band).astype(np.float32)
