"""What rounding the weights of convolutions adds to their outputs on average, taken off again.

Nagel et al., 2019, "Data-free quantization through weight equalization and bias correction",
section 4.2: with W̃ the rounded weights, E[W̃x] - E[Wx] = (W̃ - W) E[x], and E[x], the mean input
of each channel, is measured on the calibration photographs.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding import sessions

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

_PHOTOGRAPHS = 64
_BATCH = 1  # more would hold more activations than weights


def correct_biases(model: "onnx.ModelProto", levels: dict[str, int], name: str,
                   pixels: "NDArray[np.uint8]") -> None:
    """Change the biases of a float graph so that its rounded weights give the means of the exact
    ones.

    levels: for each convolution to be quantised, the largest integer of its symmetric weights
        (127 for 8 bits, 64 for 7).
    name: of the graph's input, for the photographs ``pixels``.
    """
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.name in levels and len(node.input) == 3
             and node.input[1] in tensors and node.input[2] in tensors]
    if not nodes:
        return
    means = _channel_means(model, sorted({node.input[0] for node in nodes}), name, pixels)
    for node in nodes:
        weight = numpy_helper.to_array(tensors[node.input[1]]).astype(np.float64)
        bias = numpy_helper.to_array(tensors[node.input[2]])
        shift = _shift(weight, means[node.input[0]], levels[node.name])
        tensors[node.input[2]].CopyFrom(numpy_helper.from_array(
            (bias - shift).astype(bias.dtype), node.input[2]))


def _shift(weight: "NDArray[np.float64]", mean: "NDArray[np.float64]",
           level: int) -> "NDArray[np.float64]":
    """``[O]``: (W̃ - W) E[x] of weights ``[O, I / groups, k, k]`` and means ``[I]``."""
    largest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
    scale = np.where(largest > 0, largest / level, 1.0)
    error = (np.round(weight / scale) * scale - weight).sum(axis=(2, 3))  # [O, I / groups]
    groups = len(mean) // weight.shape[1]
    inputs = mean.reshape(groups, -1).repeat(len(weight) // groups, axis=0)  # [O, I / groups]
    return (error * inputs).sum(axis=1)


def _channel_means(model: "onnx.ModelProto", names: list[str], input_name: str,
                   pixels: "NDArray[np.uint8]") -> dict[str, "NDArray[np.float64]"]:
    """The mean of each channel of some tensors ``[n, C, h, w]`` over photographs."""
    import onnx

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    present = {output.name for output in watched.graph.output}
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names
                                if name not in present)
    totals: dict[str, NDArray[np.float64]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "watched.onnx"
        onnx.save(watched, file)
        del watched
        session = sessions.open_session(file, "cpu")
    sample = pixels[:_PHOTOGRAPHS]
    for start in range(0, len(sample), _BATCH):
        batch = sample[start:start + _BATCH]
        for name, value in zip(names, session.run(names, {input_name: batch}), strict=True):
            totals[name] = totals.get(name, 0.0) + value.mean(axis=(2, 3)).sum(axis=0)
    return {name: total / len(sample) for name, total in totals.items()}
