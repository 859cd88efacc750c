"""What is made of a catalogue: a table, a report. Of each the catalogue notes that zsl wrote it."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import places
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.entry import Entry, Provenance
from zsl_cli.photos.photo import checksum
from zsl_cli.photos.tables import FORMATS
from zsl_cli.support.files import cannot_write, check_new_file, replacing
from zsl_cli.support.version import __version__

if TYPE_CHECKING:
    from zsl_cli.classifier.predictions import PathOf

Lineage = Callable[[str], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Output:
    """A file that is written from a catalogue. ``format`` is a key of tables.FORMATS, or
    ``report``."""

    path: str
    format: str

    @property
    def is_stream(self) -> bool:
        """Whether it is a pipe or a device, which holds nothing that could be lost."""
        return os.path.exists(self.path) and not os.path.isfile(self.path)

    def check(self, *, now: bool = True) -> None:
        """Raise ZslError if it can never be written, or not ``now``."""
        # What is there is another question, which the catalogue answers: see check_own.
        check_new_file(self.path, force=True,
                       parameter="report" if self.format == "report" else "output")
        folder = os.path.dirname(os.path.realpath(self.path))
        if now and not self.is_stream and not os.access(folder, os.W_OK):
            raise ZslError(f"cannot write {self.path}: no permission to write to {folder}")

    def check_own(self, catalogue: "Catalogue", force: bool) -> None:
        """Raise ZslError where it would replace what is not as a run has written it, unless
        ``force`` allows that."""
        mark = self._mark()
        if mark is None or force:
            return
        marks = {known for one in self._catalogues(catalogue) for known in self._marks(one)}
        if mark not in marks:
            why = ("was changed since it was written" if marks else
                   "exists and was not written by an earlier run of the same command")
            raise ZslError(
                f"{self.path} {why}; give `force` to replace it, or choose another name")

    def would_lose(self, catalogue: "Catalogue") -> bool:
        """Whether writing it now, in the middle of a run, would take away labels that are made of
        another catalogue: of another model's."""
        mark = self._mark()
        return mark is not None and mark not in self._marks(catalogue)

    def _catalogues(self, catalogue: "Catalogue") -> "Iterator[Catalogue]":
        """The catalogue, and others of this user, which may know the file."""
        yield catalogue
        for folder in places.every():
            if folder != catalogue.folder:
                with suppress(ZslError), Catalogue.reading(folder) as other:
                    yield other

    def write(self, entries: "Callable[..., Iterator[Entry]]", catalogue: "Catalogue",
              provenance: Provenance, folders: Sequence[str], lineage: Lineage, *,
              force: bool = False, path_of: "PathOf | None" = None,
              spoken: Callable[[Entry], Entry] = lambda entry: entry,
              keyword_lineage: Lineage | None = None) -> None:
        """Write it whole, or leave what is there; raises ZslError, also where somebody has
        changed it meanwhile.

        entries: gives them, with ``thumbnails`` if it is told so.
        path_of: see predictions.record. spoken: what has labels called as they are to be written;
        those of a report are what ``lineage`` says. keyword_lineage: the same for keywords, where
        there are to be any.
        """
        self.check_own(catalogue, force)
        try:
            with replacing(self.path) as file:
                if self.format == "report":
                    _write_report(file, entries(thumbnails=True), provenance, folders, lineage,
                                  keyword_lineage)
                else:
                    FORMATS[self.format](file, map(spoken, entries()), provenance,
                                         path_of, keywords=keyword_lineage is not None)
                if not self.is_stream:
                    # Noted before it is in its place: a run that is killed in between knows it.
                    file.flush()
                    known = [mark for mark in self._marks(catalogue) if mark == self._mark()]
                    catalogue.set_fact(self._fact(catalogue),
                                       json.dumps([*known, _mark(file.name)]))
        except BrokenPipeError:
            raise
        except OSError as error:
            kept = "" if self.is_stream else (
                "; what it was before is still there, and the labels are kept: run again")
            raise cannot_write(self.path, error, kept) from error

    def _marks(self, catalogue: "Catalogue") -> list[str]:
        """By which a catalogue tells it from any other file."""
        try:
            marks = json.loads(catalogue.fact(self._fact(catalogue)) or "[]")
        except (ValueError, RecursionError):
            return []
        return [mark for mark in marks if isinstance(mark, str)] if isinstance(marks, list) else []

    def _fact(self, catalogue: "Catalogue") -> str:
        """What the catalogue calls it: by the way from the library, lest both are moved."""
        target = os.path.realpath(self.path)
        with suppress(ValueError):  # another drive
            target = os.path.relpath(target, catalogue.identity.library or os.sep)
        return "output " + os.fsencode(target).decode("utf-8", "backslashreplace")

    def _mark(self) -> str | None:
        """What tells the file that is there from another one; None if there is nothing to lose."""
        if not os.path.isfile(self.path) or not os.path.getsize(self.path):
            return None
        return _mark(self.path)


def _mark(path: str) -> str:
    """Size and checksum: a copy of a file is as good as the file."""
    with open(path, "rb") as file:
        return f"{os.fstat(file.fileno()).st_size} {checksum(file):08x}"


def _write_report(file: BinaryIO, entries: "Iterator[Entry]", provenance: Provenance,
                  folders: Sequence[str], lineage: Lineage,
                  keyword_lineage: Lineage | None) -> None:
    from zsl_cli.photos import report

    now = datetime.now(UTC).isoformat(timespec="seconds")
    about = report.About(provenance.model, provenance.vocabulary, __version__, now, tuple(folders))
    report.write(file, entries, lineage, about, keyword_lineage)
