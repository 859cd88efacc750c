"""From a network's features to the embedding: the three ways into a space of label vectors."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.networks.vectors import unit
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Head(nn.Module):
    """Features ``[n, F]`` → unit embeddings ``[n, D]``.

    dimension: D.
    informative: how many of the leading dimensions tell images apart; what follows them would
        flatter a cosine.
    """

    dimension: int
    informative: int


class Plain(Head):
    """A network that maps into the space by itself: its features, scaled to unit length."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dimension = self.informative = width

    def forward(self, features: Tensor) -> Tensor:
        """``[n, F]`` → ``[n, F]``."""
        return unit(features)


class Projected(Head):
    """M (see Projection)."""

    features: Tensor
    posterior: Tensor | None
    bias: Tensor | None

    def __init__(self, projection: Projection, width: int, classifier: nn.Linear | None) -> None:
        """Raises ZslError when the projection's shape is not that of features of this width."""
        super().__init__()
        _check("M", projection.features.shape, width)
        if projection.posterior is not None:
            if classifier is None:
                raise ZslError("the projection wants class probabilities (its posterior), and "
                               "the network has no classifier")
            _check("posterior", projection.posterior.shape, classifier.out_features)
        self.dimension = projection.dimension
        self.informative = len(projection.features)
        self.unit_features = projection.unit_features
        self.temperature = projection.temperature
        self.radius = projection.radius
        self.classifier = classifier if projection.posterior is not None else None
        for name in ("features", "posterior", "bias"):
            array = getattr(projection, name)
            self.register_buffer(name, None if array is None else torch.from_numpy(array))

    def inputs(self, features: Tensor) -> Tensor:
        """What M is multiplied with."""
        return unit(features) if self.unit_features else features

    def projected(self, features: Tensor) -> Tensor:
        """``[n, F]`` → the projection before it is scaled and given its slack."""
        embedding = functional.linear(self.inputs(features), self.features, self.bias)
        if self.posterior is not None and self.classifier is not None:
            probabilities = (self.classifier(features) / self.temperature).softmax(dim=1)
            embedding = embedding + functional.linear(probabilities, self.posterior)
        return embedding

    def forward(self, features: Tensor) -> Tensor:
        """``[n, F]`` → ``[n, D]``."""
        embedding = self.projected(features)
        if self.radius is not None:
            embedding = torch.cat([embedding, _slack(embedding, self.radius)], dim=1)
        return unit(embedding)


def project(projection: Projection, features: "NDArray[np.float32]",
            classifier: nn.Linear | None) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Of features ``[n, F]``: what M is multiplied with, ``[n, F]``, and what the projection gives
    before it is scaled, ``[n, D]``."""
    head = Projected(projection, features.shape[1], classifier)
    inputs = np.empty_like(features)
    projected = np.empty((len(features), head.informative), np.float32)
    with torch.inference_mode():
        for start in range(0, len(features), 1024):
            part = torch.from_numpy(features[start:start + 1024])
            inputs[start:start + 1024] = head.inputs(part).numpy()
            projected[start:start + 1024] = head.projected(part).numpy()
    return inputs, projected


class OfClasses(Head):
    """The space of a classifier's own rows: ``[v; 1; slack; 0] / R``, whose inner product with a
    class's ``[w; b; 0; slack] / L`` (see ``class_vectors``) is its logit divided by R L.

    The slack dimensions make all vectors unit vectors without changing a product (Neyshabur and
    Srebro, 2015), so that one temperature, 1 / (R L), gives the classifier's own probabilities.
    Features longer than R are cut short, which changes no order.
    """

    def __init__(self, width: int, radius: float) -> None:
        super().__init__()
        self.informative = width
        self.dimension = width + 3
        self.radius = radius

    def forward(self, features: Tensor) -> Tensor:
        """``[n, F]`` → ``[n, F + 3]``."""
        one = torch.ones_like(features[:, :1])
        extended = torch.cat([features, one], dim=1)
        slack = torch.cat([_slack(extended, self.radius), torch.zeros_like(one)], dim=1)
        return unit(torch.cat([extended, slack], dim=1))


def class_vectors(classifier: nn.Linear) -> tuple[Tensor, float]:
    """The unit vectors of a classifier's classes, ``[C, F + 3]``, and the length L that they were
    divided by."""
    weight = classifier.weight.detach().double()
    bias = classifier.bias.detach().double() if classifier.bias is not None \
        else weight.new_zeros(len(weight))
    rows = torch.cat([weight, bias[:, None]], dim=1)
    length = rows.norm(dim=1).max().clamp_min(1e-12)
    slack = (length ** 2 - rows.square().sum(1, keepdim=True)).clamp_min(0).sqrt()
    vectors = torch.cat([rows, torch.zeros_like(slack), slack], dim=1) / length
    return functional.normalize(vectors, dim=1).float(), float(length)


def _slack(vectors: Tensor, radius: float) -> Tensor:
    length = vectors.square().sum(dim=1, keepdim=True)
    return (radius ** 2 - length).clamp_min(0).sqrt()


def _check(name: str, shape: tuple[int, ...], width: int) -> None:
    if shape[1] != width:
        raise ZslError(f"the projection's {name} is {list(shape)}, and the network wants "
                       f"[D, {width}]")
