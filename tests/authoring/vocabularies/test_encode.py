"""A vocabulary by a model's own label encoder, without PyTorch."""

import json

import numpy as np
import pytest
import text_model

from zsl_cli import Classifier, Model, Vocabulary
from zsl_cli.authoring.vocabularies import encode
from zsl_cli.authoring.vocabularies.encode import EncodeRequest, encode_vocabulary
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support.progress import Reporter


@pytest.fixture
def model(tmp_path):
    """Colours as pictures and as words; without a vocabulary of its own."""
    return text_model.make(tmp_path / "colours")


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,name,gloss,parents\nc,colour,,\nr,red,,c\ng,green,,c\n"
                    "b1,blue,the sky,c\nb2,blue,red and sad,c\n")
    return path


def test_each_label_has_the_vector_of_its_phrase(model, labels, tmp_path):
    result = encode_vocabulary(EncodeRequest(str(labels), str(model), tmp_path / "v", ("{}",),
                                             definitions=False))
    vocabulary, encoder = Vocabulary.load(tmp_path / "v"), Model.load(model).label_encoder
    assert [label.name for label in vocabulary.labels] == ["colour", "red", "green", "blue", "blue"]
    assert vocabulary.label(1).parents == ("c",)
    expected = encoder.encode([label.name for label in vocabulary.labels])
    np.testing.assert_allclose(vocabulary.vectors, expected, atol=1e-3)
    assert (result.manifest.space, result.earlier) == (Model.load(model).space, 0)


def test_the_mean_over_templates_is_of_unit_length(model, labels, tmp_path):
    encode_vocabulary(EncodeRequest(str(labels), str(model), tmp_path / "v", (
        "{}", "green {}"), definitions=False))
    vocabulary, encoder = Vocabulary.load(tmp_path / "v"), Model.load(model).label_encoder
    total = encoder.encode(["red"]) + encoder.encode(["green red"])
    np.testing.assert_allclose(vocabulary.vectors[1], (total / np.linalg.norm(total))[0], atol=1e-3)
    assert vocabulary.manifest.entries["templates"] == ["{}", "green {}"]


def test_labels_of_one_name_are_told_apart_by_their_meaning(model, labels, tmp_path):
    encode_vocabulary(EncodeRequest(str(labels), str(model), tmp_path / "v", ("{}",)))
    vocabulary, encoder = Vocabulary.load(tmp_path / "v"), Model.load(model).label_encoder
    np.testing.assert_allclose(vocabulary.vectors[4], encoder.encode(["blue, red and sad"])[0],
                               atol=1e-3)
    np.testing.assert_allclose(vocabulary.vectors[1], encoder.encode(["red"])[0], atol=1e-3)


def test_without_a_folder_it_becomes_the_models_own(model, labels, tmp_path):
    result = encode_vocabulary(EncodeRequest(str(labels), str(model)))
    assert result.folder == model / "vocab"
    photo = text_model.photo(tmp_path / "red.png", (255, 0, 0))
    (prediction,) = Classifier.load(model).classify([photo])
    assert prediction.labels[0].name == "red"


def test_what_is_broken_off_goes_on(model, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "_STEP", 4)
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(f"{colour} {number}" for colour in ("red", "green", "blue")
                              for number in range(5)))

    class Impatient(Reporter):
        steps = 0

        def advance(self, done, failed=0):
            self.steps += bool(done)
            if self.steps == 2:
                raise KeyboardInterrupt

    request = EncodeRequest(str(path), str(model), tmp_path / "v")
    with pytest.raises(KeyboardInterrupt):
        encode_vocabulary(request, Impatient())
    assert not (tmp_path / "v").exists()
    assert encode_vocabulary(request).earlier == 4
    whole = encode_vocabulary(EncodeRequest(str(path), str(model), tmp_path / "w"))
    assert whole.earlier == 0
    np.testing.assert_array_equal(Vocabulary.load(tmp_path / "v").vectors,
                                  Vocabulary.load(tmp_path / "w").vectors)
    assert not list(tmp_path.glob(".*encoding"))


def test_other_phrases_do_not_go_on_with_what_was_there(model, labels, tmp_path):
    class Impatient(Reporter):
        def end(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_vocabulary(EncodeRequest(str(labels), str(model), tmp_path / "v"), Impatient())
    assert encode_vocabulary(EncodeRequest(str(labels), str(model), tmp_path / "v", (
        "green {}",))).earlier == 0


def test_the_label_prior_keeps_its_worth_in_nats(model, labels, tmp_path, monkeypatch):
    from zsl_cli.support.manifests import PriorRoom

    described = Model.described(str(model))
    room = PriorRoom(2, 0.1 ** 0.5, 0.9 ** 0.5)
    object.__setattr__(described.manifest, "prior_room", room)
    vectors = np.array([[0.9 ** 0.5, 0, 0, 0.1 ** 0.5], [0, 0.9 ** 0.5, 0, 0.1 ** 0.5]], np.float32)
    prior = np.array([1.5, -2.0], np.float32)
    assert encode._with_prior(vectors, prior, described) == 2
    temperature = described.calibration.temperature
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    reach = vectors[:, 2] * room.image / temperature
    limit = 0.9 * 0.1 ** 0.5 * room.image / temperature
    np.testing.assert_allclose(reach, np.clip(prior, -limit, limit), rtol=1e-5)


def test_a_model_without_a_text_tower_is_refused(tmp_path, model, labels):
    manifest = json.loads((model / "model.json").read_text())
    for name in ("label_encoder.onnx", "tokenizer.json"):
        manifest["files"].pop(name)
    del manifest["text"]
    (model / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ZslError, match="encodes no phrases"):
        encode_vocabulary(EncodeRequest(str(labels), str(model), tmp_path / "v"))


def test_the_default_is_not_written_into(labels):
    with pytest.raises(ZslError, match="comes with zsl"):
        encode_vocabulary(EncodeRequest(str(labels), "default"))


def test_a_template_without_a_place_for_the_label_is_refused(labels):
    with pytest.raises(RequestError, match="must hold"):
        EncodeRequest(str(labels), "default", None, ("a photo",))


def test_on_the_command_line(zsl, model, labels, tmp_path):
    done = zsl("vocab", "encode", str(labels), "--model", str(model), "-o", "v",
               "--template", "a photo of a {}.")
    assert done.returncode == 0, done.stderr
    assert b"5 labels" in done.stderr
    assert Vocabulary.load(tmp_path / "v").manifest.labels == 5
    again = zsl("vocab", "encode", str(labels), "--model", str(model), "-o", "v")
    assert (again.returncode, b"--force" in again.stderr) == (2, True)
