"""CSV that programs and spreadsheets read alike, and that runs nothing."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_cli.support.spreadsheet import safe, to_csv


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(), st.text(st.characters(
    codec="utf-8", exclude_characters="\0"))), min_size=2, max_size=4), max_size=4))
def test_what_is_written_is_what_is_read(rows):
    read = list(csv.reader(io.StringIO(to_csv(rows), newline="")))
    assert read == [["" if cell is None else str(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("before", ["", " ", "\t", "\u200b", "\ufeff", "\xa0 \u2060", "\u202e"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b"])
def test_a_formula_is_a_text_whatever_unseen_stands_before_it(before, sign):
    assert safe(f"{before}{sign}1+1") == f"'{before}{sign}1+1"


@pytest.mark.parametrize("cell", ["a=b", "well-known", "a@b", "3", "", "a;=b"])
def test_what_is_no_formula_stays_as_it_is(cell):
    assert safe(cell) == cell


@pytest.mark.parametrize("cell", ["x;=HYPERLINK(A1)", "a\tb", " a", "a ", 'a"b', "a,b", "a\nb"])
def test_what_a_spreadsheet_would_part_or_strip_is_quoted(cell):
    assert to_csv([[cell, "tiger cat"]]).startswith('"')
    assert to_csv([[cell, "tiger cat"]]).endswith(",tiger cat\r\n")
