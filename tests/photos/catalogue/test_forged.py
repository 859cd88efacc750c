"""A catalogue that somebody else may have made or damaged, and a disk that does not play along."""

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database, overview, places
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.verification import verify
from zsl_cli.photos.labelling import label
from zsl_cli.photos.request import LabelRequest
from zsl_cli.photos.search.request import SearchRequest
from zsl_cli.photos.search.searching import search
from zsl_cli.support import files


@pytest.fixture
def labelled(indexed, tmp_path, monkeypatch):
    """A run that is done; what it wrote, a function that runs it again, and the database."""
    monkeypatch.chdir(tmp_path)
    request = LabelRequest("photos", output="l.csv", model=indexed.request.model, device="cpu",
                           catalogue="kept")

    def run(**changes):
        return label(LabelRequest(**{**vars(request), **changes}))

    assert run().ok
    return (tmp_path / "l.csv").read_bytes(), run, Path("kept") / "catalogue.sqlite"


@pytest.mark.parametrize("statement", [
    "CREATE TRIGGER t AFTER UPDATE ON photos BEGIN DELETE FROM photos; END",
    "CREATE VIEW v AS SELECT 1", "CREATE TABLE other (x)", "ALTER TABLE photos ADD COLUMN more INT",
    "DROP TABLE thumbnails", "CREATE INDEX more ON photos (crc)"])
def test_other_tables_views_and_triggers_are_refused(labelled, indexed, statement):
    before, run, _ = labelled
    indexed.change(statement)
    with pytest.raises(ZslError, match="somebody else has made it; remove it"):
        run()
    with (pytest.raises(ZslError, match="somebody else has made it"),
          Catalogue.reading(indexed.catalogue)):
        pass
    assert Path("l.csv").read_bytes() == before


def test_a_view_that_never_ends_is_refused(labelled, indexed):
    _, run, _ = labelled
    indexed.change("DROP TABLE facts",
                   "CREATE VIEW facts (name, value) AS WITH RECURSIVE c (i) AS "
                   "(SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT 'scan' || i, i FROM c")
    with pytest.raises(ZslError, match="somebody else has made it"):
        run()


@pytest.mark.parametrize("assignment", [
    "slot = 1 << 60", "slot = -1", "slot = 25", "checksum = NULL, slot = NULL",
    "size = NULL", "size = -1", "crc = NULL", "kind = 'odd', slot = NULL",
    "kind = 'missing'", "slot = NULL, todo = 0"])
def test_a_row_that_no_run_has_written_is_done_again(labelled, indexed, assignment):
    before, run, _ = labelled
    os.unlink("l.csv")
    indexed.change(f"UPDATE photos SET {assignment} WHERE id = 3")
    assert run().read == 1
    assert Path("l.csv").read_bytes() == before
    assert os.path.getsize(indexed.catalogue / "embeddings.f16") < 1000


def test_a_photo_whose_embedding_is_no_number_is_read_again(labelled, indexed):
    before, run, _ = labelled
    with open(indexed.catalogue / "embeddings.f16", "rb+") as file:
        file.seek(3 * 8)
        file.write(b"\xff" * 8)
    os.unlink("l.csv")
    run()
    assert Path("l.csv").read_bytes() == before
    assert verify(indexed.catalogue).ok


@pytest.mark.parametrize("assignment", ["folder = 99", "slot = -1"])
def test_a_row_that_makes_no_sense_is_not_found(indexed, assignment):
    indexed.change(f"UPDATE photos SET {assignment} WHERE slot = 7")
    [result] = search(SearchRequest(indexed.library / "a" / "00.png", catalogue=indexed.catalogue,
                                    model=indexed.request.model, device="cpu", top=1000,
                                    paths="*/*"))
    assert len(result.hits) == 23  # without the query


@pytest.mark.parametrize("name", [b"../../../etc/passwd", b"a\0b", b"\xff", b"x" * 5000, b"/"])
def test_names_that_no_file_has_do_no_harm(labelled, indexed, name):
    before, run, _ = labelled
    indexed.change(f"UPDATE photos SET name = x'{name.hex()}' WHERE id = 3",
                   f"UPDATE folders SET path = x'{name.hex()}' WHERE id = 2")
    assert run().ok
    assert Path("l.csv").read_bytes() == before


@pytest.mark.parametrize("value", ["'{'", "'[1'", "'5'", "'٣'", "'1e300'", "''",
                                   f"'{'9' * 30}'", f"'{'[' * 9000}'"])
def test_facts_that_make_no_sense_are_an_error_or_forgotten(labelled, indexed, value):
    _, run, _ = labelled
    for name, in indexed.select("SELECT name FROM facts"):
        indexed.change("CREATE TEMP TABLE x (y)", f"UPDATE facts SET value = {value} "
                       f"WHERE name = CAST(x'{name.encode().hex()}' AS TEXT)")
        try:
            run()
        except ZslError as error:
            assert "kept" in str(error) or "l.csv" in str(error)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("place", ["table", "leaf", "schema"])
