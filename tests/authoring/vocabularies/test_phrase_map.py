"""The fit of a map from sentence vectors to label vectors; names that are spelt alike."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from zsl_cli.authoring.networks.phrase_map import PhraseMap
from zsl_cli.authoring.vocabularies.classifier_fit import phrases
from zsl_cli.errors import ZslError
from zsl_cli.vocabulary.names.label import Label

D, OUT = 12, 6


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def world(count=600, seed=0):
    """Unit sentence vectors of labels, and label vectors that follow from them smoothly."""
    random = np.random.default_rng(seed)
    vectors = unit(random.normal(size=(count, D))).astype(np.float32)
    turn = np.random.default_rng(9).normal(size=(2, D, OUT))
    return vectors, (0.3 * np.tanh(vectors @ turn[0]) + 0.1 * vectors @ turn[1]).astype(np.float32)


def settings(**changes):
    return phrases.Settings(**{"landmarks": 100, **changes})


def fitted(noise=0.0, shared=(), **changes):
    vectors, targets = world()
    seen = targets + noise * np.random.default_rng(1).normal(size=targets.shape)
    texts = [phrases.Texts(vectors, np.arange(len(vectors)), 1.0)]
    return phrases.fit(texts, seen.astype(np.float32), np.zeros(len(vectors), np.float32),
                       shared, settings(**changes))


def test_the_map_gives_labels_that_it_has_not_seen_their_vectors():
    vectors, targets = world(200, seed=5)
    found = fitted()(vectors)
    error = np.square(found - targets).sum() / np.square(targets - targets.mean(axis=0)).sum()
    assert error < 0.05


def test_phrases_are_as_long_as_labels_where_text_does_not_tell_all():
    found = fitted(noise=0.2)
    assert found.scale > 1.1
    vectors, targets = world(200, seed=5)
    lengths = [np.square(some - found.bias).sum() for some in (found(vectors), targets)]
    assert fitted(held_out=0.0, noise=0.2).scale == 1.0
    assert lengths[0] > lengths[1]  # as long as the noisy labels that it was fitted to


def test_weights_are_whole_multiples_and_give_what_the_unrounded_ones_give():
    random = np.random.default_rng(0)
    base = random.normal(size=(4000, 8))
    features = base @ random.normal(size=(8, 60)) + 0.05 * random.normal(size=(4000, 60))
    moment = features.T @ features / len(features)
    weights = random.normal(size=(60, 5)).astype(np.float32)
    found = phrases.rounded(weights, moment)
    step = np.abs(found).max(axis=0) / 127
    np.testing.assert_allclose(found / step, np.round(found / step), atol=1e-3)
    plain = np.abs(weights).max(axis=0) / 127
    plain = np.round(weights / plain) * plain
    lost, lost_plainly = (np.square(features @ (some - weights)).sum()
                          for some in (found, plain))
    assert lost < lost_plainly / 5


def test_a_dimension_in_which_all_weights_are_nought_stays_nought():
    weights = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    weights[:, 1] = 0
    found = phrases.rounded(weights, np.eye(8))
    assert (found[:, 1] == 0).all()
    assert np.allclose(found, weights, atol=np.abs(weights).max() / 127)


def test_what_shares_a_name_with_a_held_out_label_is_held_out_too():
    shared = [[row, row + 300] for row in range(300)]
    held = phrases.held_out(600, shared, 0.2)
    assert 120 < held.sum() < 240
    assert (held[:300] == held[300:]).all()
    assert not phrases.held_out(600, shared, 0.0).any()


def test_centres_are_unit_vectors_and_near_what_counts_more():
    vectors, _ = world()
    weights = np.where(vectors[:, 0] > 0, 100, 1).astype(np.float32)
    found = phrases.centres(vectors, weights, 40)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found[:, 0] > 0).mean() > 0.7
    np.testing.assert_array_equal(phrases.centres(vectors[:30], weights[:30], 40), vectors[:30])


def test_names_are_spelt_with_their_articles_and_known_to_be_shared():
    spelled = phrases.spell([Label("1", "crane", synonyms=("heron", "Ibis")),
                             Label("2", "derrick", synonyms=("Crane",))])
    assert spelled.names == ["crane", "heron", "Ibis", "derrick", "Crane"]
    assert spelled.with_articles[:3] == ["a crane", "a heron", "an Ibis"]
    assert (spelled.rows.tolist(), spelled.shared) == ([0, 0, 0, 1, 1], [[0, 1]])
    texts = phrases.texts_of(spelled, *(np.eye(5, dtype=np.float32),) * 2,
                             names=np.eye(2, dtype=np.float32),
                             described=np.eye(2, dtype=np.float32), without=[0])
    assert [part.rows.tolist() for part in texts] == [[1, 1], [1, 1], [1], [1]]


# its file -----------------------------------------------------------------------------------


def a_map(**changes):
    given = {"landmarks": np.eye(4, 3), "weights": np.ones((4, 2)), "bias": np.zeros(2),
             "width": 0.5, "dimension": 4, "space": "somewhere", "encoder": "ab", "slack": 3}
    return PhraseMap(**{**given, **changes})


@pytest.mark.parametrize("slack", [2, 3, None])
def test_a_map_comes_back_as_it_was_saved(tmp_path, slack):
    with (tmp_path / "p.npz").open("wb") as file:
        a_map(slack=slack).save(file)
    found = PhraseMap.load(tmp_path / "p.npz")
    for name, value in vars(a_map(slack=slack)).items():
        np.testing.assert_array_equal(getattr(found, name), value)


@pytest.mark.parametrize(("changes", "message"), [
    ({"bias": np.zeros(3)}, "do not fit"), ({"landmarks": np.eye(5, 3)}, "do not fit"),
    ({"weights": np.full((4, 2), np.nan)}, "weights must be finite"),
    ({"landmarks": np.zeros(4)}, "landmarks must be finite numbers with 2 axes"),
    ({"weights": np.ones((4, 2), int)}, "weights must be finite"),
    ({"width": 0.0}, "width 0.0"), ({"width": np.nan}, "width nan"),
    ({"slack": 1}, "not among 4"), ({"slack": 4}, "not among 4"),
    ({"dimension": 1, "slack": None}, "not among 1")])
def test_what_is_no_map_is_refused(changes, message):
    with pytest.raises(ZslError, match=message):
        a_map(**changes)


def test_files_that_are_no_map_are_refused(tmp_path):
    path = tmp_path / "p.npz"
    with pytest.raises(ZslError, match=r"p\.npz: cannot be read as a map"):
        PhraseMap.load(path)
    with path.open("wb") as file:
        a_map().save(file)
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ZslError, match="cannot be read as a map"):
        PhraseMap.load(path)
    np.savez(path, features=np.eye(3))
    with pytest.raises(ZslError, match=r"expected the arrays .*it holds features"):
        PhraseMap.load(path)
    np.savez(path, **vars(a_map()), bomb=np.array(["x"], dtype=object))  # nor is it read
    with pytest.raises(ZslError, match=r"expected the arrays .*it holds bias, bomb"):
        PhraseMap.load(path)
    np.savez(path, **{**vars(a_map()), "space": np.array(["a", "b"]), "width": np.zeros(2)})
    with pytest.raises(ZslError, match=r"p\.npz: "):
        PhraseMap.load(path)
    np.savez(path, **{**vars(a_map()), "landmarks": np.array(["x"], dtype=object)})
    with pytest.raises(ZslError, match="cannot be read as a map"):
        PhraseMap.load(path)
