"""``zsl models calibrate``, as it is called, and what other commands say of it."""

import json

import calibration_sets
import pytest


@pytest.fixture
def model(tmp_path):
    return calibration_sets.with_beside(calibration_sets.model(tmp_path / "paint"))


@pytest.fixture
def photos(tmp_path):
    return calibration_sets.photos(tmp_path / "photos")


def test_a_model_is_calibrated_into_a_new_folder_and_is_sound(zsl, model, photos, tmp_path):
    captions = calibration_sets.captions(tmp_path / "captions.csv", photos)
    result = zsl("models", "calibrate", model, photos, "--captions", captions, "--images", photos,
                 "-o", "out", "--no-cache")
    assert result.returncode == 0, result.stderr
    main, beside = (line.split("\t") for line in result.stdout.decode().splitlines())
    assert main[:2] == ["main thing", "45"]
    assert float(main[-1]) < float(main[-2])
    assert beside[:4] == ["beside it", "45", "90", "24"]
    assert result.stderr.decode().splitlines() == ["zsl: beside it: cloth, sheet",
                                                   "zsl: wrote out"]
    assert zsl("models", "verify", "out").returncode == 0
    assert "confidences: fitted on 90 images\n" in zsl("models", "show", "out").stdout.decode()
    shown = zsl("models", "show", str(model)).stdout.decode()
    assert "confidences: the default rule, not fitted to photos (zsl models calibrate)\n" in shown


def test_verbose_says_how_far_captions_agree(zsl, model, photos, tmp_path):
    captions = calibration_sets.captions(tmp_path / "captions.csv", photos)
    result = zsl("models", "calibrate", model, photos, "--captions", captions, "--images", photos,
                 "-o", "out", "--no-cache", "--verbose")
    assert b"agreement of captions: cloth 1.00, sheet 1.00, spot 0.00\n" in result.stderr


def test_figures_for_programs(zsl, model, photos):
    result = zsl("models", "calibrate", model, photos, "--force", "--json", "--quiet", "--no-cache")
    assert (result.returncode, result.stderr) == (0, b"")
    figures = json.loads(result.stdout)
    assert figures["confidence"]["fitted_on"] == figures["main"]["images"] == 45
    assert figures["beside"] is None
    written = json.loads((model / "model.json").read_text())["confidence"]
    assert written["slope"] == pytest.approx(figures["main"]["slope"], rel=1e-4)


def test_what_does_not_count_is_said_and_the_status_is_1(zsl, model, photos):
    (photos / "navy" / "0.png").write_bytes(b"no picture")
    result = zsl("models", "calibrate", model, photos, "-o", "out", "--no-cache")
    assert result.returncode == 1
    assert b"0.png" in result.stderr


@pytest.mark.parametrize(("arguments", "message"), [
    ((), "give --output for the calibrated model, or --force to change this one"),
    (("--captions", "none.csv", "-o", "out"), "none.csv: No such file"),
    (("--split", "train", "-o", "out"), "--images and --split are for --captions"),
    (("missing", "-o", "out"), "missing: no such folder or CSV file"),
    (("-o", "photos"), "photos exists and is no model or vocabulary folder")])
def test_what_cannot_be_is_one_clear_error(zsl, model, photos, tmp_path, arguments, message):
    before = sorted(tmp_path.rglob("*"))
    result = zsl("models", "calibrate", model, photos, *arguments, "--no-cache")
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert b"Traceback" not in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_doctor_says_whether_confidences_are_fitted(zsl):
    assert "; confidences: " in zsl("doctor").stdout.decode()
