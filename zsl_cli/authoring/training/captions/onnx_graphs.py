"""What was trained, as ONNX graphs: written node by node, since the operators are few."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.training.captions.inner import BASE_EMBEDDING, EMBEDDING, Inner
from zsl_cli.authoring.training.captions.words import PAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_IDS = "input_ids"
_OPSET, _IR = 17, 8
_OWN = "captions."  # before the names of values, so that no graph has them already


class _Part:
    """Nodes that are added to a graph, and their constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: "NDArray[Any]") -> str:
        """A constant's name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), _OWN + name))
        return _OWN + name

    def add(self, operator: str, inputs: "Sequence[str]", output: str, **attributes: Any) -> str:
        """A node; its output's name."""
        from onnx import helper

        name = output if output == EMBEDDING else _OWN + output
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def extend(self, graph: Any) -> None:
        """Put them behind what a graph has."""
        graph.node.extend(self.nodes)
        graph.initializer.extend(self.constants)

    def unit(self, value: str, output: str) -> str:
        """Of length 1, or all zero."""
        return self.add("LpNormalization", [value], output, axis=1, p=2)

    def linear(self, value: str, weight: "NDArray[np.float32]", bias: "NDArray[np.float32]",
               output: str) -> str:
        """``weight · value + bias``."""
        return self.add("Gemm", [value, self.constant(f"{output}.weight", weight),
                                 self.constant(f"{output}.bias", bias)], output, transB=1)

    def joined(self, learned: str, base: str, share: float) -> str:
        """``[√(1 − share) · learned, √share · base]``."""
        parts = [self.add("Mul", [value, self.constant(
            f"{name}.scale", np.array(scale ** 0.5, np.float32))], f"{name}.scaled")
                 for name, value, scale in (("learned", learned, 1 - share),
                                            ("base", base, share))]
        return self.add("Concat", parts, EMBEDDING, axis=1)


def add_image_parts(inner: Inner, features: str, stages: "Sequence[str]") -> None:
    """Add the values that ImageSide projects to an image encoder.

    features: the name of what M takes, which may not be there; stages: ``[n, C, H, W]`` each.
    """
    from onnx import TensorProto

    part, inside = _Part(), []
    if any(features in node.output for node in inner.model.graph.node):
        roots = part.add("Sqrt", [part.add("Abs", [features], "sizes")], "roots")
        signed = part.add("Mul", [part.add("Sign", [features], "signs"), roots], "powers")
        inside.append(part.unit(signed, "features"))
    for number, stage in enumerate(stages):
        mean = part.add("Flatten", [part.add("GlobalAveragePool", [stage], f"pooled_{number}")],
                        f"mean_{number}")
        wide = part.add("Cast", [mean], f"wide_{number}", to=TensorProto.FLOAT)
        inside.append(part.unit(wide, f"stage_{number}"))
    part.extend(inner.model.graph)
    inner.inside = tuple(inside)


def write_images(inner: Inner, weight: "NDArray[np.float32]", bias: "NDArray[np.float32]",
                 share: float, dimension: int, path: Path) -> None:
    """The image encoder with the projection of what ImageSide gives.

    dimension: of the base's space.
    """
    _write_mapped(inner, inner.inside or (BASE_EMBEDDING,), weight, bias, share, dimension, path)


def write_linear(inner: Inner, weight: "NDArray[np.float32]", bias: "NDArray[np.float32]",
                 share: float, dimension: int, path: Path) -> None:
    """The base's label encoder with a map on what SentenceSide gives."""
    _write_mapped(inner, (*inner.inside, BASE_EMBEDDING), weight, bias, share, dimension, path)


def _write_mapped(inner: Inner, inputs: "Sequence[str]", weight: "NDArray[np.float32]",
                  bias: "NDArray[np.float32]", share: float, dimension: int, path: Path) -> None:
    """Write a graph of the base's with a map of some of its values; external weights are
    copied."""
    import onnx
    from onnx import TensorProto, helper

    part = _Part()
    value = part.add("Concat", inputs, "inputs", axis=1)
    learned = part.unit(part.linear(value, weight, bias, "mapped"), "learned")
    part.joined(learned, BASE_EMBEDDING, share)
    model = onnx.ModelProto()
    model.CopyFrom(inner.model)
    part.extend(model.graph)
    model.graph.output.append(helper.make_tensor_value_info(
        EMBEDDING, TensorProto.FLOAT, ["batch", len(weight) + dimension]))
    _save(model, path)
    for name, content in inner.source.weights.items():
        (path.parent / name).write_bytes(content)


def write_words(weights: "Mapping[str, NDArray[np.float32]]", how: str, rest: int,
                path: Path) -> None:
    """An encoder over word vectors: int64 ``[n, L]`` → unit ``[n, k + rest]``, the rest zero.

    weights: as over_words.WordNetwork has them.
    """
    from onnx import TensorProto, helper

    part = _Part()
    vectors = part.add("Gather", [part.constant("words", weights["words.weight"]), _IDS], "vectors")
    known = part.add("Not", [part.add("Equal", [
        _IDS, part.constant("pad", np.array(PAD, np.int64))], "padding")], "known")
    one = part.constant("one", np.array([1], np.int64))
    if how == "lstm":
        lengths = part.add("ReduceSum", [part.add("Cast", [known], "counted",
                                                  to=TensorProto.INT32), one], "lengths",
                           keepdims=0)
        summary = _lstm(part, vectors, lengths, weights)
    else:
        summary = part.add("ReduceSum", [vectors, one], "total", keepdims=0)
        if how == "mean":
            lengths = part.add("ReduceSum", [part.add("Cast", [known], "counted",
                                                      to=TensorProto.FLOAT), one], "lengths")
            summary = part.add("Div", [summary, lengths], "summary")
    learned = part.unit(part.linear(summary, weights["linear.weight"], weights["linear.bias"],
                                    "mapped"), "learned")
    pads = part.constant("pads", np.array([0, 0, 0, rest], np.int64))
    part.add("Pad", [learned, pads], EMBEDDING)
    width = len(weights["linear.weight"]) + rest
    graph = helper.make_graph(
        part.nodes, "label_encoder",
        [helper.make_tensor_value_info(_IDS, TensorProto.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, ["batch", width])],
        part.constants)
    _save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)],
                            ir_version=_IR), path)


def _lstm(part: _Part, vectors: str, lengths: str,
          weights: "Mapping[str, NDArray[np.float32]]") -> str:
    """The last hidden states ``[n, H]``. PyTorch has its gates in the order i, f, g, o, and ONNX in
    the order i, o, f, c."""
    def gates(name: str) -> "NDArray[np.float32]":
        first, forget, cell, out = np.split(weights[f"lstm.{name}_l0"], 4)
        return np.concatenate([first, out, forget, cell])[None]

    biases = np.concatenate([gates("bias_ih"), gates("bias_hh")], axis=1)
    steps = part.add("Transpose", [vectors], "steps", perm=[1, 0, 2])
    part.add("LSTM", [steps, part.constant("lstm.W", gates("weight_ih")),
                      part.constant("lstm.R", gates("weight_hh")),
                      part.constant("lstm.B", biases), lengths], "all_states",
             hidden_size=weights["lstm.weight_hh_l0"].shape[1])
    node = part.nodes[-1]
    node.output[:] = ["", f"{_OWN}states"]  # of all steps; the last ones
    return part.add("Squeeze", [node.output[1], part.constant("zero", np.array([0], np.int64))],
                    "state")


def _save(model: Any, path: Path) -> None:
    path.write_bytes(model.SerializeToString())
