"""``--language`` of ``zsl classify`` and ``zsl label``."""

import csv
import json
import re

import names_files
import pytest
from label_runs import records, summary

from zsl_cli import LabelRequest, label
from zsl_cli.errors import RequestError

FRENCH = [("n02121620", "chat"), ("n02084071", "chien"), ("n00015388", "animal")]
GERMAN = [*names_files.NAMES, ("n02123159", "Tigerkatze"), ("n02123045", "Tigerkatze")]


@pytest.fixture
def env(tmp_path):
    """Names in German and in French."""
    names_files.make(tmp_path / "home" / "names" / "de", GERMAN)
    names_files.make(tmp_path / "home" / "names" / "fr", FRENCH, code="fra")
    return {"ZSL_HOME": str(tmp_path / "home")}


@pytest.fixture
def photos(tmp_path, cat_jpg):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(cat_jpg.read_bytes())
    return "photos"


def test_labels_are_printed_in_the_language_and_fall_back_to_english(zsl, env, cat_jpg):
    english = json.loads(zsl("classify", cat_jpg, "--jsonl", "--paths").stdout)
    result = zsl("classify", cat_jpg, "--jsonl", "--paths", "--language", "deu", env=env)
    record = json.loads(result.stdout)
    assert [(one["id"], one["score"]) for one in record["labels"]] == [
        (one["id"], one["score"]) for one in english["labels"]]
    german = {one["id"]: one for one in record["labels"]}
    assert german["n02121620"]["label"] == "Katze"
    assert german["n02122948"]["label"] == "kitten"
    path = german["n02121620"]["path"]
    assert (path[:2], path[-1]) == (["organism", "Tier"], "Katze")
    assert result.stderr.decode().count("have no name in German and keep the English one") == 1
    quiet = zsl("classify", cat_jpg, "--jsonl", "--language", "de", "-q", env=env)
    assert quiet.stderr == b""


def test_labels_that_are_called_the_same_are_told_apart(zsl, env, cat_jpg):
    run = ("classify", cat_jpg, "--labels", "n02123159,n02123045", "--language", "de")
    result = zsl(*run, env={**env, "COLUMNS": "120"})
    lines = [line for line in result.stdout.decode().splitlines() if "Tigerkatze  a cat" in line]
    assert len(lines) == 2  # each with the definition behind it
    rows = list(csv.DictReader(zsl(*run, "--csv", env=env).stdout.decode().splitlines()))
    assert {row["id"] for row in rows if row["label"] == "Tigerkatze"} == {"n02123159",
                                                                           "n02123045"}


def test_names_of_the_language_find_labels_which_keep_the_users_words(zsl, env, cat_jpg, tmp_path):
    (tmp_path / "list.txt").write_text("katze\nHUND\nStrassenbahn\nlion\nn02123159\nbus\n")
    result = zsl("classify", cat_jpg, "--labels-file", "list.txt", "--labels", "Loewe,a red bus",
                 "--jsonl", "--top", "7", "--language", "de", env=env)
    found = {one["id"]: one["label"] for one in json.loads(result.stdout)["labels"]}
    assert found == {"n02121620": "katze", "n02084071": "HUND", "n04335435": "Strassenbahn",
                     "n02129165": "Loewe", "n02123159": "Tigerkatze", "n02924116": "bus",
                     "a red bus": "a red bus"}
    assert b"have no name" not in result.stderr  # but his own words, which need none
    result = zsl("classify", cat_jpg, "--under", "Katze", "--jsonl", "--language", "de", env=env)
    assert json.loads(result.stdout)["labels"][0]["id"] == "n02121620"


def test_a_language_without_names_says_what_to_do(zsl, env, photos, tmp_path):
    for arguments in (("classify", "photos/cat.jpg"), ("label", photos, "-o", "l.jsonl"),
                      ("vocab", "show", "--label", "dog"), ("vocab", "neighbours", "dog")):
        for language, said in (("pl", "no names in Polish (pl) are installed; zsl vocab names"),
                               ("xx", "language 'xx' is neither the code of one")):
            result = zsl(*arguments, "--language", language, env=env)
            assert (result.returncode, result.stdout) == (2, b"")
            (line,) = result.stderr.decode().splitlines()
            assert said in line
            assert line.endswith("languages with names: de, fr")
    assert not (tmp_path / "l.jsonl").exists()


