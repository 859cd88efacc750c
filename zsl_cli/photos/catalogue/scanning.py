"""What lies in the folders now, against what the catalogue knows: what is new, changed, moved or
gone.

A folder at a time is compared, and of each photo only two numbers are kept, so that memory hardly
depends on how many there are.
"""

import os
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos.catalogue.met_folder import MetFolder
from zsl_cli.photos.photo import Stamp, checksum_of
from zsl_cli.support.wording import more

if TYPE_CHECKING:
    from zsl_cli.photos.catalogue.borrowing import Lender
    from zsl_cli.photos.catalogue.catalogue import Catalogue

_NUMBERS = 5  # that are noted of a new photo
_FOLDERS = 64  # that are held at once, for lists that go to and fro between folders
KEPT = 366 * 24 * 60 * 60
"""Seconds for which a photo that is gone is remembered, lest it comes back: with a disk that is
away, say."""
SCANNED = "scanned"
"""The fact that says when a library was looked through last: seconds since 1970."""
NEVER_SETTLED = ("missing", "permission", "changed", "limit", "decoder")
"""Failures that may be gone though the file is the same."""


@dataclass(frozen=True)
class Rules:
    """What is done again.

    retry_failed: what failed. check_content: read every file to see whether it changed, not only
    those whose size or times did. thumbnails: what has none.
    """

    retry_failed: bool = False
    check_content: bool = False
    thumbnails: bool = False


@dataclass(frozen=True)
class Pending:
    """A photo to be read, or the error that is known already; where it is in the order."""

    place: int
    id: int
    path: str
    error: ImageError | None


@dataclass
class Scan:
    """The photos that were met, in the order of the walk.

    todo: how many are to be read; kept: how many need not; failed: of these, failures; moved: how
        many were known by another path; gone: how many were not there any more.
    """

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    todo: int = 0
    kept: int = 0
    failed: int = 0
    moved: int = 0
    gone: int = 0
    _folders: list[str] = field(default_factory=list)
    _folder: "array[int]" = field(default_factory=lambda: array("l"))
    _names: dict[int, str] = field(default_factory=dict)  # paths that are not what the row says
    _errors: dict[int, ImageError] = field(default_factory=dict)
    _pending: "array[int]" = field(default_factory=lambda: array("q"))  # places

    def __len__(self) -> int:
        return len(self.ids)

    def path(self, place: int, known: str) -> str:
        """The path of the photo at this place of the order, as it was given; ``known``: its
        absolute one."""
        if place in self._names:
            return self._names[place]
        return os.path.join(self._folders[self._folder[place]], os.path.basename(known))

    def error(self, place: int) -> ImageError | None:
        """Why the photo at this place can't even be looked at, if so."""
        return self._errors.get(place)

    def add(self, id_: int, folder: str, *, todo: bool, error: ImageError | None = None,
            path: str | None = None) -> None:
        """Put a photo behind the others."""
        place = len(self.ids)
        if not self._folders or self._folders[-1] != folder:
            self._folders.append(folder)
        self.ids.append(id_)
        self._folder.append(len(self._folders) - 1)
        if path is not None:
            self._names[place] = path
        if error is not None:
            self._errors[place] = error
        if todo:
            self._pending.append(place)

    @property
    def pending_places(self) -> "array[int]":
        """The places of what is to be read, in order."""
        return self._pending

    def pending(self, catalogue: "Catalogue",
                places: Sequence[int] | None = None) -> Iterator[Pending]:
        """What is to be read, in order; or, whatever is known of it, what is at these places."""
        pending = self._pending if places is None else places
        for start in range(0, len(pending), 256):
            some = pending[start:start + 256]
            rows = catalogue.rows([self.ids[place] for place in some])
            for place in some:
                id_ = self.ids[place]
                yield Pending(place, id_, self.path(place, rows[id_].path), self._errors.get(place))

    def settle(self, moved: dict[int, int], todo: set[int]) -> None:
        """Have photos that were taken for new ones be the old ones that they are, of which some
        are to be read all the same."""
        if not moved:
            return
        for place in self._pending:
            self.ids[place] = moved.get(self.ids[place], self.ids[place])
        known = set(moved.values()) - todo
        self._pending = array("q", (place for place in self._pending
                                    if self.ids[place] not in known))
        self.moved = len(moved)

    def count(self, failed: int) -> None:
        """Have the counts be those of what is there."""
        self.todo = len(self._pending)
        self.kept = len(self.ids) - self.todo
        self.failed = failed


