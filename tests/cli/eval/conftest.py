"""A model of colours, and pictures of them in folders."""

import pytest
import text_model
from painted_sets import LABELS, VECTORS


@pytest.fixture
def model(tmp_path):
    """A model with a vocabulary of its own: colour, and below it crimson, which is seen, navy and
    lime."""
    folder = text_model.make(tmp_path / "paint")
    text_model.make_vocabulary(folder / "vocab", vectors=VECTORS, labels=LABELS)
    return folder


@pytest.fixture
def photos(tmp_path):
    """Four red pictures and a blue one of crimson, two blue ones of navy, a green and a reddish
    one of lime."""
    folder = tmp_path / "photos"
    pictures = {"scarlet": [(255, 0, 0)] * 4 + [(0, 0, 255)], "c3": [(0, 0, 250)] * 2,
                "c4_lime": [(0, 255, 0), (200, 100, 0)]}
    for name, colours in pictures.items():
        (folder / name).mkdir(parents=True)
        for number, colour in enumerate(colours):
            text_model.photo(folder / name / f"{number}.png", colour)
    return folder
