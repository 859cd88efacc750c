"""M by one of the methods: what is written is what was trained and validated."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from zsl_cli.authoring.exporting import heads  # noqa: E402
from zsl_cli.authoring.training.methods import random_vectors  # noqa: E402
from zsl_cli.cli.train import learn  # noqa: E402
from zsl_cli.cli.train.run import Images, Options  # noqa: E402

CLASSES, IMAGES, WIDTH = 12, 240, 16


class Silent:
    """Is told what happens."""

    def __init__(self):
        self.bar = self

    def __getattr__(self, _name):
        return lambda *_arguments, **_more: None


@pytest.fixture
def images():
    """Features of classes, some of which are nothing but noise."""
    random = np.random.default_rng(0)
    means = random.standard_normal((CLASSES, WIDTH))
    means[:4] = 0
    rows = np.arange(IMAGES) % CLASSES
    features = means[rows] + random.standard_normal((IMAGES, WIDTH))
    return Images(tuple(Path(str(number)) for number in range(IMAGES)), rows,
                  features.astype(np.float32), np.empty((0, IMAGES, WIDTH), np.float32))


def options(tmp_path, **given):
    """What the command line says: nothing, but for this."""
    nothing = {field.name: None for field in fields(Options)}
    return Options(**{
        **nothing, "output": tmp_path, "negatives": "all", "samples": 512, "epochs": 20,
        "learning_rate": 0.05, "validation": "image", "patience": 0, "seed": 0, "device": "cpu",
        **given})


def test_the_written_vectors_of_wsabie_rank_as_those_that_were_validated(images, tmp_path):
    given = options(tmp_path, method="wsabie", margin=0.02)
    given.work.mkdir()
    taught = learn._from_nothing(given, random_vectors(CLASSES, 3, 0), np.arange(CLASSES),
                                 images.rows, images, Silent())
    learned = taught.learned
    assert np.linalg.norm(learned.vectors, axis=1).min() < 0.9  # or there is nothing to see
    inputs = images.features / np.linalg.norm(images.features, axis=1, keepdims=True)
    validated = inputs @ learned.change.T @ learned.vectors.T
    _, projected = heads.project(taught.projection, images.features, None)
    written = projected / np.linalg.norm(projected, axis=1, keepdims=True) @ taught.vectors.T
    assert np.linalg.norm(taught.vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(written.argsort(axis=1), validated.argsort(axis=1))
