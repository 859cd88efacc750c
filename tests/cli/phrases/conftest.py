"""Models that encode phrases, and pictures of one colour."""

import pytest
import text_model


@pytest.fixture
def colours(tmp_path):
    """A model that encodes phrases, in a space that no vocabulary has."""
    return text_model.make(tmp_path / "colours")


@pytest.fixture
def painted(colours):
    """The same, with a vocabulary of its own."""
    text_model.make_vocabulary(colours / "vocab", name="paints")
    return colours


@pytest.fixture
def photos(tmp_path):
    """A folder with a red, a green and a blue picture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in text_model.COLOURS.items():
        text_model.photo(folder / f"{name}.png", colour)
    return folder


@pytest.fixture
def red(photos):
    return str(photos / "red.png")
