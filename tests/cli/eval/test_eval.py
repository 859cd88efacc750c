"""``zsl eval``, as it is called: with a tiny model of colours, and with the default."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
import text_model
from painted_sets import LABELS, VECTORS, rows_of
from shared_data import DATA

from zsl_cli.vocabulary.names.label import Label


def test_hits_of_a_set_by_image_and_by_class(zsl, model, photos):
    result = zsl("eval", photos, "--model", model, "--json")
    assert result.stderr == b""
    assert result.returncode == 0
    rows = rows_of(result)
    assert list(rows) == ["own", "all"]
    own = rows["own"]
    assert (own["labels"], own["images"], own["classes"]) == (3, 9, 3)
    assert own["hit@1"] == pytest.approx(7 / 9, abs=1e-6)
    assert own["class_hit@1"] == pytest.approx((0.8 + 1 + 0.5) / 3, abs=1e-6)
    assert own["hit@2"] == 1
    assert own["seen_hit@1"] == pytest.approx(0.8)
    assert own["unseen_hit@1"] == pytest.approx(0.75)
    assert own["hit@1_low"] < own["hit@1"] < own["hit@1_high"] <= 1
    assert own["wrong_sibling"] == 1
    assert own["hit@5"] is None
    assert rows["all"]["labels"] == 4


def test_unseen_candidates_and_stacking(zsl, model, photos):
    result = zsl("eval", photos, "--model", model, "--json", "--candidates", "unseen",
                 "--candidates", "unseen+seen", "--stacking", "best", "--k", "1")
    rows = rows_of(result)
    assert list(rows) == ["unseen", "unseen+seen", "unseen+seen stacked"]
    assert rows["unseen"]["images"] == 4
    assert rows["unseen"]["hit@1"] == 1  # the reddish lime, too
    assert rows["unseen+seen stacked"]["unseen_hit@1"] == 1
    assert rows["unseen+seen stacked"]["seen_hit@1"] == pytest.approx(0.8)
    assert rows["unseen+seen stacked"]["stacking"] > 0


def test_a_list_of_what_is_seen_and_one_of_candidates(zsl, model, photos, tmp_path):
    (tmp_path / "seen.txt").write_text("navy\nlime\nmauve\n")
    (tmp_path / "few.txt").write_text("navy\ncrimson\n")
    result = zsl("eval", photos, "--model", model, "--json", "--seen", "seen.txt",
                 "--candidates", "few.txt", "--candidates", "unseen")
    rows = rows_of(result)
    assert rows["few.txt"]["images"] == 7
    assert rows["unseen"]["images"] == 5
    assert result.returncode == 1
    assert b"does not know 'mauve'" in result.stderr


def test_what_is_wrong_with_a_set_is_told_and_the_rest_goes_on(zsl, model, photos):
    (photos / "scarlett").mkdir()
    text_model.photo(photos / "scarlett" / "0.png", (255, 0, 0))
    (photos / "colour").mkdir()
    (photos / "c3" / "broken.png").write_bytes(b"no image")
    result = zsl("eval", photos, "--model", model, "--json")
    assert result.returncode == 1
    said = result.stderr.decode()
    assert "class 'scarlett' is unknown to vocabulary 'vocab', 1 image left out" in said
    assert "the nearest names are: scarlet" in said
    assert "class 'colour' has no images" in said
    assert "broken.png: not an image in a known format" in said
    found = json.loads(result.stdout)
    assert found["rows"][0]["images"] == 9
    left_out = found["left_out"]
    assert left_out["unknown_classes"] == [
        {"class": "scarlett", "images": 1, "vocabulary": "vocab", "nearest": ["scarlet"]}]
    assert left_out["empty_classes"] == ["colour"]
    assert [one["message"] for one in left_out["unreadable"]] == ["not an image in a known format"]


def test_of_many_problems_a_few_are_named(zsl, model, photos):
    for number in range(9):
        (photos / "c3" / f"broken{number}.png").write_bytes(b"no image")
    result = zsl("eval", photos, "--model", model, "--json")
    assert result.stderr.count(b"not an image") == 5
    assert b"and 4 more images that cannot be read" in result.stderr
    result = zsl("eval", photos, "--model", model, "--json", "--verbose")
    assert result.stderr.count(b"not an image") == 9


def test_a_second_run_takes_the_embeddings_from_the_cache(zsl, model, photos, tmp_path):
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = zsl("eval", photos, "--model", model, "--json", "--no-cache", env=cache)
    assert not (tmp_path / "cache" / "zsl" / "features").exists()
    zsl("eval", photos, "--model", model, "--json", env=cache)
    (database,) = (tmp_path / "cache" / "zsl" / "features").glob("*.sqlite")
    with closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM features").fetchone() == (9,)
        connection.execute("UPDATE features SET vector = ?",  # whatever is there now is taken
                           (np.array([0, 1, 0, 0], "<f4").tobytes(),))
    second = zsl("eval", photos, "--model", model, "--json", env=cache)
    assert rows_of(second)["own"]["hit@1"] == pytest.approx(2 / 9, abs=1e-6)
    third = zsl("eval", photos, "--model", model, "--json", "--no-cache", env=cache)
    assert third.stdout == first.stdout


def test_one_class_only_is_told(zsl, model, photos):
    for name in ("c3", "c4_lime"):
        for path in (photos / name).iterdir():
            path.unlink()
        (photos / name).rmdir()
    result = zsl("eval", photos, "--model", model, "--json")
    assert b"one class only" in result.stderr
    assert rows_of(result)["own"]["hit@1"] == 1


@pytest.mark.parametrize(("arguments", "message"), [
    (["nowhere"], b"no such folder or CSV file"),
    (["photos", "--candidates", "nowhere"], b"neither a file nor one of own, all, unseen"),
    (["photos", "--k", "1,x"], b"whole numbers from 1"),
    (["photos", "--k", "0"], b"whole numbers from 1"),
    (["photos", "--stacking", "nan"], b"a number, or best"),
    (["photos", "--vocab", "a", "--vocab", "b", "--model", "c"], b"2 --model and"),
    (["photos", "--report", "no/where.html"], b"there is no folder"),
    (["photos", "--report", "photos"], b"photos: this is a folder"),
    (["photos", "--report", ""], b"it is empty"),
    (["photos", "--seen", "nowhere"], b"nowhere: No such file")])
def test_wrong_use_is_told_before_anything_is_read(zsl, model, photos, arguments, message):
    if "c" in arguments:
        arguments = [*arguments[:-2], "--model", "one", "--model", "two", "--vocab", "c"]
        message = b"2 --model and 3 --vocab"
        result = zsl("eval", *arguments)
    else:
        result = zsl("eval", *arguments, "--model", model)
    assert result.returncode == 2
    assert message in result.stderr
    assert b"Traceback" not in result.stderr


def test_nothing_readable_is_an_error(zsl, model, tmp_path):
    (tmp_path / "set" / "navy").mkdir(parents=True)
    (tmp_path / "set" / "navy" / "a.png").write_bytes(b"")
    result = zsl("eval", "set", "--model", model)
    assert result.returncode == 2
    assert b"none of its 1 image can be read" in result.stderr


def test_a_vocabulary_without_seen_labels_needs_a_list(zsl, model, photos, tmp_path):
    text_model.make_vocabulary(tmp_path / "plain", vectors=VECTORS, labels=[
        Label(label.id, label.name, label.synonyms) for label in LABELS])
    for arguments in (["--candidates", "unseen"], ["--stacking", "0.1"]):
        result = zsl("eval", photos, "--model", model, "--vocab", "plain", *arguments)
        assert result.returncode == 2
        assert b"--seen FILE" in result.stderr


def test_a_model_without_a_vocabulary_takes_the_class_names_as_phrases(zsl, tmp_path):
    text_model.make(tmp_path / "phrases", space="nobody else's")
    for name, colour in text_model.COLOURS.items():
        (tmp_path / "set" / f"n00000001_{name}").mkdir(parents=True)
        text_model.photo(tmp_path / "set" / f"n00000001_{name}" / "a.png", colour)
    result = zsl("eval", "set", "--model", "./phrases", "--json")
    rows = rows_of(result)
    assert list(rows) == ["own"]
    assert rows["own"]["hit@1"] == 1
    assert rows["own"]["hp@1"] is None


def test_a_csv_file_and_the_tables(zsl, model, photos, tmp_path):
    (tmp_path / "list.csv").write_text(
        "path,label\nphotos/scarlet/0.png,scarlet\nphotos/c3/0.png,navy\nphotos/gone.png,navy\n")
    result = zsl("eval", "list.csv", "--model", model, "--k", "1,2")
    assert result.returncode == 1
    assert b"gone.png: no such file" in result.stderr
    text = result.stdout.decode()
    assert "Flat hit@k, mean over images" in text
    assert "1.000 (1.000–1.000)" in text
    markdown = zsl("eval", "list.csv", "--model", model, "--k", "1,2", "--markdown")
    assert "| paint | own | 2 | 2 | 1.000 (1.000–1.000) |" in markdown.stdout.decode()


@pytest.mark.data
def test_the_default_on_unseen_classes(zsl):
    result = zsl("eval", DATA / "objects-unseen", "--json", timeout=300)
    assert result.returncode == 0
    rows = rows_of(result)
    assert rows["own"]["class_hit@1"] == pytest.approx(0.8225, abs=0.01)  # as benchmarks/accuracy
    assert rows["all"]["labels"] > 19_000
    assert rows["all"]["hit@20"] >= 0.46
