"""Is all that a catalogue has what was put there? And what can be done where it is not."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zsl_cli.errors import ImageError
from zsl_cli.photos.catalogue import compaction, moments, recovery, vectors
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.database import DamagedError, NoEmbeddingsError
from zsl_cli.support.vectors import have_unit_length

_PAGE = 512
_PROBLEMS = 20  # that SQLite names

@dataclass(frozen=True)
class Damage:
    """A way in which a photo's part is damaged: what is said of one, and of many."""

    one: str
    many: str


_NO_FILE = Damage("file with embeddings that is not there",
                  "files with embeddings that are not there")
_LOST = Damage("embedding that is not in the file", "embeddings that are not in the file")
_CHANGED = Damage("embedding that is not what was written",
                  "embeddings that are not what was written")
_NO_UNIT = Damage("embedding that is no unit vector", "embeddings that are no unit vectors")
_NONSENSE = Damage("row that makes no sense", "rows that make no sense")
_STRAY = Damage("row of a folder that is not known", "rows of a folder that is not known")


@dataclass(frozen=True)
class Verification:
    """What was found.

    checked: how many embeddings were compared. damage: how often something is wrong.
    database: what SQLite says of its file, or what is wrong with the catalogue as a whole.
    """

    folder: Path
    checked: int = 0
    damage: Counter[Damage] = field(default_factory=Counter)
    database: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.damage or self.database)


@dataclass(frozen=True)
class Repair:
    """What came of it.

    found: what was wrong. rebuilt: whether the database was made anew from what could be read of
        it; the file of before lies beside it. kept, again: how many photos are as they were, and
        how many will be read again. saved: whether anything could be.
    """

    found: Verification
    rebuilt: bool = False
    kept: int = 0
    again: int = 0
    saved: bool = True


def verify(folder: Path) -> Verification:
    """Compare every embedding with its checksum, and look at every row. Raises ZslError for what
    is no catalogue of zsl's, or not of this version's."""
    try:
        with Catalogue.reading(folder) as catalogue:
            problems = _problems(catalogue)
            damage: Counter[Damage] = Counter()
            checked = 0
            for page, wrong in _pages(catalogue):
                checked += page
                damage.update(what for _, what in wrong)
            return Verification(folder, checked, damage, problems)
    except NoEmbeddingsError:
        return Verification(folder, damage=Counter({_NO_FILE: 1}))
    except DamagedError as error:
        return Verification(folder, database=(error.reason or "its database cannot be read",))


def repair(folder: Path) -> Repair:
    """Save what can be saved: photos whose embeddings are damaged will be read again, a damaged
    database is made anew from the rows that can be read, and unused slots are left out where
    there are many.

    Raises ZslError for what is no catalogue of zsl's, and while another process writes to it.
    """
    found = verify(folder)
    rebuilt = bool(found.database)
    if rebuilt and not recovery.recover(folder):
        return Repair(found, saved=False)
    with Catalogue.writing(folder, moments.identity(folder)) as catalogue:
        wrong = [one for _, page in _pages(catalogue) for one in page]
        with catalogue.transaction():
            catalogue.db.executemany("DELETE FROM photos WHERE id = ?",
                                     [(id_,) for id_, what in wrong if what == _STRAY])
            catalogue.forget([(id_,) for id_, what in wrong if what != _STRAY])
        if compaction.is_worthwhile(catalogue):
            compaction.compact(catalogue)
        kept, again = catalogue.db.execute(
            "SELECT coalesce(sum(NOT todo), 0), coalesce(sum(todo), 0) FROM photos").fetchone()
    return Repair(found, rebuilt, kept, again)


def _problems(catalogue: Catalogue) -> tuple[str, ...]:
    lines = [line for line, in catalogue.db.execute(f"PRAGMA integrity_check({_PROBLEMS})")]
    return () if lines == ["ok"] else tuple(map(str, lines))


def _pages(catalogue: Catalogue) -> Iterator[tuple[int, list[tuple[int, Damage]]]]:
    """For some rows at a time how many embeddings were compared, and what is wrong: id, reason."""
    there = len(catalogue.vectors)
    last = -1
    while rows := catalogue.db.execute(
            "SELECT photos.id, folders.id, slot, checksum, kind, todo FROM photos LEFT JOIN "
            "folders ON folders.id = folder WHERE photos.id > ? ORDER BY photos.id LIMIT ?",
            (last, _PAGE)).fetchall():
        last = rows[-1][0]
        wrong = {id_: _STRAY if folder is None else _NONSENSE
                 for id_, folder, *what in rows if folder is None or not _makes_sense(*what)}
        embedded = [(id_, slot, sum_) for id_, _, slot, sum_, _, _ in rows
                    if slot is not None and id_ not in wrong]
        wrong |= {id_: _LOST for id_, slot, _ in embedded if not 0 <= slot < there}
        readable = [one for one in embedded if one[0] not in wrong]
        found = catalogue.embeddings([slot for _, slot, _ in readable])
        are_unit = have_unit_length(found)
        for (id_, _, sum_), row, is_unit in zip(readable, found, are_unit, strict=True):
            if vectors.checksum(row) != sum_:
                wrong[id_] = _CHANGED
            elif not is_unit:
                wrong[id_] = _NO_UNIT
        yield len(readable), list(wrong.items())


def _makes_sense(slot: int | None, sum_: int | None, kind: str | None, todo: int) -> bool:
    """Whether it is an embedding, an error, or to be read."""
    if slot is not None:
        return isinstance(slot, int) and isinstance(sum_, int) and kind is None
    return kind in ImageError.KINDS if kind is not None else bool(todo)


