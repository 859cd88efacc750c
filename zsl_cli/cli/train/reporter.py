"""How a training goes, on standard error."""

from collections.abc import Sequence
from typing import Any

from zsl_cli.authoring.training.reporter import Reporter
from zsl_cli.cli.terminal import notes
from zsl_cli.cli.terminal.progress import TerminalReporter

_SHOWN = ("loss", "hit@1", "hit@5", "recall")


class TrainingReporter(TerminalReporter, Reporter):
    """The bar says how good the last epoch was."""

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """What does not count is said in any case."""
        notes.say_uncounted(lines, kind)

    def epoch(self, stage: str, record: dict[str, Any]) -> None:
        """Beside the bar, and as a note where more is wanted."""
        shown = ", ".join(f"{name} {record[name]:.3f}" for name in _SHOWN if name in record)
        self.advance(0, remark=shown)
        self.detail(f"{stage}, epoch {record['epoch']}: {shown}")
