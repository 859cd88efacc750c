"""Confidences of a model that is exported: fitted where its calibration images are labelled."""

from types import SimpleNamespace

import calibration_sets
import pytest

from zsl_cli.authoring.exporting import confidences
from zsl_cli.support import folders
from zsl_cli.support.progress import Reporter
from zsl_cli.vocabulary.vocabulary import Vocabulary


@pytest.fixture
def model(tmp_path):
    return calibration_sets.model(tmp_path / "paint")


@pytest.fixture
def fitted(model, tmp_path):
    """Where the rule of the model is from, and what is told, for these calibration images."""
    def run(images, vocabulary=None):
        told = []

        class Told(Reporter):
            def say(self, line):
                told.append(line)

            detail = say

        plan = SimpleNamespace(vocabulary=vocabulary,
                               request=SimpleNamespace(calibration_images=images))
        confidences.fit(plan, model, Told())
        return folders.read_manifest(folders.MODEL, model).confidence.fitted_on, told
    return run


def test_labelled_images_fit_them_by_the_models_own_vocabulary(fitted, tmp_path):
    assert fitted(calibration_sets.photos(tmp_path / "photos")) == (
        45, ["confidences are fitted on 45 images"])


def test_labelled_images_fit_them_by_the_vocabulary_that_m_maps_onto(fitted, model, tmp_path):
    (model / "vocab").rename(tmp_path / "vocab")
    photos = calibration_sets.photos(tmp_path / "photos")
    assert fitted(str(photos), Vocabulary.load(tmp_path / "vocab"))[0] == 45
    assert fitted(photos)[0] == 45  # of before: nothing is done without a vocabulary


@pytest.mark.parametrize("classes", [("navy",), ("crimson", "navy", "lime")])
def test_images_that_do_not_suffice_leave_the_default_rule(fitted, tmp_path, classes):
    fitted_on, (line,) = fitted(calibration_sets.photos(tmp_path / "few", 4, classes))
    assert fitted_on == 0
    assert line.startswith("confidences are not fitted to the calibration images: ")


def test_images_without_classes_leave_the_default_rule(fitted, tmp_path):
    photos = calibration_sets.photos(tmp_path / "photos")
    assert fitted(photos / "navy")[0] == 0
    assert fitted(tuple(map(str, (photos / "navy").iterdir()))) == (0, [])
    assert fitted(None) == (0, [])
