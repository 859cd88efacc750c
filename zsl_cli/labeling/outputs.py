"""What is made of a journal: a table, a report; and where the journal of an output lies."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli import __version__
from zsl_cli.errors import ZslError
from zsl_cli.files import replacing
from zsl_cli.labeling.entry import Made
from zsl_cli.labeling.tables import FORMATS

if TYPE_CHECKING:
    from zsl_cli.labeling.journal import Journal

Lineage = Callable[[str], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Output:
    """A file that is written from the journal. ``format`` is a key of tables.FORMATS, or
    ``report``."""

    path: str
    format: str

    def write(self, journal: "Journal", made: Made, folders: Sequence[str],
              lineage: Lineage) -> None:
        """Write it whole, or leave what is there; raises ZslError."""
        try:
            with replacing(self.path) as file:
                if self.format == "report":
                    _write_report(file, journal, made, folders, lineage)
                else:
                    FORMATS[self.format](file, journal.entries(), made)
        except OSError as error:
            raise ZslError(
                f"cannot write {self.path}: {error.strerror or error}; what it was before is "
                "still there, and the labels are kept: run the command again") from error


def _write_report(file: BinaryIO, journal: "Journal", made: Made, folders: Sequence[str],
                  lineage: Lineage) -> None:
    from zsl_cli.labeling import report

    now = datetime.now(UTC).isoformat(timespec="seconds")
    report.write(file, journal.entries(thumbnails=True), lineage,
                 report.About(made.model, made.vocabulary, __version__, now, tuple(folders)))


def journal_path(outputs: Sequence[Output], folders: Sequence[str]) -> str | None:
    """Where the journal lies: beside the first output, None for a pipe or a device; without an
    output, in the user's state folder under the names of the labelled folders. Raises ZslError
    where it cannot be."""
    if outputs and os.path.exists(outputs[0].path) and not os.path.isfile(outputs[0].path):
        return None
    if outputs:
        target = Path(os.path.realpath(outputs[0].path))
        return str(target.with_name(f".{target.name}.zsl-journal"))
    from platformdirs import user_state_path

    names = "\0".join(sorted(os.path.realpath(folder) for folder in folders))
    key = hashlib.sha256(os.fsencode(names)).hexdigest()[:32]
    parent = user_state_path("zsl", appauthor=False) / "label"
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZslError(f"cannot make {parent}, where zsl notes what is done: "
                       f"{error.strerror}") from error
    return str(parent / f"{key}.zsl-journal")


def check(outputs: Sequence[Output]) -> None:
    """Raise ZslError for what can never be written."""
    for output in outputs:
        if os.path.isdir(output.path):
            raise ZslError(f"{output.path} is a folder; give the name of a file in it")
        if os.path.exists(output.path) and not os.path.isfile(output.path):
            continue
        parent = os.path.dirname(os.path.realpath(output.path))
        if not os.path.isdir(parent):
            raise ZslError(f"cannot write {output.path}: there is no folder {parent}")
        if not os.access(parent, os.W_OK):
            raise ZslError(f"cannot write {output.path}: no permission to write into {parent}")
    names = [os.path.realpath(output.path) for output in outputs]
    if len(set(names)) < len(names):
        raise ZslError(f"{outputs[0].path} is asked for twice")


def claim(journal: "Journal", journal_file: str, outputs: Sequence[Output],
          force: bool) -> None:
    """Raise ZslError where an output would replace a file that is not zsl label's own, unless
    ``force`` allows it."""
    for output in outputs:
        target = os.path.realpath(output.path)
        try:
            name = os.path.relpath(target, os.path.dirname(journal_file))
        except ValueError:  # another drive
            name = target
        name = os.fsencode(name).decode("utf-8", "backslashreplace")
        if (not journal.claims(name) and not force and os.path.isfile(target)
                and os.path.getsize(target)):
            raise ZslError(f"{output.path} exists and was not written by this zsl label; give "
                           "--force to replace it, or choose another name")
        journal.claim(name)

