"""The SQLite file of a catalogue: its tables, its kind, its errors in words."""

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import parts
from zsl_cli.support.files import grants_locks, why_not_own

FILE = parts.DATABASE

_SCHEMA = """
CREATE TABLE folders (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE       -- below the library, or from the root; bytes need not be text
) STRICT;
CREATE TABLE photos (
    id INTEGER PRIMARY KEY,
    folder INTEGER NOT NULL,
    name BLOB NOT NULL,
    size INTEGER, mtime INTEGER, ctime INTEGER, crc INTEGER,
    slot INTEGER,                   -- of the embedding, and its checksum
    checksum INTEGER,
    kind TEXT, message TEXT,        -- or the error
    todo INTEGER NOT NULL,          -- whether it is new or changed
    gone INTEGER,                   -- when it was missed first: seconds since 1970
    taken TEXT, latitude REAL, longitude REAL,
    UNIQUE (folder, name)
) STRICT;
CREATE UNIQUE INDEX photos_by_slot ON photos (slot) WHERE slot IS NOT NULL;
CREATE TABLE thumbnails (id INTEGER PRIMARY KEY, jpeg BLOB NOT NULL) STRICT;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_UPGRADES: tuple[str, ...] = ()
"""What makes that schema, which is of format 1, one of format 2, and so on."""
_FORMAT = 1 + len(_UPGRADES)  # in user_version
_APPLICATION = 0x5A534C43  # "ZSLC"; in application_id
LONGEST = 16 << 20  # bytes of a value
_TEMPORARY = "the temporary catalogue"
ANEW = "remove it (`zsl catalogues remove`) and index the library again"


class DamagedError(ZslError):
    """A catalogue that cannot be read as it is; ``reason`` says why, as far as that is known."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NoEmbeddingsError(DamagedError):
    """A catalogue whose file with embeddings is not there."""


class EmptyError(ZslError):
    """A database without tables, which a killed process may have left."""


def damaged(folder: Path | None, reason: str = "",
            kind: type[DamagedError] = DamagedError) -> DamagedError:
    """What is raised for a damaged catalogue."""
    return kind(f"{folder or _TEMPORARY} is damaged{reason and f' ({reason})'}; `zsl catalogues "
                f"verify` says what can be saved, or {ANEW}", reason)


def empty(folder: Path) -> EmptyError:
    """What is raised for an empty catalogue."""
    return EmptyError(f"{folder}: an empty catalogue; index the library again")


