"""WordNet's files, the choice of labels, and the fit of label vectors."""

import os
import signal
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from zsl_cli import Model, Vocabulary
from zsl_cli.authoring.networks.phrase_map import PhraseMap
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.vocabularies import fit, fitted, kernels, labelset, phrases
from zsl_cli.authoring.vocabularies.wordnet import PERSON, WordNet
from zsl_cli.errors import ZslError
from zsl_cli.vocabulary.vocabulary import Label


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


def test_persons_are_left_out_but_for_the_plain_list(wordnet, monkeypatch):
    monkeypatch.setattr(labelset, "plain_people", lambda: ["n09917593"])
    ids = labelset.choose(wordnet, list(wordnet.synsets))
    assert "n00000008" not in ids
    assert PERSON not in ids
    assert "n09917593" in ids
    labels = {label.id: label for label in labelset.describe(wordnet, ids, ["n00000006"])}
    assert labels["n00000006"].seen
    assert labels["n00000006"].ambiguous
    assert labels["n00000004"].ambiguous
    assert not labels["n00000003"].ambiguous
    assert labels["n00000004"].parents == ("n00000003",)


def test_alike_labels_have_a_larger_kernel(wordnet):
    ids = [f"n0000000{i}" for i in (2, 3, 4, 5, 6)]
    tree = kernels.tree_kernel(kernels.ancestor_matrix(wordnet, ids), np.arange(5))
    np.testing.assert_allclose(np.diag(tree), 1, atol=1e-5)
    np.testing.assert_allclose(tree, tree.T, atol=1e-6)
    assert tree[2, 1] > tree[2, 0] > tree[2, 3]
    above = kernels.right_above(wordnet, ids, np.array([2, 4]))
    assert above.tolist() == [[1, 0], [1, 0], [0, 0], [0, 1], [0, 0]]


@pytest.fixture(scope="module")
def small_fit():
    """Forty labels, of which twenty are classes of a classifier of 64 features."""
    random = np.random.default_rng(0)
    meaning = fit.unit(random.normal(size=(40, 6)).astype(np.float32))
    weights = (meaning[:20] @ random.normal(size=(6, 64))).astype(np.float32)
    classifier = fit.Classifier(weights, np.zeros(20, np.float32), np.arange(20))
    tree = np.maximum(meaning @ meaning[:20].T, 0).astype(np.float32)
    prior = random.normal(size=40).astype(np.float32)
    settings = fit.Settings(dimension=70)
    arrays = (tree, [meaning, meaning], np.zeros((40, 20), np.float32), prior, classifier)
    return arrays, settings, fit.fit(*arrays, settings)


def embeddings(fitted, features, classifier, settings):
    """What the exported graph computes."""
    logits = features @ classifier.weights.T + classifier.bias
    parts = (fit.unit(features) @ fitted.features.T
             + fit.softmax(logits / settings.temperature) @ fitted.posterior.T + fitted.bias)
    slack = np.sqrt(np.maximum(fitted.radius ** 2 - np.square(parts).sum(1, keepdims=True), 0))
    return np.hstack([parts, slack]) / fitted.radius


def test_all_vectors_are_unit_vectors(small_fit):
    (_, _, _, _, classifier), settings, fitted = small_fit
    np.testing.assert_allclose(np.linalg.norm(fitted.vectors, axis=1), 1, atol=1e-5)
    images = embeddings(fitted, classifier.weights * 3, classifier, settings)
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)


def test_products_are_the_documented_score_in_nats(small_fit):
    (tree, texts, above, prior, classifier), settings, fitted = small_fit
    features = classifier.weights * 2 + 1
    seen = classifier.labels
    text = kernels.text_kernel(texts[0], seen, settings.text_width)
    visual = fit.visual_vectors(settings.tree_weight * tree + text, classifier, settings.ridge)
    alike = kernels.text_kernel(texts[0], seen, settings.conse_width)
    probabilities = fit.softmax((features @ classifier.weights.T) / settings.temperature)
    expected = (settings.visual * fit.unit(features) @ visual.T
                + probabilities @ (settings.conse * (alike - alike.mean(0))
                                   + settings.above * above).T + prior)
    got = fitted.nats * embeddings(fitted, features, classifier, settings) @ fitted.vectors.T
    np.testing.assert_allclose(got, expected, atol=0.05)  # 70 of 84 dimensions hold it all


