"""A model of colours, pictures of them, and what is said of each."""

import pytest
import text_model
from painted_sets import model  # noqa: F401


@pytest.fixture
def captioned(tmp_path):
    """A file of captions beside the four pictures that it describes."""
    lines = ["image,caption,split"]
    for name, colour, texts in (
            ("red", (255, 0, 0), ["scarlet paint", "a sheet"]), ("wine", (250, 0, 0), ["crimson"]),
            ("sea", (0, 0, 255), ["A navy sea"]), ("dusk", (0, 0, 250), ["crimson and navy"])):
        text_model.photo(tmp_path / f"{name}.png", colour)
        lines += [f"{name}.png,{text},{name}" for text in texts]
    path = tmp_path / "captions.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
