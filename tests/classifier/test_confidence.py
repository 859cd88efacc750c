"""How sure labels are, whatever else is asked."""

from dataclasses import replace

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.classifier.confidence import Confidences, main_odds
from zsl_cli.support.calibration import Calibration, ConfidenceRule
from zsl_cli.support.vectors import unit_rows
from zsl_cli.support.word_lists import Word
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words.own_words import take

RULE = ConfidenceRule(1.4, 1.3, -.4, 1.2, .3)
CALIBRATION = Calibration(.05)
SIZE, BESIDE = 40, (7, 23)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(params=range(4))
def random(request):
    """A generator for each of some random hierarchies."""
    return np.random.default_rng(request.param)


def make(folder, random, *, beside=False):
    """A vocabulary with a random hierarchy; who lies right above whom."""
    parents = [random.choice(row, min(row, int(random.integers(0, 3))), replace=False).tolist()
               for row in range(SIZE)]
    labels = [Label(f"l{row}", f"label {row}", parents=tuple(f"l{one}" for one in above))
              for row, above in enumerate(parents)]
    vectors = unit_rows(random.normal(size=(SIZE, 8)).astype(np.float32))
    second = Beside(np.array(BESIDE), random.normal(size=(2, 8)).astype(np.float32) / 8)
    folder.mkdir(exist_ok=True)
    writing.write(folder, "v", "s", labels, vectors, second if beside else None)
    return Vocabulary.load(folder), parents


def images(random, vocabulary):
    """Embeddings near labels, and some that are near none."""
    near = np.asarray(vocabulary.vectors[:20]) + .1 * random.normal(size=(20, 8))
    return unit_rows(np.vstack([near, random.normal(size=(10, 8))]).astype(np.float32))


@pytest.mark.parametrize("beside", [False, True])
def test_a_parent_is_at_least_as_sure_as_its_child(tmp_path, random, beside):
    vocabulary, parents = make(tmp_path / "v", random, beside=beside)
    found = Confidences(vocabulary, CALIBRATION, RULE).of(images(random, vocabulary))
    assert found.confidences.shape == (30, SIZE)
    assert 0 <= found.confidences.min() <= found.confidences.max() <= 1
    for row, above in enumerate(parents):
        for parent in above:
            for part in (found.confidences, found.main):
                assert (part[:, parent] >= part[:, row] - 1e-6).all()


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("least", [0, 1e-4, .05, .3, .8, 1])
def test_what_is_sure_is_found_without_the_rest(tmp_path, random, beside, least):
    vocabulary, _ = make(tmp_path / "v", random, beside=beside)
    confidences = Confidences(vocabulary, CALIBRATION, RULE)
    embeddings = images(random, vocabulary)
    every, products = confidences.of(embeddings), confidences.products(embeddings)
    rows = np.argsort(-products, axis=1)[:, :5]
    of_rows, sure = confidences.sure(embeddings, products, rows, least)
    np.testing.assert_array_equal(of_rows, np.take_along_axis(every.confidences, rows, 1))
    expected = every.sure(confidences.taxonomy.telling, least)
    for one in ("offsets", "rows", "confidences", "main"):
        np.testing.assert_array_equal(getattr(sure, one), getattr(expected, one))


@pytest.mark.parametrize("beside", [False, True])
def test_a_label_is_as_sure_alone_as_among_all(tmp_path, random, beside):
    vocabulary, _ = make(tmp_path / "v", random, beside=beside)
    confidences = Confidences(vocabulary, CALIBRATION, RULE)
    embeddings = images(random, vocabulary)
    every = confidences.of(embeddings)
    for row in (0, 7, SIZE - 1):
        alone = confidences.among(embeddings, vocabulary.subset([row]))
        np.testing.assert_array_equal(alone.confidences, every.confidences[:, [row]])
        np.testing.assert_array_equal(alone.main, every.main[:, [row]])
    phrases = dict(zip("ab", unit_rows(random.normal(size=(2, 8)).astype(np.float32)), strict=True))
    both = confidences.among(embeddings, vocabulary.subset([3], phrases=phrases))
    one = confidences.among(embeddings, vocabulary.subset([], phrases={"b": phrases["b"]}))
    np.testing.assert_allclose(both.confidences[:, 2:], one.confidences, atol=1e-6)
    np.testing.assert_array_equal(both.confidences[:, 0], every.confidences[:, 3])


