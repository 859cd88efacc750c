"""Keywords of ``zsl classify``: for people, and in records."""

import csv
import io
import json

import pytest
import text_model

from zsl_cli import Classifier


def record(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def words(record):
    return [one["label"] for one in record["keywords"]]


def test_keywords_are_in_records_that_ask_for_them_and_all_else_stays(zsl, cat_jpg):
    plain = zsl("classify", cat_jpg, "--jsonl")
    found = record(zsl("classify", cat_jpg, "--jsonl", "--keywords"))
    assert list(found) == ["path", "labels", "keywords", "model", "vocabulary"]
    assert "cat" in words(found)
    assert all(list(one) == ["id", "label", "confidence"] and .8 <= one["confidence"] <= 1
               for one in found["keywords"])
    for label in found["labels"]:
        assert list(label) == ["id", "label", "score", "confidence"]
        del label["confidence"]
    del found["keywords"]
    assert json.dumps(found).encode() + b"\n" == plain.stdout


def test_a_person_reads_the_keywords_first(zsl, cat_jpg):
    shown = zsl("classify", cat_jpg, "--top", "2").stdout.decode()
    _, keywords, head, first, _ = shown.splitlines()
    assert keywords.split(" · ")[0].strip() == "cat"  # the broad one before any other
    assert head.split() == ["score", "confidence"]
    labels = record(zsl("classify", cat_jpg, "--keywords", "--json"))[0]["labels"]
    assert first.split()[-1] == f"{labels[0]['confidence']:.3f}"
    paths = zsl("classify", cat_jpg, "--paths", env={"COLUMNS": "140"}).stdout.decode()
    assert "cat" in paths.splitlines()[1]


def test_the_hierarchy_is_kept_in_the_cache_and_nothing_else_is(zsl, cat_jpg, tmp_path):
    env = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = zsl("classify", cat_jpg, env=env).stdout
    (kept,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept.parent == tmp_path / "cache" / "zsl" / "taxonomy"
    assert zsl("classify", cat_jpg, env=env).stdout == first
    kept.write_bytes(kept.read_bytes()[:5000])
    assert zsl("classify", cat_jpg, env=env).stdout == first


def test_how_sure_and_how_many_imply_keywords(zsl, cat_jpg):
    surer = record(zsl("classify", cat_jpg, "--jsonl", "--confidence", "0.999999"))
    assert surer["keywords"] == []
    more = record(zsl("classify", cat_jpg, "--jsonl", "--confidence", "0.05"))
    one = record(zsl("classify", cat_jpg, "--jsonl", "--confidence", "0.05", "--most", "1"))
    assert len(more["keywords"]) > 1
    assert one["keywords"] == more["keywords"][:1]
    assert len(record(zsl("classify", cat_jpg, "--jsonl", "--most", "1"))["keywords"]) == 1


def test_csv_has_a_column_of_keywords_and_one_of_confidences(zsl, cat_jpg, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    result = zsl("classify", cat_jpg, "bad.jpg", "--csv", "--confidence", "0.05", "--paths")
    *rows, bad = csv.DictReader(io.StringIO(result.stdout.decode()))
    assert list(bad)[-3:] == ["label_path", "confidence", "keywords"]
    found = record(zsl("classify", cat_jpg, "--jsonl", "--confidence", "0.05"))
    assert {row["keywords"] for row in rows} == {"; ".join(words(found))}
    assert [float(row["confidence"]) for row in rows] == [
        label["confidence"] for label in found["labels"]]
    assert (bad["confidence"], bad["keywords"]) == ("", "")
    assert "keywords" not in zsl("classify", cat_jpg, "--csv").stdout.decode()


def test_of_a_list_is_kept_what_is_there_and_nothing_else(zsl, cat_jpg):
    asked = ("classify", cat_jpg, "--labels", "red panda,fire truck", "--jsonl")
    assert record(zsl(*asked, "--keywords"))["keywords"] == []
    assert sorted(words(record(zsl(*asked, "--confidence", "0")))) == ["fire truck", "red panda"]
    alone = record(zsl("classify", cat_jpg, "--labels", "sunset", "--jsonl", "--keywords"))
    assert alone["labels"][0]["score"] == 1
    assert alone["labels"][0]["confidence"] < .5
    assert alone["keywords"] == []
    mine = record(zsl("classify", cat_jpg, "--labels", "Cats,a red panda", "--jsonl", "--keywords"))
    assert words(mine) == ["Cats"]


def test_a_person_is_told_the_most_probable_label_if_any_is(zsl, cat_jpg):
    table = zsl("classify", cat_jpg, "--confidence", "1").stdout.decode()
    assert "no keyword at 1; most probable: " in table
    table = zsl("classify", cat_jpg, "--labels", "fire truck").stdout.decode()
    assert "no keyword at 0.8\n" in "\n".join(map(str.rstrip, table.splitlines()))


def test_words_that_tell_nothing_are_no_keywords_below_a_label_either(zsl, cat_jpg):
    below = record(zsl("classify", cat_jpg, "--under", "animal", "--jsonl", "--keywords"))
    everywhere = record(zsl("classify", cat_jpg, "--jsonl", "--keywords"))
    assert below["keywords"] == everywhere["keywords"]


@pytest.mark.parametrize("command", ["classify", "label"])
@pytest.mark.parametrize(("option", "value"), [
    ("--confidence", "2"), ("--confidence", "-0.1"), ("--confidence", "nan"), ("--most", "0"),
    ("--most", "1001")])
def test_what_makes_no_sense_is_refused(zsl, cat_jpg, command, option, value):
    result = zsl(command, cat_jpg, option, value)
    assert (result.returncode, result.stdout) == (2, b"")
    assert option in result.stderr.decode().splitlines()[-1]


def test_without_a_vocabulary_words_of_a_list_can_be_keywords(zsl, tmp_path):
    text_model.make(tmp_path / "colours")
    (tmp_path / "photos").mkdir()
    text_model.photo(tmp_path / "photos" / "red.png", (255, 0, 0))
    asked = ("photos", "--model", "colours", "--labels", "red,blue")
    everything = record(zsl("classify", *asked, "--jsonl", "--confidence", "0"))
    assert sorted(words(everything)) == ["blue", "red"]
    labelled = record(zsl("label", *asked, "--confidence", "0", "-o", "-"))
    assert labelled["keywords"] == everything["keywords"]
    shown = zsl("classify", *asked)  # where it costs more than it tells, only if it is asked for
    assert shown.returncode == 0
    assert b"confidence" not in shown.stdout


def test_keywords_from_python(cat_jpg):
    (found,) = Classifier.load(keywords=True).classify([cat_jpg], keywords=True, confidence=.7,
                                                       most=2)
    assert 1 <= len(found.keywords) <= 2
    assert all(one.confidence >= .7 and one.path[-1] == one.name for one in found.keywords)
    assert all(one.confidence is not None for one in found.labels)
    (plain,) = Classifier.load().classify([cat_jpg])
    assert plain.keywords is None
    assert {one.confidence for one in plain.labels} == {None}


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
