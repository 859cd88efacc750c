"""The checkpoint that zsl's own training writes: all that a model folder needs, in one file."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from zsl_cli.authoring.networks.network import Input, Network
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing

FORMAT = "zsl-checkpoint"
VERSION = 1


@dataclass(frozen=True)
class TrainingCheckpoint:
    """A backbone and its projection M.

    architecture: in one of the forms that recognise takes.
    state_dict: the backbone's weights.
    projection: M; its ``space`` is that of the vocabulary it was trained with.
    """

    architecture: str
    state_dict: dict[str, Tensor]
    projection: Projection
    input: Input
    facts: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path | BinaryIO) -> None:
        """Write tensors, numbers and text alone, so that reading it runs no code."""
        m = {name: torch.from_numpy(value) if hasattr(value, "shape") else value
             for name, value in vars(self.projection).items() if value is not None}
        torch.save({"format": FORMAT, "version": VERSION, "architecture": self.architecture,
                    "state_dict": self.state_dict, "projection": m,
                    "preprocessing": asdict(self.input.preprocessing),
                    "mean": list(self.input.mean), "std": list(self.input.std),
                    "facts": self.facts}, path)


def is_own(weights: Weights) -> bool:
    """Whether these weights lay in a checkpoint of zsl's training."""
    return weights.facts.get("format") == FORMAT


def read(weights: Weights, backbone: Callable[[Weights, str, int], Network]) -> Network:
    """The network and the M of a training checkpoint.

    backbone: makes the network of an architecture's name, for images of a size.

    Raises ZslError.
    """
    facts = weights.facts
    if facts.get("version") != VERSION:
        raise ZslError(f"{weights.path}: a training checkpoint of version {facts.get('version')!r},"
                       f" and this zsl reads version {VERSION}")
    try:
        parts: dict[str, Any] = {name: value.numpy() if isinstance(value, Tensor) else value
                                 for name, value in facts["projection"].items()}
        projection = Projection(**parts)
        network_input = Input(Preprocessing(**facts["preprocessing"]), tuple(facts["mean"]),
                              tuple(facts["std"]))
        network = backbone(weights, str(facts["architecture"]), network_input.preprocessing.size)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ZslError(f"{weights.path}: a damaged training checkpoint: {error}") from error
    return replace(network, input=network_input, projection=projection, assumed=None,
                   original=None)