def test_damage_that_shows_late_is_told_and_the_output_stays(labelled, indexed, place, dry_run):
    before, run, path = labelled
    indexed.change("PRAGMA wal_checkpoint(TRUNCATE)")
    [(size,)] = indexed.select("PRAGMA page_size")
    roots = [root for root, in indexed.select(
        "SELECT rootpage FROM sqlite_master WHERE name IN ('facts', 'photos')")]
    data = bytearray(path.read_bytes())
    for root in roots if place != "schema" else ():
        start = size * (root - 1)
        data[start:start + (size if place == "table" else 8)] = b"\xae" * (
            size if place == "table" else 8)
    if place == "schema":
        at = data.index(b"CREATE TABLE photos")
        data[at:at + 12] = b"\xae" * 12
    path.write_bytes(data)
    with pytest.raises(ZslError, match=r"kept is damaged.*zsl catalogues verify"):
        run(dry_run=dry_run)
    assert Path("l.csv").read_bytes() == before


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("name", ["catalogue.sqlite", "embeddings.f16", "lock"])
def test_a_part_that_is_a_link_is_refused_and_nothing_is_made(labelled, indexed, name):
    _, run, _ = labelled
    path = indexed.catalogue / name
    shutil.move(path, "elsewhere")
    for target in ("elsewhere", "nowhere"):
        os.symlink(os.path.abspath(target), path)
        with pytest.raises(ZslError, match="is a link or no regular file"):
            run()
        os.unlink(path)
    assert not os.path.exists("nowhere")


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("name", ["catalogue.sqlite", "embeddings.f16"])
def test_a_part_that_everybody_may_write_to_is_refused(labelled, indexed, name):
    _, run, _ = labelled
    os.chmod(indexed.catalogue / name, 0o666)
    for _ in range(2):
        with pytest.raises(ZslError, match="can be written to by others"):
            run()
    assert os.stat(indexed.catalogue / name).st_mode & 0o777 == 0o666


@pytest.mark.usefixtures("posix")
def test_nobody_else_reads_what_is_known_of_photos(indexed, catalogues):
    indexed.index(catalogue=None)
    [folder] = places.every()
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "embeddings.f16").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("unprivileged")
@pytest.mark.parametrize("name", [".", "catalogue.sqlite", "embeddings.f16"])
def test_what_may_not_be_written_to_is_named(labelled, indexed, name):
    _, run, _ = labelled
    path = indexed.catalogue / name
    mode = os.stat(path).st_mode
    os.chmod(path, mode & ~0o222)
    try:
        with pytest.raises(ZslError, match=f"kept(/{re.escape(name)})?.*give `catalogue`"):
            run()
        assert run(dry_run=True).kept == 25
    finally:
        os.chmod(path, mode)


@pytest.mark.usefixtures("unprivileged")
@pytest.mark.parametrize("mode", [0, 0o100, 0o400])
def test_a_folder_that_may_not_be_looked_into_hides_no_other_catalogue(indexed, catalogues, mode):
    indexed.index(catalogue=None)
    [ours] = places.every()
    other = catalogues / "a-root"
    other.mkdir()
    (other / "catalogue.sqlite").touch()
    other.chmod(mode)
    try:
        assert [folder for folder, _ in places.known()] == [ours]
        assert indexed.index(catalogue=None) == (0, 0, 25)
        with pytest.raises(ZslError, match=f"{other}.*ermission"), Catalogue.reading(other):
            pass
        for dry_run in (False, True):
            with pytest.raises(ZslError, match=f"{other}.*ermission"):
                indexed.index(catalogue=other, dry_run=dry_run)
        assert "ermission" in overview.overview(other).message
    finally:
        other.chmod(0o700)


@pytest.mark.parametrize(("folder", "help_"), [
    (None, "set TMPDIR to a folder on another disk"),
    ("kept", "give `catalogue` a folder on another disk")])
def test_a_catalogue_without_space_names_what_helps(tmp_path, folder, help_):
    full = sqlite3.OperationalError("full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    where = folder and tmp_path / folder
    if where:
        where.mkdir()
    with pytest.raises(ZslError, match="no space left") as caught, database.explained(where):
        raise full
    assert help_ in str(caught.value)


@pytest.mark.usefixtures("posix")
def test_a_part_of_another_user_is_refused(labelled, monkeypatch):
    _, run, _ = labelled
    plain = os.lstat

    def lstat(path):
        status = plain(path)
        return os.stat_result((*status[:4], 12345, *status[5:])) if (
            str(path).endswith("catalogue.sqlite")) else status

    monkeypatch.setattr(os, "lstat", lstat)
    with pytest.raises(ZslError, match="belongs to another user"):
        run()


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("number", ["EACCES", "ENOLCK", "EOPNOTSUPP"])
def test_a_share_without_locks_is_no_other_run(labelled, indexed, monkeypatch, number):
    import errno
    import fcntl

    def lockf(*_arguments):
        raise OSError(getattr(errno, number), "no")

    _, run, _ = labelled
    with closing(sqlite3.connect(indexed.catalogue / "lock", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")  # what SQLite takes a share without locks for
        with pytest.raises(ZslError, match="another run is reading the same photos"):
            run()
        monkeypatch.setattr(fcntl, "lockf", lockf)
        assert not files.grants_locks(".")
        with pytest.raises(ZslError, match="its file system grants no locks"):
            run()


def test_a_catalogue_by_a_later_version_is_refused_and_left(labelled, indexed):
    _, run, _ = labelled
    indexed.change("PRAGMA user_version = 99", "ALTER TABLE photos ADD COLUMN more INT")
    with pytest.raises(ZslError, match="made by a later version of zsl; update zsl"):
        run()
    assert indexed.select("PRAGMA user_version") == [(99,)]


def test_another_programs_database_is_refused_and_left(indexed, tmp_path):
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / "catalogue.sqlite")) as other:
        other.execute("CREATE TABLE something (x)")
        other.commit()
    before = (tmp_path / "other" / "catalogue.sqlite").read_bytes()
    with pytest.raises(ZslError, match="is no catalogue of zsl; give `catalogue` another folder"):
        indexed.index(catalogue=tmp_path / "other")
    assert (tmp_path / "other" / "catalogue.sqlite").read_bytes() == before
