"""The SQLite file behind a journal: its tables, its lock, its errors in words."""

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache

from zsl_cli.errors import ZslError
from zsl_cli.support.files import grants_locks, why_not_own

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
_LONGEST = 64 << 20  # bytes of a value
_UPGRADES = (
    # JSON [[id, word, confidence], …], if keywords were asked for
    "ALTER TABLE photos ADD COLUMN keywords TEXT",
)
"""What makes that schema, which is of format 1, one of format 2, and so on."""
_FORMAT = 1 + len(_UPGRADES)  # in user_version
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
        connection.execute("PRAGMA user_version = 1")
    _upgrade(connection)
    forget_what_is_odd(connection)
    connection.execute("COMMIT")


def _upgrade(connection: sqlite3.Connection) -> None:
    """Make a journal of an earlier format, whose labels hold, one of this."""
    version, = connection.execute("PRAGMA user_version").fetchone()
    for statement in _UPGRADES[version - 1:]:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_FORMAT}")


def _check_kind(connection: sqlite3.Connection, path: str | None) -> bool:
    """Whether it is a new database; ZslError when it is another program's, or version's."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    application, = connection.execute("PRAGMA application_id").fetchone()
    version, = connection.execute("PRAGMA user_version").fetchone()
    tables = _schema_of(connection)
    if tables and not (application == _APPLICATION and 1 <= version <= _FORMAT):
        raise ZslError(f"{path} is no journal of this version of zsl; {_ANEW}")
    if tables and tables != _expected_schema(version):
        raise ZslError(f"{path} has other tables, views or triggers than a journal of zsl, so that "
                       f"somebody else has made it; {_ANEW}")
    return not tables


def _schema_of(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Kind, name and definition of what is in a database; blanks and comments do not count."""
    try:
        rows = connection.execute(
            "SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    except UnicodeDecodeError as error:  # SQLite's own message quotes what is damaged
        raise sqlite3.DatabaseError("its tables are described in no text") from error
    return {(kind, name, re.sub(r"--[^\n]*|\s", "", definition)) for kind, name, definition in rows}


@cache
def _expected_schema(version: int) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        for statement in _UPGRADES[:version - 1]:
            connection.execute(statement)
        return _schema_of(connection)


def forget_what_is_odd(connection: sqlite3.Connection) -> None:
    """Take away what no run of zsl has written: rows whose values are of other types than their
    columns'. What is known of a photo without is to do again."""
    connection.execute("DELETE FROM photos WHERE typeof(key) != 'blob' OR typeof(path) != 'blob'")
    kinds = {"integer": ("scan", "position", "todo", "size", "mtime", "ctime", "crc"),
             "text": ("settings", "version", "labels", "kind", "message", "keywords")}
    odd = " OR ".join(f"typeof({column}) NOT IN ('null', '{kind}')"
                      for kind, columns in kinds.items() for column in columns)
    connection.execute(f"DELETE FROM photos WHERE {odd}")
    connection.execute("DELETE FROM thumbnails WHERE typeof(jpeg) != 'blob'")
    connection.execute("DELETE FROM facts WHERE typeof(name) != 'text' OR typeof(value) != 'text'")


def check_owner(path: str) -> None:
    """Raise ZslError for a journal that somebody else may have made: one that is a link, belongs
    to another user, or that everybody may write to."""
    for name in (path, path + "-wal", path + "-shm"):
        try:
            reason = why_not_own(name, group=False)
        except OSError:
            continue
        if reason:
            raise ZslError(f"{name} {reason}, so that its labels are not taken over; {_ANEW}")


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
                _upgrade(target)
        except (OSError, sqlite3.Error) as error:
            raise ZslError(f"cannot read {path}: {error}; if another run is writing to the same "
                           "output, wait until it has ended") from error


def _denied(path: str) -> str | None:
    """What has to be written to for a journal, and may not be; SQLite calls that an error of the
    disk."""
    there = [name for name in (path, path + "-wal", path + "-shm") if os.path.exists(name)]
    effective = os.access in os.supports_effective_ids
    return next((name for name in [os.path.dirname(path) or os.curdir, *there]
                 if not os.access(name, os.W_OK, effective_ids=effective)), None)


def _elsewhere(path: str) -> str:
    """How a journal that lies where no output said gets to another disk."""
    from platformdirs import user_state_path

    if not path.startswith(str(user_state_path("zsl", appauthor=False))):
        return ""
    return ", or set XDG_STATE_HOME to a folder on another disk"


@contextmanager
def explained(path: str | None) -> Iterator[None]:
    """SQLite's errors as ZslError."""
    where = path or "the temporary journal"
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if denied := path and _denied(path):
            raise ZslError(f"cannot write {where}: no permission to write to {denied}; give "
                           "`output` another name or folder") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR) and (
                path and not grants_locks(os.path.dirname(path))):
            raise ZslError(f"cannot lock {where}: its file system grants no locks, as some network "
                           "shares do; give `output` on a local disk, and copy it") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise ZslError("another run is writing to the same output (it holds "
                           f"{where}); wait until it has ended") from error
        if code in (0, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_TOOBIG):
            # Without a code, it is Python that cannot make text of a value.
            raise ZslError(f"{where} is damaged or no journal of zsl; {_ANEW}") from error
        if code == sqlite3.SQLITE_FULL:
            if path is None:
                raise ZslError(f"cannot write {where}: no space left in {tempfile.gettempdir()}; "
                               "set TMPDIR to a folder on another disk") from error
            raise ZslError(f"cannot write {where}: no space left; what was done before is kept, "
                           "run again when there is space" + _elsewhere(path)) from error
        raise ZslError(f"cannot write {where}: {error}") from error
