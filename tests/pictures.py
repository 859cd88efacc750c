"""Pictures as files, and how much two of them differ."""

import io

import numpy as np
from PIL import Image

from zsl_cli.support.preprocessing import Preprocessing

SQUARE = Preprocessing(size=224)


def encoded(image: Image.Image, format_: str, **options) -> bytes:
    """The file that Pillow makes of an image."""
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def difference(a, b, block: int = 1) -> float:
    """The mean absolute difference of two pixel arrays, in grey levels; with ``block`` that of
    the means of square blocks, which a shift by half a pixel hardly changes."""
    delta = a.astype(float) - b.astype(float)
    side = delta.shape[0] // block
    return float(np.abs(delta.reshape(side, block, side, block, 3).mean((1, 3))).mean())
