"""Examples → vectors of labels, in small spaces where it is clear what is like what."""

import numpy as np
import pytest

from zsl_cli.classifier.corrections import Examples, Rule, checks, derive
from zsl_cli.classifier.corrections.examples import Base
from zsl_cli.support.vectors import unit_rows

LABELS, WIDTH = 60, 300
RANDOM = np.random.default_rng(5)
STATE = RANDOM.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers():
    """Whatever tests were before."""
    RANDOM.bit_generator.state = STATE


@pytest.fixture
def base():
    """60 labels in 300 dimensions, then a prior of zero and what photos have nothing in."""
    vectors = np.zeros((LABELS, WIDTH + 3), np.float32)
    vectors[:, :WIDTH] = unit_rows(RANDOM.normal(size=(LABELS, WIDTH)))
    return Base(vectors, WIDTH)


def photos(directions, noise=0.3, seed=0):
    """Embeddings as the default model makes them: a meaning, a constant, and what fills them."""
    random = np.random.default_rng(seed)
    directions = unit_rows(np.atleast_2d(directions))
    meanings = unit_rows(directions + noise * unit_rows(random.normal(size=directions.shape)))
    found = np.zeros((len(meanings), WIDTH + 3), np.float32)
    found[:, :WIDTH], found[:, WIDTH] = 0.43 * meanings, 0.4
    found[:, WIDTH + 2] = np.sqrt(1 - (found ** 2).sum(axis=1))
    return found


def examples(embeddings, rows, shows=None):
    return Examples(embeddings, np.array(rows, np.int64),
                    np.ones(len(rows), bool) if shows is None else np.array(shows))


def taught(base, *given, **more):
    return derive(base, examples(*given), temperature=0.012, **more)


def first(base, derived, embeddings):
    return checks.products_of(base, derived, embeddings).argmax(axis=1)


def test_photos_like_the_examples_get_the_label_and_others_stay(base):
    thing = RANDOM.normal(size=WIDTH)
    like = photos(np.tile(thing, (20, 1)), seed=1)
    unlike = photos(RANDOM.normal(size=(100, WIDTH)))
    assert (first(base, taught(base, like[:0], []), like) != 7).all()
    derived = taught(base, like[:3], [7, 7, 7])
    assert derived.second_rows.tolist() == [7]
    assert (first(base, derived, like[3:]) == 7).all()
    kept = first(base, derived, unlike) == (unlike @ base.vectors.T).argmax(axis=1)
    assert kept.mean() > 0.9


def test_what_the_label_meant_before_is_still_found(base):
    own = photos(base.vectors[7, :WIDTH], noise=0.1)
    derived = taught(base, photos(RANDOM.normal(size=WIDTH)), [7])
    assert first(base, derived, own).tolist() == [7]


def test_nothing_follows_from_no_examples(base):
    derived = taught(base, np.empty((0, WIDTH + 3), np.float32), [])
    assert not len(derived.rows)
    assert not len(derived.second_rows)


def test_a_new_label_lies_behind_the_others_and_is_found(base):
    with_new = Base(base.vectors, WIDTH, [[3]])
    like = photos(np.tile(base.vectors[5, :WIDTH], (8, 1)), noise=0.8, seed=3)
    derived = taught(with_new, like[:4], [LABELS] * 4)
    assert derived.rows.tolist() == [LABELS]
    assert (first(with_new, derived, like[4:]) == LABELS).mean() >= 0.75


def test_the_vector_of_a_new_label_is_filled_up_to_unit_length(base):
    with_new = Base(base.vectors, WIDTH, [[3]])
    derived = taught(with_new, photos(RANDOM.normal(size=WIDTH)), [LABELS])
    assert np.linalg.norm(derived.vectors) == pytest.approx(1, abs=1e-5)


