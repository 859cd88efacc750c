"""Lessons in a file."""

import json

import numpy as np
import pytest

from zsl_cli.vocabulary.taught import lessons
from zsl_cli.vocabulary.taught.lessons import Lesson

ONE = Lesson("n1", True, "00000000-12", "/photos/a\udcff.jpg", "s", "2026-11-30T12:00:00Z",
             np.array([.5, -.25, 0], np.float16))


def test_lessons_come_back_as_they_were_written():
    lines = lessons.to_lines([ONE, ONE]).encode()
    found = lessons.from_lines(lines.splitlines())
    assert found == [ONE, ONE]
    assert found[0].embedding.tobytes() == ONE.embedding.tobytes()


def test_where_photos_lay_may_stay_at_home():
    [found] = lessons.from_lines(lessons.to_lines([ONE], paths=False).encode().splitlines())
    assert found.path == ""
    assert found.key == ONE.key


@pytest.mark.parametrize("change", [
    {"embedding": "no base64!"}, {"embedding": ""}, {"embedding": None}, {"shows": 1},
    {"label": 3}, {"path": []}, {"embedding": "AHwAAA=="}, {"space": None}])
def test_what_is_no_lesson_is_told_of_by_its_line(change):
    line = json.dumps({**ONE.record(path=False), **change}).encode()
    with pytest.raises(ValueError, match="line 2: not"):
        lessons.from_lines([lessons.to_lines([ONE]).encode(), line])


def test_what_is_no_json_is_no_lesson():
    for line in (b"{", b"[" * 100_000, b"\xff", b"3"):
        with pytest.raises(ValueError, match="line 1"):
            lessons.from_lines([line])