def scan(catalogue: "Catalogue", paths: Iterable[tuple[str, ImageError | None]],
         rules: Rules = Rules(), *, resolve_links: bool = False, within: Sequence[str] = (),
         lenders: "Sequence[Lender]" = ()) -> Scan:
    """Compare what is on the disk with the catalogue, and note what is new, moved and gone.

    paths: the photos in the order of the walk, or places that can't be read with their error.
    within: folders all of whose photos are among these, but for those that nobody chose.
    lenders: other catalogues that may know what is new to this one.

    Raises ZslError when there is nothing, which is how a library looks whose disk is away; nothing
    is forgotten then.
    """
    with catalogue.transaction():
        scanner = _Scanner(catalogue, rules, resolve_links, lenders)
        for path, error in paths:
            scanner.meet(path, error)
        return scanner.end(within)


class _Scanner:
    def __init__(self, catalogue: "Catalogue", rules: Rules, resolve_links: bool,
                 lenders: "Sequence[Lender]") -> None:
        self._catalogue, self._db = catalogue, catalogue.db
        self._rules, self._resolve, self._lenders = rules, resolve_links, lenders
        self._now = int(time.time())
        self._scan = Scan()
        self._met = bytearray(1)  # by id; a set of a million takes 60 times as much
        self._folders: dict[str, MetFolder] = {}  # by their names, as they were met
        self._left: set[str] = set()  # folders that were held once
        self._new = array("q")  # id, place, size, mtime, ctime of each, one behind the other
        self._errors = self._kept = self._last_id = 0
        self._last = ""
        self._last_id, = self._db.execute("SELECT coalesce(max(id), 0) FROM photos").fetchone()

    def meet(self, path: str, error: ImageError | None) -> None:
        """The next photo of the walk."""
        if error is not None:
            self._errors += 1
            self._last = f"{path}: {error}"
            if error.kind != "empty":
                self._keep_below(path)
        given = os.path.dirname(path)
        try:
            full = os.path.realpath(path) if self._resolve else None
        except ValueError:  # a NUL in the name: there can be no such file
            full = path
        folder = self._entered(given, full)
        name = os.path.basename(full or path) or path
        known = folder.known(name)
        shown = None if os.path.join(given, name) == path else path
        if known is None:
            self._last_id += 1
            stamp = None if error else _stamp(path)
            lent = stamp and self._borrowed(folder, path, name, stamp)
            if not lent:
                self._db.execute("INSERT INTO photos (id, folder, name, todo) VALUES (?, ?, ?, 1)",
                                 (self._last_id, folder.id, os.fsencode(name)))
                if stamp is not None:
                    self._new.extend((self._last_id, len(self._scan), stamp.size, stamp.mtime,
                                      stamp.ctime))
            folder.add(name, self._last_id)
            self._add(self._last_id, given, todo=not lent, error=error, path=shown)
        elif not self._is_met(known[0]):
            todo = not self._holds(known, path, error)
            if todo and not known[7]:
                self._db.execute("UPDATE photos SET todo = 1 WHERE id = ?", (known[0],))
            elif (not todo and known[7]) or known[8] is not None:
                self._db.execute("UPDATE photos SET todo = ?, gone = NULL WHERE id = ?",
                                 (todo, known[0]))
            self._add(known[0], given, todo=todo, error=error, path=shown)

    def _add(self, id_: int, given: str, *, todo: bool, error: ImageError | None = None,
             path: str | None = None) -> None:
        self._met.extend(bytes(max(0, id_ + 1 - len(self._met))))
        self._met[id_] = 1
        self._scan.add(id_, given, todo=todo, error=error, path=path)

    def _is_met(self, id_: int) -> bool:
        return id_ < len(self._met) and bool(self._met[id_])

    def _entered(self, given: str, full: str | None) -> "MetFolder":
        """The folder of the next photo, with what is known of it."""
        name = os.path.dirname(full) if full is not None else given
        if (folder := self._folders.pop(name, None)) is None:
            if len(self._folders) >= _FOLDERS:
                left = next(iter(self._folders))  # the one that was met longest ago
                del self._folders[left]
                self._left.add(left)
            path = os.path.realpath(name) if full is None else name
            folder = MetFolder(self._catalogue, path, self._lenders, whole=name not in self._left)
        self._folders[name] = folder
        return folder

    def _borrowed(self, folder: "MetFolder", path: str, name: str, stamp: Stamp) -> bool:
        """Whether another catalogue knows a photo that is new to this one; it is noted then."""
        for lender, row in folder.lent(name):
            if (row is not None and row[:3] == (stamp.size, stamp.mtime, stamp.ctime)
                    and (not self._rules.check_content or checksum_of(path) == row[3])
                    and (not self._rules.thumbnails or lender.thumbnail(row))
                    and lender.lend(self._catalogue, self._last_id, folder.id, os.fsencode(name),
                                    row)):
                return True
        return False

    def _holds(self, known: tuple, path: str, error: ImageError | None) -> bool:
        """Whether what is known of a photo still holds."""
        id_, size, mtime, ctime, crc, slot, kind, _, _, _ = known
        if error is not None or (slot is None and kind is None) or (
                kind and (self._rules.retry_failed or kind in NEVER_SETTLED
                          or kind not in ImageError.KINDS)):
            return False
        stamp = _stamp(path)
        if stamp is None or stamp.size != size or crc is None:
            return False
        if (stamp.mtime, stamp.ctime) != (mtime, ctime) or self._rules.check_content:
            if checksum_of(path) != crc:
                return False
            self._db.execute("UPDATE photos SET mtime = ?, ctime = ? WHERE id = ?",
                             (stamp.mtime, stamp.ctime, id_))
        return bool(kind or not self._rules.thumbnails or self._catalogue.thumbnail(id_))

    def _keep_below(self, path: str) -> None:
        """Keep the photos that are known below a folder that can't be read."""
        for id_, _, name, slot, kind, inner in self._below(path):
            if not self._is_met(id_) and (slot is not None or kind is not None):
                inside = os.path.join(path, os.fsdecode(inner))
                self._add(id_, inside, todo=False, path=os.path.join(inside, os.fsdecode(name)))
                self._kept += 1

    def _below(self, path: str) -> Iterator[tuple]:
        """The photos that are known in a folder and below it: id, folder, name, slot, kind, and the
        way from the one folder to the other."""
        key = self._catalogue.key(os.path.realpath(path))
        below = os.path.join(key, b"") if key else b""
        folders = self._db.execute(
            "SELECT id, path FROM folders WHERE path = ? OR substr(path, 1, ?) = ? ORDER BY path",
            (key, len(below), below)).fetchall()
        for folder_id, folder in folders:
            if not key and os.path.isabs(folder):  # outside of the library
                continue
            for id_, *what in self._db.execute(
                    "SELECT id, name, slot, kind FROM photos WHERE folder = ? AND gone IS NULL "
                    "ORDER BY id", (folder_id,)).fetchall():
                yield id_, folder, *what, folder[len(below):]

    def end(self, within: Sequence[str]) -> Scan:
        """All has been met."""
        if self._errors == len(self._scan.ids) - self._kept:
            raise ZslError("nothing to read: "
                           + (self._last if self._errors else "the list is empty")
                           + (f" (and {more(self._errors - 1)})" if self._errors > 1 else ""))
        self._scan.settle(*self._moves(self._missed(within)))
        forgotten = self._db.execute("DELETE FROM photos WHERE gone <= ?", (self._now - KEPT,))
        if forgotten.rowcount:
            self._db.execute("DELETE FROM thumbnails WHERE id NOT IN (SELECT id FROM photos)")
        self._catalogue.set_fact(SCANNED, str(self._now))
        failed = sum(1 for id_, in self._db.execute(
            "SELECT id FROM photos WHERE kind IS NOT NULL AND NOT todo") if self._is_met(id_))
        self._scan.count(failed)
        return self._scan

    def _missed(self, within: Sequence[str]) -> bool:
        """Note what is not there any more. Returns whether anything is."""
        for folder in within:
            for id_, path, name, slot, _, _ in self._below(folder):
                if self._is_met(id_):
                    continue
                full = os.path.join(self._catalogue.full(path), os.fsdecode(name))
                if slot is None or not os.path.lexists(full):  # else nobody chose it
                    self._scan.gone += 1
                    self._db.execute("UPDATE photos SET gone = ? WHERE id = ?",
                                     (self._now, id_))
        self._miss_listed()
        return bool(self._db.execute("SELECT 1 FROM photos WHERE gone IS NOT NULL").fetchone())

    def _miss_listed(self) -> None:
        """Note which photos outside of the library, such as of earlier lists, are gone from folders
        that are there: no folder that is looked through has them."""
        for folder_id, path in self._db.execute("SELECT id, path FROM folders").fetchall():
            folder = self._catalogue.full(path)
            if os.path.isabs(path) and os.path.isdir(folder):
                gone = [(self._now, id_) for id_, name in self._db.execute(
                    "SELECT id, name FROM photos WHERE folder = ? AND gone IS NULL", (folder_id,))
                    if not self._is_met(id_)
                    and not os.path.lexists(os.path.join(folder, os.fsdecode(name)))]
                self._scan.gone += len(gone)
                self._db.executemany("UPDATE photos SET gone = ? WHERE id = ?", gone)

    def _moves(self, any_gone: bool) -> tuple[dict[int, int], set[int]]:
        """Have new photos that are old ones by another path take over what is known of these.
        Returns the ids, new to old, and those of the old ones that have no thumbnail where there
        are to be any. Content tells: the size, and the checksum of what has it."""
        moved: dict[int, int] = {}
        todo: set[int] = set()
        if not any_gone or not self._new:
            return moved, todo
        gone: dict[int, dict[int, list[tuple[int, int]]]] = {}  # several may have the same content
        for id_, size, crc, since in self._db.execute(
                "SELECT id, size, crc, gone FROM photos WHERE gone IS NOT NULL AND slot IS NOT "
                "NULL AND NOT todo ORDER BY gone"):
            gone.setdefault(size, {}).setdefault(crc, []).append((id_, since))
        for at in range(0, len(self._new), _NUMBERS):
            id_, place, size, mtime, ctime = self._new[at:at + _NUMBERS]
            if not (candidates := gone.get(size)):
                continue
            crc = checksum_of(self._scan.path(place, self._catalogue.rows([id_])[id_].path))
            if crc is None or not (same := candidates.get(crc)):
                continue
            old, since = same.pop()
            self._scan.gone -= since == self._now
            folder, name = self._db.execute("SELECT folder, name FROM photos WHERE id = ?",
                                            (id_,)).fetchone()
            self._db.execute("DELETE FROM photos WHERE id = ?", (id_,))
            if self._rules.thumbnails and not self._catalogue.thumbnail(old):
                todo.add(old)
            self._db.execute(
                "UPDATE photos SET folder = ?, name = ?, mtime = ?, ctime = ?, gone = NULL, "
                "todo = ? WHERE id = ?", (folder, name, mtime, ctime, old in todo, old))
            moved[id_] = old
        return moved, todo


def _stamp(path: str) -> Stamp | None:
    try:
        return Stamp.of(os.stat(path))
    except (OSError, ValueError):
        return None
