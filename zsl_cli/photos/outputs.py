"""What is made of a journal: a table, a report; and where the journal of an output lies."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.errors import ZslError
from zsl_cli.photos.entry import Entry, Provenance
from zsl_cli.photos.photo import checksum
from zsl_cli.photos.tables import FORMATS
from zsl_cli.support.files import cannot_write, check_new_file, replacing
from zsl_cli.support.version import __version__

if TYPE_CHECKING:
    from zsl_cli.classifier.predictions import PathOf
    from zsl_cli.photos.journal import Journal

_LONGEST = 220  # bytes of a name that leave room for what is put around it

Lineage = Callable[[str], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Output:
    """A file that is written from the journal. ``format`` is a key of tables.FORMATS, or
    ``report``."""

    path: str
    format: str

    @property
    def is_stream(self) -> bool:
        """Whether it is a pipe or a device, which holds nothing that could be lost."""
        return os.path.exists(self.path) and not os.path.isfile(self.path)

    def check(self) -> None:
        """Raise ZslError if it can never be written."""
        # What is there is another question, which the journal answers: see check_own.
        check_new_file(self.path, force=True,
                       parameter="report" if self.format == "report" else "output")

    def check_own(self, journal: "Journal", force: bool) -> None:
        """Raise ZslError where it would replace what is not as a run has written it, unless
        ``force`` allows that."""
        mark = self._mark()
        marks = journal.marks(self._name(journal))
        if mark is not None and mark not in marks and not force:
            why = ("was changed since it was written" if marks else
                   "exists and was not written by an earlier run of the same command")
            raise ZslError(
                f"{self.path} {why}; give `force` to replace it, or choose another name")

    def would_lose(self, journal: "Journal") -> bool:
        """Whether writing it now, in the middle of a run, would take away labels that the journal
        does not hold."""
        return self._mark() is not None and not journal.holds(self._name(journal))

    def write(self, journal: "Journal", provenance: Provenance, folders: Sequence[str],
              lineage: Lineage, *, force: bool = False, path_of: "PathOf | None" = None,
              spoken: Callable[[Entry], Entry] = lambda entry: entry,
              keyword_lineage: Lineage | None = None) -> None:
        """Write it whole, or leave what is there; raises ZslError, also where somebody has
        changed it meanwhile.

        path_of: see predictions.record. spoken: what has labels called as they are to be written;
        those of a report are what ``lineage`` says. keyword_lineage: the same for keywords, where
        there are to be any.
        """
        self.check_own(journal, force)
        try:
            with replacing(self.path) as file:
                if self.format == "report":
                    _write_report(file, journal, provenance, folders, lineage, keyword_lineage)
                else:
                    FORMATS[self.format](file, map(spoken, journal.entries()), provenance,
                                         path_of, keywords=keyword_lineage is not None)
                if not self.is_stream:
                    # Noted before it is in its place: a run that is killed in between knows it.
                    file.flush()
                    name = self._name(journal)
                    known = [mark for mark in journal.marks(name) if mark == self._mark()]
                    journal.note_output(name, [*known, _mark(file.name)])
        except BrokenPipeError:
            raise
        except OSError as error:
            kept = "" if self.is_stream else (
                "; what it was before is still there, and the labels are kept: run again")
            raise cannot_write(self.path, error, kept) from error

    def _name(self, journal: "Journal") -> str:
        """What the journal calls it: by the way from itself, lest both are moved."""
        target = os.path.realpath(self.path)
        try:
            name = os.path.relpath(target, journal.folder)
        except ValueError:  # another drive
            name = target
        return os.fsencode(name).decode("utf-8", "backslashreplace")

    def _mark(self) -> str | None:
        """What tells the file that is there from another one; None if there is nothing to lose."""
        if not os.path.isfile(self.path) or not os.path.getsize(self.path):
            return None
        return _mark(self.path)


def _mark(path: str) -> str:
    """Size and checksum: a copy of a file is as good as the file."""
    with open(path, "rb") as file:
        return f"{os.fstat(file.fileno()).st_size} {checksum(file):08x}"


def _write_report(file: BinaryIO, journal: "Journal", provenance: Provenance,
                  folders: Sequence[str], lineage: Lineage,
                  keyword_lineage: Lineage | None) -> None:
    from zsl_cli.photos import report

    now = datetime.now(UTC).isoformat(timespec="seconds")
    about = report.About(provenance.model, provenance.vocabulary, __version__, now, tuple(folders))
    report.write(file, journal.entries(thumbnails=True), lineage, about, keyword_lineage)


def journal_path(outputs: Sequence[Output], sources: Sequence[str]) -> str | None:
    """Where the journal lies: beside the first output, None for a pipe or a device; without an
    output, in the user's state folder under the names of what is labelled."""
    if outputs:
        if outputs[0].is_stream:
            return None
        folder, name = os.path.split(os.path.realpath(outputs[0].path))
        if len(os.fsencode(name)) > _LONGEST:
            name = f"{name[:40]}-{_digest(name)}"
        return os.path.join(folder, f".{name}.zsl-journal")
    if not sources:  # a list from standard input
        return None
    from platformdirs import user_state_path

    key = _digest("\0".join(sorted(os.path.realpath(source) for source in sources)))
    return str(user_state_path("zsl", appauthor=False) / "label" / f"{key}.zsl-journal")


def can_have_journal(path: str) -> bool:
    """Whether the folder of a journal is there, or can be made, and can be written to."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:32]
