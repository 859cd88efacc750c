"""Each method declares itself, and what is written is what was trained and validated."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_problems import NearestMean, examples_of, problem, session_of  # noqa: E402

from zsl_cli.authoring.exporting import heads  # noqa: E402
from zsl_cli.authoring.networks.projection import Projection  # noqa: E402
from zsl_cli.authoring.training import Schedule  # noqa: E402
from zsl_cli.authoring.training.fitted import FromScratch, OwnLabels  # noqa: E402
from zsl_cli.authoring.training.methods import METHODS, Rank, Ridge, Wsabie  # noqa: E402
from zsl_cli.authoring.training.parameters import parameters as declared_by  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

each = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
each_of_features = pytest.mark.parametrize(  # conse needs a whole network
    "method", [method for method in METHODS if method.trains], ids=lambda method: method.name)


@each
def test_a_method_says_what_it_computes_where_that_is_from_and_when_to_choose_it(method):
    said = " ".join(method.__doc__.split())
    assert re.search(r"et al\., \d{4}", said)
    assert "To choose" in said
    assert method.summary
    assert all(declared.help.endswith(".") for declared in declared_by(method).values())


@each
def test_a_method_has_a_file_of_its_own_and_a_name_of_its_own(method):
    assert [one for one in METHODS if one.__module__ == method.__module__] == [method]
    assert [one for one in METHODS if one.name == method.name] == [method]


@each
def test_a_method_has_a_row_in_the_documents(method):
    research = Path(__file__).parents[3] / "docs" / "research.md"
    assert f"\n| `{method.name}`" in research.read_text("utf-8")


@each
def test_a_method_refuses_what_it_does_not_allow(method):
    for name, declared in declared_by(method).items():
        wrong = "another" if isinstance(declared.allowed, tuple) else declared.allowed.low - 1
        with pytest.raises(ZslError, match=f"`{name}` .* not {wrong!r}"):
            method(**{name: wrong})
        with pytest.raises(ZslError, match=f"`{name}` .* not nan"):
            method(**{name: float("nan")})


@each_of_features
def test_the_vectors_that_a_method_says_are_its_own_are_there_for_the_labels_that_it_knows(
        method, tmp_path):
    given = problem()
    vectors = np.concatenate([problem(classes=3, seed=1).vectors, given.vectors])
    fitted = method().fit(examples_of(given, vectors), session_of(tmp_path))
    assert set(fitted.seen) <= set(range(3, 13))
    assert bool(fitted.history.records) == method.in_epochs
    if method.own_labels:
        assert [label.id for label in fitted.labels] == [f"n{row}" for row in range(3, 13)]
    if isinstance(fitted, OwnLabels):
        assert fitted.projection.space.startswith("run-")
        assert len(fitted.labels) == len(fitted.vectors)
    else:
        assert fitted.projection.space == "space"


@each_of_features
def test_a_seed_gives_a_method_the_same_numbers_again(method, tmp_path):
    given, made = problem(), []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        made.append(method().fit(examples_of(given, given.vectors), session_of(
            tmp_path / name, Schedule(epochs=2, seed=seed))).projection)
    assert np.array_equal(made[0].features, made[1].features)
    if method.in_epochs:
        assert not np.array_equal(made[0].features, made[2].features)


def test_methods_are_declared_without_pytorch_and_numpy():
    code = ("import sys; from zsl_cli import TrainRequest; "
            "from zsl_cli.authoring.training.methods import METHODS; "
            "print(len(METHODS), {'torch', 'numpy'} & sys.modules.keys())")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.decode().strip() == f"{len(METHODS)} set()"


def test_a_method_of_ones_own_is_trained_with(tmp_path):
    given = problem(images=200)
    fitted = NearestMean(sharpness=2).fit(examples_of(given, given.vectors), session_of(tmp_path))
    _, projected = heads.project(fitted.projection, given.inputs, None)
    assert ((projected @ given.vectors.T).argmax(1) == given.target).mean() > 0.5
    with pytest.raises(ZslError, match=r"`sharpness` must be a number from 0 to 10, not 11"):
        NearestMean(sharpness=11)


def test_the_margin_follows_the_temperature_unless_it_is_given():
    assert Rank().objective(0.02).margin == pytest.approx(0.04)
    assert Rank(margin=0.3).objective(0.02).margin == 0.3


def test_m_that_is_known_is_moved_within_the_dimensions_that_it_may_change(tmp_path):
    given = problem()
    start = Projection(np.ones((8, 24), np.float32), radius=3.0, space="space")
    fitted = Ridge().fit(examples_of(given, given.vectors), session_of(tmp_path, None, start))
    assert np.array_equal(fitted.projection.features[6:], start.features[6:])
    assert not np.allclose(fitted.projection.features[:6], start.features[:6])
    assert fitted.projection.radius == 3.0


def test_m_that_is_moved_on_with_the_network_is_scaled_anew(tmp_path):
    given = problem()
    fitted = Ridge().fit(examples_of(given, given.vectors), session_of(tmp_path))
    assert isinstance(fitted, FromScratch)
    images = np.arange(20)
    change = np.ones_like(fitted.projection.features)
    nonsense = np.random.default_rng(0).standard_normal((20, 6)).astype(np.float32)
    moved = fitted.moved(change, nonsense, images)
    assert np.array_equal(moved.projection.features, fitted.projection.features + change)
    assert moved.projection.score_temperature > fitted.projection.score_temperature


def test_the_written_vectors_of_wsabie_rank_as_those_that_were_validated(tmp_path):
    random = np.random.default_rng(0)
    means = random.standard_normal((12, 16))
    means[:4] = 0  # some classes are nothing but noise
    target = np.arange(240) % 12
    features = (means[target] + random.standard_normal((240, 16))).astype(np.float32)
    given = problem(images=240, classes=12)
    examples = examples_of(type(given)(features, target, given.vectors), given.vectors)
    fitted = Wsabie(dimension=3, margin=0.02).fit(examples, session_of(
        tmp_path, Schedule(epochs=20, patience=0)))
    learned = fitted.problem.vectors
    assert np.linalg.norm(learned, axis=1).min() < 0.9  # or there is nothing to see
    inputs = features / np.linalg.norm(features, axis=1, keepdims=True)
    validated = inputs @ fitted.projection.features[:-1].T @ learned.T
    _, projected = heads.project(fitted.projection, features, None)
    written = projected / np.linalg.norm(projected, axis=1, keepdims=True) @ fitted.vectors.T
    assert np.linalg.norm(fitted.vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(written.argsort(axis=1), validated.argsort(axis=1))
