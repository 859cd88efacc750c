"""How a training goes: told to a reporter, and an epoch a line in ``log.jsonl``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zsl_cli.support import progress


class Reporter(progress.Reporter):
    """Silent; a subclass overrides what it wants to hear."""

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """What of the images does not count, see evaluation.left_out."""

    def epoch(self, stage: str, record: dict[str, Any]) -> None:
        """An epoch is done; ``record`` is its line of the log."""


class Log:
    """What a trainer tells of its steps and epochs (a trainer.Watcher), of one stage after the
    other."""

    def __init__(self, reporter: Reporter, file: Path) -> None:
        """file: is written anew with the first epoch."""
        self.reporter = reporter
        self._file, self._mode = file, "w"
        self._stage, self._within = "", 0.0

    def begin(self, stage: str, epochs: int) -> None:
        """A stage of so many epochs is about to begin."""
        self._stage, self._within = stage, 0.0
        self.reporter.start(stage, epochs, "epochs")

    def step(self, done: int, steps: int) -> None:
        """So many steps of an epoch are done."""
        self.reporter.advance(done / steps - self._within)
        self._within = done / steps

    def epoch(self, record: dict[str, Any]) -> None:
        """An epoch is done."""
        self.reporter.advance(1 - self._within)
        self._within = 0.0
        self.reporter.epoch(self._stage, record)
        with self._file.open(self._mode, encoding="utf-8") as file:
            file.write(json.dumps({"stage": self._stage, **record}) + "\n")
        self._mode = "a"