def test_a_fit_is_repeatable(small_fit):
    arrays, settings, fitted = small_fit
    assert (fit.fit(*arrays, settings).vectors == fitted.vectors).all()


def test_reduction_keeps_the_scores_of_the_images_given(small_fit):
    random = np.random.default_rng(1)
    form = random.normal(size=(30, 20)).astype(np.float32)
    images = (random.normal(size=(500, 5)) @ random.normal(size=(5, 20))).astype(np.float32)
    labels, projection = fit.reduce(form, images, np.ones(30, np.float32), 5)
    np.testing.assert_allclose(images @ projection.T @ labels.T, images @ form.T,
                               atol=1e-2 * np.abs(images @ form.T).max())


# the command --------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "message"), [
    (("-o", "there", "--projection", "M.npz"), "there exists; give --force"),
    (("-o", "new", "--projection", "no/M.npz"), "--projection no/M.npz: there is no folder no"),
    (("-o", "new", "--projection", "M.npz", "--phrase-map", "no/P.npz"),
     "--phrase-map no/P.npz: there is no folder no"),
    (("-o", "new", "--projection", "there"), "--projection there: this is a folder"),
    (("-o", "new", "--projection", "new/M.npz"),
     "--projection new/M.npz: this lies in new, which is to be written")])
def test_places_that_cannot_be_written_are_told_before_anything_is_read(zsl, tmp_path, arguments,
                                                                        message):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "vocabulary.json").touch()
    result = zsl("vocab", "fit", "nowhere.pth", *arguments)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert os.listdir(tmp_path) == ["there"]


@pytest.mark.parametrize(("projection", "phrases"), [("there", "new"), ("new", "there")])
def test_fit_replaces_no_file_unless_it_is_told_to(zsl, tmp_path, projection, phrases):
    (tmp_path / "there").write_text("mine")
    arguments = ("vocab", "fit", "no.pth", "-o", "folder", "--projection", projection,
                 "--phrase-map", phrases)
    result = zsl(*arguments)
    assert result.returncode == 2
    assert "there exists; give --force" in result.stderr.decode()
    assert "there exists" not in zsl(*arguments, "--force").stderr.decode()
    assert (tmp_path / "there").read_text() == "mine"  # since there is no checkpoint


@pytest.fixture
def fit_command(small_fit, tmp_path, monkeypatch):
    """The command with a fit that is done already; what happens meanwhile is ``during``."""
    torch = pytest.importorskip("torch")
    from zsl_cli.authoring.networks import features, recognise
    from zsl_cli.cli.vocab import fit as cli

    linear = SimpleNamespace(weight=torch.zeros(20, 64), bias=torch.zeros(20))
    size = SimpleNamespace(preprocessing=SimpleNamespace(size=8))
    monkeypatch.setattr(recognise, "recognise",
                        lambda *_: SimpleNamespace(
                            module=None, input=size, architecture="timm:some_net.v1"))
    monkeypatch.setattr(features, "find", lambda *_: SimpleNamespace(classifier=linear))
    labels = [Label(str(row), str(row)) for row in range(40)]
    eye = np.eye(3, dtype=np.float32)
    requests = []

    def run(during=lambda: None, *more):
        def build(request, progress):
            requests.append(request)
            progress.start("encoding", 1, "texts")
            during()
            dimension = small_fit[2].prior_dimension
            return fitted.Built(labels, small_fit[2], phrases.PhraseFit(
                eye, .5, np.ones((3, dimension), np.float32), np.ones(dimension, np.float32), 1),
                "ab")

        monkeypatch.setattr(fitted, "build", build)
        monkeypatch.chdir(tmp_path)
        cli.command.main(["c.pth", "-o", "out", "--projection", "M.npz", "--phrase-map", "P.npz",
                          "--wordnet", str(tmp_path), *more], standalone_mode=False)
        return requests[-1]

    return run


