"""``zsl eval``, as it is called: with a tiny model of colours, and with the default."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import browser
import numpy as np
import pytest
import text_model
from conftest import DATA

from zsl_cli.vocabulary.vocabulary import Label

LABELS = [Label("c1", "colour"), Label("c2", "crimson", synonyms=("scarlet",), parents=("c1",),
                                       seen=True),
          Label("c3", "navy", parents=("c1",)), Label("c4", "lime", parents=("c1",))]
VECTORS = np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]], np.float32)


@pytest.fixture
def model(tmp_path):
    """A model with a vocabulary of its own: colour, and below it crimson, which is seen, navy and
    lime."""
    folder = text_model.make(tmp_path / "paint")
    text_model.make_vocabulary(folder / "vocab", vectors=VECTORS, labels=LABELS)
    return folder


@pytest.fixture
def photos(tmp_path):
    """Four red pictures and a blue one of crimson, two blue ones of navy, a green and a reddish
    one of lime."""
    folder = tmp_path / "photos"
    pictures = {"scarlet": [(255, 0, 0)] * 4 + [(0, 0, 255)], "c3": [(0, 0, 250)] * 2,
                "c4_lime": [(0, 255, 0), (200, 100, 0)]}
    for name, colours in pictures.items():
        (folder / name).mkdir(parents=True)
        for number, colour in enumerate(colours):
            text_model.photo(folder / name / f"{number}.png", colour)
    return folder


def rows_of(result):
    return {row["candidates"] + ("" if row["stacking"] is None else " stacked"): row
            for row in json.loads(result.stdout)["rows"]}


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


def test_a_k_above_the_number_of_candidates_is_a_dash_everywhere(zsl, model, photos):
    result = zsl("eval", photos, "--model", model, "--k", "10", "--candidates", "own", "--json",
                 "--report", "page.html")
    assert result.stderr == b""
    assert result.returncode == 0
    assert rows_of(result)["own"]["hit@10"] is None
    page = (photos.parent / "page.html").read_text(encoding="utf-8")
    assert '<td class="number">–</td>' in page
    assert "fewer labels than k" in page
    arguments = ("eval", photos, "--model", model, "--k", "10", "--candidates", "own")
    (row,) = csv.DictReader(io.StringIO(zsl(*arguments, "--csv").stdout.decode()))
    assert row["hit@10"] == ""
    table = zsl(*arguments).stdout.decode()
    assert "Flat hit@k" in table
    assert "fewer labels than k" in table


def test_a_plot_of_hits_leaves_out_what_has_none(zsl, model, photos):
    zsl("eval", photos, "--model", model, "--k", "10,20", "--report", "page.html", "--quiet")
    page = (photos.parent / "page.html").read_text(encoding="utf-8")
    assert "hit@k of each row" not in page
    zsl("eval", photos, "--model", model, "--k", "4,5", "--report", "other.html", "--quiet")
    page = (photos.parent / "other.html").read_text(encoding="utf-8")
    assert page.count("<polyline class=\"line") == 3  # of all alone, and two of stacking


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
    (["photos", "--report", "no/where.html"], b"no folder no"),
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


def test_a_report_takes_the_place_of_none_but_an_unchanged_one_of_its_own(zsl, model, photos,
                                                                          tmp_path):
    def run(*more):
        return zsl("eval", photos, "--model", model, "--json", "--report", "page.html", *more)

    page = tmp_path / "page.html"
    page.write_text("my thesis")
    result = run()
    assert result.returncode == 2
    assert b"page.html exists" in result.stderr
    assert b"--force" in result.stderr
    assert result.stdout == b""
    assert page.read_text() == "my thesis"
    assert run("--force").returncode == 0
    first = page.read_bytes()
    assert run("--k", "1").returncode == 0  # a page that zsl eval wrote
    assert page.read_bytes() != first
    for changed in (page.read_bytes().replace(b"Evaluation of", b"My notes on"),
                    page.read_bytes() + b"my notes"):
        page.write_bytes(changed)
        assert run().returncode == 2
        assert page.read_bytes() == changed


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_the_figures_are_printed_before_a_report_that_cannot_be_written(zsl, model, photos):
    result = zsl("eval", photos, "--model", model, "--json", "--report", "/dev/full")
    assert result.returncode == 2
    assert result.stderr == b"zsl: cannot write /dev/full: No space left on device\n"
    assert rows_of(result)["own"]["images"] == 9


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_report_is_written_although_the_figures_cannot_be(environment, model, photos, tmp_path):
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "zsl_cli", "eval", photos, "--model", model, "--json",
             "--report", "page.html"], cwd=tmp_path, env=environment, stdout=full,
            stderr=subprocess.PIPE, check=False)
    assert result.returncode == 2
    assert b"No space left" in result.stderr
    assert b"Evaluation of" in (tmp_path / "page.html").read_bytes()


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
    assert rows["own"]["class_hit@1"] == pytest.approx(0.7475, abs=0.01)  # as benchmarks/accuracy
    assert rows["all"]["labels"] > 19_000
    assert rows["all"]["hit@20"] >= 0.46


def test_the_page_holds_hostile_names_as_text(zsl, model, photos):
    (photos / "c3" / "<img src=x onerror=alert(1)>.png").write_bytes(
        (photos / "c3" / "0.png").read_bytes())
    (photos / "<script>alert(2)<") .mkdir()
    (photos / "<script>alert(2)<" / "a.png").write_bytes(b"")
    result = zsl("eval", photos, "--model", model, "--report", "page.html", "--quiet")
    assert result.returncode == 1
    page = (photos.parent / "page.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(2)" in page
    assert "&lt;img src=x" in page
    assert "<script" not in page
    assert "<img src=x" not in page


@pytest.mark.skipif(browser.find() is None, reason="needs Chromium")
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (380, "dark")])
def test_the_page_in_a_browser(zsl, model, photos, tmp_path, width, scheme):
    (photos / "c3" / "<b>&.png").write_bytes((photos / "c3" / "0.png").read_bytes())
    zsl("eval", photos, "--model", model, "--report", "page.html", "--stacking", "best", "--quiet")
    with browser.page(tmp_path / "browser") as page:
        page.size(width, 800)
        page.prefer(scheme)
        page.open((tmp_path / "page.html").as_uri())
        page.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.complaints == []
        assert [address for address in page.requests if not address.startswith("data:")] == [
            (tmp_path / "page.html").as_uri()]
        assert page.value("document.documentElement.scrollWidth") <= width
        assert page.value("document.querySelectorAll('.wide tbody tr').length") >= 8
        assert page.value("[...document.querySelectorAll('.plot')].every(plot => "
                          "plot.getBoundingClientRect().height > 10)")
        assert page.value("getComputedStyle(document.querySelector('.line')).stroke") != "none"
        page.value("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
        page.wait("[...document.querySelectorAll('img')].every(one => one.naturalWidth == 144)")
        wrong = page.value("[...document.querySelectorAll('.photos')][0].innerText")
        assert "is: " in wrong
        assert "navy" in wrong
        assert "c3/<b>&.png" in page.value("document.body.textContent")
