"""What captions tell of things beside the main one."""

import calibration_sets
import numpy as np
import pytest

from zsl_cli import Classifier
from zsl_cli.authoring.calibrating import CalibrationRequest, beside_rule, calibrate
from zsl_cli.authoring.calibrating.pairs import Pairs
from zsl_cli.classifier.confidence import main_odds
from zsl_cli.errors import ZslError
from zsl_cli.support.calibration import ConfidenceRule


@pytest.fixture
def model(tmp_path):
    return calibration_sets.with_beside(calibration_sets.model(tmp_path / "paint"))


@pytest.fixture
def photos(tmp_path):
    return calibration_sets.photos(tmp_path / "photos")


@pytest.fixture
def captions(photos, tmp_path):
    return calibration_sets.captions(tmp_path / "captions.csv", photos)


@pytest.fixture
def calibrated(model, photos, captions, tmp_path):
    def run(**more):
        return calibrate(CalibrationRequest(**{
            "model": model, "data": photos, "captions": captions, "images": photos,
            "output": tmp_path / "out", "cache": False, "device": "cpu", **more}))
    return run


def test_words_that_captions_agree_on_are_taken_and_those_that_one_of_them_says_are_not(calibrated):
    result = calibrated()
    assert result.beside.labels == ("cloth", "sheet")
    assert (result.beside.images, result.beside.pairs, result.beside.right) == (45, 90, 24)
    assert result.beside.temperature is None
    assert result.rule.beside_slope == result.beside.slope > 0
    assert result.rule.beside_least == result.beside.second_least in beside_rule.LEASTS
    assert result.rule.fitted_on == 90


def test_confidences_beside_follow(calibrated, model):
    embedding = np.array([[0.9, 0.3, 0.3, 0]], np.float32)
    before, after = (Classifier.load(folder, device="cpu").evidence(embedding).confidences[0]
                     for folder in (model, calibrated().folder))
    assert before[5] != after[5]
    assert after[4] >= after[5] > 0


@pytest.mark.parametrize("least", beside_rule.LEASTS)
def test_the_least_that_made_the_pairs_is_found(least):
    random = np.random.default_rng(0)
    count = 60_000
    second, main = random.normal(0, 2, count), 10 ** random.uniform(-6, -0.1, count)
    odds = np.stack([second, *(main_odds(main, one) for one in beside_rule.LEASTS)])
    made = odds[0] + 1.5 * odds[1 + beside_rule.LEASTS.index(least)] + 2
    true = random.random(count) < 1 / (1 + np.exp(-made))
    at, plane = beside_rule._best(Pairs(np.arange(count), odds, true, np.ones(count)))
    assert beside_rule.LEASTS[at] == least
    assert (plane.slope, plane.second) == (pytest.approx(1, abs=.1), pytest.approx(1.5, abs=.15))


def test_a_split_counts_alone(calibrated):
    assert calibrated(split="train").beside.images == 42


def test_without_captions_the_numbers_beside_stay(calibrated):
    result = calibrated(captions=None, images=None)
    assert result.beside is None
    assert (result.rule.beside_slope, result.rule.beside_offset) == (1, 0)


def test_agreement_is_how_likely_another_caption_is_to_say_it():
    said = [[frozenset({1}), frozenset({1, 2}), frozenset()]] * 8
    assert beside_rule._agreement(said, 1) == pytest.approx(1 / 2)
    assert beside_rule._agreement(said, 2) == 0
    assert beside_rule._agreement(said[:7], 1) is None
    assert beside_rule._agreement([[frozenset({1})]] * 9, 1) is None  # one caption an image


def test_captions_that_agree_on_nothing_are_an_error(calibrated, captions, tmp_path):
    captions.write_text(captions.read_text().replace("sheet", "spread"))
    with pytest.raises(ZslError, match="the captions agree on no word"):
        calibrated()
    assert not (tmp_path / "out").exists()


def test_a_thing_that_is_everywhere_tells_nothing(model):
    classifier = Classifier.load(model, device="cpu")
    with pytest.raises(ZslError, match="all images have all things"):
        beside_rule.fit(classifier, np.eye(8, 4, dtype=np.float32), [["a sheet", "a sheet"]] * 8,
                        ConfidenceRule())


def test_a_vocabulary_without_such_things_is_an_error(calibrated, tmp_path):
    with pytest.raises(ZslError, match="has nothing that stands beside"):
        calibrated(model=calibration_sets.model(tmp_path / "plain"))
