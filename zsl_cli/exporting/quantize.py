"""int8 weights and activations for an encoder, calibrated on photographs.

Static quantisation as in Jacob et al. (2018): a scale for each channel of the weights and for
each activation. What follows the features stays in floating point, stored in half precision.
"""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.images import Preprocessing, load

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

_BATCH = 16
_LARGE = 100_000  # weights
_FLOAT_CONVOLUTIONS = 3
_PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")


def bundled_pixels(preprocessing: Preprocessing, count: int = 256,
                   ) -> "NDArray[np.uint8]":
    """Random crops, zooms and mirrorings of scikit-image's photographs, ``[count, …]``; the same
    ones every time."""
    try:
        import skimage.data
    except ImportError as error:
        raise MissingExtraError("scikit-image", "export", "calibration") from error
    from PIL import Image

    random = np.random.default_rng(0)
    photographs = []
    for name in _PHOTOGRAPHS:
        with Image.open(Path(skimage.data.data_dir) / name) as photograph:
            photographs.append(photograph.convert("RGB"))
    crops = []
    for number in range(count):
        image = photographs[number % len(photographs)]
        side = int(min(image.size) * random.uniform(0.4, 1.0))
        left, top = (int(random.integers(0, length - side + 1)) for length in image.size)
        crop = image.crop((left, top, left + side, top + side))
        if random.random() < 0.5:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        crops.append(load(crop, preprocessing))
    return np.stack(crops)


def given_pixels(paths: Sequence[str], preprocessing: Preprocessing) -> "NDArray[np.uint8]":
    """The user's own calibration photographs; raises ImageError for one that can't be read."""
    if not paths:
        raise ZslError("no photograph to calibrate on")
    return np.stack([load(path, preprocessing) for path in paths])


def to_int8(source: Path, target: Path, pixels: "NDArray[np.uint8]") -> None:
    """Write the int8 form of a float encoder, calibrated on ``pixels``.

    Weights keep 7 of their 8 bits, except in depthwise convolutions: with all 8, processors
    without VNNI instructions overflow a sum of 16 bits, and the same file would answer
    differently there.
    """
    try:
        import onnx
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise MissingExtraError("onnx", "export", "quantisation") from error

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._starts = iter(range(0, len(pixels), _BATCH))

        def get_next(self) -> dict | None:
            start = next(self._starts, None)
            return None if start is None else {"images": pixels[start:start + _BATCH]}

    logging.getLogger().setLevel(logging.ERROR)  # the quantiser advises the root logger
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantized = Path(folder) / "prepared.onnx", Path(folder) / "quantized.onnx"
        quant_pre_process(str(source), str(prepared))
        graph = onnx.load(prepared).graph
        all_eight_bits = {"quant_type": quantization.QuantType.QInt8, "axis": 0,
                          "reduce_range": False}
        quantization.quantize_static(
            str(prepared), str(quantized), Reader(), quant_format=quantization.QuantFormat.QDQ,
            per_channel=True, reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=_kept_in_floats(graph),
            extra_options={"TensorQuantOverrides": {
                name: [all_eight_bits] for name in _depthwise_weights(graph)}})
        model = onnx.load(quantized)
        _store_in_half_precision(model.graph)
        onnx.checker.check_model(model)
        onnx.save(model, target)


def _kept_in_floats(graph: "onnx.GraphProto") -> list[str]:
    """The names of the nodes to leave alone: the first convolutions, which see few channels of
    very different ranges (Krishnamoorthi, 2018, section 5), and what lies behind the last one
    but pooling, the classifier and the projection, whose few sums are worth full precision."""
    nodes = list(graph.node)
    convolutions = [at for at, node in enumerate(nodes) if node.op_type == "Conv"]
    head = [nodes[at] for at in convolutions[:_FLOAT_CONVOLUTIONS]]
    tail = [node for node in nodes[convolutions[-1] + 1:]
            if node.op_type not in ("Clip", "ReduceMean", "GlobalAveragePool")]
    return [node.name for node in head + tail]


def _depthwise_weights(graph: "onnx.GraphProto") -> list[str]:
    """The names of the quantised weights ``[C, 1, k, k]``, k > 1."""
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    kept = set(_kept_in_floats(graph))
    return [node.input[1] for node in graph.node
            if node.op_type == "Conv" and node.name not in kept
            and shapes[node.input[1]][1] == 1 and shapes[node.input[1]][2] > 1]


def _store_in_half_precision(graph: "onnx.GraphProto") -> None:
    """Store large float32 weights as float16 behind a cast, which a session folds away."""
    from onnx import TensorProto, helper, numpy_helper

    for tensor in list(graph.initializer):
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= _LARGE:
            half = numpy_helper.from_array(
                numpy_helper.to_array(tensor).astype(np.float16), tensor.name + "_half")
            graph.initializer.remove(tensor)
            graph.initializer.append(half)
            graph.node.insert(0, helper.make_node("Cast", [half.name], [tensor.name],
                                                  to=TensorProto.FLOAT))
