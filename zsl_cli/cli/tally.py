"""What has happened in a run over a library, and what is said of it."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from zsl_cli.cli.progress import Bar, duration

if TYPE_CHECKING:
    from zsl_cli.labeling.entry import Entry
    from zsl_cli.labeling.journal import Counts

_FIRST_FAILURES = 5
_REASONS = 10
_LABELS = 8


class Tally:
    """Counts photos as they are done, and says the first failures (``verbose``: all of them)."""

    def __init__(self, bar: Bar, counts: "Counts", verbose: bool) -> None:
        self.bar = bar
        self.interrupted = False
        self.sidecars = 0
        self.note = ""
        self._counts = counts
        self._verbose = verbose
        self._done = self._failed = 0
        self._reasons: Counter[str] = Counter()
        self._started = time.perf_counter()

    def add(self, entries: "Sequence[Entry]") -> None:
        """Count photos that were done just now."""
        before = self._failed
        for entry in entries:
            if entry.failure is not None:
                self.fail(entry.path, entry.failure.message)
        failed = self._failed - before
        self._done += len(entries) - failed
        self.bar.advance(len(entries), failed)

    def fail(self, path: str, message: str) -> None:
        """Count a failure."""
        if self._verbose or self._failed < _FIRST_FAILURES:
            self.bar.say(f"zsl: {path}: {message}")
        self._failed += 1
        self._reasons[re.sub(r"\d[\d,]*", "…", message)] += 1

    @property
    def status(self) -> int:
        """The exit status: 130 interrupted, 1 if anything failed now or in an earlier run."""
        if self.interrupted:
            return 130
        return 1 if self._failed or self._counts.failed else 0

    def say_plan(self, outputs: Sequence[str]) -> None:
        """What a run would do."""
        self.bar.say(f"zsl: {self._counts.todo:,} photos to label, {self._counts.kept:,} done "
                     "already" + (f"; would write {' and '.join(outputs)}" if outputs else ""))

    def say(self, entries: "Iterable[Entry]", outputs: Sequence[str]) -> None:
        """The closing summary."""
        self.bar.end()
        seconds = time.perf_counter() - self._started
        done = self._done + self._failed
        speed = f", {done / seconds:,.0f} images/s" if done else ""
        say = self.bar.say
        say(f"zsl: {self._done:,} photos labelled, {self._failed:,} failed, "
            f"{self._counts.kept:,} skipped as done before, {duration(seconds)}{speed}")
        for reason, count in self._reasons.most_common(_REASONS):
            say(f"     {count:,} × {reason}")
        if len(self._reasons) > _REASONS:
            say(f"     and {len(self._reasons) - _REASONS} other reasons")
        if self._counts.failed:
            say(f"     {self._counts.failed:,} of those skipped failed in an earlier run; "
                "--retry-failed tries them again")
        if labels := Counter(entry.labels[0].label for entry in entries if entry.labels):
            say("     most frequent: " + ", ".join(
                f"{label} {count:,}" for label, count in labels.most_common(_LABELS)))
        if self.sidecars:
            say(f"     {self.sidecars:,} sidecars changed")
        if self.note:
            say(f"     {self.note}")
        elif outputs:
            say(f"     written: {', '.join(outputs)}")
        if self.interrupted:
            say("     interrupted; run the same command again to go on")