def test_a_label_that_a_photo_does_not_show_is_behind_and_so_is_all_below_it(base):
    wrong = photos(np.tile(base.vectors[9, :WIDTH], (10, 1)), noise=0.9, seed=4)
    wrong = wrong[first(base, taught(base, wrong[:0], []), wrong) == 9]
    assert len(wrong) >= 2
    derived = taught(base, wrong[:1], [9], [False], below=lambda row: {9: [9, 30]}[row])
    assert 9 in derived.rows
    assert first(base, derived, wrong[:1]).tolist() not in ([9], [30])
    assert first(base, derived, photos(base.vectors[9, :WIDTH], noise=0.05)).tolist() == [9]


def test_lessons_do_not_depend_on_what_was_forgotten(base):
    given = photos(RANDOM.normal(size=(3, WIDTH)))
    before = taught(base, given[:2], [1, 2])
    taught(base, given, [1, 2, 3])
    again = taught(base, given[:2], [1, 2])
    assert before.second.tobytes() == again.second.tobytes()


def test_a_space_where_all_photos_are_alike_is_seen_from_its_centre():
    random = np.random.default_rng(8)
    cone = unit_rows(random.normal(size=(1, WIDTH)))[0]
    labels = unit_rows(unit_rows(random.normal(size=(LABELS, WIDTH))) + 0.9 * cone)

    def embedded(meanings):
        return unit_rows(unit_rows(meanings) + cone).astype(np.float32)
    thing = random.normal(size=WIDTH)
    like = embedded(thing + 0.3 * random.normal(size=(9, WIDTH)))
    others = embedded(random.normal(size=(200, WIDTH)))
    base = Base(labels.astype(np.float32), None, centre=others.mean(axis=0))
    derived = taught(base, like[:3], [7] * 3)
    assert (first(base, derived, like[3:]) == 7).mean() > 0.6
    kept = first(base, derived, others) == (others @ base.vectors.T).argmax(axis=1)
    assert kept.mean() > 0.95
    blind = Base(base.vectors, None)
    lost = first(blind, taught(blind, like[:3], [7] * 3), others) == 7
    assert lost.mean() > 0.3  # without the centre the label takes what is not its own


def test_lessons_are_left_out_one_by_one(base):
    good = photos(np.tile(RANDOM.normal(size=WIDTH), (4, 1)), noise=0.2)
    strange = photos(base.vectors[20, :WIDTH], noise=0.05)
    given = examples(np.vstack([good, strange]), [7] * 5)
    derived = derive(base, given, temperature=0.012)
    [one] = checks.left_out(base, given, derived, [7], temperature=0.012)
    assert (one.found, one.tried) == (4, 5)


def test_a_duplicate_a_contradiction_and_an_outlier_are_found(base):
    things = photos(np.vstack([np.tile(RANDOM.normal(size=WIDTH), (4, 1)),
                               RANDOM.normal(size=(2, WIDTH))]), noise=0.2)
    same = things[:1] * np.float32(0.9999)
    given = examples(np.vstack([things, same, same * np.float32(0.99)]),
                     [1, 1, 1, 1, 1, 2, 1, 3])
    found = checks.doubts(base, given, np.arange(8) >= 4, related=lambda one, other: False)
    assert {(one.kind, one.at, one.other) for one in found} >= {
        ("outlier", 4, None), ("twice", 6, 0)}
    denied = examples(np.vstack([things[:1], same]), [1, 1], [True, False])
    [one] = checks.doubts(base, denied, np.array([False, True]),
                          related=lambda one, other: False)
    assert one.kind == "contradiction"


def test_the_cost_is_larger_where_what_is_taught_is_like_other_labels(base):
    def cost(embeddings, rows, rule=Rule()):  # noqa: B008
        given = examples(embeddings, rows)
        return checks.Landmarks(base, given, np.arange(40, 60), temperature=0.012).cost(
            derive(base, given, temperature=0.012, rule=rule))
    far = cost(photos(RANDOM.normal(size=(2, WIDTH))), [1, 1])
    near = cost(photos(base.vectors[41:51, :WIDTH], noise=0.2), list(range(10)))
    assert 0 <= far < near < 1
