"""Training: the projection M, and the network, from labelled images and label vectors.

    from zsl_cli.authoring.training import Schedule, TrainRequest, train
    from zsl_cli.authoring.training.methods import Rank

    result = train(TrainRequest("photos", "run", Rank(negatives="first"),
                                schedule=Schedule(epochs=20)))

A method is one file in ``methods/``; ``stages`` has the way from images to a model folder.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsl_cli.authoring.training.reporter import Reporter
    from zsl_cli.authoring.training.request import TrainRequest
    from zsl_cli.authoring.training.result import TrainResult
    from zsl_cli.authoring.training.schedule import Schedule
    from zsl_cli.authoring.training.stages import train

_HOME = {"Schedule": "schedule", "Reporter": "reporter", "TrainRequest": "request",
         "TrainResult": "result", "train": "stages"}

__all__ = ["Reporter", "Schedule", "TrainRequest", "TrainResult", "train"]


def __getattr__(name: str) -> Any:
    """What is asked for is imported then: a request needs no PyTorch."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
