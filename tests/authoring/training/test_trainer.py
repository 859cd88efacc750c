"""The trainer: losses against loops, repeated and resumed runs, divergence, early stopping."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_problems import problem  # noqa: E402

from zsl_cli.authoring.training import losses, splitting  # noqa: E402
from zsl_cli.authoring.training.linear import LinearMap  # noqa: E402
from zsl_cli.authoring.training.losses import (  # noqa: E402
    CrossEntropy,
    HingeRank,
    SquaredDistance,
)
from zsl_cli.authoring.training.problem import Problem  # noqa: E402
from zsl_cli.authoring.training.trainer import Settings, Training, train  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402
from zsl_cli.evaluation.metrics import class_mean_hit_at_k_of_scores  # noqa: E402


def test_hinge_rank_loss_is_the_papers():
    scores = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 3, 6, 2, 2])
    expected = [sum(max(0.0, 0.1 - float(row[right]) + float(row[j]))
                    for j in range(7) if j != right)
                for row, right in zip(scores, target, strict=True)]
    assert losses.hinge_rank_loss(scores, target, 0.1).tolist() == pytest.approx(expected)


def test_first_violation_is_that_of_the_first_label_in_the_order():
    vectors = torch.eye(4)
    projected = torch.tensor([[1.0, 0.5, 0.95, 2.0], [0.0, 5.0, 0.0, 0.0]])
    order = torch.tensor([1, 0, 2, 3])
    found = losses.first_violation(projected, torch.tensor([0, 1]), vectors, 0.1, order)
    # Of the first image label 1 does not violate and 3 comes later; of the second none does.
    assert found.tolist() == pytest.approx([0.05, 0])


@pytest.mark.parametrize("count", [10, 3000])  # one chunk of labels, and several
def test_first_violation_agrees_with_a_search_one_by_one(count):
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(count, 5, generator=generator)
    projected = torch.randn(8, 5, generator=generator)
    target = torch.arange(8)
    order = torch.randperm(count, generator=generator)
    scores = projected @ vectors.T
    expected = []
    for row, right in zip(scores, target.tolist(), strict=True):
        excess = [float(0.1 - row[right] + row[j]) for j in order.tolist() if j != right]
        expected.append(next((one for one in excess if one > 0), 0.0))
    found = losses.first_violation(projected, target, vectors, 0.1, order)
    assert found.tolist() == pytest.approx(expected, abs=1e-5)


def test_sampled_negatives_are_those_of_the_batch_too():
    vectors, target = torch.eye(6), torch.tensor([0, 5])
    projected = torch.zeros(2, 6)
    found = HingeRank(margin=1.0, negatives="sampled", samples=1)(
        projected, target, vectors, 1.0, np.random.default_rng(0))
    assert set(found.tolist()) <= {1.0, 2.0}  # one or two others, each violates by the margin
    assert (found >= 1).all()


@pytest.mark.parametrize("objective", [
    *(HingeRank(negatives=negatives, samples=4) for negatives in ("all", "sampled", "first")),
    CrossEntropy(), SquaredDistance()])
def test_training_learns(objective):
    given = problem()
    moved = LinearMap(given)
    train(Training(moved, Settings(objective, decay=0)))
    assert class_mean_hit_at_k_of_scores(given.scores(moved.change()), given.target, 1) > 0.9


@pytest.mark.parametrize("learn_vectors", [False, True])
@pytest.mark.parametrize("stop", ["between epochs", 2, 4])  # within one, and after its last step
def test_a_resumed_training_ends_as_one_that_was_never_stopped(
        tmp_path, learn_vectors, stop):
    given = problem()
    settings = Settings(HingeRank(negatives="sampled", samples=3), epochs=6, batch_size=16)
    check = given.of_rows(np.arange(10))

    def made():
        return Training(LinearMap(given, check, learn_vectors=learn_vectors), settings)

    whole = train(made())
    first = made()
    for _ in range(3):
        first.run_epoch()
    if stop != "between epochs":
        def after(done, _steps):
            if done == stop:
                first.save(tmp_path / "state.pt", "x")
                raise KeyboardInterrupt
        with pytest.raises(KeyboardInterrupt):
            first.run_epoch(after)
    else:
        first.save(tmp_path / "state.pt", "x")
    resumed = train(made(), tmp_path / "state.pt", "x")
    assert np.array_equal(whole.trained.change(), resumed.trained.change())
    assert [one["loss"] for one in whole.history] == [one["loss"] for one in resumed.history]
    assert whole.best == resumed.best


def test_a_seed_repeats_a_run_and_another_does_not():
    runs = []
    for seed in (1, 1, 2):
        moved = LinearMap(problem())
        train(Training(moved, Settings(epochs=3, batch_size=8, seed=seed)))
        runs.append(moved.change())
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_the_first_epochs_have_a_loss_of_their_own():
    settings = Settings(CrossEntropy(), epochs=3, first=HingeRank(), first_epochs=2)
    assert [settings.objective_in(epoch) for epoch in range(3)] == [
        HingeRank(), HingeRank(), CrossEntropy()]
    assert settings.described()["first"]["loss"] == HingeRank().name
    assert "first" not in Settings(CrossEntropy()).described()


def test_state_of_another_training_is_refused(tmp_path):
    first = Training(LinearMap(problem()), Settings(epochs=2))
    first.save(tmp_path / "state.pt", "x")
    other = Training(LinearMap(problem()), Settings(HingeRank(margin=0.2), epochs=2))
    with pytest.raises(ZslError, match=r"margin 0\.1, not 0\.2"):
        other.restore(tmp_path / "state.pt", "x")
    other = Training(LinearMap(problem()), Settings(SquaredDistance(), epochs=2))
    with pytest.raises(ZslError, match="loss 'rank', not 'l2'"):
        other.restore(tmp_path / "state.pt", "x")
    same = Training(LinearMap(problem()), Settings(epochs=2))
    with pytest.raises(ZslError, match="another vocabulary"):
        same.restore(tmp_path / "state.pt", "y")
    (tmp_path / "state.pt").write_bytes(b"half a file")
    with pytest.raises(ZslError, match="damaged training; begin again with `restart`"):
        same.restore(tmp_path / "state.pt", "x")


@pytest.mark.parametrize(("objective", "stored"), [
    (HingeRank(0.2, "sampled", 4), {"loss": "rank", "margin": 0.2, "negatives": "sampled",
                                    "samples": 4}),
    (CrossEntropy(), {"loss": "softmax", "margin": 0.1, "negatives": "all", "samples": 512}),
    (SquaredDistance(), {"loss": "l2", "margin": 0.1, "negatives": "all", "samples": 512}),
])
def test_a_state_of_the_first_version_goes_on(tmp_path, objective, stored):
    path, settings = tmp_path / "state.pt", Settings(objective, epochs=2)
    first = Training(LinearMap(problem()), settings)
    first.run_epoch()
    first.save(path, "x")
    state = torch.load(path, weights_only=True)
    assert state["settings"]["objective"].items() <= stored.items()
    state["settings"]["objective"] = stored
    torch.save(state, path)
    again = Training(LinearMap(problem()), settings)
    assert again.restore(path, "x")
    assert again.epochs == 1
    other = CrossEntropy() if stored["loss"] == "rank" else HingeRank()
    with pytest.raises(ZslError, match=f"loss '{stored['loss']}', not '{other.name}'"):
        Training(LinearMap(problem()), Settings(other, epochs=2)).restore(path, "x")
    with pytest.raises(ZslError, match="another method"):  # softmax and cross-entropy, say
        again.restore(path, "of other label vectors")


def test_a_loss_that_is_no_number_stops_and_keeps_what_was_good(tmp_path, monkeypatch):
    monkeypatch.setattr("zsl_cli.authoring.training.trainer._SAVE_EPOCHS", 0)
    training = Training(LinearMap(problem()), Settings(epochs=5))
    real = training.run_epoch

    def broken(*arguments):
        if training.epochs == 2:
            with torch.no_grad():
                training.trained.matrix[0, 0] = float("nan")
        return real(*arguments)

    training.run_epoch = broken
    with pytest.raises(ZslError, match=r"nan in epoch 3, step 1 of 1;.*after 2 epochs"):
        train(training, tmp_path / "state.pt", "x")
    again = Training(LinearMap(problem()), Settings(epochs=5, learning_rate=0.01))
    assert again.restore(tmp_path / "state.pt", "x")
    assert again.epochs == 2
    assert again.is_finite()
    train(again)
    assert again.history[-1]["learning_rate"] < 0.01


def test_parameters_that_are_no_numbers_are_never_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("zsl_cli.authoring.training.trainer._SAVE_EPOCHS", 0)
    monkeypatch.setattr("zsl_cli.authoring.training.trainer.SAVE_EVERY", -1)
    training = Training(LinearMap(problem()), Settings(epochs=3, batch_size=20))
    step = training._step

    def overflowing(*arguments):
        loss = step(*arguments)
        if (training.epochs, training.steps) == (1, 1):  # a finite loss, an infinite gradient
            with torch.no_grad():
                training.trained.matrix[0, 0] = float("inf")
        return loss

    training._step = overflowing
    with pytest.raises(ZslError, match=r"keeps what there was after 1 epochs and 1 steps"):
        train(training, tmp_path / "state.pt", "x")


def test_out_of_memory_on_the_graphics_card_suggests_a_smaller_batch(monkeypatch):
    training = Training(LinearMap(problem()), Settings(batch_size=32))

    def full(_batch):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training.trained, "project", full)
    with pytest.raises(ZslError, match="a smaller `batch_size`"):
        train(training)


@pytest.mark.usefixtures("cuda")
def test_training_on_cuda_learns_in_mixed_precision():
    given = problem()
    moved = LinearMap(given, device="cuda")
    train(Training(moved, Settings()))
    assert class_mean_hit_at_k_of_scores(given.scores(moved.change()), given.target, 1) > 0.9


def scripted(hits):
    """A training whose validation gives these values in turn, and M as it was after each epoch."""
    moved, after = LinearMap(problem()), []
    given = iter(hits)

    def validate():
        after.append(moved.matrix.detach().clone())
        return {"hit@1": next(given)}

    moved.validate = validate
    return moved, after


@pytest.mark.parametrize(("hits", "epochs", "kept"), [
    ([0.1, 0.5, 0.4, 0.3, 0.2, 0.9], 5, 2),  # three epochs without a better one
    ([0.1, 0.5, 0.4, 0.5, 0.2, 0.9], 5, 4),  # of the best ones the last
    ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 6, 6)])
def test_early_stopping_keeps_the_best_epoch(hits, epochs, kept):
    moved, after = scripted(hits)
    found = train(Training(moved, Settings(epochs=6, patience=3)))
    assert (len(found.history), found.best) == (epochs, kept)
    assert torch.equal(moved.matrix, after[kept - 1])


def test_validation_is_of_the_images_left_out():
    given = problem()
    noise = Problem(given.inputs[:20], np.random.default_rng(1).integers(0, 10, 20), given.vectors)
    moved = LinearMap(given, noise)
    found = train(Training(moved, Settings(epochs=2)))
    assert found.history[found.best - 1]["hit@1"] == pytest.approx(
        class_mean_hit_at_k_of_scores(noise.scores(moved.change()), noise.target, 1))


def test_training_goes_on_to_the_end_where_nothing_is_validated():
    found = train(Training(LinearMap(problem()), Settings(epochs=7, patience=2)))
    assert (len(found.history), found.best) == (7, 7)


def test_views_are_of_the_images_that_are_trained_on():
    given = problem(images=20)
    views = Problem(np.concatenate([given.inputs, -given.inputs]), np.tile(given.target, 2),
                    given.vectors, copies=2)
    some = views.of_images(np.array([3, 7]))
    assert np.array_equal(some.inputs, np.concatenate([given.inputs[[3, 7]],
                                                       -given.inputs[[3, 7]]]))
    assert np.array_equal(views.originals().inputs, given.inputs)
    assert views.originals().copies == 1


def test_the_validation_split_is_by_image_or_by_class():
    target = np.repeat(np.arange(10), 20)
    fit, check = splitting.split(target, "image", 0)
    assert np.bincount(target[check]).tolist() == [2] * 10
    assert not set(fit) & set(check)
    fit, check = splitting.split(target, "class", 0)
    assert len(set(target[check])) == 2
    assert not set(target[fit]) & set(target[check])
