"""Values of parameters that make sense by themselves, and those that don't."""

import numpy as np
import pytest

from zsl_cli.errors import RequestError
from zsl_cli.support import values
from zsl_cli.support.names import names_of


@pytest.mark.parametrize("value", [1, 1000, np.int64(7)])
def test_a_whole_number_in_the_range_is_well(value):
    values.check_whole("top", value, 1, 1000)


@pytest.mark.parametrize("value", [0, 1001, 2.0, "3", None, float("nan")])
def test_no_other_is(value):
    with pytest.raises(RequestError, match="`top` must be a whole number from 1 to 1000, not "):
        values.check_whole("top", value, 1, 1000)


def test_a_share_is_a_number_from_0_to_1():
    for value in (0, 1, 0.5, np.float32(0.25)):
        values.check_share("threshold", value)
    for value in (-0.1, 1.1, float("nan"), float("inf"), "0.5", None):
        with pytest.raises(RequestError, match="`threshold` must be a number from 0 to 1, not "):
            values.check_share("threshold", value)


def test_one_name_or_several_are_texts(tmp_path):
    assert names_of("a") == ["a"]
    assert names_of(tmp_path) == [str(tmp_path)]
    assert names_of(("a", tmp_path)) == ["a", str(tmp_path)]