def connect(path: Path | None, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to the database in a file, or to a temporary one. Raises sqlite3.Error."""
    if path is None:
        return sqlite3.connect("", isolation_level=None)
    if not read_only:
        return sqlite3.connect(path, timeout=30, isolation_level=None)
    address = path.absolute().as_uri()
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=30, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError:
        connection.close()
        if _may_be_written(path.parent):
            raise
        # A disk that can't be written to has no place for what readers share; nobody writes there.
        return sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True, isolation_level=None)


def prepare(connection: sqlite3.Connection, path: Path | None, facts: Mapping[str, str]) -> bool:
    """Check a database, and make its tables, with these facts, if it is new, or those of an earlier
    format this format's. Returns whether it is new."""
    connection.execute("PRAGMA trusted_schema = OFF")
    is_new = check(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -8000")  # KiB, whatever the size of the library
    connection.execute("BEGIN IMMEDIATE")
    if is_new:
        for statement in _statements(_SCHEMA):
            connection.execute(statement)
        connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute("PRAGMA user_version = 1")
    version, = connection.execute("PRAGMA user_version").fetchone()
    for statement in _UPGRADES[version - 1:]:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_FORMAT}")
    connection.execute("COMMIT")
    return is_new


def check(connection: sqlite3.Connection, path: Path | None) -> bool:
    """Whether it is a new database; ZslError when it is another program's, or version's."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    application, = connection.execute("PRAGMA application_id").fetchone()
    version, = connection.execute("PRAGMA user_version").fetchone()
    tables = _schema_of(connection)
    if tables and application == _APPLICATION and version > _FORMAT:
        raise ZslError(f"{path} was made by a later version of zsl; update zsl, or {ANEW}")
    if tables and not (application == _APPLICATION and version >= 1):
        raise ZslError(f"{path} is no catalogue of zsl; give `catalogue` another folder")
    if tables and tables != _expected_schema(version):
        raise ZslError(f"{path} has other tables, views or triggers than a catalogue of zsl, so "
                       f"that somebody else has made it; {ANEW}")
    return not tables


def is_ours(folder: Path) -> bool:
    """Whether the file in a folder says that it is a catalogue, be it damaged or not (the format
    of SQLite's files: the application's number stands at byte 68)."""
    try:
        with open(folder / FILE, "rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head[68:] == _APPLICATION.to_bytes(4, "big")


def _statements(script: str) -> list[str]:
    return [statement for statement in script.split(";\n") if statement.strip()]


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
        for statement in (*_statements(_SCHEMA), *_UPGRADES[:version - 1]):
            connection.execute(statement)
        return _schema_of(connection)


def check_owner(folder: Path) -> None:
    """Raise ZslError for a catalogue that somebody else may have made: a part of it is a link,
    belongs to another user, or everybody may write to it."""
    try:
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    except OSError as error:
        raise ZslError(f"cannot read {folder}: {error.strerror or error}") from error
    for name in names:
        try:
            reason = why_not_own(folder / name, group=False)
        except OSError:
            continue
        if reason:
            raise ZslError(f"{folder / name} {reason}, so that it is not believed; {ANEW}")


def denied(folder: Path) -> Path | None:
    """What has to be written to for a catalogue, and may not be; SQLite calls that an error of the
    disk."""
    there = [path for path in (folder / FILE, folder / f"{FILE}-wal", folder / f"{FILE}-shm")
             if os.path.exists(path)]
    return next((path for path in [folder, *there] if not _may_be_written(path)), None)


def _may_be_written(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


@contextmanager
def explained(folder: Path | None, *, of_the_disk: bool = True) -> Iterator[None]:
    """SQLite's errors, and those of the disk, as ZslError."""
    where = str(folder or _TEMPORARY)
    try:
        yield
    except sqlite3.Error as error:
        raise _explanation(folder, where, error) from error
    except OSError as error:
        if not of_the_disk:
            raise
        raise ZslError(f"cannot write {where}: {error.strerror or error}; what was done before is "
                       f"kept{_elsewhere(folder)}") from error


def _explanation(folder: Path | None, where: str, error: sqlite3.Error) -> ZslError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if folder and (no := denied(folder)):
        return ZslError(f"cannot write {where}: no permission to write to {no}; give `catalogue` "
                        "another folder")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR,
                sqlite3.SQLITE_PROTOCOL) and folder and not grants_locks(folder):
        return no_locks(folder)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy(folder)
    if code in (0, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_TOOBIG):
        # Without a code, it is Python that cannot make text of a value.
        return damaged(folder)
    if code == sqlite3.SQLITE_FULL and folder is None:
        return ZslError(f"cannot write {where}: no space left in {tempfile.gettempdir()}; set "
                        "TMPDIR to a folder on another disk")
    if code == sqlite3.SQLITE_FULL:
        return ZslError(f"cannot write {where}: no space left; what was done before is kept, run "
                        f"again when there is space{_elsewhere(folder)}")
    return ZslError(f"cannot write {where}: {error}")


def no_locks(folder: Path) -> ZslError:
    """What is raised where a file system grants no locks."""
    return ZslError(f"cannot lock {folder}: its file system grants no locks, as some network "
                    "shares do; give `catalogue` a folder on a local disk")


def busy(folder: Path | None, *, of_lists: bool = False) -> ZslError:
    """What is raised where another process holds the catalogue. of_lists: whether it is that of
    photos that lie anywhere, so that the other's may be others."""
    if of_lists:
        return ZslError("another run is reading photos into the same catalogue, which single "
                        f"photos and lists share (it holds {folder}); wait until it has ended, or "
                        "give `catalogue` a folder of its own")
    return ZslError(f"another run is reading the same photos (it holds {folder}); wait until it "
                    "has ended")


def _elsewhere(folder: Path | None) -> str:
    return "" if folder is None else ", or give `catalogue` a folder on another disk"
