"""``zsl eval`` of several models, vocabularies and lists of candidates."""

import csv
import io
import json

import pytest
import text_model
from painted_sets import LABELS, VECTORS, rows_of

from zsl_cli.vocabulary.names.label import Label


@pytest.mark.parametrize(("wrong", "message"), [
    (["--model", "typo"], "no model called 'typo'"),
    (["--model", "./damaged"], "encoder.onnx"),
    (["--model", "./paint", "--vocab", "./paint/vocab", "--vocab", "typo"],
     "no vocabulary called 'typo'"),
    (["--model", "./paint", "--vocab", "./paint/vocab", "--vocab", "./letters"],
     "knows none of its 3 classes"),
    (["--model", "./paint", "--vocab", "./paint/vocab", "--vocab", "./few", "--candidates",
      "lime.txt"], "vocabulary 'few' knows none of its 1 lines")])
def test_what_is_wrong_with_a_later_model_is_told_before_an_image_is_read(
        zsl, model, photos, tmp_path, wrong, message):
    (text_model.make(tmp_path / "damaged") / "encoder.onnx").write_bytes(b"other")
    text_model.make_vocabulary(tmp_path / "letters", vectors=VECTORS[:1],
                               labels=[Label("l1", "alpha")])
    text_model.make_vocabulary(tmp_path / "few", vectors=VECTORS[:3], labels=LABELS[:3])
    (tmp_path / "lime.txt").write_text("lime\n")
    result = zsl("eval", photos, *([] if "./paint" in wrong else ["--model", model]), *wrong,
                 env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert result.stdout == b""
    assert not (tmp_path / "cache" / "zsl" / "features").exists()


def test_a_vocabulary_that_several_models_share_is_spoken_of_once(zsl, model, photos, tmp_path):
    (photos / "scarlett").mkdir()
    text_model.photo(photos / "scarlett" / "0.png", (255, 0, 0))
    text_model.make(tmp_path / "other")
    result = zsl("eval", photos, "--model", model, "--model", "./other", "--vocab",
                 model / "vocab", "--json")
    assert result.stderr.count(b"'scarlett' is unknown") == 1
    found = json.loads(result.stdout)
    assert len(found["left_out"]["unknown_classes"]) == 1
    assert [row["model"] for row in found["rows"]] == ["paint", "paint", "other", "other"]


def test_several_models_each_with_its_vocabulary(zsl, model, photos, tmp_path):
    other = text_model.make(tmp_path / "other", space="else")
    fitting = text_model.make_vocabulary(tmp_path / "words", space="else", vectors=VECTORS[:3],
                                         labels=LABELS[:3])
    result = zsl("eval", photos, "--model", model, "--vocab", model / "vocab", "--model", other,
                 "--vocab", fitting, "--csv", "--candidates", "all")
    rows = list(csv.DictReader(io.StringIO(result.stdout.decode())))
    assert [(row["model"], row["vocabulary"], row["images"]) for row in rows] == [
        ("paint", "vocab", "9"), ("other", "words", "7")]
    assert b"'c4_lime' is unknown to vocabulary 'words'" in result.stderr
    assert b"the rows are of different images (7 and 9)" in result.stderr
    wrong = zsl("eval", photos, "--model", model, "--model", other, "--vocab", fitting)
    assert wrong.returncode == 2
    assert b"pairs that fit" in wrong.stderr


def test_lists_of_one_name_are_told_apart_and_are_no_difference(zsl, model, photos, tmp_path):
    for folder, labels in (("a", "navy\n"), ("b", "crimson\nnavy\n"), ("c", "lime\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ("other.txt" if folder == "c" else "l.txt")).write_text(labels)
    (tmp_path / "own").write_text("navy\nlime\n")
    result = zsl("eval", photos, "--model", model, "--json", "--candidates", "a/l.txt",
                 "--candidates", "b/l.txt", "--candidates", "c/other.txt", "--candidates", "./own")
    assert list(rows_of(result)) == ["a/l.txt", "b/l.txt", "other.txt", "./own"]
    assert result.stderr == b""


def test_vocabularies_of_one_name_are_told_apart(zsl, model, photos, tmp_path):
    for folder in ("a", "b"):
        text_model.make_vocabulary(tmp_path / folder / "x", vectors=VECTORS, labels=LABELS)
    text_model.make_vocabulary(tmp_path / "y", vectors=VECTORS, labels=LABELS)
    arguments = ("eval", photos, "--model", model, "--vocab", "a/x", "--vocab", "b/x", "--vocab",
                 "./y", "--candidates", "own")
    rows = json.loads(zsl(*arguments, "--json").stdout)["rows"]
    assert [row["vocabulary"] for row in rows] == ["a/x", "b/x", "y"]
    table = zsl(*arguments).stdout.decode()
    assert "vocabulary" in table
    assert "a/x" in table


def test_the_model_of_a_training_is_called_after_its_run(zsl, model, photos, tmp_path):
    for run in ("one", "two"):
        text_model.make(tmp_path / run / "model")
    rows = json.loads(zsl("eval", photos, "--model", model, "--model", "one/model", "--model",
                          tmp_path / "two" / "model", "--vocab", model / "vocab", "--candidates",
                          "own", "--json").stdout)["rows"]
    assert [row["model"] for row in rows] == ["paint", "one/model", "two/model"]


def test_a_model_that_is_named_twice_is_measured_once(zsl, model, photos):
    result = zsl("eval", photos, "--model", model, "--model", model, "--json")
    assert len(json.loads(result.stdout)["rows"]) == 2  # own and all


def test_rows_of_different_images_are_told_but_not_to_the_quiet(zsl, model, photos, tmp_path):
    """Also where the images are as many."""
    for name, rows in (("first", [0, 1, 2]), ("second", [0, 1, 3])):
        text_model.make_vocabulary(tmp_path / name, vectors=VECTORS[rows],
                                   labels=[LABELS[row] for row in rows])
    arguments = ("eval", photos, "--model", model, "--vocab", "./first", "--vocab", "./second",
                 "--candidates", "own", "--json")
    said = b"own: the rows are of different images (7 and 7)"
    assert said in zsl(*arguments).stderr
    assert said not in zsl(*arguments, "--quiet").stderr
