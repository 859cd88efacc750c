"""Search from Python, of more photos than are searched exactly."""

import pytest
from searches import names, one

from zsl_cli.photos.search import searching

pytestmark = pytest.mark.usefixtures("words_are_axes")


def test_more_photos_than_are_searched_exactly_go_through_an_index(library, monkeypatch):
    exact = one("a")
    monkeypatch.setattr(searching.libraries, "FEW", 2)
    assert one("a").hits == exact.hits
    assert names(one("a", paths=["sub"])) == [name for name in names(exact)
                                              if name not in ("a.jpg", "b.jpg")]


def test_what_no_row_speaks_of_yet_is_not_in_the_index(library, tmp_path, monkeypatch):
    [path] = (tmp_path / "data").rglob("embeddings.f16")
    with path.open("ab") as file:  # as a run does that goes on, or was killed
        file.write(b"\1" * path.stat().st_size)
    monkeypatch.setattr(searching.libraries, "FEW", 2)
    covered = []
    open_index = searching.libraries.IndexFolder.open

    def opened(self, rows, *arguments, **named):
        covered.append(len(rows))
        return open_index(self, rows, *arguments, **named)

    monkeypatch.setattr(searching.libraries.IndexFolder, "open", opened)
    assert len(one("a").hits) == 5
    assert covered == [5]