def test_folder_projection_and_phrase_map_are_of_one_space(fit_command, tmp_path, wordnet):
    fit_command()
    vocabulary = Vocabulary.load(tmp_path / "out")
    projection = Projection.load(tmp_path / "M.npz")
    assert projection.space == PhraseMap.load(tmp_path / "P.npz").space == vocabulary.space
    assert len(vocabulary) == 40
    assert vocabulary.manifest.entries["fit"]["temperature"] == projection.temperature
    assert vocabulary.prior_dimension == 70
    assert PhraseMap.load(tmp_path / "P.npz").slack == 71
    assert vocabulary.space.startswith("some_net.v1-wordnet-")


def test_the_length_of_a_networks_features_can_be_given(fit_command, tmp_path, wordnet, capsys):
    fit_command(lambda: None, "--feature-length", "28")
    assert Vocabulary.load(tmp_path / "out").manifest.entries["fit"]["feature_length"] == 28
    assert "features" not in capsys.readouterr().err
    fit_command(lambda: None, "--force")
    assert Vocabulary.load(tmp_path / "out").manifest.entries["fit"]["feature_length"] == 15.6
    assert ("timm:some_net.v1's features are taken to be as long as EfficientNet-Lite0's, 15.6; "
            "--feature-length") in capsys.readouterr().err


def test_where_class_lists_and_texts_are_can_be_given(fit_command, tmp_path, wordnet):
    request = fit_command(lambda: None, "--class-lists", "lists", "--text-encoder", "texts")
    assert request.class_lists == Path("lists")
    assert request.text_encoder == Path("texts")
    assert request.wordnet == tmp_path


def test_longer_features_make_surer_imagined_images(small_fit):
    (_, texts, _, _, classifier), settings, _ = small_fit
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
    made = fit.Fit(nothing, nothing, nothing, nothing[0], 1.0, 1.0)
    assert fitted.space_of(made, network).rpartition("-")[0] == vocabulary.space.rpartition("-")[0]


def test_prior_and_slack_stand_behind_the_meaning(small_fit):
    (_, _, _, prior, _), _, fitted = small_fit
    np.testing.assert_allclose(np.corrcoef(fitted.vectors[:, fitted.prior_dimension], prior)[0, 1],
                               1, atol=1e-5)
    assert fitted.vectors[:, fitted.slack_dimension].min() >= 0
    assert not fitted.vectors[:, fitted.slack_dimension + 1:].any()
    assert fitted.score_temperature * fitted.nats == pytest.approx(1)


@pytest.mark.parametrize("kind", [Projection, PhraseMap])
def test_a_full_disk_leaves_no_folder_without_its_projection(fit_command, tmp_path, wordnet,
                                                             monkeypatch, kind):
    def save(_self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(kind, "save", save)
    with pytest.raises(OSError, match="No space"):
        fit_command()
    assert not [name for name in os.listdir(tmp_path) if "out" in name]


def test_a_fit_cleans_up_when_it_is_asked_to_stop(fit_command, wordnet):
    found = []
    fit_command(lambda: found.append(signal.getsignal(signal.SIGTERM)))
    assert found != [signal.SIG_DFL]


def test_the_default_vocabulary_is_what_is_promised():
    vocabulary = Vocabulary.load()
    assert len(vocabulary) >= 18_000
    seen = [label for label in vocabulary.labels if label.seen]
    assert len(seen) == 1000
    assert all(label.gloss and label.name for label in vocabulary.labels)
    people = {label.id for label in vocabulary.labels
              if vocabulary.rows[label.id] in vocabulary.hierarchy.descendants(
                  vocabulary.rows[PERSON])}
    assert people == set(labelset.plain_people())
    norms = np.linalg.norm(vocabulary.vectors.astype(np.float32), axis=1)
    np.testing.assert_allclose(norms, 1, atol=2e-3)
    assert len(set(vocabulary.rows)) == len(vocabulary)
