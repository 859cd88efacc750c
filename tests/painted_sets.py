"""A model with a vocabulary of four colours, pictures of them, and the rows that ``zsl eval`` gives
for these."""

import json

import numpy as np
import pytest
import text_model

from zsl_cli.vocabulary.names.label import Label

LABELS = [Label("c1", "colour"), Label("c2", "crimson", synonyms=("scarlet",), parents=("c1",),
                                       seen=True),
          Label("c3", "navy", parents=("c1",)), Label("c4", "lime", parents=("c1",))]
VECTORS = np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]], np.float32)


def rows_of(result):
    return {row["candidates"] + ("" if row["stacking"] is None else " stacked"): row
            for row in json.loads(result.stdout)["rows"]}


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
