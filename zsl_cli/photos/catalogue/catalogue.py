"""Catalogue: a row and an embedding for every photo of a library, safe against being killed.

One process at a time writes, in small transactions, and holds a lock as long; any number read
meanwhile. Embeddings lie in their file before the row that speaks of them is written. After a power
cut the rows may know more than the disk got of the embeddings: those behind the last sync are
compared with their checksums when the catalogue is opened the next time.

Who reads sees one moment of the catalogue, as it was when it was opened, until it lets go of that.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos.catalogue import database, facts, moments, parts, power_cuts, vectors
from zsl_cli.photos.catalogue.identity import Identity
from zsl_cli.photos.catalogue.vectors import Vectors
from zsl_cli.support import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.photos.photo import Photo

_SYNC = 5.0  # seconds between waits for the disk
_PAGE = 512
_COLUMNS = ("photos.id, folders.path, name, size, mtime, slot, kind, message, todo, gone, taken, "
            "checksum")
_UNKNOWN = "no error of a photo that zsl knows"


class Row(NamedTuple):
    """What is known of one photo.

    path: absolute. size: bytes; mtime: nanoseconds since 1970; None where it was never looked at.
    slot: where its embedding is, None where there is none. error: why there is none.
    todo: whether it is new or has changed since. gone: whether it was not there any more.
    taken: when, by the camera's clock, as ``2024-07-01T18:03:22``. checksum: of the embedding, see
        vectors.checksum.
    """

    id: int
    path: str
    size: int | None
    mtime: int | None
    slot: int | None
    error: ImageError | None
    todo: bool
    gone: bool
    taken: str | None
    checksum: int | None


class Catalogue:
    """Open one with ``writing``, ``reading`` or ``transient``, which are context managers.

    identity: of which library, and which model. is_new: whether nothing was known before.
    """

    def __init__(self, connection: sqlite3.Connection, folder: Path | None, rows: Vectors,
                 identity: Identity, *, is_new: bool = False) -> None:
        self.identity = identity
        self.folder = folder
        self.is_new = is_new
        self.db = connection
        self.vectors = rows
        self._slots = self._first_free()
        self._synced = time.monotonic()
        self._full: tuple[bytes | None, str] = (None, "")
        self._numbering: int | None = None  # the generation of the embeddings that are read

    def _first_free(self) -> int:
        """The slot for the next embedding: behind all that anybody may have read, also where the
        photos of the last ones are no longer known."""
        last = self._number("SELECT coalesce(max(slot), -1) FROM photos")
        return max(self.vectors.first, min(max(last + 1, self._synced_slots), len(self.vectors)))

    @property
    def generation(self) -> int:
        """How often slots were numbered anew: what is made of slots holds for one generation."""
        return facts.generation(self.db, self.folder)

    @property
    def slots(self) -> int:
        """How many slots there are, also those that no photo has any more."""
        return self._slots

    @property
    def _synced_slots(self) -> int:
        """So many slots were on the disk once."""
        fact = self.fact("synced") or ""
        return min(int(fact), len(self.vectors)) if fact.isdecimal() and len(fact) < 16 else 0

    @classmethod
    @contextmanager
    def writing(cls, folder: Path, identity: Identity) -> "Iterator[Catalogue]":
        """The catalogue in this folder, a new one if there is none, for this process alone.

        Raises ZslError when another process writes to it, when it is another library's or
        model's, or when it can't be read or written.
        """
        with ExitStack() as stack:
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                database.check_owner(folder)
                held = stack.enter_context(files.locked(folder / parts.LOCK))
                made = not parts.is_there(folder)
            except OSError as error:
                if (no := database.denied(folder)) is None and not files.grants_locks(folder):
                    raise database.no_locks(folder) from error
                raise ZslError(f"cannot write {folder}: "
                               + (f"no permission to write to {no}" if no else
                                  f"{error.strerror or error}")
                               + "; give `catalogue` another folder") from error
            if not held:
                raise database.busy(folder, of_lists=not identity.library)
            catalogue, nothing = None, False
            # When all is closed, lest SQLite or Windows miss what it has open.
            stack.callback(lambda: parts.remove(parts.parts(folder), folder) if nothing else None)
            try:
                with database.explained(folder):
                    catalogue = cls._opened(stack, folder, identity)
                    catalogue._forget_what_was_lost()
                    catalogue.sync()
                with database.explained(folder, of_the_disk=False):
                    yield catalogue
                with database.explained(folder):
                    catalogue.sync()
            finally:
                nothing = made and (catalogue is None or not catalogue._number(
                    "SELECT count(*) FROM photos"))

    @classmethod
    def _opened(cls, stack: ExitStack, folder: Path, identity: Identity) -> "Catalogue":
        connection = database.connect(folder / database.FILE)
        stack.callback(connection.close)
        is_new = database.prepare(connection, folder / database.FILE, identity.facts())
        noted = facts.identity(connection, folder)
        facts.check(noted, identity, folder)
        generation = facts.generation(connection, folder)
        rows = Vectors.writable(folder / vectors.file_name(generation), noted.encoder.dimension)
        stack.callback(rows.close)
        catalogue = cls(connection, folder, rows, noted, is_new=is_new)
        stack.callback(catalogue._close)  # which may have others by then
        parts.remove(folder / vectors.file_name(other)  # what was left by a run that was killed
                     for other in (generation - 1, generation + 1) if other >= 0)
        return catalogue

    @classmethod
    @contextmanager
    def reading(cls, folder: Path) -> "Iterator[Catalogue]":
        """The catalogue in this folder as it is now, whatever another process writes to it
        meanwhile. Who reads for long lets it go. Raises ZslError."""
        if not parts.is_there(folder):
            raise ZslError(f"{folder}: no catalogue in this folder; index a library into it first")
        database.check_owner(folder)
        with ExitStack() as stack:
            with database.explained(folder):
                connection = database.connect(folder / database.FILE, read_only=True)
                stack.callback(connection.close)
                connection.execute("PRAGMA trusted_schema = OFF")
                noted, generation, rows = moments.begin(connection, folder)
                stack.callback(rows.close)
                catalogue = cls(connection, folder, rows, noted)
                catalogue._numbering = generation
                stack.callback(catalogue._close)  # which may have others by then
            with database.explained(folder, of_the_disk=False):
                yield catalogue

    def let_go(self) -> None:
        """Read this moment of the catalogue no longer, which keeps its log from being cleared while
        another process writes: rows that are asked for afterwards are as they are then."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")  # which a damaged database allows, too

    @contextmanager
    def moment(self) -> "Iterator[bool]":
        """Within it a catalogue that is read, and was let go, is read as it is now. Yields whether
        slots mean what they meant before. Raises ZslError."""
        assert self.folder is not None
        self.let_go()
        with database.explained(self.folder):
            self.db.execute("BEGIN")
            if not (is_same := self.generation == self._numbering):
                self.let_go()
                _, self._numbering, rows = moments.begin(self.db, self.folder)
                self.vectors.close()
                self.vectors = rows
                self._slots = self._first_free()
        try:
            yield is_same
        finally:
            self.let_go()

    @classmethod
    @contextmanager
    def transient(cls, folder: Path | None, identity: Identity) -> "Iterator[Catalogue]":
        """One that is forgotten in the end, and begins with what the catalogue in this folder
        knows, if there is one; that is left as it is. Raises ZslError."""
        with ExitStack() as stack:
            with database.explained(None):
                connection = database.connect(None)
                stack.callback(connection.close)
            base = None
            other = None
            if folder is not None and parts.is_there(folder):
                with suppress(database.EmptyError):  # of which nothing is known
                    other = stack.enter_context(cls.reading(folder))
            if folder is not None and other is not None:
                with database.explained(folder):
                    facts.check(other.identity, identity, folder)
                    other.db.backup(connection)
                    other.let_go()
                    identity, base = other.identity, other.vectors
            with database.explained(None):
                is_new = database.prepare(connection, None, identity.facts())
                rows = Vectors.transient(base, identity.encoder.dimension)
                stack.callback(rows.close)
                catalogue = cls(connection, None, rows, identity, is_new=is_new)
                catalogue._forget_what_was_lost()
            with database.explained(None, of_the_disk=False):
                yield catalogue

    def _close(self) -> None:
        self.vectors.close()

    def _forget_what_was_lost(self) -> None:
        """Have embeddings done again that a power cut has taken."""
        if lost := power_cuts.lost(self.db, self.vectors, self._synced_slots):
            with self.transaction():
                self.forget(lost)

    def forget(self, ids: "Sequence[tuple[int]]") -> None:
        """Have the embeddings of these photos done again."""
        self.db.executemany("UPDATE photos SET slot = NULL, checksum = NULL, crc = NULL, "
                            "kind = NULL, message = NULL, todo = 1 WHERE id = ?", ids)

    def put(self, answers: "Iterable[tuple[Photo, NDArray[np.float16] | ImageError]]") -> None:
        """Note what came of some photos, their embedding or an error, all of them or none. What is
        known of a photo that is not there is kept, lest a disk is away."""
        with self.transaction():
            for photo, answer in answers:
                if isinstance(answer, ImageError) and answer.kind == "missing" and self.db.execute(
                        "UPDATE photos SET todo = 0, gone = coalesce(gone, ?) WHERE id = ? AND "
                        "slot IS NOT NULL", (int(time.time()), photo.row)).rowcount:
                    continue
                stamp = photo.stamp
                seen = (None,) * 3 if stamp is None else (stamp.size, stamp.mtime, stamp.ctime)
                self._note(photo.row, (*seen, photo.crc), answer,
                           (photo.capture.taken, photo.capture.latitude, photo.capture.longitude))
                self.set_thumbnail(photo.row, photo.thumbnail)
        if time.monotonic() - self._synced > _SYNC:
            self.sync()

    def insert(self, id_: int, folder: int, name: bytes, stamp: tuple[int | None, ...],
               embedding: "NDArray[np.float16]", capture: "tuple[str | float | None, ...]") -> None:
        """Note a photo, new or not, of which somebody else knows this; see ``put``."""
        self.db.execute("INSERT OR IGNORE INTO photos (id, folder, name, todo) VALUES (?, ?, ?, 0)",
                        (id_, folder, name))
        self._note(id_, stamp, embedding, capture)

    def _note(self, id_: int, stamp: tuple[int | None, ...],
              answer: "NDArray[np.float16] | ImageError",
              capture: "tuple[str | float | None, ...]") -> None:
        slot = sum_ = kind = message = None
        if isinstance(answer, ImageError):
            kind, message = answer.kind, _text(answer)
        else:
            slot, sum_ = self._slots, vectors.checksum(answer)
            self.vectors.write(slot, answer)
            self._slots += 1
        self.db.execute(
            "UPDATE photos SET todo = 0, gone = NULL, size = ?, mtime = ?, ctime = ?, crc = ?, "
            "slot = ?, checksum = ?, kind = ?, message = ?, taken = ?, latitude = ?, "
            "longitude = ? WHERE id = ?", (*stamp, slot, sum_, kind, message, *capture, id_))

    def sync(self) -> None:
        """Wait until the embeddings are on the disk, and note that they are."""
        self.vectors.sync()
        self.set_fact("synced", str(self._slots))
        self._synced = time.monotonic()

    def renumber(self, rows: Vectors, slots: "Sequence[int]") -> None:
        """Have the embeddings lie in another file, where those at these slots have the numbers from
        0 on; after a power cut, too, it is all as before or all so."""
        self.db.execute("PRAGMA synchronous = FULL")
        with self.transaction():
            self.db.executemany("UPDATE photos SET slot = ? WHERE slot = ?", enumerate(slots))
            self.set_fact(facts.GENERATION, str(self.generation + 1))
            self.set_fact("synced", str(len(slots)))
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.vectors.close()
        self.vectors, self._slots = rows, len(slots)

    def rows(self, ids: "Sequence[int]") -> dict[int, Row]:
        """What is known of these photos, by their ids."""
        return self._rows("photos.id", ids)

    def at(self, slots: "Sequence[int]") -> dict[int, Row]:
        """What is known of the photos whose embeddings these are, by the slots."""
        return {row.slot: row for row in self._rows("slot", slots).values()
                if row.slot is not None}

    def _rows(self, column: str, values: "Sequence[int]") -> dict[int, Row]:
        found = {}
        for start in range(0, len(values), _PAGE):
            page = values[start:start + _PAGE]
            for line in self.db.execute(
                    f"SELECT {_COLUMNS} FROM photos JOIN folders ON folders.id = folder "
                    f"WHERE {column} IN ({', '.join('?' * len(page))})", page):
                found[line[0]] = self._row(*line)
        return found

    def _row(self, id_: int, folder: bytes, name: bytes, size: int | None, mtime: int | None,
             slot: int | None, kind: str | None, message: str | None, todo: int, gone: int | None,
             *capture: "str | float | None") -> Row:
        error = None
        if kind is not None:
            error = ImageError(message or _UNKNOWN, kind if kind in ImageError.KINDS else "image")
        path = os.path.join(self.full(folder), os.fsdecode(name))
        return Row(id_, path, size, mtime, slot, error, bool(todo), gone is not None,
                   *capture)  # type: ignore[arg-type]

    def full(self, folder: bytes) -> str:
        """The absolute path of a folder."""
        if self._full[0] != folder:  # photos of one folder mostly come together
            path = os.path.join(self.identity.library, os.fsdecode(folder)).rstrip(os.sep)
            self._full = folder, path or os.sep
        return self._full[1]

    def key(self, folder: str) -> bytes:
        """What a folder, an absolute path, is known by: the path below the library, so that a
        library may be moved, or the whole of one that lies elsewhere."""
        library = self.identity.library
        if folder == library:
            return b""
        inside = library and folder.startswith(os.path.join(library, ""))
        return os.fsencode(folder[len(os.path.join(library, "")):] if inside else folder)

    def embeddings(self, slots: "Sequence[int]") -> "NDArray[np.float16]":
        """float16 ``[n, D]``: the embeddings at these slots. Raises ZslError."""
        with database.explained(self.folder):
            try:
                return self.vectors.read(slots)
            except IndexError as error:
                raise database.damaged(self.folder, "embeddings are missing") from error

    def thumbnail(self, id_: int) -> bytes | None:
        """A small JPEG of a photo, if there is one."""
        row = self.db.execute("SELECT jpeg FROM thumbnails WHERE id = ?", (id_,)).fetchone()
        return row and row[0]

    def set_thumbnail(self, id_: int, jpeg: bytes | None) -> None:
        """Note that of a photo, or that there is none."""
        if jpeg is None:
            self.db.execute("DELETE FROM thumbnails WHERE id = ?", (id_,))
        else:
            self.db.execute("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", (id_, jpeg))

    def fact(self, name: str) -> str | None:
        """What is noted under this name."""
        row = self.db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row and row[0]

    def set_fact(self, name: str, value: str) -> None:
        """Note something under this name."""
        self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _number(self, query: str) -> int:
        value, = self.db.execute(query).fetchone()
        return int(value)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written in the block, or nothing. Raises ZslError."""
        with database.explained(self.folder):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise


def _text(error: ImageError) -> str:
    """A message as a database takes it: text without halves of surrogate pairs."""
    return error.plain.encode("utf-8", "backslashreplace").decode()
