"""Whether what a network gives for an image hangs on that image alone."""

import torch
from torch import Tensor, nn

from zsl_cli.errors import ZslError

_CLOSE = 0.01
"""How far apart, relatively, what should be the same may be; batch statistics, or dropout, change
most of it."""


def check(body: nn.Module, example: Tensor) -> None:
    """Raise ZslError where a network gives something else for the same images again, or for an
    image beside other ones: it was saved as it was in training.

    example: pixels of the shape that it takes, ``[2, C, S, S]``.
    """
    images = torch.randn(example.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together, again = body(images), body(images)
        other = body(torch.stack([images[0], 3 * images[1]]))
    if _apart(together, again):
        raise ZslError("the network gives other numbers for the same image each time (dropout, or "
                       "a mask by chance): it was saved as it is in training; call its eval() "
                       "before it is traced or exported")
    if _apart(together[:1], other[:1]):
        raise ZslError("what the network gives for an image hangs on the other images of its batch "
                       "(batch normalisation by the batch's own mean): it was saved as it is in "
                       "training; call its eval() before it is traced or exported")


def _apart(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).norm() > _CLOSE * one.norm().clamp_min(1e-6))
