"""The confidence of words against captions, through the Python API."""

import csv
import io
import json

import numpy as np
import pytest
import text_model
from painted_sets import LABELS, VECTORS

from zsl_cli import WordsRequest, evaluate_words
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.evaluation.captions import words
from zsl_cli.evaluation.captions.words_result import MEAN


@pytest.fixture
def captioned(tmp_path):
    """Pictures in colours, and what is said of each."""
    lines = ["image,caption,split"]
    for name, colour, texts in (
            ("red", (255, 0, 0), ["scarlet paint", "a sheet"]), ("wine", (250, 0, 0), ["crimson"]),
            ("sea", (0, 0, 255), ["A navy sea"]), ("dusk", (0, 0, 250), ["crimson and navy"])):
        text_model.photo(tmp_path / f"{name}.png", colour)
        lines += [f"{name}.png,{text},{name}" for text in texts]
    path = tmp_path / "captions.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def by_word(result):
    return {row["word"]: row for row in result.rows}


def test_average_precision_precision_and_recall_of_each_word(captioned, model):
    result = evaluate_words(WordsRequest(captioned, models=str(model), confidence=0.5, cache=False))
    rows = by_word(result)
    assert list(rows) == ["crimson", "navy", MEAN]  # the more frequent first
    crimson = rows["crimson"]
    assert (crimson["id"], crimson["images"], crimson["with_it"]) == ("c2", 4, 3)
    # Two red pictures are first, and the two blue ones, of which one is called so, together.
    assert crimson["average_precision"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert rows["navy"]["average_precision"] == 1
    assert crimson["precision"] == 1
    assert crimson["recall"] == pytest.approx(2 / 3)
    assert rows[MEAN]["average_precision"] == pytest.approx(
        (crimson["average_precision"] + 1) / 2)
    assert rows[MEAN]["with_it"] is None
    assert result.ok


def test_a_label_is_said_by_what_lies_below_it(captioned, model):
    result = evaluate_words(WordsRequest(captioned, models=str(model), words=["colours", "scarlet"],
                                         cache=False))
    rows = by_word(result)
    assert list(rows) == ["colours", "scarlet", MEAN]  # as they were asked for
    assert rows["colours"]["with_it"] == 4
    assert (rows["scarlet"]["label"], rows["scarlet"]["with_it"]) == ("crimson", 3)


def test_json_csv_and_tables_have_the_same_figures(captioned, model):
    result = evaluate_words(WordsRequest(captioned, models=str(model), most=1, cache=False))
    found = json.loads(result.to_json())
    assert [row["word"] for row in found["rows"]] == ["crimson", MEAN]
    assert found["settings"] == {"confidence": 0.8, "captions_that_say_it": 1}
    lines = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert float(lines[0]["average_precision"]) == found["rows"][0]["average_precision"]
    (table,) = result.tables()
    assert table.lines[0][:3] == ["crimson", "crimson", "3"]
    assert "at least one caption says it" in table.note


def test_several_models_are_told_apart(captioned, model, tmp_path):
    text_model.make_vocabulary(tmp_path / "other", vectors=VECTORS[:, [1, 0, 2, 3]], labels=LABELS)
    result = evaluate_words(WordsRequest(
        captioned, models=str(model), vocabularies=[str(model / "vocab"), str(tmp_path / "other")],
        cache=False))
    assert [(row["vocabulary"], row["word"]) for row in result.rows] == [
        (name, word) for name in ("vocab", "other") for word in ("crimson", "navy", MEAN)]
    assert result.tables()[0].columns[:2] == ["model", "vocabulary"]


def test_what_cannot_be_read_and_what_is_unknown_is_in_the_result(captioned, model):
    (captioned.parent / "wine.png").write_bytes(b"no image")
    (captioned.parent / "sea.png").unlink()
    result = evaluate_words(WordsRequest(captioned, models=str(model), words=["navy", "mauve"],
                                         cache=False))
    assert not result.ok
    left_out = json.loads(result.to_json())["left_out"]
    assert [one["message"] for one in left_out["unreadable"]] == [
        "not an image in a known format", "no such file"]
    assert left_out["unknown_words"] == [{"word": "mauve", "vocabulary": "vocab"}]
    assert by_word(result)["navy"]["images"] == 2


def test_a_word_that_no_image_has_has_no_average_precision(captioned, model):
    result = evaluate_words(WordsRequest(captioned, models=str(model), words="lime", cache=False))
    row = result.rows[0]
    assert (row["average_precision"], row["recall"], row["with_it"]) == (None, None, 0)
    assert "–" in result.tables()[0].lines[0]


def test_nothing_known_and_nothing_readable_are_errors(captioned, model):
    with pytest.raises(ZslError, match="knows none of the words 'mauve'"):
        evaluate_words(WordsRequest(captioned, models=str(model), words="mauve"))
    for path in captioned.parent.glob("*.png"):
        path.unlink()
    with pytest.raises(ZslError, match=r"none of its 4 images can be read.*`images`"):
        evaluate_words(WordsRequest(captioned, models=str(model), cache=False))
    captioned.write_text("image,caption\nred.png,nothing known\n")
    with pytest.raises(ZslError, match="knows no word of the captions"):
        evaluate_words(WordsRequest(captioned, models=str(model), cache=False))


@pytest.mark.parametrize(("parameter", "value"), [
    ("confidence", 2), ("confidence", "much"), ("most", 0), ("most", 1.5), ("device", "tpu"),
    ("captions", 3), ("images", 3), ("jobs", 0)])
def test_values_that_make_no_sense_are_refused_at_once(parameter, value):
    with pytest.raises(RequestError, match=parameter):
        WordsRequest(**{"captions": "c.csv", parameter: value})


def test_of_equally_frequent_words_the_earlier_label_comes_first():
    assert words.most_said([(3, 2), (1, 2), (2, 9), (0, 5)], frozenset({1, 2, 3}), 2) == [2, 1]


def test_blocks_of_images_change_nothing(captioned, model, monkeypatch):
    request = WordsRequest(captioned, models=str(model), cache=False)
    whole = evaluate_words(request).rows
    monkeypatch.setattr(words, "_BLOCK", 1)
    np.testing.assert_equal(evaluate_words(request).rows, whole)
