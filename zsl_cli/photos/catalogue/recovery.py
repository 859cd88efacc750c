"""A damaged database made anew from the rows that can still be read; what was damaged is kept
aside."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database, parts
from zsl_cli.photos.catalogue.identity import Identity
from zsl_cli.support import files

_TABLES = {"folders": ("id", "path"),
           "photos": ("id", "folder", "name", "size", "mtime", "ctime", "crc", "slot", "checksum",
                      "kind", "message", "todo", "gone", "taken", "latitude", "longitude"),
           "thumbnails": ("id", "jpeg")}
_FACTS = ("library", "model", "encoder", "dimension", "generation", "synced", "scanned")
_SPAN = 1024  # ids that are asked for together
_MOST_FAILURES = 20_000  # to read; what comes behind them is given up
_LOGS = ("-wal", "-shm")


def recover(folder: Path) -> bool:
    """Make the database of a catalogue anew. Whether there is one now: where it can't even be read
    of which library and model it is, it is put aside all the same, and the next run begins anew.

    Raises ZslError while another process writes to it, and for what can't be written.
    """
    old, new = folder / parts.DATABASE, folder / f"{parts.DATABASE}.repaired"
    with database.explained(folder), files.locked(folder / parts.LOCK) as held:
        if not held:
            raise database.busy(folder)
        parts.remove([new])
        saved = _saved(old, new)
        _put_aside(folder)
        if saved:
            os.replace(new, old)
        else:
            parts.remove([old, new])
            for path in parts.embeddings(folder):  # without the rows nobody knows whose they are
                os.replace(path, f"{path}{parts.DAMAGED}")
    return saved


def _put_aside(folder: Path) -> None:
    """Copy the database beside itself, and take its log away, which would be taken for that of
    the new one."""
    path = folder / parts.DATABASE
    for end in ("", *_LOGS):
        if os.path.exists(f"{path}{end}"):
            shutil.copy2(f"{path}{end}", f"{path}{end}{parts.DAMAGED}")
    parts.remove(Path(f"{path}{end}") for end in _LOGS)


def _saved(old: Path, new: Path) -> bool:
    """Copy what can be read of one database into a new one; whether it is of use."""
    try:
        with closing(sqlite3.connect(old, isolation_level=None)) as source:
            source.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, database.LONGEST)
            source.text_factory = lambda data: data.decode("utf-8", "replace")
            source.execute("PRAGMA trusted_schema = OFF")
            facts = dict(_facts(source))
            Identity.noted(facts)
            with closing(database.connect(new)) as target:
                database.prepare(target, new, facts)
                target.execute("BEGIN")
                for table, columns in _TABLES.items():
                    _copy(source, target, table, columns)
                target.execute("COMMIT")
    except (sqlite3.Error, ValueError, ZslError):
        return False
    return True


def _facts(source: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """What is noted; where the table can't be read through, the facts that matter."""
    try:
        found = source.execute("SELECT name, value FROM facts").fetchall()
    except sqlite3.Error:
        found = []
        for name in _FACTS:
            with suppress(sqlite3.Error):
                found += source.execute("SELECT name, value FROM facts WHERE name = ?",
                                        (name,)).fetchall()
    yield from ((name, value) for name, value in found
                if isinstance(name, str) and isinstance(value, str))


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str,
          columns: tuple[str, ...]) -> None:
    places = ", ".join("?" * len(columns))
    for row in _rows(source, table, columns):
        # What is of another type, or twice there, was damaged.
        with suppress(sqlite3.IntegrityError):
            target.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", row)


def _rows(source: sqlite3.Connection, table: str,
          columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """The rows that can be read: spans of ids that can't are halved until single ids are left."""
    ids = range(0, _last_id(source, table) + 1, _SPAN)
    spans, failures = [(first, first + _SPAN - 1) for first in reversed(ids)], 0
    query = (f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED WHERE id BETWEEN ? AND ? "
             "ORDER BY id")
    while spans and failures < _MOST_FAILURES:
        first, last = spans.pop()
        try:
            found = source.execute(query, (first, last)).fetchall()
        except sqlite3.Error:
            failures += 1
            if first < last:
                middle = (first + last) // 2
                spans += [(middle + 1, last), (first, middle)]
            continue
        yield from found


def _last_id(source: sqlite3.Connection, table: str) -> int:
    try:
        last, = source.execute(f"SELECT max(id) FROM {table}").fetchone()
    except sqlite3.Error:
        return 1 << 24
    return last if isinstance(last, int) else 0
