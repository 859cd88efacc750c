"""Keywords of the real command line, of a real photograph."""

import csv
import io
import json

import pytest

from zsl_cli import Classifier


def record(result):
    """The one record on standard output."""
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_each_format_has_keywords_and_confidences(zsl, cat_jpg):
    found = record(zsl("classify", cat_jpg, "--keywords", "--jsonl"))
    assert "cat" in [one["label"] for one in found["keywords"]]
    assert all(set(one) == {"id", "label", "confidence"} for one in found["keywords"])
    assert all(.8 <= one["confidence"] <= 1 for one in found["keywords"])
    assert all("confidence" in one for one in found["labels"])
    assert json.loads(zsl("classify", cat_jpg, "--keywords", "--json").stdout) == [found]
    rows = list(csv.DictReader(io.StringIO(
        zsl("classify", cat_jpg, "--keywords", "--csv").stdout.decode())))
    words = "; ".join(one["label"] for one in found["keywords"])
    assert [row["keywords"] for row in rows] == [words] * len(found["labels"])
    assert [float(row["confidence"]) for row in rows] == [
        one["confidence"] for one in found["labels"]]
    plain = record(zsl("classify", cat_jpg, "--jsonl"))
    assert "keywords" not in plain
    assert "confidence" not in plain["labels"][0]


def test_how_sure_and_how_many(zsl, cat_jpg):
    surest = record(zsl("classify", cat_jpg, "--confidence", "1", "--jsonl"))
    assert surest["keywords"] == []
    assert len(record(zsl("classify", cat_jpg, "--most", "1", "--jsonl"))["keywords"]) == 1
    for wrong in (("--confidence", "2"), ("--confidence", "x"), ("--most", "0")):
        result = zsl("classify", cat_jpg, *wrong)
        assert result.returncode == 2
        assert b"Error: Invalid value for '%b'" % wrong[0].encode() in result.stderr
        assert not result.stdout


@pytest.mark.parametrize(("words", "kept"), [
    ("red panda,fire truck", []), ("sunset", []), ("cats", ["cats"])])
def test_of_a_list_what_is_true_is_kept_and_else_nothing(zsl, cat_jpg, words, kept):
    found = record(zsl("classify", cat_jpg, "--labels", words, "--keywords", "--jsonl"))
    assert [one["label"] for one in found["keywords"]] == kept
    every = record(zsl("classify", cat_jpg, "--labels", words, "--confidence", "0", "--jsonl"))
    assert {one["label"] for one in every["keywords"]} == set(words.split(","))


def test_a_person_is_told_the_most_probable_label_if_any_is(zsl, cat_jpg):
    table = zsl("classify", cat_jpg, "--confidence", "1").stdout.decode()
    assert "no keyword at 1; most probable: " in table
    table = zsl("classify", cat_jpg, "--labels", "fire truck").stdout.decode()
    assert "no keyword at 0.8\n" in "\n".join(map(str.rstrip, table.splitlines()))


def test_the_hierarchy_of_a_list_is_that_of_confidences(zsl, cat_jpg, tmp_path):
    (tmp_path / "list.txt").write_text("Furniture\n\tCats\n\tDogs\n")
    found = record(zsl("classify", cat_jpg, "--labels-file", "list.txt", "--keywords", "--jsonl"))
    sure = {one["label"]: one["confidence"] for one in found["labels"]}
    assert sure["Furniture"] == sure["Cats"] > sure["Dogs"]
    assert [one["label"] for one in found["keywords"]] == ["Cats", "Furniture"]


def test_from_python_one_of_its_numbers_asks_for_keywords(cat_jpg):
    classifier = Classifier.load()
    (plain,) = classifier.classify([cat_jpg])
    assert plain.keywords is None
    (every,) = classifier.classify([cat_jpg], keywords=True)
    (first,) = classifier.classify([cat_jpg], most=1)
    assert first.keywords == every.keywords[:1]
    assert "cat" in [one.name for one in every.keywords]
    (surest,) = classifier.classify([cat_jpg], confidence=1)
    assert surest.keywords == ()
