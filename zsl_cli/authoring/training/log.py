"""How a training goes: told to a reporter, and an epoch a line in ``log.jsonl``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from zsl_cli.support.progress import Progress


class Reporter(Progress, Protocol):
    """Who is told how a training goes."""

    def advance(self, done: float, failed: int = 0) -> None:
        """So much more is done, of which so much failed."""

    def detail(self, line: str) -> None:
        """A line for a person who wants to know more."""

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """What does not count, see evaluation.left_out."""

    def epoch(self, stage: str, record: dict[str, Any]) -> None:
        """An epoch is done; ``record`` is its line of the log."""


class _Silent:
    """Nobody is told."""

    def say(self, line: str) -> None:
        pass

    def detail(self, line: str) -> None:
        pass

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        pass

    def start(self, description: str, total: int | None = None, unit: str = "") -> None:
        pass

    def advance(self, done: float, failed: int = 0) -> None:
        pass

    def epoch(self, stage: str, record: dict[str, Any]) -> None:
        pass


SILENT: Reporter = _Silent()


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
