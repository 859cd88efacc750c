"""What may be asked of a search, and in what order hits come."""

from pathlib import Path

import numpy as np
import pytest

from zsl_cli.errors import RequestError
from zsl_cli.photos.search import ordering
from zsl_cli.photos.search.ordering import Found, by_centre, folded
from zsl_cli.photos.search.period import Period
from zsl_cli.photos.search.request import Query, SearchRequest, term_of
from zsl_cli.photos.search.result import Hit
from zsl_cli.photos.search.space import JointSpace


@pytest.mark.parametrize("date", ["yesterday", "2024-13", "2024-02-30", "24", "", "2024-7-1"])
def test_what_is_no_date_is_refused(date):
    with pytest.raises(RequestError, match="`since` is a date"):
        Period.parse(date, None)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(RequestError, match="later than"):
        SearchRequest("a", since="2024-08", until="2024-07-31")
    SearchRequest("a", since="2024-07-15", until="2024-07")


def found(name, vector, score=0.0):
    vector = np.array(vector, np.float32)
    return Found(Hit(name, score), vector / np.linalg.norm(vector))


def test_near_duplicates_are_folded_into_the_first():
    near = ordering.ALIKE + 0.01
    kept = folded([found("1", [1, 0]), found("2", [near, (1 - near**2) ** 0.5]),
                   found("3", [0, 1]), found("4", [1, 0])], 5)
    assert [(one.hit.path, one.hit.alike) for one in kept] == [("1", ("2", "4")), ("3", ())]
    assert kept[0].hit.record()["alike"] == ["2", "4"]
    assert [one.hit.path for one in folded([found("1", [1, 0]), found("2", [0, 1])], 1)] == ["1"]


def test_reranking_by_the_centre_leaves_strays_behind():
    cluster = [found(str(at), [1, 0.1 * at, 0]) for at in range(4)]
    stray = found("stray", [0, 0, 1], score=0.9)
    ordered = by_centre([stray, *cluster])
    assert ordered[-1].hit.path == "stray"
    assert ordered[0].hit.centre > 0.9 > ordered[-1].hit.centre
    assert by_centre([]) == []


@pytest.mark.parametrize(("given", "message"), [
    ({"queries": []}, "nothing to search for"), ({"queries": "  "}, "empty query"),
    ({"queries": "a", "top": 0}, "`top` must be"), ({"queries": "a", "rerank": "x"}, "`rerank`"),
    ({"queries": "a", "among": 30}, "`among` is for `rerank`"),
    ({"queries": "a", "rerank": "centre", "among": 5}, "at least as many as `top`"),
    ({"queries": "a", "min_confidence": 0.5}, "is for `labels`"),
    ({"queries": "a", "labels": ["x"], "min_confidence": 2}, "`min_confidence` must be"),
    ({"queries": 7}, "`queries` takes"), ({"queries": "a", "device": "tpu"}, "`device`")])
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(RequestError, match=message):
        SearchRequest(**given)


def test_a_query_has_terms_that_are_not_empty():
    for plus, minus, message in ((("a",), ("",), "empty query"), ((), ("a",), "nothing to search"),
                                 ((3,), (), "`plus` takes words")):
        with pytest.raises(RequestError, match=message):
            Query(plus, minus)


def test_a_term_is_a_photo_where_it_is_called_like_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "red").touch()
    assert term_of("red") == "red"
    assert term_of("./red") == Path("./red")
    assert term_of("and/or") == "and/or"
    assert term_of("gone.JPG") == Path("gone.JPG")
    assert term_of("blue") == "blue"


def test_the_joint_space_leaves_out_a_label_prior_and_what_fills_up():
    assert JointSpace.of(451, None).width == 451
    unit = JointSpace(2).unit(np.array([[3, 4, 9], [np.nan, 1, 1], [0, 0, 1]], np.float16))
    assert unit.tolist() == [pytest.approx([0.6, 0.8]), [0, 0], [0, 0]]
