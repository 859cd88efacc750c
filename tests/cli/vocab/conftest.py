"""``zsl vocab build`` on vectors and labels that a test gives."""

import pytest
from fits import fits_at_once, small_fit  # noqa: F401
from word_vectors import BINARY

from zsl_cli import Vocabulary


@pytest.fixture
def build(zsl, tmp_path):
    """Runs the command on vectors and labels of this content; the result, and the vocabulary if
    there is one."""

    def run(*options, vectors=BINARY, labels=None, name="labels.txt"):
        (tmp_path / "vectors.bin").write_bytes(vectors)
        if labels is not None:
            (tmp_path / name).write_text(labels)
            options = ("--labels", name, *options)
        result = zsl("vocab", "build", "vectors.bin", "-o", "out/words", *options)
        folder = tmp_path / "out" / "words"
        return result, Vocabulary.load(folder) if folder.exists() else None

    return run
