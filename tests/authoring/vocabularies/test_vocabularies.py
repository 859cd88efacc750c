"""WordNet's files, the choice of labels, and the fit of label vectors."""

from dataclasses import asdict

import numpy as np
import pytest

pytest.importorskip("scipy")

from zsl_cli import Model, Vocabulary
from zsl_cli.authoring.vocabularies import knowledge, labelset
from zsl_cli.authoring.vocabularies.classifier_fit import fit, fitted, kernels
from zsl_cli.authoring.vocabularies.classifier_fit.looks import Looks
from zsl_cli.authoring.vocabularies.wordnet import PERSON, WordNet
from zsl_cli.errors import ZslError
from zsl_cli.support.vectors import unit_rows


def test_wordnets_files_are_read_as_documented(wordnet):
    crane = wordnet.synsets["n00000004"]
    assert crane.words == ("crane", "wading crane")
    assert wordnet.synsets["n00000003"].definition == "flies"
    assert wordnet.ancestors("n00000004") == {f"n0000000{i}" for i in (1, 2, 3, 4)}
    assert wordnet.sense_rank("crane", "n00000004") == 1
    assert wordnet.tag_count("crane", "n00000004") == 3
    assert wordnet.total_count("crane") == 15
    assert wordnet.nearest_ancestors("n00000004", {"n00000001", "n00000002"}) == ["n00000002"]


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ZslError, match="No such file"):
        WordNet(tmp_path)
    for name in ("data.noun", "index.noun", "cntlist.rev"):
        (tmp_path / name).write_text("something else\n")
    with pytest.raises(ZslError, match=r"not WordNet 3\.0"):
        WordNet(tmp_path)


def test_persons_are_left_out_but_for_those_that_people_have_a_word_for(wordnet):
    ids = labelset.choose(wordnet, {"n09917593"}, list(wordnet.synsets))
    assert "n00000008" not in ids
    assert PERSON not in ids
    assert "n09917593" in ids
    labels = {label.id: label for label in labelset.describe(
        wordnet, ids, ["n00000006"], {"n00000006": ("crane", "lift"), "n1": ("other",)},
        {"n00000004"})}
    assert [labels[id_].plain for id_ in ("n00000006", "n00000004")] == [("crane", "lift"), ()]
    assert [labels[id_].sensitive for id_ in ("n00000006", "n00000004")] == [False, True]
    assert labels["n00000006"].seen
    assert labels["n00000006"].ambiguous
    assert labels["n00000004"].ambiguous
    assert not labels["n00000003"].ambiguous
    assert labels["n00000004"].parents == ("n00000003",)


def test_alike_labels_have_a_larger_kernel(wordnet):
    ids = [f"n0000000{i}" for i in (2, 3, 4, 5, 6)]
    features = kernels.tree_features(kernels.ancestor_matrix(wordnet, ids))
    tree = (features @ features.T).toarray()
    np.testing.assert_allclose(np.diag(tree), 1, atol=1e-5)
    np.testing.assert_allclose(tree, tree.T, atol=1e-6)
    assert tree[2, 1] > tree[2, 0] > tree[2, 3]
    above = kernels.right_above(wordnet, ids, np.array([2, 4]))
    assert above.tolist() == [[1, 0], [1, 0], [0, 0], [0, 1], [0, 0]]


def embeddings(fitted, features, classifier, settings):
    """What the exported graph computes."""
    logits = features @ classifier.weights.T + classifier.bias
    parts = (unit_rows(features) @ fitted.features.T
             + fit.softmax(logits / settings.temperature) @ fitted.posterior.T + fitted.bias)
    slack = np.sqrt(np.maximum(fitted.radius ** 2 - np.square(parts).sum(1, keepdims=True), 0))
    return np.hstack([parts, slack]) / fitted.radius


def test_all_vectors_are_unit_vectors(small_fit):
    (_, _, _, _, classifier, *_), settings, fitted = small_fit
    np.testing.assert_allclose(np.linalg.norm(fitted.vectors, axis=1), 1, atol=1e-5)
    images = embeddings(fitted, classifier.weights * 3, classifier, settings)
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)


def test_products_are_the_documented_score_in_nats(small_fit):
    (tree, texts, above, prior, classifier, _, looks, beside), settings, fitted = small_fit
    features = classifier.weights * 2 + 1
    seen = classifier.labels
    visual = fit.visual_vectors(tree, texts[0], classifier, looks, settings)
    alike = looks.carried_by(kernels.text_kernel(texts[0], texts[0][seen], settings.conse_width),
                             settings.conse_looks)
    probabilities = fit.softmax((features @ classifier.weights.T) / settings.temperature)
    expected = (settings.visual * unit_rows(features) @ visual.T
                + probabilities @ (settings.conse * (alike - alike.mean(0))
                                   + settings.above * above).T + prior)
    got = fitted.nats * embeddings(fitted, features, classifier, settings) @ fitted.vectors.T
    np.testing.assert_allclose(got, expected, atol=0.05)  # 70 of 84 dimensions hold it all
    odds = np.hstack([unit_rows(features), probabilities]) @ beside.form(
        classifier.weights, settings.beside_ridge, settings.beside_direction,
        settings.beside_probability).T + beside.base
    got = fitted.nats * embeddings(fitted, features, classifier, settings) @ fitted.beside.T
    np.testing.assert_allclose(got, odds, atol=0.05)


