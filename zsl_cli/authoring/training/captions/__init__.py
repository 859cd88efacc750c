"""Training on captions: photos and sentences in one space (Kiros et al., 2014).

    from zsl_cli.authoring.training.captions import CaptionRequest, train_on_captions
    from zsl_cli.authoring.training.captions.encoders import Lstm

    train_on_captions(CaptionRequest("captions.csv", "run", Lstm()))

A sentence encoder is one file in ``encoders/``; ``stages`` has the way from captions to a model
folder.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsl_cli.authoring.training.captions.request import CaptionRequest
    from zsl_cli.authoring.training.captions.result import CaptionResult
    from zsl_cli.authoring.training.captions.stages import train_on_captions

_HOME = {"CaptionRequest": "request", "CaptionResult": "result", "train_on_captions": "stages"}

__all__ = ["CaptionRequest", "CaptionResult", "train_on_captions"]


def __getattr__(name: str) -> Any:
    """What is asked for is imported then: a request needs no PyTorch."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
