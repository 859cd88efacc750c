"""The trainer: losses against loops, repeated and resumed runs, divergence, closed forms."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from zsl_cli.errors import ZslError  # noqa: E402
from zsl_cli.training import closed_form, losses, methods, selection  # noqa: E402
from zsl_cli.training.problem import Problem, hit_at_k  # noqa: E402
from zsl_cli.training.trainer import Settings, Training, train  # noqa: E402


def problem(images=60, classes=10, width=24, dimension=6, seed=0):
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((classes, dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    target = np.arange(images) % classes
    inputs = vectors[target] @ random.standard_normal((dimension, width), np.float32)
    inputs += 0.3 * random.standard_normal(inputs.shape, np.float32)
    return Problem(inputs / np.linalg.norm(inputs, axis=1, keepdims=True), target, vectors)


def test_hinge_rank_loss_is_the_papers():
    scores = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 3, 6, 2, 2])
    expected = [sum(max(0.0, 0.1 - float(row[right]) + float(row[j]))
                    for j in range(7) if j != right)
                for row, right in zip(scores, target, strict=True)]
    assert losses.hinge_rank_loss(scores, target, 0.1).tolist() == pytest.approx(expected)


def test_first_negative_is_the_first_in_the_order_that_violates():
    scores = torch.tensor([[1.0, 0.5, 0.95, 2.0]])
    order = torch.tensor([1, 0, 2, 3])
    found = losses.hinge_rank_loss(scores, torch.tensor([0]), 0.1, "first", order)
    assert found.tolist() == pytest.approx([0.05])  # column 2; 1 does not violate, 3 comes later


@pytest.mark.parametrize("loss", ["rank", "softmax", "l2"])
@pytest.mark.parametrize("negatives", ["all", "sampled", "first"])
def test_training_learns(loss, negatives):
    given = problem()
    found = train(Training(given, Settings(loss, negatives=negatives, samples=4, decay=0)))
    assert hit_at_k(given.scores(found.change), given.target, 1) > 0.9


@pytest.mark.parametrize("learn", [False, True])
def test_a_resumed_training_ends_as_one_that_was_never_stopped(tmp_path, learn):
    given, settings = problem(), Settings(epochs=6, patience=0)
    check = problem(seed=0).of_images(np.arange(10))

    def made():
        return Training(given, settings, check, learn_vectors=learn)

    whole = train(made())
    first = made()
    for _ in range(3):
        first.run_epoch()
    first.save(tmp_path / "state.pt", "x")
    resumed = train(made(), tmp_path / "state.pt", "x")
    assert np.array_equal(whole.change, resumed.change)
    assert [one["loss"] for one in whole.history] == [one["loss"] for one in resumed.history]
    assert whole.best == resumed.best


def test_a_seed_repeats_a_run_and_another_does_not():
    runs = [train(Training(problem(), Settings(epochs=3, seed=seed))).change
            for seed in (1, 1, 2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_state_of_another_training_is_refused(tmp_path):
    first = Training(problem(), Settings(epochs=2))
    first.save(tmp_path / "state.pt", "x")
    with pytest.raises(ZslError, match=r"margin 0\.1, not 0\.2"):
        Training(problem(), Settings(epochs=2, margin=0.2)).restore(tmp_path / "state.pt", "x")
    with pytest.raises(ZslError, match="another vocabulary"):
        Training(problem(), Settings(epochs=2)).restore(tmp_path / "state.pt", "y")


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr("zsl_cli.training.trainer._SAVE_EVERY", 0)
    training = Training(problem(), Settings(epochs=5))
    real = training.run_epoch

    def broken():
        if training.epoch == 2:
            with torch.no_grad():
                training.matrix[0, 0] = float("nan")
        return real()

    training.run_epoch = broken
    with pytest.raises(ZslError, match=r"nan in epoch 3, step 1 of 1;.*keeps epoch 2"):
        train(training, tmp_path / "state.pt", "x")
    again = Training(problem(), Settings(epochs=5))
    assert again.restore(tmp_path / "state.pt", "x")
    assert again.epoch == 2
    assert torch.isfinite(again.matrix).all()


def test_early_stopping_keeps_the_best_epoch():
    given = problem()
    noise = Problem(given.inputs[:20], np.random.default_rng(1).integers(0, 10, 20), given.vectors)
    found = train(Training(given, Settings(epochs=60, patience=3), noise))
    assert len(found.history) == found.best + 3 or len(found.history) == 60
    assert found.history[found.best - 1]["hit@1"] == max(one["hit@1"] for one in found.history)


def test_ridge_is_least_squares_in_either_direction():
    given = problem(images=300)
    wanted, even = given.vectors[given.target], np.full(300, 1 / 300, np.float32)
    there = closed_form.ridge(given.inputs, wanted, even, 1e-9)
    expected = np.linalg.lstsq(given.inputs, wanted, rcond=None)[0].T
    assert np.allclose(there, expected, atol=1e-3)
    back = closed_form.ridge(given.inputs, wanted, even, 1e-9, "to-features")
    assert np.allclose(back, np.linalg.lstsq(wanted, given.inputs, rcond=None)[0], atol=1e-3)


def test_a_shift_lowers_the_trained_labels_and_no_others():
    vectors = np.random.default_rng(0).standard_normal((50, 64)).astype(np.float32)
    found = vectors @ closed_form.constant_shift(vectors, np.array([3, 7]), 2.0)
    assert found[[3, 7]] == pytest.approx([-2, -2], abs=0.05)
    assert abs(np.delete(found, [3, 7])).max() < 0.05


def test_the_validation_split_is_by_image_or_by_class():
    target = np.repeat(np.arange(10), 20)
    fit, check = methods.split(target, "image", 0)
    assert np.bincount(target[check]).tolist() == [2] * 10
    assert not set(fit) & set(check)
    fit, check = methods.split(target, "class", 0)
    assert len(set(target[check])) == 2
    assert not set(target[fit]) & set(target[check])


def test_classes_that_are_left_out_choose_how_much_is_kept():
    given = problem(images=120, classes=12)
    start = Problem(given.inputs, given.target, given.vectors,
                    (given.vectors[given.target] * 0.3).astype(np.float32))
    best, tried = selection.choose(start, Settings(epochs=5), given.vectors, np.arange(12),
                                   decays=(1e-6, 1e-3), shifts=(0.0, 1.0))
    assert len(tried) == 4
    assert best in tried
    allowed = [one for one in tried if one.unseen >= 0.01]
    assert best.seen == max(one.seen for one in allowed) if allowed else True


def test_fitted_temperature_finds_the_one_that_scores_were_made_with():
    random = np.random.default_rng(0)
    vectors = np.eye(8, dtype=np.float32)
    embeddings = random.standard_normal((4000, 8)).astype(np.float32)
    logits = embeddings @ vectors.T / 0.2
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    target = (chances.cumsum(1) > random.random((4000, 1))).argmax(1)
    assert methods.fitted_temperature(embeddings, vectors, target) == pytest.approx(0.2, rel=0.2)
