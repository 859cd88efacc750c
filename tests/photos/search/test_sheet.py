"""The contact sheet: as a file, and in a real browser."""

import io
import os
from pathlib import Path

import browser
import pytest

from zsl_cli.errors import UnknownLabelError
from zsl_cli.photos.search import sheet
from zsl_cli.photos.search.request import Query
from zsl_cli.photos.search.result import Hit, SearchResult

EVIL = "<img src=x onerror=alert(1)>\"'&.jpg"


@pytest.fixture
def results(tmp_path, cat):
    cat.save(tmp_path / EVIL, "JPEG")
    cat.save(tmp_path / "b c.jpg")
    hits = (Hit(str(tmp_path / EVIL), 0.5, "2024-07-01T10:00:00", alike=("x.jpg", "y.jpg")),
            Hit(str(tmp_path / "b c.jpg"), 0.4), Hit(str(tmp_path / "gone.jpg"), 0.3))
    return [SearchResult(Query(("<b>a cat</b>",)), hits),
            SearchResult(Query(("nothing",)), error=UnknownLabelError("knows <no> word"))]


def page(results):
    file = io.BytesIO()
    sheet.write(file, results)
    return file.getvalue().decode()


def test_what_comes_from_outside_is_escaped(results):
    text = page(results)
    assert "<img src=x" not in text
    assert "<b>a cat" not in text
    assert "&lt;b&gt;a cat&lt;/b&gt;" in text
    assert "knows &lt;no&gt; word" in text
    assert "no such file" in text
    assert "0.500 · 2024-07-01 · +2 alike" in text


def test_a_name_that_is_no_text_is_linked_by_its_bytes(tmp_path, cat, any_file_name):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")
    cat.save(path)
    text = page([SearchResult(Query(("a",)), (Hit(path, 0.5),))])
    assert "caf%E9.jpg" in text
    assert "caf\\xe9.jpg" in text


def test_the_page_shows_pictures_and_asks_nothing_of_any_network(results, tmp_path, chromium):
    path = tmp_path / "sheet.html"
    with path.open("wb") as file:
        sheet.write(file, results)
    with browser.page(chromium, tmp_path) as opened:
        opened.open(path.as_uri())
        assert opened.value("[...document.images].map(i => i.naturalWidth)") == [sheet.SIDE] * 2
        links = opened.value("[...document.links].map(a => decodeURIComponent(a.href))")
        assert links[0] == f"file://{tmp_path}/{EVIL}"
        assert Path(links[1].removeprefix("file://")).is_file()
        assert opened.value("document.querySelector('h1').textContent") == "<b>a cat</b>"
        assert not opened.complaints
        assert all(address.startswith(("file:", "data:")) for address in opened.requests)
