"""Sentences → unit vectors among the embeddings of images."""

import numpy as np
import pytest
import text_model
from shared_data import DATA

from zsl_cli import Model, Vocabulary
from zsl_cli.classifier.sentences import SentenceEncoder
from zsl_cli.embedding import feature_cache
from zsl_cli.errors import MismatchError, RequestError, UnknownLabelError, ZslError
from zsl_cli.evaluation import captions
from zsl_cli.evaluation.captions import ranks
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label

LABELS = [Label("l1", "lawn"), Label("l2", "sea", plain=("sea",)), Label("l3", "fire engine"),
          Label("l4", "engine")]
VECTORS = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0.6, 0, 0, 0.8]], np.float32)


@pytest.fixture
def model(tmp_path):
    return Model.load(text_model.make(tmp_path / "paint"), device="cpu")


@pytest.fixture
def silent(tmp_path):
    """A model that encodes no phrases."""
    return Model.load(text_model.make(tmp_path / "silent", text=False), device="cpu")


@pytest.fixture
def vocabulary(tmp_path):
    text_model.make_vocabulary(tmp_path / "v", vectors=VECTORS, labels=LABELS)
    return Vocabulary.load(tmp_path / "v")


@pytest.fixture
def outdoors(tmp_path):
    """A vocabulary whose lawn and sea are seen beside other things, too."""
    second = writing.Beside(np.array([0, 1]), np.array([[0, 3, 3, 0], [0, 0, 1, 0]], np.float32))
    (tmp_path / "outdoors").mkdir()
    writing.write(tmp_path / "outdoors", "outdoors", "colours", LABELS, VECTORS, second)
    return Vocabulary.load(tmp_path / "outdoors")


def test_a_models_own_encoder_without_things_beside_others(model, vocabulary):
    encoder = SentenceEncoder(model, vocabulary)
    assert encoder.way == "encoder"
    np.testing.assert_allclose(encoder.encode(["red", "red blue", "the sea"]),
                               model.label_encoder.encode(["red", "red blue", "the sea"]))
    assert SentenceEncoder(model).way == "encoder"
    assert SentenceEncoder(model, Vocabulary.empty("colours", 4)).way == "encoder"


def test_mentioned_labels_are_added_and_what_they_have_in_common_is_taken_off(model, outdoors):
    encoder = SentenceEncoder(model, outdoors)
    assert encoder.way == "encoder+words"
    lawn, sea, engine = np.array([0, 1, 1, 0]) / 2**.5, np.array([0, 0, 1, 0]), VECTORS[2]
    common = (lawn + sea) / np.linalg.norm(lawn + sea)
    for sentence, things in (("red", 0 * sea), ("a red sea", sea), ("sea , sea , lawn", lawn + sea),
                             ("a Fire Engine on the lawn", engine + lawn)):
        own = model.label_encoder.encode([sentence])[0]
        whole = own + 0.5 * things / (np.linalg.norm(things) or 1) - 0.4 * common
        np.testing.assert_allclose(encoder.encode([sentence])[0], whole / np.linalg.norm(whole),
                                   atol=1e-6)


def test_a_term_of_a_sum_that_is_a_name_is_that_thing_alone(model, outdoors):
    encoder = SentenceEncoder(model, outdoors)
    texts = ["lawn", "Fire Engines", " ", "a red sea", "red"]
    embedded = encoder.terms(texts)
    assert embedded.kept.tolist() == [0, 1, 3, 4]
    np.testing.assert_allclose(embedded.values[:2], [np.array([0, 1, 1, 0]) / 2**.5, VECTORS[2]],
                               atol=1e-6)
    np.testing.assert_array_equal(embedded.values[2:], encoder.encode(texts[3:]))


def test_terms_are_sentences_without_things_beside_others(model, vocabulary):
    encoder = SentenceEncoder(model, vocabulary)
    np.testing.assert_array_equal(encoder.terms(["sea", "red"]).values,
                                  encoder.encode(["sea", "red"]))


def test_mean_and_sum_of_the_words_that_are_known(silent, tmp_path):
    text_model.make_vocabulary(tmp_path / "long", vectors=VECTORS * [[3], [1], [1], [1]],
                               labels=LABELS)
    vocabulary = Vocabulary.load(tmp_path / "long")
    assert SentenceEncoder(silent, vocabulary).way == "mean"
    (mean,), (total,) = (SentenceEncoder(silent, vocabulary, way).encode(["Lawns, by the sea!"])
                         for way in ("mean", "sum"))
    np.testing.assert_allclose(mean, np.array([0, 1, 1, 0]) / 2**.5, atol=1e-6)
    np.testing.assert_allclose(total, np.array([0, 3, 1, 0]) / 10**.5, atol=1e-6)


