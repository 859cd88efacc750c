"""Several processes at one catalogue: one writes, any number read."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from threading import Event, Thread

import numpy as np
import pytest
import text_model

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import places, vectors
from zsl_cli.photos.catalogue.borrowing import lenders
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.compaction import compact
from zsl_cli.photos.catalogue.verification import verify
from zsl_cli.photos.indexing import index
from zsl_cli.photos.reporter import Reporter


def test_two_runs_over_a_library_exclude_each_other(indexed):
    text_model.photo(indexed.library / "new.png", (1, 2, 3))

    class Other(Reporter):
        refused = 0

        def advance(self, done, failed=0):
            with pytest.raises(ZslError, match=f"another run is reading the same photos .it holds "
                                               f"{indexed.catalogue}.; wait"):
                index(indexed.request)
            Other.refused += 1

    assert index(indexed.request, Other()).read == 1
    assert Other.refused > 1
    assert indexed.index() == (0, 0, 26)


def test_two_lists_exclude_each_other_and_how_to_read_both_is_said(indexed, tmp_path):
    photos = sorted(map(str, indexed.library.rglob("*.png")))
    first, second = (replace(indexed.request, sources=(), files_from=some, catalogue=None)
                     for some in (photos[:3], photos[3:5]))

    class Other(Reporter):
        refused = 0

        def advance(self, done, failed=0):
            with pytest.raises(ZslError, match=r"which single photos and lists share .it holds .*"
                                               "; wait until it has ended, or give `catalogue`"):
                index(second)
            Other.refused += 1

    assert index(first, Other()).read == 3
    assert Other.refused
    assert index(second).read == 2


def test_who_reads_sees_one_moment_while_another_writes(indexed):
    with Catalogue.reading(indexed.catalogue) as reader:
        before = reader.db.execute("SELECT * FROM photos").fetchall()
        text_model.photo(indexed.library / "new.png", (1, 2, 3))
        text_model.photo(indexed.library / "a" / "00.png", (3, 2, 1))
        (indexed.library / "a" / "01.png").unlink()
        assert indexed.index() == (2, 0, 23)
        assert reader.db.execute("SELECT * FROM photos").fetchall() == before
        slots = [slot for slot, in reader.db.execute("SELECT slot FROM photos")]
        assert len(reader.embeddings(slots)) == 25
    with Catalogue.reading(indexed.catalogue) as reader:
        assert reader.db.execute("SELECT count(*) FROM photos WHERE gone IS NULL").fetchone() == (
            25,)


def test_readers_never_see_a_row_without_its_embedding(indexed):
    """While photos are read again and again, every moment is whole."""
    done, wrong, moments = Event(), [], set()

    def look():
        while not done.is_set():
            with Catalogue.reading(indexed.catalogue) as reader:
                rows = reader.db.execute("SELECT slot, checksum FROM photos "
                                         "WHERE slot IS NOT NULL").fetchall()
                found = reader.embeddings([slot for slot, _ in rows])
                wrong.extend(slot for (slot, sum_), row in zip(rows, found, strict=True)
                             if vectors.checksum(row) != sum_)
                moments.add(tuple(rows))

    readers = [Thread(target=look) for _ in range(2)]
    for one in readers:
        one.start()
    for number in range(8):
        for photo in ("a/00.png", "c/12.png"):
            text_model.photo(indexed.library / photo, (number, 99, 0))
        assert indexed.index() == (2, 0, 23)
    done.set()
    for one in readers:
        one.join()
    assert wrong == []
    assert len(moments) > 1
    assert verify(indexed.catalogue).ok


def test_a_stream_begins_where_another_run_is(indexed):
    """A catalogue that is forgotten takes over what is there, also while that grows."""
    with Catalogue.reading(indexed.catalogue) as catalogue:
        identity = catalogue.identity
    with Catalogue.writing(indexed.catalogue, identity) as writer:
        with Catalogue.transient(indexed.catalogue, identity) as forgotten:
            embedding = np.array([1, 0, 0, 0], "<f2")
            for catalogue, id_ in ((writer, 100), (forgotten, 200), (writer, 101)):
                with catalogue.transaction():
                    catalogue.insert(id_, 1, b"%d" % id_, (1, 2, 3, 4), embedding * id_,
                                     (None, None, None))
            for catalogue, id_ in ((writer, 100), (forgotten, 200), (writer, 101)):
                slot = catalogue.rows([id_])[id_].slot
                assert list(catalogue.embeddings([slot, 0])[0]) == [id_, 0, 0, 0]
            assert forgotten.rows([100, 101]) == {}
        assert writer.rows([200]) == {}


def cleared(folder):
    """Whether a log can be cleared, which one who still reads an earlier moment prevents."""
    with closing(sqlite3.connect(folder / "catalogue.sqlite", timeout=0)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def test_who_reads_for_long_lets_the_log_be_cleared(indexed):
    with Catalogue.reading(indexed.catalogue) as reader:
        identity = reader.identity
        indexed.change("INSERT INTO facts VALUES ('a', 'b')")
        assert not cleared(indexed.catalogue)
    with (lenders([indexed.catalogue], identity) as [lender],
          Catalogue.transient(indexed.catalogue, identity)):
        text_model.photo(indexed.library / "a" / "00.png", (3, 2, 1))
        assert indexed.index() == (1, 0, 24)
        assert cleared(indexed.catalogue)
        row = lender.photo(str(indexed.library / "a"), "00.png")
        assert row[4] == 25
        assert lender.embedding(row) is not None


def test_embeddings_are_lent_also_after_their_file_was_written_anew(indexed):
    for number in range(5):
        text_model.photo(indexed.library / "a" / f"{number:02}.png", (3, 2, number))
    indexed.index()
    with Catalogue.reading(indexed.catalogue) as reader:
        identity = reader.identity
    with lenders([indexed.catalogue], identity) as [lender]:
        folder = str(indexed.library / "e")
        before = lender.photo(folder, "24.png")
        embedding = lender.embedding(before)
        with Catalogue.writing(indexed.catalogue, identity) as catalogue:
            compact(catalogue)
        after = lender.photo(folder, "24.png")
        assert after[4] != before[4]
        assert list(lender.embedding(after)) == list(embedding)
        assert lender.embedding(before) is None


def test_a_lock_goes_with_the_process_that_had_it(indexed, environment):
    program = ("import os, sys\nfrom pathlib import Path\n"
               "from zsl_cli.photos.catalogue.catalogue import Catalogue\n"
               "with Catalogue.reading(Path(sys.argv[1])) as one:\n    identity = one.identity\n"
               "with Catalogue.writing(Path(sys.argv[1]), identity):\n    os._exit(9)\n")
    assert subprocess.run([sys.executable, "-c", program, indexed.catalogue], env=environment,
                          check=False).returncode == 9
    assert indexed.index() == (0, 0, 25)


def test_a_catalogue_on_a_disk_that_cannot_be_written_to_is_read(indexed, disk):
    locked = disk(kilobytes=3000)
    assert indexed.index(catalogue=locked.path / "kept") == (25, 0, 0)
    locked.read_only()
    with Catalogue.reading(locked.path / "kept") as reader:
        assert reader.db.execute("SELECT count(*) FROM photos").fetchone() == (25,)
    assert verify(locked.path / "kept").ok
    indexed.index(catalogue=locked.path / "kept", dry_run=True)
    assert (indexed.result.todo, indexed.result.kept) == (0, 25)
    with pytest.raises(ZslError, match=r"cannot write .*kept.*; give `catalogue` another folder"):
        indexed.index(catalogue=locked.path / "kept")


def test_catalogues_of_two_models_lie_beside_each_other(indexed, catalogues, tmp_path):
    assert indexed.index(catalogue=None) == (25, 0, 0)
    indexed.index(catalogue=None, model="default", sources=str(indexed.library / "a"))
    assert indexed.result.read == 5
    assert sorted(noted.encoder.model for _, noted in places.known()) == ["default", "paint"]
    assert indexed.index(catalogue=None) == (0, 0, 25)