def test_another_language_reads_no_photo(zsl, env, photos, tmp_path):
    first = zsl("label", photos, "-o", "l.jsonl", env=env)
    assert summary(first) == (1, 0, 0)
    english = records(tmp_path / "l.jsonl")
    for language, name in (("de", "Katze"), ("fr", "chat")):
        result = zsl("label", photos, "-o", "l.jsonl", "--language", language, env=env)
        assert summary(result) == (0, 0, 1)
        assert f"most frequent: {name} 1" in result.stderr.decode()
        (record,) = records(tmp_path / "l.jsonl")
        assert record["labels"][0]["label"] == name
        assert record["labels"][1] == english[0]["labels"][1]  # without a name in either
    assert summary(zsl("label", photos, "-o", "l.jsonl", env=env)) == (0, 0, 1)
    assert records(tmp_path / "l.jsonl") == english


def test_a_list_in_a_language_reads_no_photo(zsl, env, photos):
    def run(labels, *language):
        return summary(zsl("label", photos, "-o", "l.jsonl", "--labels", labels, *language,
                           env=env))

    assert run("cat,dog") == (1, 0, 0)
    assert run("cat,dog", "--language", "de") == (0, 0, 1)
    assert run("Katze,dog", "--language", "de") == (0, 0, 1)
    assert run("Katze,dog") == (0, 0, 1)  # a phrase, in English


def test_all_outputs_are_in_the_language(zsl, env, photos, tmp_path):
    zsl("label", photos, "-o", "l.csv", "--report", "r.html", "--paths", "--language", "de",
        env=env)
    row = next(csv.DictReader((tmp_path / "l.csv").read_text("utf-8").splitlines()))
    assert (row["id"], row["label"]) == ("n02121620", "Katze")
    assert row["label_path"].startswith("organism > Tier > ")
    labels = json.loads(re.search(r'data-block="labels">(.*?)</script>',
                                  (tmp_path / "r.html").read_text())[1])
    assert {"Tier", "Katze"} <= {name for _, name, _ in labels}
    streamed = zsl("label", photos, "--language", "fr", env=env)
    assert json.loads(streamed.stdout)["labels"][0]["label"] == "chat"


def test_parquet_is_in_the_language(zsl, env, photos, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    zsl("label", photos, "-o", "l.parquet", "--language", "de", env=env)
    (row,) = parquet.read_table(tmp_path / "l.parquet").to_pylist()
    assert row["labels"][0]["label"] == "Katze"


def keywords(path):
    return re.findall("<rdf:li>(.*?)</rdf:li>", path.read_text("utf-8"))


def test_keywords_in_sidecars_change_with_the_language(zsl, env, photos, tmp_path):
    sidecar = tmp_path / "photos" / "cat.jpg.xmp"
    run = ("label", photos, "--xmp")
    assert zsl(*run, "--language", "de", env=env).returncode == 0
    found = keywords(sidecar)
    assert found[0] == "Katze"
    assert "Tier|Katze" in found
    assert summary(zsl(*run, "--language", "fr", env=env)) == (0, 0, 1)
    found = keywords(sidecar)
    assert {"chat", "animal|chat"} <= set(found)
    assert not any("Katze" in one for one in found)
    assert zsl(*run, env=env).returncode == 0
    assert "animal|cat" in keywords(sidecar)
    assert not any("chat" in one for one in keywords(sidecar))


def test_a_library_is_labelled_in_a_language_from_python(env, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = label(LabelRequest(photos, output="l.jsonl", language=tmp_path / "home/names/de",
                                device="cpu"))
    assert result.frequent == (("Katze", 1),)
    with pytest.raises(RequestError, match="`language`"):
        LabelRequest(photos, output="l.jsonl", language=3)
