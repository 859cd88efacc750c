"""Teaching with a model that has no label prior, as CLIP has none: one of colours; and lessons that
are taken over from one model to another."""

import os

import pytest
import text_model

from zsl_cli import Classifier, Vocabulary
from zsl_cli.errors import MismatchError
from zsl_cli.photos.teaching import overview, rebuilding
from zsl_cli.photos.teaching.request import TeachRequest
from zsl_cli.photos.teaching.teaching import teach
from zsl_cli.support import folders
from zsl_cli.vocabulary.taught.additions import read_centre


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A data folder of one's own."""
    monkeypatch.setenv("ZSL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def oranges(tmp_path):
    """Four pictures of nearly one orange, and one of blue."""
    colours = [(250, 120, 0), (255, 130, 10), (252, 124, 3), (248, 126, 6), (0, 0, 255)]
    return [str(text_model.photo(tmp_path / f"{number}.png", colour))
            for number, colour in enumerate(colours)]


def first(paths, model, vocabulary="mine"):
    classifier = Classifier.load(model, vocabulary)
    return [one.labels[0].name for one in classifier.classify(paths)]


def test_a_model_without_a_label_prior_learns(model, oranges):
    assert first(oranges, model, None) == ["crimson"] * 4 + ["navy"]
    result = teach(TeachRequest("Saffy", oranges[:2], under=["colour"], model=model))
    assert result.ok
    folder = folders.find(folders.VOCABULARY, "mine")
    manifest = folders.read_manifest(folders.VOCABULARY, folder)
    assert manifest.taught.centre_of == "24 drawn pictures"
    assert manifest.taught.model == str(model)
    assert read_centre(folder, manifest).shape == (4,)
    assert first(oranges, model) == ["Saffy"] * 4 + ["navy"]
    assert Vocabulary.load("mine").path_names("my-saffy") == ("colour", "Saffy")


def test_a_vocabulary_that_was_taught_with_another_model_is_left_alone(model, oranges):
    teach(TeachRequest("Saffy", oranges[:2], under=["colour"], model=model))
    with pytest.raises(MismatchError, match="zsl lessons rebuild"):
        teach(TeachRequest("Orangina", oranges[:1], new=True))
    assert overview.overview().lessons == 2


def test_lessons_are_taken_over_to_another_model_as_far_as_photos_can_be_had(model, oranges):
    teach(TeachRequest("Saffy", oranges[:3], under=["fruit"]))
    os.remove(oranges[0])
    text_model.photo(oranges[1], (0, 0, 255))  # another photo by now
    change = rebuilding.rebuild(vocabulary=model / "vocab", model=model)
    assert change.lessons == 1
    assert len(change.left_out) == 2
    assert oranges[0] in " ".join(change.left_out)
    assert first(oranges[2:4], model) == ["Saffy"] * 2
    assert overview.overview().lessons == 3  # they count again with the model that they are of
    assert rebuilding.rebuild().lessons == 1  # the model and the base are found again
    change = rebuilding.rebuild(vocabulary="default", model="default")
    assert (change.lessons, change.left_out) == (3, ())
