"""Confidences of a model that was trained: fitted to the photos that were held out."""

from types import SimpleNamespace

import calibration_sets
import numpy as np
import pytest

from zsl_cli.authoring.training import Schedule
from zsl_cli.authoring.training.splitting import split
from zsl_cli.authoring.training.writing import _calibrate
from zsl_cli.support import folders
from zsl_cli.support.progress import SILENT
from zsl_cli.vocabulary.vocabulary import Vocabulary


@pytest.fixture
def calibrated(tmp_path):
    """The rule of a model in ``work/model`` after a training with so many photos a class."""
    def run(count=150, *, in_epochs=True, own=False, wrong=2, **schedule):
        model = calibration_sets.model(tmp_path / "work" / "model")
        photos = calibration_sets.photos(tmp_path / "photos", count, wrong=wrong)
        vocabulary = Vocabulary.load(model / "vocab")
        paths = sorted(photos.rglob("*.png"))
        rows = np.array([vocabulary.find(path.parent.name).row for path in paths])
        if own:
            (model / "vocab").rename(tmp_path / "work" / "vocab")
        examples = SimpleNamespace(
            vocabulary=vocabulary, paths=tuple(paths), rows=rows,
            target=np.searchsorted(np.unique(rows), rows))
        request = SimpleNamespace(
            work=tmp_path / "work", schedule=Schedule(**schedule),
            method=SimpleNamespace(in_epochs=in_epochs))
        _calibrate(request, SimpleNamespace(log=SimpleNamespace(reporter=SILENT)), examples,
                   own=own)
        spared = split(examples.target, request.schedule.validation, request.schedule.seed)[1]
        return folders.read_manifest(folders.MODEL, model).confidence, len(spared)
    return run


@pytest.mark.parametrize("own", [False, True])
def test_the_photos_that_were_held_out_fit_them(calibrated, own):
    rule, spared = calibrated(own=own)
    assert rule.fitted_on == spared == 45


def test_few_of_them_leave_the_default_rule(calibrated):
    assert calibrated(20)[0].fitted_on == 0


@pytest.mark.parametrize("schedule", [{"validation": "none"}, {"in_epochs": False}])
def test_photos_that_were_learned_from_are_not_taken(calibrated, schedule):
    assert calibrated(**schedule)[0].fitted_on == 0
