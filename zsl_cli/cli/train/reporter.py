"""How a training goes, on standard error."""

from collections.abc import Sequence
from typing import Any

from zsl_cli.cli.terminal import notes, printing
from zsl_cli.cli.terminal.progress import Bar

_SHOWN = ("loss", "hit@1", "hit@5")


class TerminalReporter:
    """Notes and the bar (a training's Reporter)."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar

    def say(self, line: str) -> None:
        """A note, unless they are not wanted."""
        printing.note(line)

    def detail(self, line: str) -> None:
        """A note where more is wanted."""
        printing.detail(line)

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """What does not count is said in any case."""
        notes.say_uncounted(lines, kind)

    def start(self, description: str, total: int | None = None, unit: str = "images") -> None:
        """A new bar."""
        self._bar.start(description, total, unit)

    def advance(self, done: float, failed: int = 0) -> None:
        """The bar moves on."""
        self._bar.advance(done, failed)

    def epoch(self, stage: str, record: dict[str, Any]) -> None:
        """Beside the bar, and as a note where more is wanted."""
        shown = ", ".join(f"{name} {record[name]:.3f}" for name in _SHOWN if name in record)
        self._bar.advance(0, remark=shown)
        self.detail(f"{stage}, epoch {record['epoch']}: {shown}")
