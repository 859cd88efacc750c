"""The int8 form of an encoder, calibrated on photographs.

What follows the features, the head, stays in floating point: its few sums are worth it.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.bias_correction import correct_biases
from zsl_cli.authoring.exporting.onnx_files import IMAGES, head_nodes
from zsl_cli.authoring.exporting.photographs import bundled
from zsl_cli.authoring.networks.quietly import quietly
from zsl_cli.embedding.images import load
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.support import extras
from zsl_cli.support.preprocessing import Preprocessing

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

FORMS = ("float32", "fp16", "int8")
_BATCH = 1  # a larger one would hold more activations than weights
_LARGE = 100_000  # weights
_FLOAT_CONVOLUTIONS = 3


def bundled_pixels(preprocessing: Preprocessing, count: int = 256) -> "NDArray[np.uint8]":
    """Random crops, zooms and mirrorings of scikit-image's photographs, ``[count, …]``; the same
    ones every time."""
    from PIL import Image

    random = np.random.default_rng(0)
    photographs = bundled()
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


def pixels_of(paths: Sequence[str], preprocessing: Preprocessing) -> "NDArray[np.uint8]":
    """The user's own calibration photographs; raises ZslError for one that can't be read."""
    pixels = []
    for path in paths:
        try:
            pixels.append(load(path, preprocessing))
        except ImageError as error:
            raise ZslError(f"{path}: {error}") from error
    return np.stack(pixels)


RECIPES = {
    "static": "weights and activations",
    "cautious": "weights and inputs of the convolutions that mix channels",
    "dynamic": "weights, and activations as they come",
    "weights": "weights alone",
}
"""What is kept in int8; see ``to_int8``."""


def recipes(source: Path, pixels: "NDArray[np.uint8] | None") -> list[str]:
    """The recipes for a float graph, the quickest one first, the most exact one last."""
    import onnx

    if pixels is not None and _is_convolutional(onnx.load(source).graph):
        return ["static", "cautious", "weights"]
    return ["dynamic", "weights"]


def to_int8(source: Path, target: Path, pixels: "NDArray[np.uint8] | None", recipe: str) -> None:
    """Write the int8 form of a float graph that ``graph`` has written.

    - ``static``: weights and activations, as in Jacob et al. (2018), with a scale for each
      channel of the weights and for each activation, calibrated on ``pixels``.
    - ``cautious``: the same for convolutions that mix channels alone. Depthwise ones, squeeze-
      and-excitation and what is done element by element stay in floats: networks with swish lose
      much less, and are slower.
    - ``dynamic``: weights ahead and activations as they come, for transformers, whose activations
      differ too much from token to token for one scale.
    - ``weights``: a quarter of the size, as quick as floats.

    Where activations are quantised, weights keep 7 of their 8 bits, except in depthwise
    convolutions: with all 8, processors without VNNI instructions overflow a sum of 16 bits, and
    the same file would answer differently there.
    """
    with extras.needed("export", "quantisation"):
        import onnx
        import onnxruntime.quantization  # noqa: F401
        from onnxruntime.quantization.shape_inference import quant_pre_process
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, quietly():
        prepared, quantized = Path(folder) / "prepared.onnx", Path(folder) / "quantized.onnx"
        # Its symbolic shape inference does not follow every transformer, and then leaves files in
        # the current folder; the shapes that the exporter wrote are enough.
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(prepared)
        if recipe in ("static", "cautious"):
            assert pixels is not None
            floats = _kept_in_floats(model.graph, recipe == "cautious")
            correct_biases(model, _levels(model.graph, floats), IMAGES, pixels)
            onnx.save(model, prepared)
            _static(prepared, quantized, model.graph, pixels, floats,
                    ["Conv", "Gemm", "MatMul"] if recipe == "cautious" else None)
            model = onnx.load(quantized)
        elif recipe == "dynamic":
            del model.graph.value_info[:]  # shapes of the graph before it was simplified
            onnx.save(model, prepared)
            _dynamic(prepared, quantized, model.graph)
            model = onnx.load(quantized)
        else:
            if pixels is not None:
                correct_biases(model, dict.fromkeys(_levels(model.graph, []), 127), IMAGES, pixels)
            _store_in_int8(model.graph)
        _store_in_half_precision(model.graph)
        onnx.checker.check_model(model)
        onnx.save(model, target)


def _static(prepared: Path, target: Path, graph: "onnx.GraphProto", pixels: "NDArray[np.uint8]",
            floats: list[str], operators: list[str] | None) -> None:
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
        nodes_to_exclude=floats, op_types_to_quantize=operators,
        extra_options={"TensorQuantOverrides": {
            name: [all_eight_bits] for name in _depthwise_weights(graph, floats)}})


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


def _kept_in_floats(graph: "onnx.GraphProto", cautious: bool) -> list[str]:
    """The names of the nodes to leave alone: the first convolutions, which see few channels of
    very different ranges (Krishnamoorthi, 2018, section 5), and the head."""
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    kept = [*convolutions[:_FLOAT_CONVOLUTIONS], *head_nodes(graph)]
    if cautious:
        shapes = _sizes(graph)
        pooled = {node.output[0] for node in graph.node
                  if node.op_type in ("GlobalAveragePool", "ReduceMean")}
        for node in graph.node:  # what follows pooling is squeeze-and-excitation, up to its Mul
            follows = bool(pooled & set(node.input))
            if follows and node.op_type != "Mul":
                pooled |= set(node.output)
            if node.op_type == "Conv" and (
                    follows or shapes.get(node.input[1], [0, 0])[1] == 1):
                kept.append(node)
    return [node.name for node in kept]


def _depthwise_weights(graph: "onnx.GraphProto", floats: list[str]) -> list[str]:
    """The names of the quantised weights ``[C, 1, k, k]``, k > 1."""
    shapes = _sizes(graph)
    kept = set(floats)
    return [node.input[1] for node in graph.node
            if node.op_type == "Conv" and node.name not in kept and node.input[1] in shapes
            and shapes[node.input[1]][1] == 1 and shapes[node.input[1]][2] > 1]


def _levels(graph: "onnx.GraphProto", floats: list[str]) -> dict[str, int]:
    """For each convolution to be quantised the largest integer that its weights get."""
    kept, depthwise = set(floats), set(_depthwise_weights(graph, floats))
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


def _store_in_int8(graph: "onnx.GraphProto") -> None:
    """Store the weights of the network as int8 with a scale for each output channel, or for each
    row of a table. A session makes them floats again, once, when it is opened (it would leave a
    DequantizeLinear to each run); of a table, only the rows that are looked up."""
    from onnx import TensorProto, numpy_helper

    head = {node.name for node in head_nodes(graph)}
    axes = {node.input[1]: _output_axis(node) for node in graph.node
            if node.op_type in ("Conv", "Gemm", "MatMul") and node.name not in head}
    tables = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    used = Counter(name for node in graph.node for name in node.input)
    for tensor in list(graph.initializer):
        name = tensor.name
        if name not in axes.keys() | tables or len(tensor.dims) < 2 or (
                tensor.data_type != TensorProto.FLOAT):
            continue
        values, axis = numpy_helper.to_array(tensor), axes.get(name, 0)
        others = tuple(other for other in range(values.ndim) if other != axis % values.ndim)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
        graph.initializer.remove(tensor)
        graph.initializer.extend([
            numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{name}_int8"),
            numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale")])
        lookups = [node for node in graph.node
                   if node.op_type == "Gather" and node.input[0] == name]
        if name in axes or len(lookups) < used[name] or any(
                attribute.i for node in lookups for attribute in node.attribute):
            _insert_floats(graph, 0, name, name)
        else:
            for node in lookups:
                _look_up_in_int8(graph, node)


def _insert_floats(graph: "onnx.GraphProto", position: int, stored: str, floats: str) -> None:
    """What makes ``stored``'s integers and scales the floats of the other name."""
    from onnx import TensorProto, helper

    graph.node.insert(position, helper.make_node(
        "Mul", [f"{stored}_floats", f"{stored}_scale"], [floats]))
    graph.node.insert(position, helper.make_node(
        "Cast", [f"{stored}_int8"], [f"{stored}_floats"], to=TensorProto.FLOAT))


def _look_up_in_int8(graph: "onnx.GraphProto", node: "onnx.NodeProto") -> None:
    """Have a Gather take rows of integers and their scales."""
    from onnx import helper

    table, rows, floats = node.input[0], node.input[1], node.output[0]
    position = list(graph.node).index(node)
    graph.node.remove(node)
    _insert_floats(graph, position, floats, floats)
    for part in ("scale", "int8"):
        graph.node.insert(position, helper.make_node(
            "Gather", [f"{table}_{part}", rows], [f"{floats}_{part}"], axis=0))


def _output_axis(node: "onnx.NodeProto") -> int:
    """The axis of a weight along which its outputs lie."""
    if node.op_type == "Conv":
        return 0
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return 0 if transposed else -1
