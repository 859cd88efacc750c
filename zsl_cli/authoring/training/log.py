"""The epochs of a training: a line each in ``log.jsonl``, and told to a reporter."""

import json
from pathlib import Path
from typing import Any

from zsl_cli.authoring.training.reporter import Reporter


class Log:
    """What a trainer tells of its steps and epochs, of one stage after the other."""

    def __init__(self, reporter: Reporter | None = None, file: Path | None = None) -> None:
        """For a reporter, if there is one to be told, and a file, which is written anew with the
        first epoch, if they are to be kept."""
        self.reporter = reporter or Reporter()
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
        if self._file is not None:
            with self._file.open(self._mode, encoding="utf-8") as file:
                file.write(json.dumps({"stage": self._stage, **record}) + "\n")
            self._mode = "a"
