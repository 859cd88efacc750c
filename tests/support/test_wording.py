"""How messages speak."""

import pytest

from zsl_cli.support import wording


@pytest.mark.parametrize(("text", "line", "expected"), [
    ("no such thing", 0, "no such thing"), ("", 0, "ValueError"), (" \n", -1, "ValueError"),
    ("\n  first \nsecond", 0, "first"), ("first\n second\n\n", -1, "second")])
def test_a_reason_is_one_line(text, line, expected):
    assert wording.reason(ValueError(text), line) == expected


@pytest.mark.parametrize(("text", "shown"), [
    ("a\tb\r\n", r"a\tb\r\n"), ("\x1b[31m", r"\x1b[31m"), ("caf\udce9", r"caf\xe9"),
    ("\ud800", r"\ud800"), ("gpj.\u202etac", r"gpj.\u202etac"),
    ("\u200e\u200f\u061c", r"\u200e\u200f\u061c"),
    ("co\u00adop\u2028\ufeff", r"co\xadop\u2028\ufeff"), ("a\U000e0041", r"a\U000e0041")])
def test_what_cannot_be_seen_or_turns_a_text_around_is_escaped(text, shown):
    assert wording.printable(text) == shown


@pytest.mark.parametrize("text", [
    "Straße", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "❤\ufe0f", "می\u200cخواهم",
    "東京\u3000駅", "a\u00a0b"])
def test_what_is_read_as_it_stands_is_not(text):
    assert wording.printable(text) == text


def test_one_is_singular_and_many_are_plural():
    assert [wording.counted(number, "entry", "entries") for number in (0, 1, 1234)] == [
        "0 entries", "1 entry", "1,234 entries"]
    assert [wording.more(number, "labels") for number in (1, 2)] == ["1 more", "2 more labels"]
