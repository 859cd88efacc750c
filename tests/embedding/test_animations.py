"""Of an animation the first frame is taken that shows something."""

import numpy as np
import pytest
from pictures import SQUARE, difference, encoded
from PIL import Image

from zsl_cli.embedding.images import load


def animation(format_, frames):
    options = {"lossless": True} if format_ == "WEBP" else {}
    first, *more = frames
    return encoded(first, format_, save_all=True, append_images=more, duration=50, **options)


def blank(kind, size):
    if kind == "clear":
        return Image.new("RGBA", size, (0, 0, 0, 0))
    if kind == "noise":
        rng = np.random.default_rng(0)
        return Image.fromarray(rng.integers(0, 5, (size[1], size[0], 3), np.uint8))
    return Image.new("RGB", size, kind)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("kind", ["white", "black", "navy", "clear", "noise"])
@pytest.mark.parametrize("count", [1, 5])
def test_blank_frames_at_the_beginning_are_passed_over(cat, format_, kind, count):
    before = [blank(kind, cat.size)] * count
    for at, frame in enumerate(before[1:], 1):  # or they would be one frame
        before[at] = frame.copy()
        before[at].putpixel((at, at), (6, 6, 6) if kind in ("black", "noise") else
                            frame.getpixel((0, 0)))
    data = animation(format_, [*before, cat, cat.rotate(180)])
    assert difference(load(data, SQUARE), load(cat, SQUARE), block=8) < 12


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
def test_where_every_frame_is_blank_the_first_is_taken(format_):
    data = animation(format_, [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue")])
    pixels = load(data, SQUARE)
    assert (pixels.reshape(-1, 3)[0] == (255, 0, 0)).all()


def test_a_still_picture_may_be_blank():
    for format_ in ("GIF", "PNG", "WEBP"):
        assert (load(encoded(Image.new("RGB", (9, 9)), format_), SQUARE) == 0).all()
