"""The default is as good as it was, on photographs that nothing was fitted to."""

from pathlib import Path

import numpy as np
import pytest
from shared_data import DATA

from zsl_cli import Classifier
from zsl_cli.embedding import stream
from zsl_cli.embedding.walk import images_in
from zsl_cli.evaluation.metrics import class_mean_hit_at_k, recall_at_k


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load(device="cpu")


@pytest.fixture(scope="module")
def photographs(classifier):
    """By set: embeddings ``[n, D]`` and the rows of the true labels."""
    found = {}
    for name in ("objects-seen", "objects-unseen"):
        paths = list(images_in(str(DATA / name)))
        items = ((path, lambda model, path=path: model.read(path)) for path in paths)
        found[name] = (
            np.concatenate([batch.embeddings for batch in stream.embed(classifier.model, items)]),
            np.array([classifier.vocabulary.rows[Path(path).parent.name.split("_")[0]]
                      for path in paths]))
    return found


@pytest.mark.data
@pytest.mark.parametrize(("name", "k", "least"), [
    ("objects-seen", 1, 0.71), ("objects-seen", 5, 0.82),
    ("objects-unseen", 5, 0.27), ("objects-unseen", 20, 0.46)])
def test_hits_among_all_labels(classifier, photographs, name, k, least):
    embeddings, truth = photographs[name]
    ranked, _ = classifier.vocabulary.searcher(exact=True).search(embeddings, k)
    assert class_mean_hit_at_k(ranked, truth, k) >= least


@pytest.mark.data
def test_hits_among_the_sets_own_classes(classifier, photographs):
    embeddings, truth = photographs["objects-unseen"]
    ranked, _ = classifier.vocabulary.subset(truth, prior=False).search(embeddings, 1)
    assert class_mean_hit_at_k(ranked, truth, 1) >= 0.71


@pytest.mark.data
def test_the_index_finds_what_exact_search_finds(classifier, photographs, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    embeddings, _ = photographs["objects-unseen"]
    exact, _ = classifier.vocabulary.searcher(exact=True).search(embeddings, 10)
    found, _ = classifier.vocabulary.searcher(exact=False).search(embeddings, 10)
    assert recall_at_k(found, exact, 10) >= 0.99