def test_what_labels_look_like_is_kept_and_handed_on_to_their_kin(small_fit):
    (tree, texts, _, _, classifier, settings, looks, _), _, _ = small_fit
    rows = unit_rows(classifier.weights)
    with_looks = fit.visual_vectors(tree, texts[0], classifier, looks, settings)
    np.testing.assert_allclose(with_looks[classifier.labels], rows, atol=1e-5)
    np.testing.assert_allclose(with_looks[looks.rows], looks.vectors(rows), atol=1e-5)
    none = Looks(np.empty(0, np.int64), np.empty((0, 20), np.float32))
    without = fit.visual_vectors(tree, texts[0], classifier, none, settings)
    kin = max(set(range(20, 40)) - set(looks.rows.tolist()),
              key=lambda row: texts[0][row] @ texts[0][looks.rows[0]])
    towards = looks.vectors(rows)[0]
    assert with_looks[kin] @ towards > without[kin] @ towards


def test_a_fit_is_repeatable(small_fit):
    arrays, settings, fitted = small_fit
    again = fit.fit(*arrays)
    assert (again.vectors == fitted.vectors).all()
    assert (again.beside == fitted.beside).all()
    assert settings == arrays[5]


def test_reduction_keeps_the_scores_of_the_images_given(small_fit):
    random = np.random.default_rng(1)
    form = random.normal(size=(30, 20)).astype(np.float32)
    images = (random.normal(size=(500, 5)) @ random.normal(size=(5, 20))).astype(np.float32)
    labels, projection = fit.reduce(form, images, np.ones(30, np.float32), 5)
    np.testing.assert_allclose(images @ projection.T @ labels.T, images @ form.T,
                               atol=1e-2 * np.abs(images @ form.T).max())


def test_longer_features_make_surer_imagined_images(small_fit):
    (_, texts, _, _, classifier, *_), settings, _ = small_fit
    short, usual, long = (
        fit.imagined_images(classifier, texts[0][classifier.labels], settings.temperature, length,
                            200)[:, -20:].max(axis=1).mean() for length in (1.0, 15.6, 100.0))
    assert short < usual < long


def test_the_default_is_what_vocab_fit_would_make_of_its_network():
    vocabulary = Vocabulary.load()
    assert vocabulary.manifest.entries["fit"].items() <= asdict(fit.Settings()).items()
    assert fit.Settings().feature_length == 15.6
    network = Model.load(device="cpu").manifest.entries["architecture"]
    assert network == fitted.DEFAULT_NETWORK
    nothing = np.zeros((1, 4), np.float32)
    made = fit.Fit(nothing, nothing, nothing, nothing, nothing[0], 1.0, 1.0)
    assert fitted.space_of(made, network).rpartition("-")[0] == vocabulary.space.rpartition("-")[0]


def test_prior_and_slack_stand_behind_the_meaning(small_fit):
    (_, _, _, prior, *_), _, fitted = small_fit
    np.testing.assert_allclose(np.corrcoef(fitted.vectors[:, fitted.prior_dimension], prior)[0, 1],
                               1, atol=1e-5)
    assert fitted.vectors[:, fitted.slack_dimension].min() >= 0
    assert not fitted.vectors[:, fitted.slack_dimension + 1:].any()
    assert fitted.score_temperature * fitted.nats == pytest.approx(1)


def test_the_default_vocabulary_is_what_is_promised():
    vocabulary = Vocabulary.load()
    assert len(vocabulary) >= 18_000
    seen = [label for label in vocabulary.labels if label.seen]
    assert len(seen) == 1000
    assert all(label.gloss and label.name for label in vocabulary.labels)
    words = knowledge.load().plain
    assert {label.id: label.plain for label in vocabulary.labels if label.plain} == words
    people = vocabulary.hierarchy.descendants(vocabulary.rows[PERSON])
    assert len(people) > 100
    assert all(vocabulary.label(row).plain for row in people)
    norms = np.linalg.norm(vocabulary.vectors.astype(np.float32), axis=1)
    np.testing.assert_allclose(norms, 1, atol=2e-3)
    assert len(set(vocabulary.rows)) == len(vocabulary)
