"""What a dual encoder's cosines are multiplied with before they become probabilities: it is part
of the weights, and most published towers lack it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.onnx_files import IDS
from zsl_cli.authoring.importing.completion import MASK
from zsl_cli.authoring.importing.measuring import Published
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

BY_KIND = {"siglip": 112.3, "siglip2": 112.7}
"""Where no file has it, by the kind of model: those of SigLIP SO400M at 384 pixels, and of a
SigLIP 2; sizes differ by a few per cent."""

USUAL = 100.0
"""What CLIP's training does not let it exceed (Radford et al., 2021, section 2.5), and where all
published ones end."""


_OUTPUTS = ("logits_per_image", "image_embeds", "text_embeds")


def of_graph(graph: Published, pixels: "Mapping[str, NDArray[Any]]") -> float | None:
    """The scale that a graph of both towers applies to its own vectors, for some pictures and
    texts; None for one that does not give all three."""
    if not {*_OUTPUTS} <= {*graph.outputs} or IDS not in graph.inputs:
        return None
    tokens = graph.inputs[IDS].shape[1]
    ids = np.arange(1, 1 + 4 * (tokens if isinstance(tokens, int) else 3)).reshape(4, -1)
    mask = {MASK: np.ones_like(ids)} if MASK in graph.inputs else {}
    logits, images, texts = graph.run({**pixels, IDS: ids, **mask}, *_OUTPUTS, alone=False)
    return measured(logits, unit_rows(images) @ unit_rows(texts).T)


def measured(logits: "NDArray[np.float32]", cosines: "NDArray[np.float32]") -> float | None:
    """The scale in ``logits = scale * cosines + bias``, both ``[images, texts]``, by least
    squares; None where they lie on no such line."""
    x, y = (part.astype(np.float64).ravel() for part in (cosines, logits))
    if np.ptp(x) < 1e-4:
        return None
    scale, bias = np.polyfit(x, y, 1)
    error = np.abs(scale * x + bias - y).max()
    return float(scale) if scale > 0 and error < 0.02 * np.ptp(y) else None


def assumed(kind: str) -> float:
    """What is taken for a kind of model whose files say nothing."""
    return BY_KIND.get(kind, USUAL)
