"""Whether a model folder, and this machine, are what they should be, from Python."""

import numpy as np
import pytest
import text_model
from PIL import Image

from zsl_cli.classifier.diagnosis import Finding, diagnose
from zsl_cli.classifier.verification import verify_model
from zsl_cli.embedding.model import Model
from zsl_cli.errors import FolderError, ImageError


def test_a_model_folder_is_verified_with_its_own_vocabulary(tmp_path):
    folder = text_model.make(tmp_path / "m")
    verify_model(folder)
    text_model.make_vocabulary(folder / "vocab")
    verify_model(folder)
    (folder / "vocab" / "labels.jsonl").write_bytes(b"x")
    with pytest.raises(FolderError, match=r"labels\.jsonl: changed"):
        verify_model(folder)


def test_a_diagnosis_tells_problems_from_what_is_well(tmp_path, monkeypatch):
    assert not [finding for finding in diagnose() if finding.is_problem]
    (tmp_path / "models" / "default").mkdir(parents=True)
    (tmp_path / "models" / "default" / "model.json").write_text("{}")
    monkeypatch.setenv("ZSL_HOME", str(tmp_path))
    *_, last = diagnose()
    assert isinstance(last, Finding)
    assert last.is_problem
    assert last.message.startswith("default model and vocabulary: ")


def test_a_model_that_gives_no_numbers_is_told_by_an_image(tmp_path, monkeypatch):
    folder = text_model.make(tmp_path / "m")
    monkeypatch.setattr(Model, "embed_pixels", lambda model, pixels: np.full(
        (len(pixels), model.dimension), np.nan, np.float32))
    with pytest.raises(FolderError, match=r"encoder\.onnx: the embedding of a grey image is not"):
        verify_model(folder)
    with pytest.raises(ImageError, match="is not finite"):
        Model.load(folder).embed([Image.new("RGB", (8, 8))])
