"""The default's labels in the space of an imported model."""

import numpy as np
import published
import pytest

from zsl_cli import Model, Vocabulary

pytest.importorskip("onnx")


def test_a_score_is_the_networks_and_the_label_prior_in_nats(clip, cat_jpg, tmp_path):
    for arguments in (("models", "import", clip.ready, "-o", tmp_path / "clip"),
                      ("vocab", "encode", "default", "--model", tmp_path / "clip")):
        result = published.zsl(*arguments)
        assert result.returncode == 0, result.stderr
    model, default = Model.load(tmp_path / "clip"), Vocabulary.load("default")
    vocabulary = Vocabulary.load(tmp_path / "clip" / "vocab")
    assert vocabulary.prior_dimension == 24
    rows = np.arange(0, len(vocabulary), 97)
    (image,) = model.embed([cat_jpg])
    found = image @ vocabulary.vectors[rows].T.astype(np.float32) / model.calibration.temperature
    cosines = vocabulary.meanings[rows] @ (image[:24] / np.linalg.norm(image[:24]))
    constant = Model.load("default").embed([cat_jpg])[0, default.prior_dimension]
    prior = (default.vectors[rows, default.prior_dimension].astype(np.float32) * constant
             / Model.load("default").calibration.temperature)
    np.testing.assert_allclose(found, 100 * cosines + prior, atol=0.2)  # of vectors in float16
    assert np.std(prior) > 1
    words = [label.word for label in vocabulary.labels]
    assert words[:100] == [label.word for label in default.labels[:100]]
    assert vocabulary.manifest.sources == default.manifest.sources
    assert not len(vocabulary.beside.rows)


def test_a_siglip_says_of_what_stands_beside_how_probable_it_is(siglip, cat_jpg, tmp_path):
    for arguments in (("models", "import", siglip.ready, "-o", tmp_path / "m", "--logit-scale",
                       "25", "--logit-bias", "-4"),
                      ("vocab", "encode", "default", "--model", tmp_path / "m")):
        result = published.zsl(*arguments)
        assert result.returncode == 0, result.stderr
    model = Model.load(tmp_path / "m")
    vocabulary = Vocabulary.load(tmp_path / "m" / "vocab")
    default = Vocabulary.load("default")
    assert [vocabulary.label(row).id for row in vocabulary.beside.rows] == [
        default.label(row).id for row in default.beside.rows]
    (image,) = model.embed([cat_jpg])
    odds = vocabulary.beside.vectors.astype(np.float32) @ image / model.calibration.temperature
    cosines = vocabulary.meanings[vocabulary.beside.rows] @ (
        image[:48] / np.linalg.norm(image[:48]))
    np.testing.assert_allclose(odds, 25 * cosines - 4, atol=0.05)
