"""An evaluation on the images that a model was trained on."""

import shutil

import text_model

from zsl_cli import EvaluationRequest, Model, evaluate
from zsl_cli.evaluation import trained_on
from zsl_cli.evaluation.reporter import Reporter


class Warnings(Reporter):
    """Notes what it is warned of."""

    def __init__(self):
        self.lines = []

    def warn(self, text):
        self.lines.append(text)


def test_it_is_told_wherever_the_images_lie_now(tmp_path, model, photos):
    shutil.copytree(photos, tmp_path / "copies")
    folder = tmp_path / "trained"
    shutil.copytree(model, folder)
    first = sorted(photos.rglob("*.png"))[:3]
    trained_on.record(folder, first)
    Model.load(folder)  # its manifest is right
    said = Warnings()
    evaluate(EvaluationRequest(tmp_path / "copies", folder, cache=False, device="cpu"), said)
    assert [line.partition(", so that")[0] for line in said.lines] == [
        "trained: 3 images of 9 among those that it was trained on"]
    said = Warnings()
    evaluate(EvaluationRequest(photos, model, cache=False, device="cpu"), said)
    assert said.lines == []


def test_what_the_first_model_was_trained_on_is_kept(tmp_path):
    images = [tmp_path / name for name in "abc"]
    for image in images:
        image.write_text(image.name)
    first, second = (text_model.make(tmp_path / name) for name in ("first", "second"))
    trained_on.record(first, images[:1])
    trained_on.record(second, [images[1], tmp_path / "gone"], first)
    assert [trained_on.count(second, [image]) for image in images] == [1, 1, 0]


def test_a_model_that_knows_nothing_of_its_training_says_nothing(tmp_path):
    folder = text_model.make(tmp_path / "m")
    assert trained_on.count(folder, [folder / "model.json"]) == 0
