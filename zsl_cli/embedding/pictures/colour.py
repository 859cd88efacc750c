"""Colours of a picture → sRGB, what networks are trained on.

A picture in a wider space (Display P3 of phones, Adobe RGB and ProPhoto of cameras) looks pale to
whoever takes its numbers for sRGB. littleCMS, which comes with Pillow, reads its profile (ICC.1).
"""

import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

_LARGEST = 16 << 20  # bytes of a profile; those of printing presses have 2 MB
_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}  # ICC.1, table 19
_SAME = 2
"""Grey levels that a profile may be off sRGB and still be called so."""


def is_converted(image: Image.Image) -> bool:
    """Whether ``to_srgb`` changes what an image's profile is for."""
    return _transform(image.info.get("icc_profile") or b"", image.mode) is not None


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image, in the mode RGB, L, CMYK or LAB, as one in sRGB, RGB where anything changed.

    profile: the picture's ICC profile; one that is damaged, of another kind of colours or none
        at all leaves it as it is.
    """
    transform = _transform(profile or b"", image.mode)
    return transform.apply(image) if transform else image


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> "ImageCmsTransform | None":
    if mode != "LAB" and (_SPACES.get(mode) != profile[16:20] or len(profile) > _LARGEST):
        return None
    from PIL import ImageCms

    try:
        source = (ImageCms.createProfile("LAB") if mode == "LAB" else
                  ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if mode in ("RGB", "L"):
        scale = np.linspace(0, 255, 6, dtype=np.uint8)
        colours = np.stack(np.meshgrid(scale, scale, scale), axis=-1).reshape(1, -1, 3)
        samples = Image.fromarray(colours if mode == "RGB" else scale[None])
        off = np.asarray(transform.apply(samples), int) - np.asarray(samples.convert("RGB"), int)
        if np.abs(off).max() <= _SAME:
            return None
    return transform
