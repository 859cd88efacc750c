"""The numbers of confidences in ``model.json``."""

import math
from dataclasses import asdict
from pathlib import Path

import pytest

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.calibration import ConfidenceRule
from zsl_cli.support.manifests import ModelManifest

RULE = ConfidenceRule(1.5, .8, -.25, 1.1, -2, .3, .01, 4000)


@pytest.fixture
def entries():
    """Of the default model, without a rule."""
    entries = dict(folders.read_manifest(folders.MODEL, folders.find(folders.MODEL, "default"))
                   .entries)
    entries.pop("confidence", None)
    return entries


def read(entries):
    return ModelManifest.from_entries(entries, Path("model.json"))


def test_a_rule_is_read_as_it_was_written(entries):
    manifest = read({**entries, "confidence": asdict(RULE)})
    assert manifest.confidence == RULE
    assert read({"format": 1, **manifest.to_entries()}).confidence == RULE


def test_the_default_rule_stands_in_no_folder(entries):
    manifest = read(entries)
    assert manifest.confidence == ConfidenceRule()
    assert manifest.confidence.fitted_on == 0
    assert "confidence" not in manifest.to_entries()
    assert read({**entries, "confidence": {"slope": 2}}).confidence == ConfidenceRule(slope=2)


def test_a_rule_of_six_numbers_is_read_as_before(entries):
    six = {"temperature": 1.25, "slope": 0.97632, "offset": 0.45772, "beside_slope": 0.84641,
           "beside_offset": 0.034944, "beside_main": 0.099325, "fitted_on": 2450}
    rule = read({**entries, "confidence": six}).confidence
    assert rule == ConfidenceRule(**six)
    assert rule.beside_least == 1e-4


@pytest.mark.parametrize("wrong", [
    {name: value} for name in ("temperature", "slope", "beside_slope")
    for value in (0, -1, math.nan, math.inf, True, "1", None, [1])] + [
    {name: value} for name in ("offset", "beside_offset")
    for value in (math.nan, -math.inf, 1e300, False, "1", None)] + [
    {"beside_main": -0.1}, {"beside_main": math.nan}, {"beside_main": "1"},
    {"beside_least": 0}, {"beside_least": 0.6}, {"beside_least": math.nan}, {"beside_least": "1"},
    {"fitted_on": -1}, {"fitted_on": 1.5}, {"fitted_on": True}, {"fitted_on": 10**12},
    {"warmth": 1}, {3: 1}, [1], 7, "rule"], ids=repr)
def test_a_rule_that_makes_no_sense_is_one_error(entries, wrong):
    with pytest.raises(FolderError, match=r"^model\.json: confidence: .") as raised:
        read({**entries, "confidence": wrong})
    assert "\n" not in str(raised.value)
