"""The int8 form of an encoder, calibrated on photographs.

What follows the features, the head, stays in floating point: its few sums are worth it.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.exporting.bias_correction import correct_biases
from zsl_cli.exporting.graph import IMAGES, head_nodes
from zsl_cli.images import Preprocessing, load

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

FORMS = ("float32", "fp16", "int8")
_BATCH = 1  # a larger one would hold more activations than weights
_LARGE = 100_000  # weights
_FLOAT_CONVOLUTIONS = 3
_PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")


def bundled_pixels(preprocessing: Preprocessing, count: int = 256) -> "NDArray[np.uint8]":
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


def to_int8(source: Path, target: Path, pixels: "NDArray[np.uint8] | None") -> None:
    """Write the int8 form of a float graph that ``graph`` has written.

    Convolutional networks: weights and activations, static, as in Jacob et al. (2018), with a
    scale for each channel of the weights and for each activation, calibrated on ``pixels``.
    Transformers (and without pixels): weights ahead and activations as they come (dynamic), since
    the ranges of a transformer's activations differ too much from token to token for one scale.

    Weights keep 7 of their 8 bits, except in depthwise convolutions: with all 8, processors
    without VNNI instructions overflow a sum of 16 bits, and the same file would answer
    differently there.
    """
    try:
        import onnx
        import onnxruntime.quantization  # noqa: F401
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise MissingExtraError("onnx", "export", "quantisation") from error
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, _quietly():
        prepared, quantized = Path(folder) / "prepared.onnx", Path(folder) / "quantized.onnx"
        try:
            quant_pre_process(str(source), str(prepared))
        except Exception:  # its own shape inference does not follow every transformer
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(prepared)
        if pixels is not None and _is_convolutional(model.graph):
            correct_biases(model, _levels(model.graph), IMAGES, pixels)
            onnx.save(model, prepared)
            _static(prepared, quantized, model.graph, pixels)
        else:
            del model.graph.value_info[:]  # shapes of the graph before it was simplified
            onnx.save(model, prepared)
            _dynamic(prepared, quantized, model.graph)
        model = onnx.load(quantized)
        _store_in_half_precision(model.graph)
        onnx.checker.check_model(model)
        onnx.save(model, target)


@contextmanager
def _quietly() -> Iterator[None]:
    """The quantiser advises the root logger."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _static(prepared: Path, target: Path, graph: "onnx.GraphProto",
            pixels: "NDArray[np.uint8]") -> None:
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._starts = iter(range(0, len(pixels), _BATCH))

        def get_next(self) -> dict | None:
            start = next(self._starts, None)
            return None if start is None else {IMAGES: pixels[start:start + _BATCH]}

    all_eight_bits = {"quant_type": quantization.QuantType.QInt8, "axis": 0,
                      "reduce_range": False}
    quantization.quantize_static(
        str(prepared), str(target), Reader(), quant_format=quantization.QuantFormat.QDQ,
        per_channel=True, reduce_range=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        nodes_to_exclude=_kept_in_floats(graph),
        extra_options={"TensorQuantOverrides": {
            name: [all_eight_bits] for name in _depthwise_weights(graph)}})


def _dynamic(prepared: Path, target: Path, graph: "onnx.GraphProto") -> None:
    from onnxruntime import quantization

    quantization.quantize_dynamic(
        str(prepared), str(target), op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        per_channel=True, reduce_range=True, weight_type=quantization.QuantType.QInt8,
        nodes_to_exclude=[node.name for node in head_nodes(graph)],
        extra_options={"MatMulConstBOnly": True})


def _sizes(graph: "onnx.GraphProto") -> dict[str, list[int]]:
    return {tensor.name: list(tensor.dims) for tensor in graph.initializer}


def _is_convolutional(graph: "onnx.GraphProto") -> bool:
    """Whether most of the network's weights are in convolutions (the head's do not count)."""
    shapes = _sizes(graph)
    head = {node.name for node in head_nodes(graph)}
    weights = {"Conv": 0, "MatMul": 0, "Gemm": 0}
    for node in graph.node:
        if node.op_type in weights and node.name not in head:
            weights[node.op_type] += int(np.prod(shapes.get(node.input[1], [0])))
    return weights["Conv"] > weights["MatMul"] + weights["Gemm"]


def _kept_in_floats(graph: "onnx.GraphProto") -> list[str]:
    """The names of the nodes to leave alone: the first convolutions, which see few channels of
    very different ranges (Krishnamoorthi, 2018, section 5), and the head."""
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    return [node.name for node in (*convolutions[:_FLOAT_CONVOLUTIONS], *head_nodes(graph))]


def _depthwise_weights(graph: "onnx.GraphProto") -> list[str]:
    """The names of the quantised weights ``[C, 1, k, k]``, k > 1."""
    shapes = _sizes(graph)
    kept = set(_kept_in_floats(graph))
    return [node.input[1] for node in graph.node
            if node.op_type == "Conv" and node.name not in kept and node.input[1] in shapes
            and shapes[node.input[1]][1] == 1 and shapes[node.input[1]][2] > 1]


def _levels(graph: "onnx.GraphProto") -> dict[str, int]:
    """For each convolution to be quantised the largest integer that its weights get."""
    kept, depthwise = set(_kept_in_floats(graph)), set(_depthwise_weights(graph))
    return {node.name: 127 if node.input[1] in depthwise else 64 for node in graph.node
            if node.op_type == "Conv" and node.name not in kept}


def _store_in_half_precision(graph: "onnx.GraphProto") -> None:
    """Store large float32 weights as float16 behind a cast, which a session folds away."""
    from onnx import TensorProto, helper, numpy_helper

    for tensor in list(graph.initializer):
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= _LARGE:
            half: Any = numpy_helper.from_array(
                numpy_helper.to_array(tensor).astype(np.float16), tensor.name + "_half")
            graph.initializer.remove(tensor)
            graph.initializer.append(half)
            graph.node.insert(0, helper.make_node("Cast", [half.name], [tensor.name],
                                                  to=TensorProto.FLOAT))
