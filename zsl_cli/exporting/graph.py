"""A network and a projection → one ONNX graph, from uint8 pixels to unit embeddings."""

import io
import logging
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from zsl_cli.errors import ZslError
from zsl_cli.exporting.architectures import Architecture, Backbone
from zsl_cli.exporting.projection import Projection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPSET = 18


class Encoder(nn.Module):
    """What an ``encoder.onnx`` computes: normalisation, the network, the projection."""

    mean: Tensor
    std: Tensor
    features: Tensor
    posterior: Tensor | None
    bias: Tensor | None

    def __init__(self, network: Backbone, architecture: Architecture,
                 projection: Projection) -> None:
        """Raises ZslError when the projection's shape is not the network's."""
        super().__init__()
        classes, width = network.classifier.weight.shape
        _check("features", projection.features, width)
        if projection.posterior is not None:
            _check("posterior", projection.posterior, classes)
        self.network = network
        self.layout = architecture.preprocessing.layout
        self.register_buffer("mean", torch.tensor(architecture.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(architecture.std).view(1, -1, 1, 1))
        self.temperature = projection.temperature
        self.radius = projection.radius
        for name in ("features", "posterior", "bias"):
            array = getattr(projection, name)
            self.register_buffer(name, None if array is None else torch.from_numpy(array))

    def forward(self, images: Tensor) -> Tensor:
        """uint8 ``[n, S, S, 3]`` or ``[n, 3, S, S]`` → float32 ``[n, D]``, unit norm."""
        if self.layout == "NHWC":
            images = images.permute(0, 3, 1, 2)
        features = self.network.features((images.float() - self.mean) / self.std)
        embedding = functional.linear(_unit(features), self.features, self.bias)
        if self.posterior is not None:
            logits = self.network.classifier(features)
            probabilities = (logits / self.temperature).softmax(dim=1)
            embedding = embedding + functional.linear(probabilities, self.posterior)
        if self.radius is not None:
            length = embedding.square().sum(dim=1, keepdim=True)
            slack = (self.radius ** 2 - length).clamp_min(0).sqrt()
            embedding = torch.cat([embedding, slack], dim=1)
        return _unit(embedding)


def _unit(vectors: Tensor) -> Tensor:
    """``[n, D]`` scaled to unit length (torch's own normalize expands, which the shape inference
    of ONNX Runtime's quantiser does not follow)."""
    return vectors / vectors.square().sum(dim=1, keepdim=True).clamp_min(1e-24).sqrt()


def _check(name: str, array: "NDArray[np.float32]", width: int) -> None:
    if array.shape[1] != width:
        raise ZslError(f"the projection's {name} is {list(array.shape)}, and the network wants "
                       f"[D, {width}]")


def write(encoder: Encoder, side: int, path: Path) -> None:
    """Write an encoder as one ONNX file, with a dynamic batch and no external data.

    Raises ZslError for what cannot be exported.
    """
    shape = (2, side, side, 3) if encoder.layout == "NHWC" else (2, 3, side, side)
    example = torch.zeros(shape, dtype=torch.uint8)  # a batch of 1 would freeze the batch at 1
    batch = torch.export.Dim("batch", min=1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), torch.inference_mode():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                encoder.eval(), (example,), dynamo=True, dynamic_shapes=({0: batch},),
                input_names=["images"], output_names=["embedding"], opset_version=OPSET,
                verbose=False)
        assert program is not None  # it is for dynamo=True
        program.save(path, external_data=False)
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise ZslError(f"this network cannot be exported to ONNX: {error}") from error
