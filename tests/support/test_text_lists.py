"""Texts with an item a line."""

import pytest

from zsl_cli.errors import ZslError
from zsl_cli.support import text_lists


@pytest.fixture
def file(tmp_path):
    """Writes a file; returns its path."""

    def write(content):
        (tmp_path / "list").write_bytes(content)
        return tmp_path / "list"

    return write


def test_lines_that_are_not_empty_keep_their_numbers(file):
    path = file(b"\xef\xbb\xbfa b \r\n\n  \nc\n\n")
    assert text_lists.numbered_lines(path) == [(1, "a b"), (4, "c")]
    assert text_lists.read_lines(path) == ["a b", "", "", "c"]


def test_whole_lines_end_with_a_line_feed_and_with_nothing_else(file):
    path = file("\ufeff a\u2028b\tc \r\n\nd".encode())
    assert list(text_lists.whole_lines(path)) == [(1, " a\u2028b\tc \r\n"), (2, "\n"), (3, "d")]


@pytest.mark.parametrize("read", [
    text_lists.read_lines, text_lists.numbered_lines, lambda path: list(
        text_lists.whole_lines(path))])
def test_what_is_no_text_is_told_with_its_line(file, read):
    for content, message in ((b"a\nb\x00\n", "line 2: this is no text with an item a line"),
                             (b"a\nb\ncaf\xe9\n", "line 3: not UTF-8 text; convert the file")):
        with pytest.raises(ZslError, match=message):
            read(file(content))
    with pytest.raises(ZslError, match="no: No such file"):
        read(file(b"").with_name("no"))
