"""Which vocabulary a model is used with, and what is said where none fits."""

import json

import pytest
import text_model

from zsl_cli import Classifier
from zsl_cli.classifier.pairing import vocabulary_for
from zsl_cli.errors import FolderError, MismatchError
from zsl_cli.support import folders
from zsl_cli.support.folders import MODEL


@pytest.fixture
def user_home(tmp_path, monkeypatch):
    """A home of the user's own, whose models and vocabularies names can reach."""
    monkeypatch.setenv("ZSL_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def chosen(folder, name=None):
    return vocabulary_for(folder, folders.read_manifest(MODEL, folder), name)


def test_the_models_own_vocabulary_comes_before_all_others(user_home):
    model = text_model.make(user_home / "models" / "m")
    text_model.make_vocabulary(user_home / "vocab" / "default")
    own = text_model.make_vocabulary(model / "vocab")
    assert chosen(model) == own


def test_an_explicit_vocabulary_always_wins(user_home):
    model = text_model.make(user_home / "models" / "m")
    text_model.make_vocabulary(model / "vocab")
    other = text_model.make_vocabulary(user_home / "vocab" / "other")
    assert chosen(model, "other") == other
    with pytest.raises(MismatchError,
                       match="pairs that fit: model m alone; model m with vocabulary other"):
        chosen(model, folders.embedded(folders.VOCABULARY) / "default")
    with pytest.raises(FolderError, match="no vocabulary called 'nowhere'"):
        chosen(model, "nowhere")


def test_default_comes_before_others_that_fit(user_home):
    model = text_model.make(user_home / "models" / "m")
    first = text_model.make_vocabulary(user_home / "vocab" / "a")
    text_model.make_vocabulary(user_home / "vocab" / "z")
    assert chosen(model) == first  # the embedded default is of another space
    default = text_model.make_vocabulary(user_home / "vocab" / "default")
    assert chosen(model) == default


def test_the_first_by_name_that_fits_is_taken_and_broken_ones_are_passed_over(user_home):
    model = text_model.make(user_home / "models" / "m", text=False)
    text_model.make_vocabulary(user_home / "vocab" / "a", space="elsewhere")
    (text_model.make_vocabulary(user_home / "vocab" / "b") / "vocabulary.json").write_text("{")
    third = text_model.make_vocabulary(user_home / "vocab" / "c")
    assert chosen(model) == third


def test_a_default_that_is_broken_is_said_and_not_replaced(user_home):
    model = text_model.make(user_home / "models" / "m")
    text_model.make_vocabulary(user_home / "vocab" / "z")
    default = text_model.make_vocabulary(user_home / "vocab" / "default")
    (default / "vocabulary.json").write_text("{")
    with pytest.raises(FolderError, match="not valid JSON"):
        chosen(model)


def test_without_one_that_fits_a_label_encoder_does_and_else_it_is_an_error(user_home):
    assert chosen(text_model.make(user_home / "models" / "talks")) is None
    mute = text_model.make(user_home / "models" / "mute", text=False)
    with pytest.raises(MismatchError, match=r"model 'mute' maps into space 'colours' \(dimension "
                                            "4\\), vocabulary 'default' has label vectors"):
        chosen(mute)


def test_space_and_dimension_both_have_to_fit(user_home):
    model = text_model.make(user_home / "models" / "m")
    text_model.make_vocabulary(user_home / "vocab" / "wide", vectors=text_model.VECTORS[:, :3])
    assert chosen(model) is None


@pytest.mark.parametrize(("damage", "error", "message"), [
    (lambda own: (own / "vocabulary.json").unlink(), FolderError, "no vocabulary.json"),
    (lambda own: (own / "vocabulary.json").write_text("{"), FolderError, "not valid JSON"),
    (lambda own: (own / "vocabulary.json").write_text(
        (own / "vocabulary.json").read_text().replace('"dimension": 4', '"dimension": 5')),
     MismatchError, "vocabulary 'm/vocab' has label vectors"),
])
def test_an_own_vocabulary_that_cannot_be_used_is_an_error_and_no_reason_to_take_another(
        user_home, damage, error, message):
    model = text_model.make(user_home / "models" / "m")
    text_model.make_vocabulary(user_home / "vocab" / "other")
    own = text_model.make_vocabulary(model / "vocab")
    damage(own)
    with pytest.raises(error, match=message):
        chosen(model)


def test_the_default_model_has_the_default_vocabulary(user_home):
    for place in (MODEL, folders.VOCABULARY):
        assert (folders.embedded(place) / "default").is_dir()
    assert chosen(folders.find(MODEL, "default")) == (
        folders.embedded(folders.VOCABULARY) / "default")


def test_no_more_than_five_pairs_are_named_those_with_the_model_first(user_home):
    for number in range(4):
        text_model.make(user_home / "models" / f"m{number}", text=False)
        text_model.make_vocabulary(user_home / "vocab" / f"v{number}")
    model = user_home / "models" / "m2"
    with pytest.raises(MismatchError) as caught:
        chosen(model, folders.embedded(folders.VOCABULARY) / "default")
    fitting = str(caught.value).partition("pairs that fit: ")[2].split("; ")
    assert fitting == [*(f"model m2 with vocabulary v{number}" for number in range(4)),
                       "model default with vocabulary default and 13 more"]


def test_the_command_line_resolves_alike(zsl, user_home):
    env = {"ZSL_HOME": str(user_home)}
    photo = str(text_model.photo(user_home / "red.png", "red"))
    model = text_model.make(user_home / "models" / "m")

    def vocabulary(*arguments):
        result = zsl("classify", photo, "--model", "m", "--jsonl", *arguments, env=env)
        labelled = zsl("label", photo, "--model", "m", *arguments, env=env)
        assert result.returncode == labelled.returncode == 0
        (name,) = {json.loads(out.stdout)["vocabulary"] for out in (result, labelled)}
        return name

    assert vocabulary("--labels", "red") == "phrases"
    text_model.make_vocabulary(user_home / "vocab" / "some")
    assert vocabulary() == "some"
    text_model.make_vocabulary(model / "vocab", name="its own")
    assert vocabulary() == "its own"
    assert vocabulary("--vocab", "some") == "some"
    assert b"Default: the model's own" in b" ".join(zsl("classify", "--help").stdout.split())


def test_the_python_api_resolves_alike(user_home):
    model = text_model.make(user_home / "models" / "m")
    assert Classifier.load("m", device="cpu").vocabulary.name == "phrases"
    text_model.make_vocabulary(model / "vocab", name="its own")
    assert Classifier.load("m", device="cpu").vocabulary.name == "its own"
    text_model.make_vocabulary(user_home / "vocab" / "some")
    assert Classifier.load("m", "some", device="cpu").vocabulary.name == "some"


def test_doctor_takes_a_default_model_that_has_phrases_only(zsl, user_home):
    text_model.make(user_home / "models" / "default")
    result = zsl("doctor", env={"ZSL_HOME": str(user_home)})
    assert result.returncode == 0
    assert b"no vocabulary: it encodes the labels" in result.stdout
    assert b"tokenizers " in result.stdout
