"""What has happened in a run over a library, and what is said of it."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from zsl_cli.cli.terminal.progress import Bar, duration, rate

if TYPE_CHECKING:
    from zsl_cli.errors import ImageError
    from zsl_cli.photos.entry import Entry
    from zsl_cli.photos.journal import Counts

_FIRST_FAILURES = 5
_REASONS = 10
_LABELS = 8


class Tally:
    """Counts photos as they are done, and says the first failures (``verbose``: all of them)."""

    def __init__(self, bar: Bar, counts: "Counts", verbose: bool) -> None:
        self.bar = bar
        self.interrupted = 0  # or the exit status of an interrupted run
        self.sidecars = 0
        self.notes: list[str] = []
        self._counts = counts
        self._verbose = verbose
        self._done = self._failed = 0
        self._reasons: Counter[str] = Counter()
        self._sidecar_reasons: Counter[str] = Counter()
        self._said = 0
        self._started = time.perf_counter()

    def add(self, entries: "Sequence[Entry]") -> None:
        """Count photos that were done just now."""
        before = self._failed
        for entry in entries:
            if entry.error is not None:
                self.fail(entry.path, str(entry.error))
        failed = self._failed - before
        self._done += len(entries) - failed
        self.bar.advance(len(entries), failed)

    def fail(self, path: str, message: str) -> None:
        """Count a failure."""
        self._failed += 1
        self._reasons[_kind_of(message)] += 1
        self._say_failure(path, message)

    def fail_sidecar(self, path: str, error: "ImageError") -> None:
        """Count a sidecar that could not be brought up to date."""
        reason = error.__cause__
        said = reason.strerror if isinstance(reason, OSError) else str(reason)
        self._sidecar_reasons[_kind_of(said or str(error))] += 1
        self._say_failure(path, str(error))

    def _say_failure(self, path: str, message: str) -> None:
        self._said += 1
        if self._verbose or self._said <= _FIRST_FAILURES:
            self.bar.say(f"zsl: {path}: {message}")

    @property
    def status(self) -> int:
        """The exit status: 128 + the signal's number for an interrupted run, 1 if anything failed
        now or in an earlier run."""
        return self.interrupted or int(bool(self._failed or self._counts.failed
                                            or self._sidecar_reasons))

    def plan(self, outputs: Sequence[str]) -> str:
        """What a run would do."""
        return (f"{_count(self._counts.todo, 'photo')} to label, {self._counts.kept:,} done already"
                + (f"; would write {' and '.join(outputs)}" if outputs else ""))

    def say(self, entries: "Iterable[Entry]", outputs: Sequence[str], dry_run: bool) -> None:
        """The closing summary."""
        self.bar.end()
        seconds = time.perf_counter() - self._started
        done = self._done + self._failed
        say = self.bar.say
        say(f"zsl: {_count(self._done, 'photo')} labelled, {self._failed:,} failed, "
            f"{self._counts.kept:,} skipped as done before, {duration(seconds)}"
            + (f", {rate(done / seconds)}" if done else ""))
        _say_reasons(say, self._reasons)
        if self._counts.failed:
            say(f"     {self._counts.failed:,} of those skipped failed in an earlier run; "
                "--retry-failed tries them again")
        if labels := Counter(entry.labels[0].name for entry in entries if entry.labels):
            say("     most frequent: " + ", ".join(
                f"{label} {count:,}" for label, count in labels.most_common(_LABELS)))
        if self.sidecars:
            say(f"     {_count(self.sidecars, 'sidecar')} "
                + ("would be changed" if dry_run else "changed"))
        if self._sidecar_reasons:
            say(f"     {_count(self._sidecar_reasons.total(), 'photo')} without keywords, since "
                "the sidecar could not be brought up to date:")
            _say_reasons(say, self._sidecar_reasons)
        for note in self.notes:
            say(f"     {note}")
        if dry_run and outputs:
            say(f"     would write: {', '.join(outputs)}")
        if self.interrupted:
            say("     interrupted; run the same command again to go on")


def _kind_of(message: str) -> str:
    """A message without its numbers, so that messages of one kind are counted together."""
    return re.sub(r"\d+(?:,\d{3})*", "…", message)


def _say_reasons(say: "Callable[[str], None]", reasons: Counter[str]) -> None:
    for reason, count in reasons.most_common(_REASONS):
        say(f"     {count:,} × {reason}")
    if len(reasons) > _REASONS:
        say(f"     and {len(reasons) - _REASONS:,} other reasons")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
