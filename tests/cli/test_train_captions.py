"""``zsl train --captions``, through the whole command."""

import json
import subprocess
import sys
import time

import captioned_colours
import click
import pytest
import text_model

from zsl_cli.cli.train import captions, command


@pytest.fixture
def colours(tmp_path):
    """A folder with a model and its vocabulary, ``base``, and captioned photos."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    text_model.make(tmp_path / "base")
    text_model.make_vocabulary(tmp_path / "base" / "vocab")
    captioned_colours.write(tmp_path / "photos")
    return tmp_path


CAPTIONS = ("--captions", "photos/captions.csv", "--model", "base", "--device", "cpu")


def test_a_model_is_trained_on_captions_and_classifies(zsl, colours):
    result = zsl("train", *CAPTIONS, "-o", "run", "--encoder", "mean", "--split", "train",
                 "--validation-split", "val", "--epochs", "3")
    assert result.returncode == 0, result.stderr
    assert b"validation: recall " in result.stderr
    assert {path.name for path in (colours / "run").iterdir()} == {
        "log.jsonl", "curves.html", "train.json", "model"}
    assert "<polyline" in (colours / "run" / "curves.html").read_text()
    found = zsl("classify", "--model", "run/model", "--top", "1", "--jsonl", "photos/0.png")
    assert json.loads(found.stdout)["labels"][0]["label"] == "crimson", found.stderr
    again = zsl("train", *CAPTIONS, "-o", "run")
    assert again.returncode == 2
    assert b"holds a finished training; give --force" in again.stderr


def test_a_missing_photo_is_named_and_left_out(zsl, colours):
    (colours / "photos" / "0.png").unlink()
    result = zsl("train", *CAPTIONS, "-o", "run", "--encoder", "sum", "--epochs", "1")
    assert result.returncode == 1, result.stderr
    assert b"0.png" in result.stderr
    assert (colours / "run" / "model" / "encoder.onnx").exists()


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_the_same(zsl, colours, environment):
    arguments = ["train", *CAPTIONS, "--encoder", "mean", "--epochs", "300", "--patience", "0",
                 "--batch-size", "2"]
    process = subprocess.Popen([sys.executable, "-m", "zsl_cli", *arguments, "-o", "killed"],
                               cwd=colours, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 100
    while not (colours / "killed/unfinished/state.pt").exists() and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (colours / "killed" / "model").exists()
    for output in ("killed", "whole"):
        result = zsl(*arguments, "-o", output, timeout=300)
        assert result.returncode == 0, result.stderr
    for name in ("encoder.onnx", "label_encoder.onnx", "tokenizer.json", "vocab/vectors.npy"):
        assert (colours / "killed/model" / name).read_bytes() == (
            colours / "whole/model" / name).read_bytes()


def asked(*arguments):
    with command.make_context("train", [*arguments, "-o", "run"]) as context:
        return captions.asked_for(context) and captions.request_of(context)


@pytest.mark.parametrize(("arguments", "said"), [
    ("", "one thing to train on is expected: DATA, or --captions"),
    ("photos --captions a.csv", "one thing to train on is expected"),
    ("photos --encoder mean", "--encoder is for --captions"),
    ("photos --hardest", "--hardest is for --captions"),
    ("photos --split train", "--split is for --captions"),
    ("--captions a.csv --views 3", "--views is not for --captions"),
    ("--captions a.csv --from-scratch", "--from-scratch is not for --captions"),
    ("--captions a.csv --quantize int8", "--quantize is not for --captions"),
    ("--captions a.csv --vectors v.txt", "--vectors is for the encoders over words' vectors"),
])
def test_options_of_the_other_kind_are_refused(arguments, said):
    with pytest.raises(click.UsageError, match=said):
        asked(*arguments.split())


def test_what_is_given_is_asked_for_and_the_rest_is_as_the_library_has_it():
    request = asked("--captions", "a.csv", "--encoder", "lstm", "--vectors", "v.txt", "--hardest",
                    "--margin", "0.3", "--epochs", "60", "--dimension", "200")
    assert (request.encoder.name, request.encoder.vectors) == ("lstm", "v.txt")
    assert (request.hardest, request.margin, request.epochs, request.dimension) == (
        True, 0.3, 60, 200)
    assert (request.batch_size, request.patience, request.vocabulary) == (128, 10, None)
    assert asked("photos") is False
