"""Search by sentences and sentences for photos, through the Python API."""

import csv
import io
import json

import pytest
import text_model
from painted_sets import LABELS, VECTORS

from zsl_cli import RetrievalRequest, evaluate_retrieval
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.evaluation.captions.retrieval_result import CHANCE
from zsl_cli.evaluation.page_parts import is_own


@pytest.fixture
def described(tmp_path):
    """Three pictures, of which two have a caption that tells which is meant."""
    for name, colour in (("red", (255, 0, 0)), ("green", (0, 255, 0)), ("sky", (0, 0, 255))):
        text_model.photo(tmp_path / f"{name}.png", colour)
    path = tmp_path / "told.token"
    path.write_text("red.png#0\tred\nred.png#1\tred green\ngreen.png#0\tred , a bit\n"
                    "green.png#1\tgreen\nsky.png#0\tgreen blue\n")
    return path


def asked(path, model, **values):
    return RetrievalRequest(path, models=str(model), cache=False, **values)


def by_query(result):
    return {row["query"]: row for row in result.rows}


def test_recall_and_median_rank_both_ways_beside_chance(described, model):
    result = evaluate_retrieval(asked(described, model, ks=(1, 2)))
    rows = by_query(result)
    assert result.ok
    sentence, image = rows["sentence"], rows["image"]
    assert (sentence["images"], sentence["captions"], sentence["sentences"]) == (3, 5, "encoder")
    # red and green find theirs; one word of two ties with the other; "red , a bit" finds red.
    assert sentence["recall@1"] == pytest.approx(2 / 5)
    assert sentence["recall@2"] == pytest.approx(4 / 5)
    assert sentence["median_rank"] == 1.5
    assert image["recall@1"] == pytest.approx(1)
    assert (image["median_rank"], image["median_rank_low"], image["median_rank_high"]) == (1, 1, 1)
    assert sentence["recall@1_low"] <= sentence["recall@1"] <= sentence["recall@1_high"]
    assert sentence["chance@1"] == pytest.approx(1 / 3)
    assert image["chance@1"] == pytest.approx(1 / 3)  # of the images the mean of 2, 2 and 1 in 5
    assert sentence["chance_median_rank"] == 2


def test_the_same_seed_gives_the_same_intervals(described, model):
    one, same, other = (evaluate_retrieval(asked(described, model, seed=seed, resamples=50)).rows
                        for seed in (1, 1, 2))
    assert one == same
    assert {key: one[0][key] for key in ("recall@1", "median_rank")} == {
        key: other[0][key] for key in ("recall@1", "median_rank")}


def test_several_ways_and_vocabularies_have_a_row_each_way(described, model, tmp_path):
    text_model.make_vocabulary(tmp_path / "other", vectors=VECTORS, labels=[
        LABELS[0], *(type(LABELS[0])(f"x{at}", name) for at, name in enumerate(
            ["red", "blue", "green"]))])
    result = evaluate_retrieval(asked(
        described, model, vocabularies=[str(tmp_path / "other")], sentences=["encoder", "mean"]))
    assert [(row["sentences"], row["query"]) for row in result.rows] == [
        (way, query) for way in ("encoder", "mean") for query in ("sentence", "image")]
    assert result.rows[0]["recall@1"] == result.rows[2]["recall@1"]
    search, annotation = result.tables()
    assert [line[1] for line in search.lines] == ["encoder", "mean", "–"]
    assert search.lines[-1][0] == CHANCE
    assert annotation.heading.startswith("Image → sentence")
    assert "(" in search.lines[0][5]
    narrow = result.tables(narrow=True)[0].lines[0]
    assert "(" in narrow[4]
    assert "(" not in narrow[5] + narrow[-1]


def test_json_csv_and_the_page_have_the_same_figures(described, model, tmp_path):
    result = evaluate_retrieval(asked(described, model))
    found = json.loads(result.to_json())
    assert found["settings"] == {"k": [1, 5, 10], "resamples": 1000, "seed": 0, "interval": 0.95}
    assert found["left_out"] == {"unreadable": [], "unknown_captions": []}
    lines = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert [float(line["recall@1"]) for line in lines] == [
        row["recall@1"] for row in found["rows"]]
    result.write_page(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Sentence → image" in page
    assert is_own(tmp_path / "page.html")


def test_images_and_captions_that_do_not_count_are_in_the_result(captioned, model):
    (captioned.parent / "sea.png").unlink()
    result = evaluate_retrieval(asked(captioned, model, sentences="mean"))
    assert not result.ok
    left_out = json.loads(result.to_json())["left_out"]
    assert [one["message"] for one in left_out["unreadable"]] == ["no such file"]
    assert [one["caption"] for one in left_out["unknown_captions"]] == ["a sheet"]
    assert "knows no word of 'a sheet'" in left_out["unknown_captions"][0]["message"]
    assert (result.rows[0]["images"], result.rows[0]["captions"]) == (3, 3)


def test_what_leaves_nothing_to_rank_is_an_error(captioned, model):
    with pytest.raises(ZslError, match="1 image with a caption, so that there is nothing to tell"):
        evaluate_retrieval(asked(captioned, model, split="wine"))
    with pytest.raises(ZslError, match="0 images with a caption"):
        captioned.write_text("image,caption\nred.png,one thing\nsea.png,another\n")
        evaluate_retrieval(asked(captioned, model, sentences="mean"))
    for path in captioned.parent.glob("*.png"):
        path.unlink()
    with pytest.raises(ZslError, match=r"none of its 2 images can be read.*`images`"):
        evaluate_retrieval(asked(captioned, model))


def test_what_is_wrong_with_a_later_model_is_told_before_an_image_is_read(described, model,
                                                                          tmp_path):
    silent = text_model.make(tmp_path / "silent", text=False)
    text_model.make_vocabulary(silent / "vocab", vectors=VECTORS, labels=LABELS)
    for path in described.parent.glob("*.png"):
        path.unlink()
    with pytest.raises(ZslError, match="`sentences=encoder`: model 'silent' has no label encoder"):
        evaluate_retrieval(RetrievalRequest(described, models=[str(model), str(silent)],
                                            sentences="encoder", cache=False))


@pytest.mark.parametrize(("parameter", "value"), [
    ("sentences", "lstm"), ("ks", 0), ("ks", ()), ("resamples", 0), ("seed", -1),
    ("device", "tpu"), ("captions", 3), ("images", 3), ("jobs", 0)])
def test_values_that_make_no_sense_are_refused_at_once(parameter, value):
    with pytest.raises(RequestError, match=parameter):
        RetrievalRequest(**{"captions": "c.csv", parameter: value})
