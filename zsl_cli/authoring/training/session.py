"""Where a method is at work: what is asked of it, where its state is kept, who is told."""

from dataclasses import dataclass
from pathlib import Path

from zsl_cli.authoring.training.log import Log
from zsl_cli.authoring.training.schedule import Schedule
from zsl_cli.authoring.training.start import Start

STATE, FINETUNING_STATE, CHOICE = "state.pt", "finetuning.pt", "choice.json"


@dataclass(frozen=True)
class Session:
    """What a method has beside the images while it makes M of them.

    start: the network, and an M if there is one to begin with.
    name: what the trained model is called, and spaces of its own after it.
    work: the folder in which the state of what is under way is kept, so that the same training
        goes on from there.
    device: ``cpu`` or, say, ``cuda:0``.
    """

    start: Start
    name: str
    schedule: Schedule
    work: Path
    device: str
    log: Log

    @property
    def state(self) -> Path:
        """Of M's training."""
        return self.work / STATE

    @property
    def finetuning_state(self) -> Path:
        """Of the network's training."""
        return self.work / FINETUNING_STATE

    @property
    def choice(self) -> Path:
        """What was chosen by holding out classes."""
        return self.work / CHOICE
