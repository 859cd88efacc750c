"""``zsl eval --captions``, as it is called."""

import csv
import io
import json

import pytest


@pytest.fixture
def captions(photos, tmp_path):
    """What is said of three of the pictures."""
    path = tmp_path / "captions.csv"
    path.write_text("image,caption,split\nscarlet/0.png,red,a\nscarlet/0.png,a scarlet sheet,a\n"
                    "c3/0.png,blue navy,a\nc4_lime/0.png,green,b\n")
    return path


def test_figures_both_ways_as_json(zsl, model, captions):
    result = zsl("eval", "--captions", captions, "--images", "photos", "--model", model, "--json",
                 "--k", "1,2", "--resamples", "20", "--seed", "1")
    assert result.stderr == b""
    assert result.returncode == 0
    found = json.loads(result.stdout)
    assert [row["query"] for row in found["rows"]] == ["sentence", "image"]
    assert [row["recall@1"] for row in found["rows"]] == [0.75, 1]
    assert found["settings"] == {"k": [1, 2], "resamples": 20, "seed": 1, "interval": 0.95}


def test_captions_that_nothing_is_known_of_are_named(zsl, model, captions):
    result = zsl("eval", "--captions", captions, "--images", "photos", "--model", model, "--json",
                 "--sentences", "encoder", "--sentences", "mean")
    assert result.returncode == 1
    assert b"vocabulary 'vocab' knows no word of 'red'" in result.stderr
    rows = json.loads(result.stdout)["rows"]
    assert [(row["sentences"], row["captions"]) for row in rows] == [
        ("encoder", 4), ("encoder", 4), ("mean", 2), ("mean", 2)]


def test_as_a_table_as_csv_as_markdown_and_as_a_page(zsl, model, captions, tmp_path):
    arguments = ("eval", "--captions", captions, "--images", "photos", "--model", model)
    table = zsl(*arguments, "--report", "page.html")
    assert table.returncode == 0
    shown = " ".join(table.stdout.decode().split())
    assert "Sentence → image (image search)" in shown
    assert "chance – 3 4 0.333" in shown
    assert "Image → sentence" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "| paint | encoder | 3 | 4 |" in zsl(*arguments, "--markdown").stdout.decode()
    lines = zsl(*arguments, "--csv", "--split", "a").stdout.decode()
    assert [(line["query"], line["images"]) for line in csv.DictReader(io.StringIO(lines))] == [
        ("sentence", "2"), ("image", "2")]


def test_images_that_are_missing_are_named_and_counted(zsl, model, captions):
    with captions.open("a") as file:
        file.write("".join(f"gone{at}.png,navy,c\n" for at in range(7)))
    result = zsl("eval", "--captions", captions, "--images", "photos", "--model", model, "--json")
    assert result.returncode == 1
    assert result.stderr.count(b"no such file") == 5
    assert b"and 2 more images that cannot be read" in result.stderr
    assert json.loads(result.stdout)["rows"][0]["images"] == 3


@pytest.mark.parametrize(("arguments", "message"), [
    (["photos", "--captions", "captions.csv"], b"one thing to measure on is expected"),
    (["--words", "captions.csv", "--captions", "captions.csv"],
     b"one thing to measure on is expected"),
    (["photos", "--split", "a"], b"--split is for --captions and --words, not for DATASET"),
    (["photos", "--sentences", "mean"], b"--sentences is for --captions, not for DATASET"),
    (["--captions", "captions.csv", "--most", "3"], b"--most is for --words, not for --captions"),
    (["--captions", "captions.csv", "--candidates", "own"], b"--candidates is for DATASET"),
    (["--captions", "captions.csv", "--sentences", "lstm"], b"'lstm' is not one of"),
    (["--captions", "captions.csv", "--sentences", "encoder+words"],
     b"--sentences encoder+words: vocabulary 'vocab' has no vectors of things beside others"),
    (["--captions", "nowhere.csv"], b"zsl: nowhere.csv: No such file"),
    (["--captions", "captions.csv"], b"none of its 3 images can be read; paths go on from the "
                                     b"file's own folder, or from --images"),
    (["--captions", "captions.csv", "--images", "photos", "--split", "b"],
     b"1 image with a caption, so that there is nothing to tell it from"),
    (["--captions", "list.txt"], b"names no column image or caption; expected a CSV file with"),
    (["--captions", "broken.json"], b"broken.json: broken JSON"),
    (["--captions", "tokens", "--split", "val"], b"leave --split out"),
    (["--captions", "captions.csv", "--report", "photos"], b"photos: this is a folder")])
def test_wrong_use_is_told(zsl, model, captions, tmp_path, arguments, message):
    (tmp_path / "list.txt").write_text("a dog\nanother dog\n")
    (tmp_path / "broken.json").write_text('{"images": [')
    (tmp_path / "tokens").write_text("a.png#0\tred\n")
    result = zsl("eval", *arguments, "--model", model)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == b""
    assert b"Traceback" not in result.stderr
