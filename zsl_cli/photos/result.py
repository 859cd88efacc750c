"""What came of a run over a library."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zsl_cli.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LabelResult:
    """What came of a run over a library.

    todo, kept: photos that were to be read, and photos that the catalogue knew;
        failed_before: those among the latter that failed in an earlier run.
    read, failed: what came of those that were to be read, as far as the run went.
    reasons: how often photos failed for what reason (see ``reason``).
    sidecars: how many were changed, or in a dry run would be; sidecar_reasons: how often one could
        not be brought up to date for what reason.
    frequent: the names that are most often the first label, and of how many photos; none where a
        dry run only says what there is to do.
    outputs: the files that were written, or in a dry run would be; left: those that an interrupted
        run left as they were, since they are another model's.
    seconds: from the end of the scan on.
    passed_over: what lies in the folders and was not read, see Walk.passed_over.
    not_text: how many names are not UTF-8, so that outputs have ``\\udcXX`` for some bytes.
    """

    todo: int = 0
    kept: int = 0
    failed_before: int = 0
    read: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    sidecars: int = 0
    sidecar_reasons: Counter[str] = field(default_factory=Counter)
    frequent: tuple[tuple[str, int], ...] = ()
    outputs: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False
    passed_over: Counter[str] = field(default_factory=Counter)
    not_text: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing failed, now or in an earlier run, and all was done."""
        return not (self.failed or self.failed_before or self.sidecar_reasons or self.interrupted)


@dataclass(frozen=True)
class Filled:
    """What a catalogue got from a run over many machines, in photos.

    taken: were taken over; known: the catalogue knew already; changed: are not what the run saw any
        more; missing: are not there; failed: the run could not read; unsound: have an embedding
        that can be none; elsewhere: do not lie where photos were asked for.
    damaged: parts that can't be read. has_ended: whether the run had.
    """

    taken: int = 0
    known: int = 0
    changed: int = 0
    missing: int = 0
    failed: int = 0
    unsound: int = 0
    elsewhere: int = 0
    damaged: int = 0
    has_ended: bool = True


@dataclass(frozen=True)
class IndexResult:
    """What came of it.

    catalogue: its folder, None where nothing could be kept.
    read, failed: what came of the photos that were to be read, as far as the run went; todo: how
        many these were, kept: how many were known already, failed_before: of these, failures.
    moved: how many were known by another path; gone: how many were not there any more.
    reasons: how often photos failed for what reason (see reason).
    seconds: from the end of the scan on.
    passed_over, not_text: see LabelResult.
    filled: what came of a run that was taken over. scanned: whether folders were looked through,
        which those of an object store are not.
    """

    catalogue: "Path | None"
    todo: int = 0
    kept: int = 0
    failed_before: int = 0
    moved: int = 0
    gone: int = 0
    read: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    interrupted: bool = False
    passed_over: Counter[str] = field(default_factory=Counter)
    not_text: int = 0
    filled: Filled | None = None
    scanned: bool = True

    @property
    def ok(self) -> bool:
        """Whether nothing failed, now or in an earlier run, and all was done. What could not be
        taken over is read, where folders are looked through."""
        one = self.filled
        left = one is not None and not self.scanned and (
            one.changed or one.missing or one.failed or one.unsound or one.damaged)
        return not (self.failed or self.failed_before or self.interrupted or left)


def reason(message: str) -> str:
    """A message without its numbers, so that messages of one kind are counted together."""
    return re.sub(r"\d+(?:,\d{3})*", "…", message)


def sidecar_reason(error: ImageError) -> str:
    """The reason for which a sidecar failed, without the sidecar's name."""
    cause = error.__cause__
    said = cause.strerror if isinstance(cause, OSError) else str(cause or "")
    return reason(said or str(error))
