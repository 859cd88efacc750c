"""How a training goes, on standard error."""

from collections.abc import Sequence
from typing import Any

from zsl_cli.cli.terminal.left_out import reporting
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import Bar
from zsl_cli.support.wording import printable

_SHOWN = ("loss", "hit@1", "hit@5")


class TerminalReporter:
    """Notes and the bar (a training's Reporter)."""

    def __init__(self, bar: Bar, *, quiet: bool, verbose: bool) -> None:
        self._bar, self._quiet, self._verbose = bar, quiet, verbose
        self._left_out = reporting(bar.say, verbose)

    def say(self, line: str) -> None:
        """A note, unless they are not wanted."""
        if not self._quiet:
            self._bar.say(f"zsl: {printable(as_options(line))}")

    def detail(self, line: str) -> None:
        """A note where more is wanted."""
        if self._verbose:
            self.say(line)

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """What does not count is said in any case."""
        self._left_out(lines, kind)

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
