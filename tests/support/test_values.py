"""Values of parameters that make sense by themselves, and those that don't."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from zsl_cli.errors import RequestError
from zsl_cli.support import names, values
from zsl_cli.support.values import Range

TOP = Range(1, 1000, whole=True)


@pytest.mark.parametrize("value", [1, 1000, np.int64(7)])
def test_a_whole_number_in_the_range_is_well_and_fit_for_json(value):
    assert json.loads(json.dumps(values.check_number("top", value, TOP))) == value


@pytest.mark.parametrize("value", [0, 1001, 2.0, "3", None, float("nan"), True, np.array([1])])
def test_no_other_is(value):
    with pytest.raises(RequestError, match="`top` must be a whole number from 1 to 1,000, not "):
        values.check_number("top", value, TOP)


def test_a_share_is_a_number_from_0_to_1():
    for value in (0, 1, 0.5, np.float32(0.25)):
        assert json.loads(json.dumps(values.check_number("share", value, values.SHARE))) == value
    for value in (-0.1, 1.1, float("nan"), float("inf"), "0.5", None, False):
        with pytest.raises(RequestError, match="`share` must be a number from 0 to 1, not "):
            values.check_number("share", value, values.SHARE)


@pytest.mark.parametrize(("allowed", "words"), [
    (Range(0), "a number at least 0"), (Range(0, open=True), "a number above 0"),
    (Range(0, 1, open=True), "a number above 0 to 1"), (TOP, "a whole number from 1 to 1,000")])
def test_a_range_says_what_it_is(allowed, words):
    assert str(allowed) == words


@dataclass(frozen=True)
class Asked:
    place: object
    number: object = None
    labels: object = None


def test_numbers_of_a_request_are_python_s_and_none_stays_where_it_is_the_default():
    asked = Asked("a", np.int64(3))
    values.set_numbers(asked, number=TOP, labels=TOP)
    assert type(asked.number) is int
    assert asked.labels is None
    with pytest.raises(RequestError, match="`place` must be a whole number"):
        values.set_numbers(Asked(None), place=TOP)


def test_one_value_or_several_are_a_tuple():
    assert values.several("best") == ("best",)
    assert values.several(0.3) == (0.3,)
    assert values.several(np.array([1, 5])) == (1, 5)


def test_parameters_of_an_index_are_looked_at():
    assert values.check_hnsw({"m": np.int64(8)}) == {"m": 8}
    for parameters, message in (({"m": 1}, "`m` must be a whole number from 2 to 512, not 1"),
                                ({"ef": "9"}, "`ef` must be"), (3, "`hnsw` takes a Mapping"),
                                ({"M": 8}, "`hnsw` is one of m, ef_construction, ef, and not 'M'")):
        with pytest.raises(RequestError, match=message):
            values.check_hnsw(parameters)


def test_one_name_or_several_are_texts(tmp_path):
    assert names.names_of("a") == ["a"]
    assert names.names_of(tmp_path) == [str(tmp_path)]
    assert names.names_of(("a", tmp_path)) == ["a", str(tmp_path)]
    asked = Asked(None, labels="*.png")
    names.set_names(asked, "labels", "number")
    assert (asked.labels, asked.number) == (("*.png",), None)
    with pytest.raises(RequestError, match="`place` takes a name, or several, not None"):
        names.set_names(asked, "place")
    with pytest.raises(RequestError, match="`place` takes a path, not None"):
        names.set_paths(asked, "place")