def test_a_label_prior_and_slack_do_not_count(model, tmp_path):
    text_model.make_vocabulary(tmp_path / "prior", labels=LABELS[:2], prior_dimension=3,
                               vectors=np.array([[.6, 0, 0, .8], [0, 1, 0, 0]], np.float32))
    vocabulary = Vocabulary.load(tmp_path / "prior")
    np.testing.assert_allclose(SentenceEncoder(model, vocabulary, "mean").encode(["lawn"]),
                               [[1, 0, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(SentenceEncoder(model, vocabulary).encode(["red it"]),
                               [[1, 0, 0, 0]], atol=1e-6)


def test_images_count_by_the_dimensions_that_tell_what_is_in_them(model, outdoors, tmp_path):
    embeddings = np.array([[.6, 0, 0, .8], [0, 1, 0, 0]], np.float32)
    np.testing.assert_array_equal(SentenceEncoder(model, outdoors).images(embeddings), embeddings)
    text_model.make_vocabulary(tmp_path / "prior", vectors=VECTORS, labels=LABELS,
                               prior_dimension=2)
    encoder = SentenceEncoder(model, Vocabulary.load(tmp_path / "prior"))
    np.testing.assert_allclose(encoder.images(embeddings), [[1, 0, 0, 0], [0, 1, 0, 0]])


def test_words_that_may_be_typing_errors_are_in_doubt(model, silent, vocabulary):
    assert SentenceEncoder(model, vocabulary).doubts("a red lawn by the sea") == {}
    assert SentenceEncoder(silent, vocabulary).doubts("a lawnn, green lawns by a fire engine") == {
        "lawnn": ("lawn",), "green": ()}
    assert SentenceEncoder(model).doubts("a red lawnn") == {}


def test_what_nothing_is_known_of_is_told_and_the_rest_is_encoded(silent, vocabulary):
    encoder = SentenceEncoder(silent, vocabulary)
    found = encoder.embed(["the sea", " \t", "lawnn !", "xyzzy", "sea \ud800", "lawn"])
    assert found.kept.tolist() == [0, 5]
    np.testing.assert_allclose(found.values, VECTORS[[1, 0]])
    messages = {at: str(error) for at, error in found.failed}
    assert messages[1] == "an empty sentence describes nothing"
    assert messages[2] == ("vocabulary 'v' knows no word of 'lawnn !'; the nearest names are: "
                           "lawn")
    assert messages[3].endswith("no name of it is like one of them")
    assert "not UTF-8" in messages[4]
    with pytest.raises(UnknownLabelError, match="empty sentence"):
        encoder.encode(["sea", ""])
    assert encoder.embed([]).values.shape == (0, 4)


def test_a_sentence_of_unknown_tokens_has_no_vector(tmp_path):
    import tokenizers

    folder = text_model.make(tmp_path / "strict")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["[UNK]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    text_model.sign(folder)
    found = SentenceEncoder(Model.load(folder, device="cpu")).embed(["puce", "red", "mauve taupe"])
    assert found.kept.tolist() == [1]
    assert "knows no word or character of 'puce'; put it into other words" in str(
        found.failed[0][1])


def test_captions_that_read_the_same_are_no_news(model, caplog):
    caplog.set_level("INFO", logger="zsl_cli")
    SentenceEncoder(model).encode(["red  blue", "red blue"])
    assert not caplog.records


def test_words_that_cancel_out_have_no_direction(silent, tmp_path):
    text_model.make_vocabulary(tmp_path / "v", labels=LABELS[:2],
                               vectors=np.array([[0, 1, 0, 0], [0, -1, 0, 0]], np.float32))
    found = SentenceEncoder(silent, Vocabulary.load(tmp_path / "v")).embed(["lawn and sea", "sea"])
    assert found.kept.tolist() == [1]
    assert "the words of 'lawn and sea' cancel out" in str(found.failed[0][1])


def test_ways_that_a_model_cannot_go_are_refused(model, silent, vocabulary, tmp_path):
    with pytest.raises(RequestError, match="`sentences` is one of encoder"):
        SentenceEncoder(model, vocabulary, "lstm")
    with pytest.raises(ZslError, match="`sentences=encoder`: model 'silent' has no label encoder"):
        SentenceEncoder(silent, vocabulary, "encoder")
    with pytest.raises(ZslError, match="vocabulary 'v' has no vectors of things beside others"):
        SentenceEncoder(model, vocabulary, "encoder+words")
    for way in (None, "sum"):
        with pytest.raises(ZslError, match="it takes a vocabulary, and there is none"):
            SentenceEncoder(silent, None, way)
    text_model.make_vocabulary(tmp_path / "far", space="elsewhere")
    with pytest.raises(MismatchError, match="elsewhere"):
        SentenceEncoder(model, Vocabulary.load(tmp_path / "far"))


@pytest.mark.data
def test_the_default_finds_photographs_by_sentences_as_well_as_it_did():
    model, vocabulary = Model.load(device="cpu", threads=1), Vocabulary.load()
    captioned = captions.read(DATA / "flickr8k/captions.csv", DATA / "flickr8k/images", "val")
    images = feature_cache.embed(model, captioned.paths, identity=None).values
    texts = [text for of_image in captioned.captions for text in of_image]
    owner = np.repeat(np.arange(len(images)), 5)
    encoders = {way: SentenceEncoder(model, vocabulary, way) for way in (None, "encoder")}
    found = {way: ranks.rank(encoder.images(images), encoder.encode(texts), owner)
             for way, encoder in encoders.items()}
    assert ranks.recall_at_k(found[None].of_sentences, 1) > 0.29
    assert ranks.recall_at_k(found[None].of_sentences, 10) > 0.75
    assert ranks.recall_at_k(found[None].of_images, 10) > 0.72
    assert (ranks.recall_at_k(found[None].of_sentences, 5)
            > 0.03 + ranks.recall_at_k(found["encoder"].of_sentences, 5))
