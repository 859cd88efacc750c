"""The SQLite file behind a journal: its tables, its lock, its errors in words."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager

from zsl_cli.errors import ZslError

_SCHEMA = """
CREATE TABLE photos (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,       -- see Journal, in bytes: a name need not be text
    path BLOB NOT NULL,             -- the path as it is given out
    scan INTEGER NOT NULL,          -- the last scan that met it, and its place there
    position INTEGER NOT NULL,
    todo INTEGER NOT NULL,
    size INTEGER, mtime INTEGER, ctime INTEGER, crc INTEGER,
    settings TEXT, version TEXT,    -- what labelled it
    labels TEXT,                    -- JSON [[id, label, score], …], best first
    kind TEXT, message TEXT         -- or the error
);
CREATE INDEX photos_in_order ON photos (scan, position);
CREATE TABLE thumbnails (id INTEGER PRIMARY KEY, jpeg BLOB NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_FORMAT = 1  # of the schema; in user_version
_APPLICATION = 0x5A534C31  # "ZSL1"; in application_id
_ANEW = "move it away and give `force`, and all photos are labelled anew"


def prepare(connection: sqlite3.Connection, path: str | None) -> None:
    """Take the journal for this process alone, and make its tables if it is new."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    is_new = _check_kind(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -8000")  # KiB, whatever the size of the library
    connection.execute("BEGIN EXCLUSIVE")
    if is_new:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
    connection.execute("COMMIT")


def _check_kind(connection: sqlite3.Connection, path: str | None) -> bool:
    """Whether it is a new database; ZslError when it is another program's, or version's."""
    application, = connection.execute("PRAGMA application_id").fetchone()
    version, = connection.execute("PRAGMA user_version").fetchone()
    tables, = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and (application, version) != (_APPLICATION, _FORMAT):
        raise ZslError(f"{path} is no journal of this version of zsl; {_ANEW}")
    return not tables


def copy(path: str, target: sqlite3.Connection) -> None:
    """Copy the journal in a file, which is only read: SQLite would leave files beside it."""
    with tempfile.TemporaryDirectory() as folder:
        work = os.path.join(folder, "journal")
        try:
            for suffix in ("", "-wal"):
                if os.path.exists(path + suffix):
                    shutil.copyfile(path + suffix, work + suffix)
            with closing(sqlite3.connect(work)) as connection:
                _check_kind(connection, path)
                connection.backup(target)
        except (OSError, sqlite3.Error) as error:
            raise ZslError(f"cannot read {path}: {error}; if another run is writing to the same "
                           "output, wait until it has ended") from error


@contextmanager
def explained(path: str | None) -> Iterator[None]:
    """SQLite's errors as ZslError."""
    where = path or "the temporary journal"
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise ZslError("another run is writing to the same output (it holds "
                           f"{where}); wait until it has ended") from error
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise ZslError(f"{where} is damaged or no journal of zsl; {_ANEW}") from error
        if code == sqlite3.SQLITE_FULL:
            raise ZslError(f"cannot write {where}: no space left; what was done before is kept, "
                           "run again when there is space") from error
        raise ZslError(f"cannot write {where}: {error}") from error
