"""A library of painted pictures that is indexed, and its catalogue."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import text_model

from zsl_cli.photos.indexing import IndexRequest, index


class Indexed:
    """A library and its catalogue, which is ``kept`` beside it."""

    def __init__(self, folder: Path, model: Path):
        self.library = folder / "photos"
        self.catalogue = folder / "kept"
        self.request = IndexRequest(self.library, catalogue=self.catalogue, model=model,
                                    device="cpu", jobs=1)

    def index(self, **changes):
        """Bring it up to date; (read, failed, known) of what came of it."""
        self.result = index(replace(self.request, **changes))
        return self.result.read, self.result.failed, self.result.kept

    def select(self, query):
        """What the database says."""
        with closing(sqlite3.connect(self.catalogue / "catalogue.sqlite")) as connection:
            return connection.execute(query).fetchall()

    def rows(self, what="count(*)", where="slot IS NOT NULL AND gone IS NULL"):
        """What it has of photos."""
        return self.select(f"SELECT {what} FROM photos WHERE {where}")

    def facts(self, name):
        """What is noted under a name."""
        return self.select(f"SELECT value FROM facts WHERE name = '{name}'")

    def change(self, *statements):
        """Change the database behind the back of zsl."""
        with closing(sqlite3.connect(self.catalogue / "catalogue.sqlite",
                                     isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def indexed(tmp_path, model, photos):
    """A library of 25 pictures in five folders, each with a number as its colour."""
    shutil.rmtree(photos)
    for number in range(25):
        below = photos / "abcde"[number // 5]
        below.mkdir(parents=True, exist_ok=True)
        text_model.photo(below / f"{number:02}.png", (255, 10 * number, 5 * number))
    made = Indexed(tmp_path, model)
    assert made.index() == (25, 0, 0)
    return made
