"""Numbers of numbered lists, and numbers that are part of what is listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_cli.support.numbering import without_numbers

NAMES = ["tench", "goldfish", "great white shark"]


@pytest.mark.parametrize("numbered", [
    ["0: tench", "1: goldfish", "2: great white shark"],
    ["0 tench", "1 goldfish", "2 great white shark"],
    ["1\ttench", "2\tgoldfish", "3\tgreat white shark"],
    ["12) tench", "13) goldfish", "14) great white shark"],
    ["1. tench", "2. goldfish", "7. great white shark"],
    ["001.tench", "002.goldfish", "003.great white shark"],
    ["1 001.tench", "2 002.goldfish", "3 003.great white shark"],
    ["10 tench", "1 goldfish", "0 great white shark", *(f"{n} x{n}" for n in range(2, 10))],
    ["tench 0", "goldfish 1", "great white shark 2"],
    ["{0: 'tench',", "1: 'goldfish',", " 2: 'great white shark'}"],
    ["0,tench", "1,goldfish", "2,great white shark"]])
def test_numbers_of_a_list_are_no_part_of_what_is_listed(numbered):
    assert without_numbers([line.strip() for line in numbered])[:3] == NAMES


@pytest.mark.parametrize("phrases", [
    ["route 66", "route 67"], ["7 up", "8 ball"], ["1 dog", "2 dogs", "3 dogs"],
    ["1 tench", "3 goldfish"], ["0 tench", "goldfish"], ["area 51"], ["1", "2"], ["3d printer"],
    ["type 0", "type 1"], [], [""], ["1. tench", "1. goldfish"], ["1.5 inch", "2.5 inch"]])
def test_a_number_that_is_part_of_a_phrase_stays(phrases):
    assert without_numbers(phrases) == phrases


def test_empty_lines_stay_where_they_are():
    assert without_numbers(["0: a", "", "1: b"]) == ["a", "", "b"]


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=2, unique=True),
       st.sampled_from(["{}: {}", "{} {}", "{}\t{}", "{}) {}", "{}.{}"]), st.sampled_from([0, 1]))
def test_whatever_is_numbered_comes_back(names, style, first):
    numbered = [style.format(number, name) for number, name in enumerate(names, start=first)]
    assert without_numbers(numbered) == names


@given(st.lists(st.text()))
def test_as_many_items_come_back_and_what_is_empty_stays(items):
    left = without_numbers(items)
    assert [bool(item) for item in left] == [bool(item) for item in items]