def test_a_word_of_a_list_is_at_least_as_sure_as_those_below_it_there(tmp_path, random):
    vocabulary, _ = make(tmp_path / "v", random)
    words = [Word("label 30", ("group",)), Word("label 3", ("group", "label 30")),
             Word("a phrase", ("group", "label 30", "label 3")), Word("label 12")]
    taken = take(vocabulary, words, phrases=True)
    of_phrase = vocabulary.vectors[5]
    plain = vocabulary.subset([30, 3, 12], phrases={"a phrase": of_phrase})
    listed = vocabulary.subset([30, 3, 12], phrases={"a phrase": of_phrase}, taken=taken)
    rule = Confidences(vocabulary, CALIBRATION, RULE)
    seen = images(random, vocabulary)
    row3, row12, row30, phrase = rule.among(seen, plain).confidences.T
    found = rule.among(seen, listed).confidences.T
    np.testing.assert_array_equal(found, [
        np.maximum(row3, phrase), row12, np.maximum.reduce([row30, row3, phrase]), phrase])
    assert (found[2] > row30).any()


def test_confidences_are_the_documented_rule_and_grow_with_the_sum(tmp_path, random):
    vocabulary, _ = make(tmp_path / "v", random)
    embeddings = images(random, vocabulary)
    weights = np.exp(embeddings.astype(float) @ np.asarray(vocabulary.vectors, float).T
                     / (CALIBRATION.temperature * RULE.temperature))
    shares = weights / weights.sum(axis=1, keepdims=True)
    under = np.array([[row in vocabulary.hierarchy.descendants(above) for row in range(SIZE)]
                      for above in range(SIZE)], float)
    sums = shares @ under.T
    clipped = np.clip(sums, 1e-6, 1 - 1e-6)
    odds = RULE.slope * np.log(clipped / (1 - clipped)) + RULE.offset
    found = Confidences(vocabulary, CALIBRATION, RULE).of(embeddings).confidences
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-odds)), atol=2e-3)  # small shares add none
    rising = np.take_along_axis(found, sums.argsort(axis=1), axis=1)
    assert (np.diff(rising) >= -2e-3).all()


@pytest.mark.parametrize(("part", "least"), [(0, 1e-4), (.5, .1), (.5, 1e-4)])
def test_what_is_seen_beside_raises_itself_and_all_above_it_alone(tmp_path, random, part, least):
    vocabulary, _ = make(tmp_path / "v", random, beside=True)
    embeddings = images(random, vocabulary)
    rule = replace(RULE, beside_main=part, beside_least=least)
    found = Confidences(vocabulary, CALIBRATION, rule).of(embeddings)
    main = np.minimum(least + (1 - least) * found.main[:, BESIDE], 1 - 1e-4)
    odds = (rule.beside_slope * embeddings @ vocabulary.beside.vectors.T / CALIBRATION.temperature
            + part * np.log(main / (1 - main)) + rule.beside_offset)
    expected = found.main.copy()
    for column, row in enumerate(BESIDE):
        for above in vocabulary.hierarchy.ancestors(row) | {row}:
            expected[:, above] = np.maximum(expected[:, above], 1 / (1 + np.exp(-odds[:, column])))
    np.testing.assert_allclose(found.confidences, expected, atol=1e-5)
    assert (found.confidences[:, BESIDE[0]] > found.main[:, BESIDE[0]] + .1).any()


def test_how_little_share_a_label_has_tells_next_to_nothing():
    shares = np.array([0, 1e-6, 1e-3, .5])
    assert np.ptp(main_odds(shares[:3], .1)) < .02
    assert main_odds(shares, .1)[3] > main_odds(shares, .1)[2] + 2


def test_no_image_has_no_confidence(tmp_path):
    vocabulary, _ = make(tmp_path / "v", np.random.default_rng(0), beside=True)
    found = Confidences(vocabulary, CALIBRATION, RULE).of(np.empty((0, 8), np.float32))
    assert found.confidences.shape == (0, SIZE)
