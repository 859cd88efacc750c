"""Training: the projection M, and the network, from labelled images and label vectors.

    from zsl_cli.authoring.training import Course, Rank, Request, train

    result = train(Request(Path("photos"), Path("run"), Rank(negatives="first"), course=Course(
        epochs=20)))

A method is one file in ``methods/``; ``stages`` has the way from images to a model folder.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsl_cli.authoring.training.course import Course
    from zsl_cli.authoring.training.log import Reporter
    from zsl_cli.authoring.training.methods import (
        L2,
        METHODS,
        Conse,
        CrossEntropySoftmax,
        Method,
        RandomLabels,
        Rank,
        Ridge,
        Softmax,
        Wsabie,
    )
    from zsl_cli.authoring.training.request import Request
    from zsl_cli.authoring.training.result import Result
    from zsl_cli.authoring.training.stages import train

_METHODS = ("L2", "METHODS", "Conse", "CrossEntropySoftmax", "Method", "RandomLabels", "Rank",
            "Ridge", "Softmax", "Wsabie")
_WHERE = {"Course": "course", "Reporter": "log", "Request": "request", "Result": "result",
          "train": "stages", **dict.fromkeys(_METHODS, "methods")}

__all__ = ["L2", "METHODS", "Conse", "Course", "CrossEntropySoftmax", "Method", "RandomLabels",
           "Rank", "Reporter", "Request", "Result", "Ridge", "Softmax", "Wsabie", "train"]


def __getattr__(name: str) -> Any:
    """What is asked for is imported then: the declarations of the methods need no PyTorch."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
