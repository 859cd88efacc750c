"""What a training tells while it goes on."""

from collections.abc import Sequence
from typing import Any

from zsl_cli.support import progress


class Reporter(progress.Reporter):
    """Silent; a subclass overrides what it wants to hear."""

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """What of the images does not count, see evaluation.left_out."""

    def epoch(self, stage: str, record: dict[str, Any]) -> None:
        """An epoch is done; ``record`` is its line of the log."""
