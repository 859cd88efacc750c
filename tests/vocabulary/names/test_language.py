"""Labels that are called and found by names of another language."""

import json
import unicodedata

import names_files
import pytest

from zsl_cli import Classifier, Vocabulary
from zsl_cli.errors import FolderError, RequestError
from zsl_cli.support import folders
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.names.language import LanguageNames, find
from zsl_cli.vocabulary.words.listed import meaning
from zsl_cli.vocabulary.words.spoken import spoken, untranslated


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """The default vocabulary with ten names in German, one of which is an English word, too."""
    folder = tmp_path_factory.mktemp("names") / "de"
    names_files.make(folder, [*names_files.NAMES, ("n07880968", "Burger"), ("n02123045", "Tabby"),
                              ("n02123159", "Tabby"), ("n02129604", "dog"),
                              ("n03001627", "Stuhl-Sessel")])
    return Vocabulary.load(language=folder)


def test_a_label_is_called_by_the_first_name_or_else_in_english(german):
    def called(id_):
        return german.name_of(german.label(german.rows[id_]))

    assert called("n02084071") == "Hund"
    assert called("n02085374") == "lapdog"  # the plain word, before the name, toy dog
    assert called("n02085936") == german.label(german.rows["n02085936"]).name
    assert german.language.name_of(Label("n1", "domestic dog", plain=("dog",))) == "dog"
    assert Vocabulary.load().name_of(Label("n02084071", "dog")) == "dog"


def test_paths_are_in_the_language_and_ids_stay(german):
    path = german.lineage("n02087122")
    assert path[-2:] == (("n02084071", "Hund"), ("n02087122", "Jagdhund"))
    assert german.path_names("n02087122")[:2] == ("organism", "Tier")
    assert german.path_names("ein Satz") == ("ein Satz",)


@pytest.mark.parametrize("text", ["Löwe", "löwe", "LÖWE", unicodedata.normalize("NFD", "Löwe"),
                                  "loewe", "Lowe", " Löwe "])
def test_umlauts_are_found_however_they_are_written(german, text):
    assert german.label(german.find(text).row).id == "n02129165"


@pytest.mark.parametrize("text", ["Straßenbahn", "STRASSENBAHN", "strassenbahn"])
def test_sharp_s_is_two(german, text):
    assert german.label(german.find(text).row).id == "n04335435"


def test_names_of_the_language_come_before_english_ones(german):
    assert german.label(german.find("dog").row).id == "n02129604"  # which they call so here
    assert german.label(Vocabulary.load().find("dog").row).id == "n02084071"
    assert german.label(german.find("hunting dog").row).id == "n02087122"
    assert german.label(german.find("n02084071").row).id == "n02084071"
    assert german.label(meaning("Kater, Katze", german).row).id == "n02121620"
    assert german.label(german.find("stuhl sessel").row).id == "n03001627"


def test_a_name_of_two_labels_means_the_usual_one_and_tells_of_the_other(german):
    match = german.find("Tabby")
    ids = {"n02123045", "n02123159"}
    assert {german.label(row).id for row in (match.row, *match.others)} == ids
    both = [spoken(german, german.label(german.rows[id_])) for id_ in ids]
    assert [(label.name, label.ambiguous) for label in both] == [("Tabby", True)] * 2
    assert not spoken(german, german.label(german.rows["n02084071"])).ambiguous


def test_names_that_are_nearly_so_are_offered(german):
    assert "straßenbahn" in str(german.unknown("Straßenban")).casefold().replace("ss", "ß")


def test_how_many_have_no_name_is_told(german):
    labels = len(german)
    assert untranslated(german) == (f"{labels - 14:,} of {labels:,} labels have no name in German "
                                    "and keep the English one")
    assert untranslated(german, [german.rows["n02084071"]]) == ""
    assert untranslated(Vocabulary.load()) == ""


@pytest.fixture
def names_home(tmp_path, monkeypatch):
    monkeypatch.setenv("ZSL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home" / "names"


def test_names_are_looked_for_in_zsl_home_and_then_in_the_users_data_folder(names_home, tmp_path):
    names_files.make(tmp_path / "data" / "zsl" / "names" / "de", [("n02084071", "Hund")])
    for code in ("de", "deu", "ger", "de-AT", "DE"):
        assert find(code) == tmp_path / "data" / "zsl" / "names" / "de"
    names_files.make(names_home / "de")
    assert {find(code) for code in ("de", "deu", "ger")} == {names_home / "de"}
    assert find(names_home / "de") == names_home / "de"
    assert find(str(names_home / "de")) == names_home / "de"
    names_files.make(names_home / "de-AT")
    assert find("de-AT") == names_home / "de-AT"
    assert [folder.name for folder in folders.available(folders.NAMES)] == ["de", "de-AT"]


def test_a_language_without_names_is_an_error_that_says_what_to_do(names_home):
    with pytest.raises(FolderError, match=r"no names in German \(de\) are installed; zsl vocab "
                                          r"names makes .* languages with names: none"):
        find("de")
    names_files.make(names_home / "de")
    with pytest.raises(FolderError, match=r"'xx' is neither the code of one.* names: de"):
        find("xx")
    with pytest.raises(FolderError, match=r"no names\.json in this folder"):
        find(names_home)
    assert LanguageNames.load("en") is None  # labels have English names


def test_names_that_changed_are_not_used(names_home):
    folder = names_files.make(names_home / "de")
    with (folder / "names.jsonl").open("a") as file:
        file.write('{"id": "n02084071", "name": "Köter"}\n')
    with pytest.raises(FolderError, match="changed since it was written"):
        LanguageNames.load("de")


@pytest.mark.parametrize("change", [
    {"language": 3}, {"language": "german"}, {"synsets": 0}, {"names": "many"}, {"files": []},
    {"format": 2}])
def test_a_manifest_that_is_wrong_is_refused(names_home, change):
    path = names_files.make(names_home / "de") / "names.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(FolderError, match=r"names\.json"):
        LanguageNames.load("de")


def test_a_classifier_answers_in_the_language(names_home, cat_jpg):
    names_files.make(names_home / "de")
    classifier = Classifier.load(language="ger", device="cpu")
    (prediction,) = classifier.classify([cat_jpg], labels=["Katze", "Hund", "a red bus"], top=3)
    assert prediction.labels[0].name == "Katze"
    assert prediction.labels[0].id == "n02121620"
    assert {label.name for label in prediction.labels} == {"Katze", "Hund", "a red bus"}
    (prediction,) = classifier.classify([cat_jpg], under=["Katze"], top=2)
    assert prediction.labels[0].name == "Katze"


@pytest.mark.parametrize("wrong", ["", 3])
def test_what_is_no_language_is_a_request_error(wrong):
    with pytest.raises(RequestError, match="`language`"):
        Classifier.load(language=wrong)
