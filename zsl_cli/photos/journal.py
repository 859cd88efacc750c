"""Journal: what is known of every photo of a library, on disk, safe against being killed.

An SQLite database in which each photo is one row. It is the one source of what ``label``
writes, so that an output is never half of something: batches are committed as they are done, and
outputs are made from the journal. It is also the list of work, so that memory does not depend on
the number of photos. One process at a time can hold it.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos import database
from zsl_cli.photos import journal_rows as rows
from zsl_cli.photos.entry import Entry
from zsl_cli.photos.photo import Stamp, checksum_of
from zsl_cli.support.files import cannot_write
from zsl_cli.support.wording import more

if TYPE_CHECKING:
    from zsl_cli.classifier.predictions import Answer
    from zsl_cli.photos.photo import Photo

_KEPT_SCANS = 10  # for so many scans a photo that is gone is remembered, lest it comes back
_PAGE = 512
_OUTPUT = "output "  # before an output's name, the name of a fact
_NEVER_SETTLED = ("missing", "permission", "changed", "limit", "decoder")
"""Failures that may be gone though the file is the same."""


@dataclass(frozen=True)
class Counts:
    """What a scan found: photos to do, photos whose labels still hold, and the failures among
    these."""

    todo: int
    kept: int
    failed: int


class Journal:
    """Open one with ``Journal.open``; it is a context manager."""

    def __init__(self, connection: sqlite3.Connection, path: str, settings: str) -> None:
        self._db = connection
        self._path = path
        self._folder = os.path.join(os.path.dirname(path), "") if path else None
        self._settings = settings
        self._scan = rows.number(self._fact("scan"))

    @classmethod
    @contextmanager
    def open(cls, path: str | None, settings: str) -> "Iterator[Journal]":
        """The journal in this file, a new one if there is none; None for one that is forgotten.

        settings: what the labels depend on; labels under other settings do not hold.

        Raises ZslError when another process holds it, or it can't be read or written.
        """
        try:
            os.makedirs(os.path.dirname(path or "") or os.curdir, exist_ok=True)
        except OSError as error:
            raise cannot_write(str(path), error) from error
        if path is not None:
            database.check_owner(path)
        is_new = path is not None and not os.path.exists(path)
        with database.explained(path):
            connection = sqlite3.connect(path or "", timeout=0, isolation_level=None)
        journal = None
        try:
            with database.explained(path):  # what is damaged may show when it is read
                database.prepare(connection, path)
                journal = cls(connection, path or "", settings)
                yield journal
        finally:
            connection.close()
            if path is not None and is_new and journal is not None and not journal._scan:
                with suppress(OSError):  # nothing came of it
                    os.unlink(path)

    @classmethod
    @contextmanager
    def open_copy(cls, path: str | None, settings: str) -> "Iterator[Journal]":
        """A copy of the journal in this file, which is left as it is and need not exist."""
        with cls.open(None, settings) as copy, database.explained(path):
            if path is not None:
                copy._folder = os.path.join(os.path.dirname(path), "")
                if os.path.exists(path):
                    database.copy(path, copy._db)
                copy._scan = rows.number(copy._fact("scan"))
            yield copy

    def scan(self, paths: Iterable[tuple[str, ImageError | None]], *, retry_failed: bool = False,
             check_content: bool = False, thumbnails: bool = False,
             resolve_links: bool = False) -> Counts:
        """Note what is in the library now, and what there is to do.

        paths: the photos in the order of the output, or places that can't be read with their
            error.
        retry_failed: do again what failed.
        check_content: read every file to see whether it changed, not only those whose size or
            times did.
        thumbnails: do again what has none.
        resolve_links: a photo that is reached twice counts once.

        What is found to be unchanged is kept, and so is what was known below a place that can't
        be read now: a disk that is not plugged in must not take its labels with it. Raises
        ZslError when nothing at all can be read. Any exception leaves the journal as it was.
        """
        rules = _Rules(retry_failed, check_content, thumbnails)
        number = self._scan + 1
        errors = met = position = 0
        with self._transaction():
            for path, error in paths:
                met += 1
                position += 1
                key = self._key(path, resolve_links)
                if error is not None:
                    errors += 1
                    last = f"{path}: {error}"
                    if error.kind != "empty":
                        position = self._keep_below(key, (number, position))
                self._note(key, path, error, (number, position), rules)
            if errors == met:
                raise ZslError(f"nothing to label: {last if errors else 'the list is empty'}"
                               + (f" (and {more(errors - 1)})" if errors > 1 else ""))
            gone = self._db.execute("DELETE FROM photos WHERE scan < ?", (number - _KEPT_SCANS,))
            if gone.rowcount:
                self._db.execute("DELETE FROM thumbnails WHERE id NOT IN (SELECT id FROM photos)")
            self._set_fact("scan", str(number))
            self._scan = number
        todo, kept, failed = self._db.execute(
            "SELECT total(todo), total(NOT todo), total(NOT todo AND kind IS NOT NULL) "
            "FROM photos WHERE scan = ?", (number,)).fetchone()
        return Counts(int(todo), int(kept), int(failed))

    def _key(self, path: str, resolve_links: bool) -> bytes:
        """What a photo is known by: its absolute path, or the one from the journal's folder, so
        that a library can be moved with its journal."""
        try:
            full = os.path.realpath(path) if resolve_links else os.path.abspath(path)
        except ValueError:  # a NUL in the name: there can be no such file
            full = path
        if self._folder is not None and full.startswith(self._folder):
            full = os.path.join(".", full[len(self._folder):])
        return os.fsencode(full)

    def _keep_below(self, key: bytes, place: tuple[int, int]) -> int:
        """Keep the photos that are known below a folder that can't be read; the next position."""
        number, position = place
        below = os.path.join(key, b"")
        found = self._db.execute(
            "SELECT id FROM photos WHERE key > ? AND key < ? AND scan = ? AND settings = ? "
            "ORDER BY position", (below, below[:-1] + bytes([below[-1] + 1]), number - 1,
                                  self._settings)).fetchall()
        for row, in found:
            self._db.execute("UPDATE photos SET scan = ?, position = ?, todo = 0 WHERE id = ?",
                             (number, position, row))
            position += 1
        return position

    def _note(self, key: bytes, path: str, error: ImageError | None, place: tuple[int, int],
              rules: "_Rules") -> None:
        known = self._db.execute(
            "SELECT id, scan, size, mtime, ctime, crc, settings, kind, labels, keywords, version "
            "FROM photos WHERE key = ?", (key,)).fetchone()
        name = os.fsencode(path)
        kind, message = (error.kind, rows.message_text(error)) if error else (None, None)
        if known is None:
            self._db.execute(
                "INSERT INTO photos (key, path, scan, position, todo, kind, message) "
                "VALUES (?, ?, ?, ?, 1, ?, ?)", (key, name, *place, kind, message))
            return
        row, scan, size, mtime, ctime, crc, settings, failed, labels, keywords, version = known
        if scan == place[0]:  # met already in this scan
            return
        holds = (error is None and settings == self._settings
                 and rows.is_ours(labels, keywords, failed, version)
                 and not (failed and (rules.retry_failed or failed in _NEVER_SETTLED))
                 and self._is_unchanged(row, path, (size, mtime, ctime, crc), rules)
                 and not (rules.thumbnails and not failed and not self._has_thumbnail(row)))
        self._db.execute("UPDATE photos SET path = ?, scan = ?, position = ?, todo = ? "
                         "WHERE id = ?", (name, *place, not holds, row))
        if error or settings is None:  # without settings, an error is the scan's
            self._db.execute("UPDATE photos SET labels = NULL, keywords = NULL, kind = ?, "
                             "message = ?, settings = NULL WHERE id = ?", (kind, message, row))

    def _is_unchanged(self, row: int, path: str, known: tuple, rules: "_Rules") -> bool:
        try:
            stamp = Stamp.of(os.stat(path))
        except (OSError, ValueError):
            return False
        size, mtime, ctime, crc = known
        if stamp.size != size or crc is None:
            return False
        if (stamp.mtime, stamp.ctime) == (mtime, ctime) and not rules.check_content:
            return True
        if checksum_of(path) != crc:
            return False
        self._db.execute("UPDATE photos SET mtime = ?, ctime = ? WHERE id = ?",
                         (stamp.mtime, stamp.ctime, row))
        return True

    def _has_thumbnail(self, row: int) -> bool:
        return bool(self._db.execute("SELECT 1 FROM thumbnails WHERE id = ?", (row,)).fetchone())

    def todo(self) -> Iterator[tuple[int, str, ImageError | None]]:
        """(row, path, error if it is known already) of what is to do, in order. Rows may be put
        meanwhile."""
        last = -1
        while page := self._db.execute(
                "SELECT position, id, path, settings, kind, message FROM photos "
                "WHERE scan = ? AND position > ? AND todo ORDER BY position LIMIT ?",
                (self._scan, last, _PAGE)).fetchall():
            last = page[-1][0]
            for _, row, path, settings, kind, message in page:
                fails = kind is not None and settings is None
                yield row, os.fsdecode(path), ImageError(message, kind) if fails else None

    def put(self, answers: "Iterable[tuple[Photo, Answer | ImageError]]", version: str) -> None:
        """Note what was found in some photos, all of them or none."""
        with self._transaction():
            self._overtake()
            for photo, answer in answers:
                stamp = photo.stamp
                columns: tuple[str | None, ...]
                if isinstance(answer, ImageError):
                    columns = None, None, answer.kind, rows.message_text(answer)
                else:
                    columns = (rows.labels_to_json(answer.labels),
                               rows.keywords_to_json(answer.keywords), None, None)
                self._db.execute(
                    "UPDATE photos SET todo = 0, size = ?, mtime = ?, ctime = ?, crc = ?, "
                    "settings = ?, version = ?, labels = ?, keywords = ?, kind = ?, message = ? "
                    "WHERE id = ?",
                    (stamp and stamp.size, stamp and stamp.mtime, stamp and stamp.ctime,
                     photo.crc, self._settings, version, *columns, photo.row))
                if photo.thumbnail is None:
                    self._db.execute("DELETE FROM thumbnails WHERE id = ?", (photo.row,))
                else:
                    self._db.execute("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)",
                                     (photo.row, photo.thumbnail))

    def entries(self, *, thumbnails: bool = False) -> Iterator[Entry]:
        """What is known of the photos of the last scan, in its order; what is not done yet and
        was never done is left out."""
        last = -1
        while page := self._db.execute(
                "SELECT position, id, path, size, mtime, version, labels, keywords, kind, message "
                "FROM photos WHERE scan = ? AND position > ? AND settings = ? "
                "ORDER BY position LIMIT ?",
                (self._scan, last, self._settings, _PAGE)).fetchall():
            last = page[-1][0]
            for _, row, path, size, mtime, version, labels, keywords, kind, message in page:
                entry = Entry(
                    os.fsdecode(path), rows.labels_from_json(labels),
                    None if kind is None else ImageError(message, kind),
                    size, None if mtime is None else round(mtime / 1e9, 6), version,
                    keywords=rows.keywords_from_json(keywords))
                if thumbnails:
                    jpeg = self._db.execute("SELECT jpeg FROM thumbnails WHERE id = ?",
                                            (row,)).fetchone()
                    entry = replace(entry, thumbnail=jpeg and jpeg[0])
                yield entry

    def most_frequent(self, number: int, name_of: Callable[[str, str], str],
                      ) -> list[tuple[str, int]]:
        """The names that are most often a keyword in ``entries``, or the first label where there
        are to be no keywords, and how often each is.

        name_of: what a label of this id and name is called.
        """
        found = self._db.execute(
            "SELECT labels, keywords FROM photos WHERE scan = ? AND settings = ? "
            "AND labels IS NOT NULL ORDER BY position", (self._scan, self._settings))
        names: Counter[str] = Counter()
        for labels, keywords in found:
            counted = json.loads(labels)[:1] if keywords is None else json.loads(keywords)
            names.update([*dict.fromkeys(name_of(*one[:2]) for one in counted)])
        return names.most_common(number)

    @property
    def folder(self) -> str:
        """The folder in which it lies; the present one for a journal that is forgotten."""
        return self._folder or os.curdir

    def note_output(self, output: str, marks: list[str]) -> None:
        """Note that an output has these settings' labels, and the marks by which it can be told
        from any other file. It is on the disk when this returns."""
        self._db.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            self._set_fact(_OUTPUT + output, json.dumps([self._settings, marks]))
        self._db.execute("PRAGMA synchronous = NORMAL")

    def marks(self, output: str) -> list[str]:
        """The marks of an output, see note_output."""
        return rows.output_of(self._fact(_OUTPUT + output))[1]

    def holds(self, output: str) -> bool:
        """Whether all that an output holds is in the journal too, so that writing it in the middle
        of a run loses nothing. Not so when it has other settings' labels, or when a run with
        other settings has begun to replace these."""
        settings, _ = rows.output_of(self._fact(_OUTPUT + output))
        return settings == self._settings and settings not in self._overtaken()

    def note_complete(self) -> None:
        """Note that everything has these settings' labels now."""
        with self._transaction():
            self._set_fact("overtaken", json.dumps(
                sorted(self._overtaken() - {self._settings})))

    def _overtaken(self) -> set[str]:
        """Settings of outputs whose labels are no longer all in the journal."""
        return set(rows.texts(self._fact("overtaken")))

    def _overtake(self) -> None:
        others = {rows.output_of(value)[0] or "" for value, in self._db.execute(
            "SELECT value FROM facts WHERE name GLOB ?", (f"{_OUTPUT}*",))} - {self._settings}
        if not others <= self._overtaken():
            self._set_fact("overtaken", json.dumps(sorted(self._overtaken() | others)))

    def _fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row and row[0]

    def _set_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with database.explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


@dataclass(frozen=True)
class _Rules:
    retry_failed: bool
    check_content: bool
    thumbnails: bool
