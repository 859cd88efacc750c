"""A user's own lists of words: plain, as photo programs export their keywords, as paths."""

import time

import pytest

from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support.word_lists import Word, check_words, read_words, words_of

LIGHTROOM = """\
[ANIMALS]
	Dog
		{canine}
		{hound}
		Boxer
	cat
[PEOPLE]
	{persons}
	family

		Aunt Mary
sunset
"""

TREE = [Word("Dog", ("ANIMALS",), ("canine", "hound")), Word("Boxer", ("ANIMALS", "Dog")),
        Word("cat", ("ANIMALS",)), Word("family", ("PEOPLE",)),
        Word("Aunt Mary", ("PEOPLE", "family")), "sunset"]


def words(text):
    return words_of(text.encode(), "list")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_export_of_lightroom_is_a_hierarchy(tmp_path, encoding, end):
    (tmp_path / "keywords.txt").write_bytes(LIGHTROOM.replace("\n", end).encode(encoding))
    assert read_words(tmp_path / "keywords.txt") == TREE
    assert TREE[1].path == ("ANIMALS", "Dog", "Boxer")


def test_paths_are_a_hierarchy_where_they_make_one():
    digikam = words("Animals\nAnimals/Dogs\nAnimals/Dogs/Boxer\nAC/DC\nsunset")
    assert digikam == ["Animals", Word("Dogs", ("Animals",)), Word("Boxer", ("Animals", "Dogs")),
                       "AC/DC", "sunset"]
    assert words("/Places/Rome\n/Animals/Dogs") == [Word("Rome", ("Places",)),
                                                    Word("Dogs", ("Animals",))]
    assert words("Places|Rome") == [Word("Rome", ("Places",))]
    assert words("AC/DC") == ["AC/DC"]


@pytest.mark.parametrize("text", [
    "cat\ndog", "  cat\n dog\n", "/a/abbey\n/a/airfield\n/b/bakery/shop", "[cat]\n{dog}",
    "a dog, on the beach\nsunset"])
def test_other_lists_are_none(text):
    assert words(text) == [line.strip() for line in text.splitlines()]


def test_numbers_of_a_list_are_no_part_of_it():
    assert words("1\tcat\n2\tdog") == ["cat", "dog"]


@pytest.mark.parametrize(("text", "message"), [
    ("a\n\t\tb", "list, line 2: 2 tabs deep, the keyword before it 0"),
    ("\tb", "list, line 1: 1 tab deep, with no keyword before it"),
    ("a\n\tb\n    c", "list, line 3: indented by blanks, where other lines are by tabs"),
    ("a\n\tb\n{c}", "list, line 3: the synonym {c} stands below no keyword"),
    ("\n".join("\t" * depth + "a" for depth in range(102)), "list, line 101: more than 100 levels"),
    ("a/b\n" + "/".join("a" * 102), "list, line 2: more than 100 levels deep"),
    ("a\n\tb\x00", "list, line 2: this is no text")])
def test_a_line_that_is_in_no_hierarchy_is_told(text, message):
    with pytest.raises(ZslError) as error:
        words(text)
    assert message in str(error.value)


def test_damaged_utf_16_is_told_with_its_line():
    with pytest.raises(ZslError, match="list, line 2: not UTF-16 text"):
        words_of("a\nb".encode("utf-16") + b"\x00", "list")
    with pytest.raises(ZslError, match="list, line 2: this is no text"):
        words_of("a\nb\0".encode("utf-16"), "list")


def test_a_hundred_thousand_lines_are_no_matter():
    text = "\n".join("\t" * (number % 7 and 1) + f"word {number}" for number in range(100_000))
    assert len(words(text)) == 100_000


def test_a_bracket_before_many_blanks_is_no_matter():
    started = time.perf_counter()
    gap = 30_000 * " "
    assert words(f"Dog\n\t[{gap}puppy\n\t{{{gap}hound\n\t[ x ]\n") == [
        "Dog", Word(f"[{gap}puppy", ("Dog",)), Word(f"{{{gap}hound", ("Dog",))]
    assert time.perf_counter() - started < 0.5


def test_words_are_texts_or_words():
    assert check_words("labels", "cat") == ("cat",)
    assert check_words("labels", [TREE[0], "cat"]) == (TREE[0], "cat")
    for wrong in (7, ["cat", 7], [b"cat"]):
        with pytest.raises(RequestError, match="`labels` takes a text, or several"):
            check_words("labels", wrong)
