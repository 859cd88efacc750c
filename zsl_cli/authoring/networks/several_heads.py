"""Networks of timm whose class logits are the mean of two heads over the same features: the two as
one linear layer over timm's own features before its logits."""

from typing import Any

import torch
from torch import Tensor, nn


class BeforeLogits(nn.Module):
    """What timm itself has before the logits: normalised pixels ``[n, 3, S, S]`` → ``[n, F]``."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """``[n, 3, S, S]`` → ``[n, F]``."""
        return self.network.forward_head(self.network.forward_features(pixels), pre_logits=True)


def names(network: nn.Module) -> list[str]:
    """The modules that give the logits, as timm has noted them; none where they were taken out."""
    config = getattr(network, "pretrained_cfg", None)
    noted = config.get("classifier") if isinstance(config, dict) else None
    if noted is None or not hasattr(network, "forward_head"):
        return []
    found = [*dict.fromkeys(name.partition(".")[0] for name in (
        (noted,) if isinstance(noted, str) else noted))]
    heads = [getattr(network, name, None) for name in found]
    return found if all(isinstance(head, nn.Module) and [*head.parameters()]
                        for head in heads) else []


def merged(network: nn.Module, images: Tensor) -> tuple[BeforeLogits, nn.Linear] | None:
    """What comes before the heads, and one layer in their place; None where they are no linear
    function of the same features.

    images: normalised ones that differ, to try it on.
    """
    heads = names(network)
    body = BeforeLogits(network)
    try:
        with torch.inference_mode():
            features, logits = body(images), network(images)
            modules = [network.get_submodule(name) for name in heads]
            nothing = features.new_zeros(1, features.shape[1])
            steps = torch.eye(features.shape[1])
            bias = sum(module(nothing) for module in modules) / len(modules)
            weight = sum(module(steps) for module in modules) / len(modules) - bias
    except Exception:  # heads of another kind, which take maps or tokens
        return None
    layer = nn.Linear(features.shape[1], logits.shape[1]).requires_grad_(requires_grad=False)
    layer.weight.copy_(weight.T)
    layer.bias.copy_(bias[0])
    difference = (layer(features) - logits).abs().max()
    return (body, layer) if difference <= 1e-3 * logits.abs().max().clamp_min(1e-6) else None
