"""A small fit of label vectors to a classifier, and what stands in for a long one."""

from types import SimpleNamespace

import numpy as np
import pytest

from zsl_cli.authoring.vocabularies.classifier_fit import fit, fitted, phrases
from zsl_cli.authoring.vocabularies.classifier_fit.beside import Beside
from zsl_cli.authoring.vocabularies.classifier_fit.looks import Looks
from zsl_cli.support.vectors import unit_rows
from zsl_cli.vocabulary.names.label import Label


@pytest.fixture(scope="session")
def small_fit():
    """Forty labels, of which twenty are classes of a classifier of 64 features, two look like
    classes, and three, one of them a class, are seen with classes: the arrays of ``fit.fit``, its
    settings, what it made of them."""
    sparse = pytest.importorskip("scipy.sparse")
    random = np.random.default_rng(0)
    meaning = unit_rows(random.normal(size=(40, 6)).astype(np.float32))
    weights = (meaning[:20] @ random.normal(size=(6, 64))).astype(np.float32)
    classifier = fit.Classifier(weights, np.zeros(20, np.float32), np.arange(20))
    tree = sparse.csr_matrix(unit_rows(np.abs(meaning)))
    prior = random.normal(size=40).astype(np.float32)
    settings = fit.Settings(dimension=70)
    arrays = (tree, [meaning, meaning], np.zeros((40, 20), np.float32), prior, classifier, settings,
              Looks(np.array([25, 30]), np.eye(20, dtype=np.float32)[[3, 4]] / 2
                    + np.eye(20, dtype=np.float32)[[7, 4]] / 2),
              Beside(np.array([5, 28, 39]), random.integers(0, 9, (3, 20)).astype(np.float32) / 10,
                     np.array([-1, -2, -3], np.float32)))
    return arrays, settings, fit.fit(*arrays)


@pytest.fixture
def fits_at_once(small_fit, monkeypatch):
    """Fitting is done already: of any checkpoint, with the small fit. The list of what was
    asked for; what it has in ``during`` happens meanwhile."""
    torch = pytest.importorskip("torch")
    from zsl_cli.authoring.networks import features, recognise

    linear = SimpleNamespace(weight=torch.zeros(20, 64), bias=torch.zeros(20))
    size = SimpleNamespace(preprocessing=SimpleNamespace(size=8))
    monkeypatch.setattr(recognise, "recognise",
                        lambda *_: SimpleNamespace(
                            module=None, input=size, architecture="timm:some_net.v1"))
    monkeypatch.setattr(features, "find", lambda *_: SimpleNamespace(classifier=linear))
    labels = [Label(str(row), str(row)) for row in range(40)]
    eye = np.eye(3, dtype=np.float32)
    asked = SimpleNamespace(requests=[], during=lambda: None)

    def build(request, progress):
        asked.requests.append(request)
        progress.start("encoding", 1, "texts")
        asked.during()
        dimension = small_fit[2].prior_dimension
        return fitted.Built(labels, small_fit[2], np.array([5, 28, 39]), phrases.PhraseFit(
            eye, .5, np.ones((3, dimension), np.float32), np.ones(dimension, np.float32), 1), "ab")

    monkeypatch.setattr(fitted, "build", build)
    return asked
