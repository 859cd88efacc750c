"""A photograph's whole way to its embedding, beside that of the library that the network is from:
the preprocessing, too, of which the agreement of two networks on the same pixels says nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from zsl_cli.authoring.exporting import heads, onnx_files, parity, photographs
from zsl_cli.authoring.exporting.graph import Encoder
from zsl_cli.authoring.networks.libraries import alone
from zsl_cli.authoring.networks.network import Input, Network
from zsl_cli.embedding.images import load
from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.support.manifests import Agreement
from zsl_cli.support.vectors import unit_rows
from zsl_cli.support.wording import reason

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from zsl_cli.authoring.networks.features import Features

_ROUNDING = 0.015
"""Of the norm of a photograph's pixels; another filter for resizing already changes 0.02 of it."""

_OTHER = 0.15
"""The same for what is not to be told from another preprocessing: CLIP's mean and std in the place
of ImageNet's change 0.18, one pixel to the side 0.2."""


@dataclass(frozen=True)
class Reference:
    """What a library makes of some photographs.

    library: its name and version.
    pixels: normalised, ``[n, 3, S, S]``; None where it prepares them in another size or not at all.
    outputs: of the whole network for them, ``[n, K]``.
    error: how far zsl's own pixels are from them, the largest norm of a photograph's difference
        over that of its pixels.
    failure: why there is none of all this.
    """

    library: str
    pixels: "torch.Tensor | None" = None
    outputs: "torch.Tensor | None" = None
    error: float = 0.0
    failure: str | None = None

    @property
    def is_close(self) -> bool:
        """Whether pixels differ by no more than a step of rounding."""
        return self.error <= _ROUNDING


def reference(network: Network) -> Reference | None:
    """What the network's own library makes of the photographs; to be asked before the network is
    cut. None where there is no such library. Raises ZslError where it makes other pixels."""
    original = network.original
    if original is None:
        return None
    try:
        with alone(), torch.inference_mode():
            pixels = torch.stack([original.pixels(one.convert("L" if network.input.grey else "RGB"))
                                  for one in photographs.of_all_shapes()])
            apart = _error(pixels, network.input, original.library)
            outputs = torch.cat([original.outputs(one[None]) for one in pixels])
    except MissingExtraError as error:  # the photographs come with another package
        return Reference(original.library, failure=str(error))
    except ZslError:
        raise
    except Exception as error:  # whatever another library's code raises
        return Reference(original.library, failure=reason(error))
    return Reference(original.library, pixels.float(), outputs.float(), apart)


def _error(pixels: torch.Tensor, prepared: Input, library: str) -> float:
    """How far zsl's own pixels are from those of a library. Raises ZslError for another size, and
    for what is no longer rounding."""
    frame = prepared.preprocessing
    advice = (f"the preprocessing is not as it is read here ({frame.size} pixels, {frame.fit}, "
              f"share {frame.crop:.4g}, {frame.interpolation}); say it with `size`, `crop`, `fit`, "
              "`interpolation`, `mean` and `std`")
    if list(pixels.shape[2:]) != [frame.size, frame.size]:
        raise ZslError(f"{library} itself prepares pictures of {list(pixels.shape[2:])} pixels: "
                       + advice)
    ours = Encoder(torch.nn.Identity(), heads.Plain(1), prepared).prepared(torch.from_numpy(
        np.stack([load(one, frame) for one in photographs.of_all_shapes()])))
    error = float(((ours - pixels).flatten(1).norm(dim=1)
                   / pixels.flatten(1).norm(dim=1).clamp_min(1e-6)).max())
    if not error <= _OTHER:
        raise ZslError(f"the pixels that {library} itself makes of photographs are others, by up "
                       f"to {error:.0%}: {advice}")
    return error


def rows(seen: Reference, encoder: Encoder, cut: "Features",
         kind: str) -> "tuple[NDArray[np.float32], nn.Linear | None] | None":
    """What the library's pipeline gives for the photographs, to be compared with embeddings; and
    the classifier by which these become what is to be compared, if one does. None where there is
    nothing to compare."""
    if seen.pixels is None or seen.outputs is None:
        return None
    if kind == "classes" and cut.classifier is not None and seen.outputs.shape[1] == (
            cut.classifier.out_features) > 1:
        return seen.outputs.numpy(), cut.classifier
    if cut.where == "output" and isinstance(encoder.head, heads.Plain):
        return seen.outputs.numpy(), None
    with torch.inference_mode():
        return torch.cat([encoder.head(encoder.body(one[None])) for one in seen.pixels]).numpy(), (
            None)


def compare(file: Path, expected: "NDArray[np.float32]", classifier: "nn.Linear | None",
            prepared: Input, informative: int) -> Agreement:
    """How closely the encoder in a file, behind zsl's own preprocessing, agrees with that on the
    photographs: in its embeddings, or in a classifier's logits but for what all of them share."""
    pixels = np.stack([load(one, prepared.preprocessing) for one in photographs.of_all_shapes()])
    found = parity.run(file, onnx_files.IMAGES, pixels, 1)
    if classifier is None:
        return parity.compare(unit_rows(expected), unit_rows(found), informative)
    vectors = heads.class_vectors(classifier)[0].numpy()
    logits = found @ vectors.T
    return parity.compare(unit_rows(expected - expected.mean(axis=1, keepdims=True)),
                          unit_rows(logits - logits.mean(axis=1, keepdims=True)))
