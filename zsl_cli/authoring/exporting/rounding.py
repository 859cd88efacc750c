"""Pictures for which rounding decides what a network gives: another program, which adds up in
another order, can't be held to it."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from zsl_cli.authoring.exporting.graph import Encoder
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEADY = 0.99999
"""The least cosine of float32 with float64: a tenth of what two programs may be apart."""

_MOST = 0.5  # of the pictures, that may be left out


def steady(encoder: Encoder, images: "NDArray[np.uint8]", expected: "NDArray[np.float32]",
           informative: int) -> "NDArray[np.bool_] | None":
    """The pictures of which a network gives in float64 what it gives in float32. None where that
    is all of them, or less than half, or cannot be told: its code may ask for float32.

    expected: what the encoder gives for them, ``[n, D]``; informative: see parity.compare.
    """
    try:
        with torch.inference_mode():
            encoder.body.double()
            exact = np.concatenate([_in_double(encoder, images[at:at + 2])
                                    for at in range(0, len(images), 2)])
    except Exception:  # whatever a network's code raises on another type
        return None
    finally:
        encoder.body.float()
    ours, theirs = (unit_rows(part[:, :informative].astype(np.float64))
                    for part in (expected, exact))
    found = (ours * theirs).sum(axis=1) >= _STEADY
    return None if found.all() or found.mean() < _MOST else found


def _in_double(encoder: Encoder, images: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    pixels = encoder.prepared(torch.from_numpy(images))
    return encoder.head(encoder.body(pixels.double()).float()).numpy()
