"""Another view of a photograph: a random part of it, mirrored or not, brighter or darker."""

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from PIL import Image, ImageEnhance

from zsl_cli.embedding import images
from zsl_cli.support.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

AREA = (0.35, 1.0)
"""The share of the picture's square that a view keeps (Szegedy et al., 2015, take it from 0.08)."""

RATIO = (3 / 4, 4 / 3)  # width to height
JITTER = 0.2
"""How much brightness, contrast and saturation change at most, each on its own."""

_SMALLEST = 8 / 7  # of the input's side, what a view is cut out of


def view(source: "images.ImageSource", preprocessing: Preprocessing, random: np.random.Generator, *,
         max_pixels: int = images.MAX_PIXELS) -> "NDArray[np.uint8]":
    """A random view of the picture, as the network takes it: uint8 ``[size, size, 3]``
    (``[3, size, size]`` for NCHW). Raises ImageError."""
    wider = replace(preprocessing, size=round(preprocessing.size * _SMALLEST), layout="NHWC",
                    crop=min(1.0, preprocessing.crop * _SMALLEST))
    picture = Image.fromarray(images.load(source, wider, max_pixels=max_pixels))
    side = preprocessing.size
    picture = picture.resize((side, side), Image.Resampling.BICUBIC,
                             box=_part(picture.width, random))
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(1 + random.uniform(-JITTER, JITTER))
    pixels = np.asarray(picture)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1) if preprocessing.layout == "NCHW"
                                else pixels)


def _part(side: int, random: np.random.Generator) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a random part of a square."""
    area = side ** 2 * random.uniform(*AREA)
    ratio = np.exp(random.uniform(*np.log(RATIO)))
    width, height = min(side, (area * ratio) ** 0.5), min(side, (area / ratio) ** 0.5)
    left, top = random.uniform(0, side - width), random.uniform(0, side - height)
    return left, top, left + width, top + height


@dataclass(frozen=True)
class View:
    """The n-th random view of an image file: the same one whenever it is asked for, whichever
    images are beside it. Its ``repr`` says what it does."""

    seed: int
    number: int

    def __call__(self, source: str | os.PathLike[str], preprocessing: Preprocessing, *,
                 max_pixels: int = images.MAX_PIXELS) -> "NDArray[np.uint8]":
        """See ``view``."""
        name = crc32(os.fsencode(os.path.abspath(source)))
        random = np.random.default_rng([self.seed, self.number, name])
        return view(source, preprocessing, random, max_pixels=max_pixels)
