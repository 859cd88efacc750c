"""A journal that lies beside the output, and that somebody else may have made or damaged."""

import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from zsl_cli.errors import ZslError
from zsl_cli.photos import database
from zsl_cli.photos.labelling import label
from zsl_cli.photos.request import LabelRequest
from zsl_cli.support import files

JOURNAL = ".l.csv.zsl-journal"


@pytest.fixture
def labelled(model, photos, tmp_path, monkeypatch):
    """A run that is done; what it wrote, and a request for the same again."""
    monkeypatch.chdir(tmp_path)
    request = LabelRequest("photos", output="l.csv", model=model)
    assert label(request).ok
    return (tmp_path / "l.csv").read_bytes(), request


def change(*statements):
    with closing(sqlite3.connect(JOURNAL, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("statement", [
    "CREATE TRIGGER t AFTER UPDATE ON photos BEGIN DELETE FROM photos; END",
    "CREATE VIEW v AS SELECT 1", "CREATE TABLE other (x)", "ALTER TABLE photos ADD COLUMN more",
    "DROP TABLE thumbnails", "CREATE INDEX more ON photos (labels)"])
def test_other_tables_views_and_triggers_are_refused(labelled, statement):
    before, request = labelled
    change(statement)
    with pytest.raises(ZslError, match="somebody else has made it; move it away"):
        label(request)
    assert Path("l.csv").read_bytes() == before


def test_a_view_that_never_ends_is_refused(labelled):
    _, request = labelled
    change("DROP TABLE facts", "CREATE VIEW facts (name, value) AS WITH RECURSIVE c (i) AS "
           "(SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT 'scan' || i, i FROM c")
    with pytest.raises(ZslError, match="somebody else has made it"):
        label(request)


@pytest.mark.parametrize("assignment", [
    "labels = '{'", "labels = '[[1, 2, 3]]'", "labels = '[[\"x\", \"FORGED\"]]'",
    "labels = '[[\"x\", \"FORGED\", 7.5]]'", "labels = '" + "[" * 5000 + "'", "labels = x'00'",
    "version = '=1+1'", "version = NULL", "size = 'a'", "mtime = 0.5", "crc = 'x'", "kind = 3",
    "settings = x'00'", "labels = 'null'", "scan = 'a'", "path = 'text'", "key = 'text'"])
def test_a_row_that_no_run_has_written_is_done_again(labelled, assignment):
    before, request = labelled
    os.unlink("l.csv")
    change(f"UPDATE photos SET {assignment} WHERE id = 3")
    assert label(request).labelled == 1
    assert Path("l.csv").read_bytes() == before


@pytest.mark.parametrize("value", ["x'00'", "'{'", "'[1'", "5"])
def test_facts_that_make_no_sense_are_an_error_or_forgotten(labelled, value):
    _, request = labelled
    change(f"UPDATE facts SET value = {value}")
    try:
        label(request)
    except ZslError as error:
        assert "l.csv" in str(error)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("place", ["table", "leaf", "schema"])
def test_damage_that_shows_late_is_told_and_the_output_stays(labelled, place, dry_run):
    before, request = labelled
    change("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(JOURNAL)) as connection:
        size, = connection.execute("PRAGMA page_size").fetchone()
        roots = [root for root, in connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name IN ('facts', 'photos')")]
    data = bytearray(Path(JOURNAL).read_bytes())
    for root in roots if place != "schema" else ():
        start = size * (root - 1)
        data[start:start + (size if place == "table" else 8)] = b"\xae" * (
            size if place == "table" else 8)
    if place == "schema":
        at = data.index(b"CREATE TABLE photos")
        data[at:at + 12] = b"\xae" * 12
    Path(JOURNAL).write_bytes(data)
    with pytest.raises(ZslError, match=r"l\.csv\.zsl-journal"):
        label(replace(request, dry_run=dry_run))
    assert Path("l.csv").read_bytes() == before


@pytest.mark.usefixtures("posix")
def test_a_journal_that_is_a_link_is_refused_and_nothing_is_made(labelled, tmp_path):
    _, request = labelled
    shutil.move(JOURNAL, "elsewhere")
    for target in ("elsewhere", "nowhere"):
        os.symlink(target, JOURNAL)
        with pytest.raises(ZslError, match="is a link or no regular file"):
            label(request)
        os.unlink(JOURNAL)
    assert not os.path.exists("nowhere")


@pytest.mark.usefixtures("posix")
def test_a_journal_that_everybody_may_write_to_is_refused(labelled):
    _, request = labelled
    os.chmod(JOURNAL, 0o666)
    for _ in range(2):
        with pytest.raises(ZslError, match="can be written to by others"):
            label(request)
    assert os.stat(JOURNAL).st_mode & 0o777 == 0o666


@pytest.mark.usefixtures("unprivileged")
@pytest.mark.parametrize("what", ["folder", "journal"])
def test_what_may_not_be_written_to_is_named(labelled, what):
    _, request = labelled
    path = os.path.dirname(os.path.abspath(JOURNAL)) if what == "folder" else JOURNAL
    mode = os.stat(path).st_mode
    os.chmod(path, mode & ~0o222)
    try:
        with pytest.raises(ZslError, match=f"no permission to write to {os.path.abspath(path)}"):
            label(request)
    finally:
        os.chmod(path, mode)


@pytest.mark.parametrize(("path", "variable"), [
    (None, "TMPDIR"), ("state/zsl/label/1.zsl-journal", "XDG_STATE_HOME"), ("l.zsl-journal", "")])
def test_a_journal_without_space_names_the_variable_that_helps(tmp_path, monkeypatch, path,
                                                               variable):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    full = sqlite3.OperationalError("full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    where = path and str(tmp_path / path)
    if where:
        os.makedirs(os.path.dirname(where), exist_ok=True)
    with pytest.raises(ZslError, match="no space left") as caught, database.explained(where):
        raise full
    assert re.findall("set ([A-Z_]+)", str(caught.value)) == ([variable] if variable else [])


@pytest.mark.usefixtures("posix")
def test_a_journal_of_another_user_is_refused(labelled, monkeypatch):
    _, request = labelled
    plain = os.lstat

    def lstat(path):
        status = plain(path)
        return os.stat_result((*status[:4], 12345, *status[5:])) if JOURNAL in str(path) else status

    monkeypatch.setattr(os, "lstat", lstat)
    with pytest.raises(ZslError, match="belongs to another user"):
        label(request)


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("number", ["EACCES", "ENOLCK", "EOPNOTSUPP"])
def test_a_share_without_locks_is_no_other_run(labelled, monkeypatch, number):
    import errno
    import fcntl

    def lockf(*_arguments):
        raise OSError(getattr(errno, number), "no")

    _, request = labelled
    with closing(sqlite3.connect(JOURNAL, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")  # what SQLite takes a share without locks for
        with pytest.raises(ZslError, match="another run is writing to the same output"):
            label(request)
        monkeypatch.setattr(fcntl, "lockf", lockf)
        assert not files.grants_locks(".")
        with pytest.raises(ZslError, match="its file system grants no locks"):
            label(request)
