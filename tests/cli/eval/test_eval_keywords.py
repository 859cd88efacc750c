"""``zsl eval --confidence`` and ``zsl eval --words``, as they are called."""

import csv
import io
import json

import pytest
from painted_sets import rows_of

from zsl_cli.evaluation.selective import FIGURES


@pytest.fixture
def captions(photos, tmp_path):
    """What is said of some of the pictures: one says too much."""
    path = tmp_path / "captions.csv"
    path.write_text("image,caption\nscarlet/0.png,a scarlet sheet\nscarlet/1.png,crimson !\n"
                    "c3/0.png,navy\nc3/1.png,navy and crimson\n")
    return path


def test_figures_of_keywords_are_in_the_row_of_all_labels(zsl, model, photos):
    plain = rows_of(zsl("eval", photos, "--model", model, "--json"))
    result = zsl("eval", photos, "--model", model, "--json", "--confidence", "0.5")
    assert result.stderr == b""
    assert result.returncode == 0
    rows = rows_of(result)
    assert json.loads(result.stdout)["settings"]["confidence"] == 0.5
    for name in ("own", "all"):
        assert {key: rows[name][key] for key in plain[name]} == plain[name]
        assert set(rows[name]) - set(plain[name]) == set(FIGURES)
    assert {rows["own"][name] for name in FIGURES} == {None}
    found = rows["all"]
    assert found["confidence"] == 0.5
    assert 0 < found["keyword_information"] <= found["keyword_right"] < 1
    assert found["keyword_right_low"] <= found["keyword_right"] <= found["keyword_right_high"]
    assert 0 <= found["aurc"] < found["coverage"] <= 1


def test_with_no_confidence_wanted_more_is_said_and_less_is_right(zsl, model, photos):
    low, high = (rows_of(zsl("eval", photos, "--model", model, "--json", "--candidates", "all",
                             "--confidence", confidence))["all"] for confidence in ("0", "1"))
    assert low["keyword_refused"] == 0
    assert low["keyword_information"] > high["keyword_information"]
    assert low["keyword_right"] < high["keyword_right"] == 1
    assert low["aurc"] == high["aurc"]


def test_csv_tables_and_the_page_show_keywords(zsl, model, photos, tmp_path):
    arguments = ("eval", photos, "--model", model, "--confidence", "0.5")
    own, everything = csv.DictReader(io.StringIO(zsl(*arguments, "--csv").stdout.decode()))
    assert own["keyword_right"] == ""
    assert 0 < float(everything["keyword_right"]) <= 1
    result = zsl(*arguments, "--report", "page.html")
    assert "Keywords at confidence 0.5" in result.stdout.decode()
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Risk and coverage of keywords" in page
    assert "Keywords at confidence 0.5" in page
    assert "Keywords" not in zsl("eval", photos, "--model", model).stdout.decode()


def test_words_against_captions(zsl, model, captions, tmp_path):
    result = zsl("eval", "--words", captions, "--images", "photos", "--model", model, "--json",
                 "--confidence", "0.5")
    assert result.stderr == b""
    assert result.returncode == 0
    rows = {row["word"]: row for row in json.loads(result.stdout)["rows"]}
    assert list(rows) == ["crimson", "navy", "mean"]
    assert rows["crimson"]["with_it"] == 3
    assert rows["navy"]["average_precision"] == 1
    assert rows["crimson"]["recall"] == pytest.approx(2 / 3, abs=1e-6)


def test_words_as_a_table_as_csv_as_markdown_and_as_a_page(zsl, model, captions, tmp_path):
    arguments = ("eval", "--words", captions, "--images", "photos", "--model", model)
    table = zsl(*arguments, "--report", "page.html", "--word", "<navy>", "--word", "navy")
    assert table.returncode == 1
    assert b"words: vocabulary 'vocab' does not know '<navy>'" in table.stderr
    assert "at least one caption says it" in " ".join(table.stdout.decode().split())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Words of captions" in page
    assert "&lt;navy&gt;" in page
    assert "<navy>" not in page
    assert "| crimson | crimson | 3 |" in zsl(*arguments, "--markdown").stdout.decode()
    lines = zsl(*arguments, "--csv", "--most", "1").stdout.decode()
    assert [line["word"] for line in csv.DictReader(io.StringIO(lines))] == ["crimson", "mean"]


def test_images_that_are_missing_are_named_and_counted(zsl, model, captions):
    with captions.open("a") as file:
        file.write("".join(f"gone{at}.png,navy\n" for at in range(7)))
    result = zsl("eval", "--words", captions, "--images", "photos", "--model", model, "--json")
    assert result.returncode == 1
    assert result.stderr.count(b"no such file") == 5
    assert b"and 2 more images that cannot be read" in result.stderr
    found = json.loads(result.stdout)
    assert len(found["left_out"]["unreadable"]) == 7
    assert found["rows"][0]["images"] == 4


@pytest.mark.parametrize(("arguments", "message"), [
    ([], b"one thing to measure on is expected: DATASET, or captions with --captions or "
         b"--words"),
    (["photos", "--words", "captions.csv"], b"one thing to measure on is expected"),
    (["photos", "--confidence", "2"], b"2.0 is not in the range 0<=x<=1"),
    (["photos", "--confidence", "nan"], b"--confidence"),
    (["photos", "--confidence", "0.9", "--candidates", "own"], b"ask for --candidates all, too"),
    (["photos", "--most", "3"], b"--most is for --words"),
    (["--words", "captions.csv", "--k", "1"],
     b"--k is for DATASET and --captions, not for --words"),
    (["--words", "captions.csv", "--stacking", "0.1"],
     b"--stacking is for DATASET, not for --words"),
    (["--words", "captions.csv", "--most", "0"], b"--most"),
    (["--words", "nowhere.csv"], b"zsl: nowhere.csv: No such file"),
    (["--words", "captions.csv"], b"none of its 4 images can be read; paths go on from the file's "
                                  b"own folder, or from --images"),
    (["--words", "captions.csv", "--images", "nowhere"], b"nowhere: no such folder"),
    (["--words", "captions.csv", "--images", "photos", "--word", "mauve"],
     b"knows none of the words 'mauve'"),
    (["--words", "captions.csv", "--split", "val"], b"names no column split"),
    (["--words", "list.csv"], b"names no column image or caption; expected a CSV file with"),
    (["--words", "captions.csv", "--report", "photos"], b"photos: this is a folder")])
def test_wrong_use_is_told(zsl, model, captions, tmp_path, arguments, message):
    (tmp_path / "list.csv").write_text("path,label\na.png,navy\n")
    result = zsl("eval", *arguments, "--model", model)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == b""
    assert b"Traceback" not in result.stderr
