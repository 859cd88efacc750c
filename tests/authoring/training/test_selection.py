"""Decay and shift are chosen by holding out classes, once a training."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_problems import examples_of, problem, session_of  # noqa: E402

from zsl_cli.authoring.networks.projection import Projection  # noqa: E402
from zsl_cli.authoring.training import Schedule, selection, splitting  # noqa: E402
from zsl_cli.authoring.training.methods import Rank  # noqa: E402
from zsl_cli.authoring.training.problem import Problem  # noqa: E402
from zsl_cli.authoring.training.selection import Choice  # noqa: E402
from zsl_cli.authoring.training.trainer import Settings  # noqa: E402


def test_classes_that_are_left_out_choose_how_much_is_kept():
    given = problem(images=120, classes=12)
    start = Problem(given.inputs, given.target, given.vectors,
                    (given.vectors[given.target] * 0.3).astype(np.float32))
    told = []
    best, tried = selection.choose(start, Settings(epochs=5), given.vectors, np.arange(12),
                                   decays=(1e-6, 1e-3), shifts=(0.0, 1.0), advance=told.append)
    assert [(one.decay, one.shift) for one in tried] == [
        (1e-6, 0), (1e-6, 1), (1e-3, 0), (1e-3, 1)]
    assert best in tried
    assert sum(told) == selection.trials((1e-6, 1e-3))


@pytest.mark.parametrize(("tried", "expected"), [
    # Classes left out lose too much with no shift: more of it, though it gains less.
    ([Choice(1e-4, 1, 0.5, -0.1, 0.01, 0.02), Choice(1e-4, 2, 0.4, -0.01, 0.01, 0.02)], 1),
    # Within one standard error of the best: the stronger decay.
    ([Choice(1e-4, 1, 0.5, 0, 0.05, 0), Choice(1e-3, 1, 0.46, 0, 0.05, 0)], 1),
    ([Choice(1e-4, 1, 0.5, 0, 0.03, 0), Choice(1e-3, 1, 0.46, 0, 0.05, 0)], 0),
    # All cost something: what costs least.
    ([Choice(1e-4, 1, 0.5, -0.2, 0, 0), Choice(1e-3, 1, 0.3, -0.1, 0, 0)], 1)])
def test_the_choice_is_free_for_classes_left_out_and_the_strongest_decay(tried, expected):
    assert selection._best(tried) is tried[expected]


def test_a_choice_is_made_with_some_images_of_every_class(monkeypatch):
    monkeypatch.setattr(selection, "_MOST", 40)
    some = selection._some(problem(images=600), 0)
    assert np.bincount(some.target).tolist() == [4] * 10
    assert selection._spared(some.target, 0).sum() == 10


def test_with_few_images_a_class_a_choice_is_still_made(tmp_path):
    few = problem(images=20, classes=10)  # two of each
    start = Problem(few.inputs, few.target, few.vectors, np.zeros((20, 6), np.float32))
    assert selection.possible(start)
    best, tried = selection.choose(start, Settings(epochs=2), few.vectors, np.arange(10))
    assert best in tried
    assert not np.isnan([one.seen for one in tried]).any()
    one_each = problem(images=10, classes=10)
    assert not selection.possible(one_each)


def corrected(folder, schedule, given=None, vectors=None, method=None):
    """An M of zeros, and what training makes of it."""
    given = given or problem(images=60, classes=10)
    vectors = given.vectors if vectors is None else vectors
    start = Projection(np.zeros((vectors.shape[1], given.inputs.shape[1]), np.float32),
                       unit_features=True, space="space")
    examples = examples_of(given, vectors)
    return (method or Rank()).fit(examples, session_of(folder, schedule, start))


def test_a_choice_that_was_made_is_kept(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(selection, "choose", lambda *_arguments, **_more: (
        made.append(1) or Choice(1e-4, 1.0, 0.1, 0.0), []))
    schedule = Schedule(epochs=2, validation="none")
    first = corrected(tmp_path, schedule)
    (tmp_path / "state.pt").unlink()
    assert corrected(tmp_path, schedule).choice == first.choice == Choice(1e-4, 1.0, 0.1, 0.0)
    assert len(made) == 1
    (tmp_path / "state.pt").unlink()
    corrected(tmp_path, replace(schedule, epochs=3))  # another training
    assert len(made) == 2
    (tmp_path / "state.pt").unlink()
    (tmp_path / "choice.json").write_text(json.dumps({"choice": "half of it"}))
    corrected(tmp_path, replace(schedule, epochs=3))
    assert len(made) == 3


def test_classes_that_only_validate_are_not_lowered(tmp_path):
    given = problem(images=60, classes=10, width=24, dimension=32)
    vectors = np.concatenate([problem(classes=5, dimension=32, seed=1).vectors, given.vectors])
    fitted = corrected(tmp_path, Schedule(epochs=1, validation="class"), given, vectors,
                       Rank(decay=1e-4, shift=2.0))
    fit, spared = splitting.split(given.target, "class", 0)
    assert (fitted.seen - 5).tolist() == np.unique(given.target[fit]).tolist()
    lowered = given.vectors @ fitted.shift / fitted.problem.unit
    assert lowered[fitted.seen - 5] == pytest.approx(-2, abs=0.05)
    assert lowered[np.unique(given.target[spared])] == pytest.approx(0, abs=0.05)
    assert np.array_equal(fitted.projection.bias, fitted.shift)
    assert fitted.bare.bias is None
