"""From the token vectors of texts to a vector each."""

from torch import Tensor

from zsl_cli.authoring.networks.vectors import unit


def mean_of_tokens(states: Tensor, mask: Tensor) -> Tensor:
    """Sentence vectors ``[n, d]`` of unit length: the mean of a transformer's token vectors
    ``[n, L, d]`` (Reimers and Gurevych, 2019, "Sentence-BERT"), over the tokens where ``mask``
    ``[n, L]`` is 1. A text of pads alone has zeros."""
    counted = mask.unsqueeze(-1).to(states.dtype)
    return unit((states * counted).sum(dim=1) / counted.sum(dim=1).clamp_min(1))
