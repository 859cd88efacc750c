"""Calibration from Python: photos in, a model folder out."""

import json
import shutil

import calibration_sets
import numpy as np
import pytest
import text_model

from zsl_cli import Classifier, Vocabulary
from zsl_cli.authoring.calibrating import CalibrationRequest, calibrate, calibrate_new
from zsl_cli.authoring.calibrating.pairs import of_labels
from zsl_cli.authoring.calibrating.writing import section, write
from zsl_cli.classifier.verification import verify_model
from zsl_cli.errors import FolderError, RequestError, ZslError
from zsl_cli.support import folders
from zsl_cli.support.calibration import ConfidenceRule
from zsl_cli.support.folders import MODEL
from zsl_cli.support.progress import SILENT
from zsl_cli.vocabulary.names.label import Label


@pytest.fixture
def model(tmp_path):
    return calibration_sets.model(tmp_path / "paint")


@pytest.fixture
def photos(tmp_path):
    return calibration_sets.photos(tmp_path / "photos")


@pytest.fixture
def calibrated(model, photos, tmp_path):
    def run(**more):
        return calibrate(CalibrationRequest(**{
            "model": model, "data": photos, "output": tmp_path / "out", "cache": False,
            "device": "cpu", **more}))
    return run


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def sureness(folder, photos):
    """The mean confidence of the class that a photo is nearest to."""
    classifier = Classifier.load(folder, device="cpu")
    embeddings = classifier.model.embed([*(photos / "navy").iterdir()])
    return classifier.evidence(embeddings).confidences[:, 1:].max(axis=1).mean()


def test_a_model_that_is_too_sure_of_itself_becomes_as_sure_as_it_is_right(calibrated, model,
                                                                         photos, tmp_path):
    many = calibration_sets.photos(tmp_path / "many", 90)
    result = calibrated(data=many)
    assert result.main.images == 270
    assert result.main.error_after < 0.15 < result.main.error_before
    assert sureness(model, photos) > 0.95
    assert sureness(result.folder, photos) == pytest.approx(2 / 3, abs=0.1)
    assert result.rule.fitted_on == 270
    assert result.beside is None
    assert not result.left_out


def test_what_was_fitted_is_in_manifest_and_card_and_no_other_file_has_changed(calibrated, model):
    before = contents(model)
    result = calibrated()
    assert contents(model) == before
    after = contents(result.folder)
    assert {name for name in after if after[name] != before[name]} == {"model.json", "README.md"}
    manifest = folders.read_manifest(MODEL, result.folder)
    assert manifest.confidence.fitted_on == 45
    assert manifest.confidence.slope == pytest.approx(result.main.slope, rel=1e-4)
    kept = dict(manifest.entries)
    del kept["confidence"]
    assert kept == folders.read_manifest(MODEL, model).entries
    card = after["README.md"].decode()
    assert card.startswith("# paint\n\nA card.\n\n## Sources and licences\n\nNone.\n\n## Conf")
    assert "Fitted on 45 images" in card
    verify_model(result.folder)


def test_in_place_twice_is_the_same_as_once(calibrated, model):
    calibrated(output=None, force=True)
    once = contents(model)
    calibrated(output=None, force=True)
    assert contents(model) == once
    assert once["README.md"].count(b"## Confidence") == 1


def test_the_section_of_a_card_is_replaced_where_it_stands(model):
    card = model / "README.md"
    old = section(ConfidenceRule())
    card.write_text(f"# paint\n\n{old}\n## Sources\n\nNone.\n")
    write(ConfidenceRule(2, fitted_on=7), model)
    assert card.read_text() == (
        f"# paint\n\n{section(ConfidenceRule(2, fitted_on=7))}\n## Sources\n\nNone.\n")


def test_data_sets_weigh_the_same_however_large(calibrated, photos, tmp_path):
    """In the second one the model is always right."""
    sure = calibration_sets.photos(tmp_path / "sure", count=60, wrong=1000)
    alone, both = calibrated(), calibrated(data=[photos, sure], force=True)
    more = calibrated(data=[photos, calibration_sets.photos(tmp_path / "more", 120, wrong=1000)],
                      force=True)
    assert both.main.images == 45 + 180
    means = [fit.main.offset / fit.main.slope for fit in (alone, both, more)]
    assert means[0] < means[1]
    assert both.rule.offset == pytest.approx(more.rule.offset, abs=0.3)


def test_pairs_are_what_an_image_may_be_told_and_share_its_weight(model):
    classifier = Classifier.load(model, device="cpu")
    embeddings = np.array([[1, 0, 0, 0], [0, 0.8, 0.6, 0]], np.float32)
    row = {label.name: at for at, label in enumerate(classifier.vocabulary.labels)}
    found = of_labels(classifier, embeddings, np.array([row["crimson"], row["crimson"]]),
                      np.array([1.0, 2.0]), [1.0, 5.0])
    assert found.odds.shape == (2, len(found))
    assert found.true[found.images == 0].all()
    assert not found.true[found.images == 1].any()  # colour is right, and says nothing
    for image, weight in ((0, 1), (1, 2)):
        assert found.weights[found.images == image].sum() == pytest.approx(weight)


