"""Photos of colours and sentences that name them, through a whole training."""

import shutil
import subprocess
import sys

import captioned_colours
import numpy as np
import pytest
import text_model

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from zsl_cli import Classifier, Model, Vocabulary  # noqa: E402
from zsl_cli.authoring.training.captions import (  # noqa: E402
    CaptionRequest,
    retrieval,
    train_on_captions,
)
from zsl_cli.authoring.training.captions.encoders import (  # noqa: E402
    ENCODERS,
    Linear,
    Lstm,
    Mean,
)
from zsl_cli.authoring.training.trainer import Training  # noqa: E402
from zsl_cli.embedding.label_encoder import LabelEncoder  # noqa: E402
from zsl_cli.errors import RequestError, UnknownLabelError, ZslError  # noqa: E402
from zsl_cli.evaluation import captions  # noqa: E402

GRAPHS = ("encoder.onnx", "label_encoder.onnx")


@pytest.fixture
def colours(tmp_path, environment, monkeypatch):
    """A folder with a model and its vocabulary, ``base``, and captioned photos."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text_model.make(tmp_path / "base")
    text_model.make_vocabulary(tmp_path / "base" / "vocab")
    captioned_colours.write(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(encoder=None, output="run", **changes):
    request = {"model": "base", "split": "train", "validation_split": "val", "epochs": 8,
               "patience": 0, "device": "cpu", "learning_rate": 0.5} | changes
    return train_on_captions(CaptionRequest("photos/captions.csv", output, encoder or Mean(),
                                            **request))


def recalls_of(folder, split="val"):
    """By the model folder alone."""
    listed = captions.read("photos/captions.csv", None, split)
    model = Model.load(folder, device="cpu")
    sentences = model.label_encoder.encode([one for some in listed.captions for one in some])
    owner = np.repeat(np.arange(len(listed)), [len(some) for some in listed.captions])
    scores = sentences @ model.embed(listed.paths).T
    return retrieval.recalls(retrieval.of_matrix(scores), owner, len(listed))


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda one: one.name)
def test_what_is_exported_is_what_was_trained(colours, encoder):
    result = train(encoder())
    assert recalls_of(colours / "run" / "model") == pytest.approx(result.recalls)
    assert result.recalls["recall"] > 0.9
    assert (result.images, result.captions) == (12, 36)
    assert "Made by `zsl train --captions`." in (colours / "run/model/README.md").read_text()


@pytest.mark.parametrize("encoder", [Linear, Lstm])
def test_the_trained_model_classifies_as_its_base_does(colours, encoder):
    train(encoder())
    photos = [str(path) for path in sorted(colours.glob("photos/*.png"))]
    answers = [[(label.id, label.score) for label in prediction.labels] for folder in (
        "base", "run/model") for prediction in Classifier.load(folder).classify(photos, top=3)]
    half = len(answers) // 2
    for before, after in zip(answers[:half], answers[half:], strict=True):
        assert [id_ for id_, _ in after] == [id_ for id_, _ in before]
        assert [score for _, score in after] == pytest.approx(
            [score for _, score in before], abs=5e-4)  # of two spaces, each as float16


def test_the_label_prior_and_second_vectors_move_with_the_labels(colours):
    shutil.rmtree(colours / "base" / "vocab")
    text_model.make_vocabulary(colours / "base" / "vocab", prior_dimension=3)
    train(Mean(), dimension=5)
    vocabulary = Vocabulary.load(colours / "run" / "model" / "vocab")
    assert vocabulary.prior_dimension == 8
    assert vocabulary.vectors[:, :5].any() == np.False_
    assert np.array_equal(vocabulary.vectors[:, 5:], text_model.VECTORS)


def test_searching_needs_no_torch(colours):
    train(Lstm())
    script = ("import sys; sys.modules['torch'] = sys.modules['onnx'] = None\n"
              "from zsl_cli import Model\n"
              "model = Model.load('run/model', device='cpu')\n"
              "print(model.label_encoder.encode(['A RED thing, unheard-of', 'green']).shape)")
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                           check=False, cwd=colours)
    assert found.stdout.strip() == "(2, 132)", found.stderr


def test_captions_that_read_the_same_are_no_labels_to_be_told_apart(colours, caplog):
    path = colours / "photos" / "captions.csv"
    path.write_text(path.read_text() + "0.png,some of it is red,train\n")  # as all of it is
    caplog.set_level("INFO", "zsl_cli")
    train(Linear(), epochs=1)
    assert not [line for line in caplog.messages if "read the same" in line]


def test_a_sentence_of_unknown_words_alone_is_refused(colours):
    train(Mean())
    encoder = Model.load(colours / "run" / "model", device="cpu").label_encoder
    with pytest.raises(UnknownLabelError):
        encoder.encode(["zyzzyva"])


@pytest.mark.parametrize("encoder", [Linear, Lstm])
def test_an_interrupted_training_ends_as_if_it_had_never_stopped(colours, encoder, monkeypatch):
    train(encoder(), "whole")
    run_epoch, done = Training.run_epoch, []

    def interrupted(training, *arguments):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(0)
        return run_epoch(training, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "run_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(encoder())
    assert [path.name for path in (colours / "run").iterdir()] == ["unfinished"]
    train(encoder())
    for name in GRAPHS:
        assert (colours / "run/model" / name).read_bytes() == (
            colours / "whole/model" / name).read_bytes()


def test_another_training_does_not_go_on_there(colours, monkeypatch):
    def stop(_training):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            train(Mean())
    with pytest.raises(ZslError, match="hardest False, not True"):
        train(Mean(), hardest=True)
    with pytest.raises(ZslError, match="begin again"):
        train(Lstm())
    train(Lstm(), restart=True)


def test_the_same_seed_gives_the_same_model_and_another_one_another(colours):
    for output, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(Mean(), output, seed=seed)
    a, b, c = ((colours / name / "model" / GRAPHS[1]).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_word_vectors_of_ones_own_stay_and_know_words_that_no_caption_has(colours):
    (colours / "words.txt").write_text(
        "red 1 0 0\ngreen 0 1 0\nblue 0 0 1\nCrimson 0.9 0.1 0\nthing 0.1 0.1 0.1\n")
    train(Mean(vectors="words.txt"))
    encoder = Model.load(colours / "run" / "model", device="cpu").label_encoder
    red, green, crimson = encoder.encode(["red", "green", "crimson"])
    assert crimson @ red > crimson @ green
    (colours / "others.txt").write_text("rouge 1 0\nvert 0 1\nbleu 1 1\n")
    with pytest.raises(ZslError, match="no word of the captions is in it"):
        train(Mean(vectors="others.txt"), "run2")


def test_images_that_are_missing_are_left_out_and_told(colours):
    (colours / "photos" / "0.png").unlink()
    result = train(Mean())
    assert result.images == 11
    assert [one.path for one in result.left_out.unreadable] == ["photos/0.png"]


@pytest.mark.parametrize("encoder", [Linear, Mean])
def test_captions_that_cannot_be_used_are_left_out_and_the_rest_is_learned_from(colours, encoder):
    path = colours / "photos" / "captions.csv"
    whole = train(encoder(), "whole").model
    shutil.copy(colours / "photos" / "0.png", colours / "photos" / "12.png")
    path.write_bytes(path.read_bytes() + b"0.png,,train\n12.png,r\xe9d,train\n"
                     b"0.png," + b"red " * 50_000 + b",train\n")
    result = train(encoder())
    assert (result.images, result.captions) == (12, 36)
    assert len(result.left_out.sentences) == 3
    for name in GRAPHS:
        assert (result.model / name).read_bytes() == (whole / name).read_bytes()


def test_captions_that_the_label_encoder_knows_nothing_of_are_left_out(colours, monkeypatch):
    monkeypatch.setattr(LabelEncoder, "knows", lambda self, phrase: "over there" not in phrase)
    result = train(Linear(), epochs=1)
    assert (result.images, result.captions) == (12, 24)
    assert [one.caption for one in result.left_out.sentences] == [
        "a red thing over there", "a green thing over there", "a blue thing over there"]
    monkeypatch.setattr(LabelEncoder, "knows", lambda self, phrase: False)
    with pytest.raises(ZslError, match="knows no word or character of 'something red'"):
        train(Linear(), "run2")
    assert train(Mean(), "run3", epochs=1).captions == 36


@pytest.mark.parametrize(("text", "said"), [
    ("image,caption\n0.png,something red\n", "4 captioned images at least, and there are 1"),
    ("image,caption\nno.png,something red\nnone.png,something blue\n", "there are 0"),
    ("a,b\n1,2\n", "image"),
    ("image,caption\n" + "".join(f"{number}.png,word{number}\n" for number in range(9)),
     "no word stands twice"),
])
def test_captions_that_are_too_few_are_refused_and_nothing_is_left(colours, text, said):
    (colours / "photos" / "captions.csv").write_text(text)
    with pytest.raises(ZslError, match=said):
        train(Mean(), split=None, validation_split=None, validation="none")
    assert not (colours / "run").exists()


def test_a_model_without_a_label_encoder_is_for_the_encoders_over_words(colours):
    shutil.rmtree(colours / "base")
    text_model.make(colours / "base", text=False)
    text_model.make_vocabulary(colours / "base" / "vocab")
    with pytest.raises(ZslError, match="has no label encoder"):
        train(Linear())
    assert train(Mean()).recalls["recall"] > 0.9


def test_images_are_not_learned_from_and_validated_with(colours):
    with pytest.raises(ZslError, match="two splits"):
        train(Mean(), split=None)


@pytest.mark.parametrize("changes", [
    {"method": "l2"}, {"margin": -1}, {"method": "softmax", "hardest": True}, {"epochs": 0},
    {"validation": "none"}, {"batch_size": 1}, {"dimension": 0}])
def test_what_makes_no_sense_is_refused(changes):
    with pytest.raises(RequestError):
        CaptionRequest("captions.csv", "run", **{"validation_split": "val"} | changes)
