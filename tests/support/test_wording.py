"""How messages speak."""

import pytest

from zsl_cli.support import wording


@pytest.mark.parametrize(("text", "line", "expected"), [
    ("no such thing", 0, "no such thing"), ("", 0, "ValueError"), (" \n", -1, "ValueError"),
    ("\n  first \nsecond", 0, "first"), ("first\n second\n\n", -1, "second")])
def test_a_reason_is_one_line(text, line, expected):
    assert wording.reason(ValueError(text), line) == expected