@pytest.mark.parametrize("plain", [(), ("crimson",)])
def test_pairs_are_of_labels_that_can_be_keywords(model, plain):
    """Without plain words each can be one, and with one for crimson "warm" can not."""
    shutil.rmtree(model / "vocab")
    labels = [Label("l0", "thing"), Label("l1", "warm", parents=("l0",)),
              *(Label(f"l{row}", name, parents=(above,), plain=(name,) * (name in plain))
                for row, (name, above) in enumerate((("crimson", "l1"), ("scarlet", "l1"),
                                                     ("navy", "l0"), ("lime", "l0")), start=2))]
    vectors = np.array([[0, 0, 0, -1], [0, 0, 0, -1], [1, 0, 0, 0], [.9, .1, .1, 0], [0, 1, 0, 0],
                        [0, 0, 1, 0]], np.float32)
    text_model.make_vocabulary(model / "vocab", vectors=vectors, labels=labels)
    classifier = Classifier.load(model, device="cpu")
    found = of_labels(classifier, np.eye(4, dtype=np.float32)[:1], np.array([2]), np.ones(1),
                      [1.0, 2.0])
    assert found.true.tolist() == [True] * (1 if plain else 2)
    assert found.told.shape == (2, len(found))
    assert found.weights.sum() == pytest.approx(1)


def test_a_model_without_a_vocabulary_is_calibrated_by_the_names_of_the_classes(tmp_path):
    model = text_model.make(tmp_path / "paint", calibration={"temperature": 0.05})
    pictures = calibration_sets.photos(tmp_path / "photos")
    for old, new in (("crimson", "red"), ("navy", "blue"), ("lime", "green")):
        (pictures / old).rename(pictures / new)
    result = calibrate(CalibrationRequest(model, pictures, output=tmp_path / "out", cache=False,
                                          device="cpu"))
    assert (result.main.images, result.main.pairs, result.main.right) == (45, 90, 45)
    classifier = Classifier.load(result.folder, device="cpu")
    red = classifier.evidence(np.eye(4, dtype=np.float32)[[0, 2]],
                              classifier.candidates(["red"])).confidences[:, 0]
    assert red[0] > red[1]
    assert red[0] < 0.9  # a third of the red pictures was called something else


def test_photos_of_one_class_are_an_error(calibrated, tmp_path):
    data = calibration_sets.photos(tmp_path / "one", classes=["navy"])
    with pytest.raises(ZslError, match="one: confidences are fitted to photos of two classes"):
        calibrated(data=data)
    assert not (tmp_path / "out").exists()


def test_too_few_mistakes_are_an_error_and_nothing_is_written(calibrated, model, tmp_path):
    before = contents(model)
    with pytest.raises(ZslError, match="3 of the photos are told something that is wrong"):
        calibrated(data=calibration_sets.photos(tmp_path / "easy", wrong=1000), output=None,
                   force=True)
    assert contents(model) == before


def test_unknown_classes_and_unreadable_photos_are_left_out(calibrated, photos):
    (photos / "nonsense").mkdir()
    text_model.photo(photos / "nonsense" / "a.png", (1, 2, 3))
    (photos / "navy" / "0.png").write_bytes(b"no picture")
    result = calibrated()
    assert result.main.images == 44
    assert [one.name for one in result.left_out.unknown] == ["nonsense"]
    assert len(result.left_out.unreadable) == 1


def test_photos_none_of_which_can_be_read_are_an_error(calibrated, photos):
    for picture in photos.rglob("*.png"):
        picture.write_bytes(b"no picture")
    with pytest.raises(ZslError, match="photos: none of its 45 images can be read"):
        calibrated()


def test_data_without_a_known_class_is_an_error(calibrated, photos):
    for name in ("crimson", "navy", "lime"):
        (photos / name).rename(photos / f"un{name}able")
    with pytest.raises(ZslError, match="knows none of its 3 classes"):
        calibrated()


def test_the_model_itself_is_changed_with_force_alone(calibrated, model):
    with pytest.raises(FolderError, match="give `output` for the calibrated model, or `force`"):
        calibrated(output=None)
    with pytest.raises(FolderError, match="is the model itself"):
        calibrated(output=model, force=True)
    with pytest.raises(FolderError, match="lies in the model, of which it is to be a copy"):
        calibrated(output=model / "calibrated")


def test_a_folder_that_holds_the_data_is_not_replaced(calibrated, model, photos, tmp_path):
    target = shutil.copytree(model, tmp_path / "other")
    shutil.move(photos, target / "photos")
    with pytest.raises(FolderError, match="would be replaced"):
        calibrated(output=target, force=True, data=target / "photos")


def test_a_folder_that_is_not_the_users_is_refused_before_any_work(calibrated, model, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("zsl_cli.embedding.model.Model.load", None)
    with pytest.raises(FolderError, match=r"cannot write into .*: give `output`"):
        calibrated(output=None, force=True)


def test_a_folder_that_cannot_be_written_is_an_error(calibrated, model, monkeypatch):
    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    before = contents(model)
    monkeypatch.setattr("zsl_cli.support.files.os.replace", full)
    with pytest.raises(FolderError, match=r"cannot write into .*paint: No space left"):
        calibrated(output=None, force=True)
    assert contents(model) == before


@pytest.mark.parametrize(("given", "message"), [
    ({"data": ()}, "data: at least one set"), ({"split": "train"}, "are for `captions`"),
    ({"images": "x"}, "are for `captions`"), ({"jobs": 0}, "`jobs`"),
    ({"device": "abacus"}, "`device`"), ({"data": 5}, "`data` takes a name")])
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(RequestError, match=message):
        CalibrationRequest(**{"model": "m", "data": "d", **given})


def test_a_new_model_is_calibrated_where_it_lies(model, photos):
    vocabulary = Vocabulary.load(model / "vocab")
    pictures = sorted(photos.rglob("*.png"))
    rows = np.array([vocabulary.find(path.parent.name).row for path in pictures])
    rule = calibrate_new(model, vocabulary, pictures, rows, SILENT)
    assert json.loads((model / "model.json").read_text())["confidence"]["fitted_on"] == 45
    assert rule.fitted_on == 45
    with pytest.raises(ZslError, match="two classes at least"):
        calibrate_new(model, vocabulary, pictures[:5], rows[:5], SILENT)
