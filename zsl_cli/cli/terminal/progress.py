"""How a piece of work goes, on standard error: lines and, on a terminal, a bar."""

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from zsl_cli.cli.terminal import printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.support.progress import Reporter
from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

_PAUSE = 0.1  # seconds
_NARROW = 80  # columns; below, the numbers have the place to themselves


class TerminalReporter(Reporter):
    """Shows what is going on, how fast, how long it will take, and what has failed so far, as a
    bar on standard error where that is a terminal; and lines, above the bar.

    With a room's own reporter behind it (``class _Terminal(TerminalReporter, photos.Reporter)``)
    it is one for that room, too.
    """

    def __init__(self) -> None:
        self._progress: Progress | None = None  # none where nothing is shown
        self._task: Any = None
        self._unit = ""
        self._failed = 0
        self._remark = ""
        self._done = 0.0  # but not shown yet
        self._next = 0.0  # when it is to be shown

    @contextmanager
    def shown(self, quiet: bool) -> "Iterator[Self]":
        """Itself, with a bar that is taken away at the end; without one when ``quiet``."""
        if quiet or not sys.stderr.isatty():
            yield self
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.text import Text

        console = Console(stderr=True, highlight=False)
        columns = [TextColumn("{task.description}", markup=False), BarColumn(),
                   TextColumn("{task.fields[note]}", markup=False)]
        if console.width < _NARROW:
            del columns[1]
        self._progress = Progress(*columns, console=console, transient=True, refresh_per_second=5,
                                  speed_estimate_period=20)
        self._progress.start()
        try:
            with printing.above(lambda line: console.print(Text(line), soft_wrap=True)):
                yield self
        finally:
            with suppress(OSError):
                self._progress.stop()
            self._progress = self._task = None

    def start(self, description: str, total: int | None = None, unit: str = "images") -> None:
        """Begin a new piece of work of so many units; None or 0 where nobody knows how many."""
        self.end()
        self._unit = unit
        if self._progress is not None:
            self._failed, self._done, self._next, self._remark = 0, 0.0, 0.0, ""
            self._task = self._progress.add_task(printable(description), total=total or None,
                                                 note="")

    def end(self) -> None:
        """Take the bar away until another piece of work begins."""
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
            with suppress(OSError):
                self._progress.refresh()
            self._task = None

    def advance(self, done: float, failed: int = 0, remark: str = "") -> None:
        """So much more is done, of which so much failed; ``remark`` is how it goes. Shown a few
        times a second, since showing it may take longer than doing it."""
        if self._progress is not None:
            self._remark = remark or self._remark
            self._failed += failed
            self._done += done
            if time.monotonic() >= self._next:
                self._progress.advance(self._task, self._done)
                self._progress.update(self._task, note=self._note())
                self._done, self._next = 0.0, time.monotonic() + _PAUSE

    def say(self, line: str) -> None:
        """Said without ``--quiet``."""
        printing.note(as_options(line))

    def detail(self, line: str) -> None:
        """Said with ``--verbose``."""
        printing.detail(as_options(line))

    def warn(self, line: str) -> None:
        """Said in any case."""
        printing.say(as_options(line))

    def _note(self) -> str:
        assert self._progress is not None
        task = next(task for task in self._progress.tasks if task.id == self._task)
        if task.total is None:
            return f"{task.completed:,.0f} {self._unit}" if task.completed else ""
        note = [f"{task.completed:,.0f} of {task.total:,.0f} {self._unit}"]
        if task.speed:
            note.append(rate(task.speed, self._unit))
            left = max(task.total - task.completed, 0)  # a total may be a guess
            note.append(f"{duration(left / task.speed)} left")
        if self._failed:
            note.append(f"{self._failed:,} failed")
        if self._remark:
            note.append(self._remark)
        return " · ".join(note)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def rate(speed: float, unit: str = "images") -> str:
    """Units a second as a person says them."""
    return f"{speed:,.0f} {unit}/s" if speed >= 10 else f"{speed:.1f} {unit}/s"
