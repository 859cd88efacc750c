"""A vision transformer's class token, taken out before the last layer instead of behind it.

Such a network ends with the first of its tokens (Dosovitskiy et al., 2021, equation 4), so that
its last layer needs keys and values alone of the others: queries, projection and perceptron have
one row. Of the twelve D² products that a token takes in each of twelve layers these are ten in one:
7 %. The vectors stay the same.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.onnx_files import opset, used_inside

if TYPE_CHECKING:
    import onnx

Shape = Sequence[int | None]
Wanted = int | None
"""Of a value: the axis of which the first entry is all that is wanted, or None for all of it."""

_OLDEST = 10
"""The first opset whose ``Slice`` takes inputs."""

_STANDARD = ("", "ai.onnx")
_PREFIX = "zsl_first"
_SMALL = 64  # numbers: shapes and axes are

_ELEMENTWISE = frozenset({
    "Abs", "Add", "And", "Cast", "Clip", "Div", "Elu", "Equal", "Erf", "Exp", "FastGelu", "Gelu",
    "Greater", "HardSigmoid", "HardSwish", "Identity", "IsNaN", "LeakyRelu", "Less", "Log", "Max",
    "Min", "Mul", "Neg", "Not", "Or", "Pow", "QuickGelu", "Reciprocal", "Relu", "Sigmoid", "Sqrt",
    "Sub", "Tanh", "Where"})
_REDUCING = frozenset({"ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum"})
_ALONG_ROWS = frozenset({"LayerNormalization", "Softmax"})


def take_early(model: "onnx.ModelProto") -> int:
    """Have a graph compute of its last layer what its class token needs, in place; how many nodes
    are left with one token. A graph that is not of that kind, or whose sizes cannot be told, stays
    as it is."""
    if model.functions or not _in_order(model.graph) or not (sizes := _sizes(model)):
        return 0
    plan = _plan(model.graph, _Graph(model, sizes))
    if not any(node.op_type == "MatMul" for node in plan.narrowed):
        return 0
    _rewrite(model.graph, plan, sizes)
    del model.graph.value_info[:]
    return len(plan.narrowed)


@dataclass(frozen=True)
class _Plan:
    """narrowed: nodes that are to compute the first entry alone, with the axis of their output.
    axes: of what they give. uses: (node, input, axis) of all nodes that are given it alone."""

    narrowed: "list[onnx.NodeProto]"
    axes: dict[str, int]
    uses: "list[tuple[onnx.NodeProto, int, int]]"


def _plan(graph: "onnx.GraphProto", known: "_Graph") -> _Plan:
    """From the end of the graph to its beginning: a node can do with the first entry of its inputs
    where all who use its output do."""
    plan = _Plan([], {}, [])
    wanted: dict[str, set[Wanted]] = defaultdict(set)
    for output in graph.output:
        wanted[output.name].add(None)
    for node in reversed(graph.node):
        asked = {axis for name in node.output for axis in wanted[name]}
        inputs: list[Wanted] | None = known.picks(node)
        picks = inputs is not None
        if inputs is None and len(asked) == 1 and (axis := next(iter(asked))) is not None:
            inputs = known.needs(node, axis)
            if inputs is not None:
                plan.narrowed.append(node)
                plan.axes[node.output[0]] = axis
        for at, name in enumerate(node.input):
            part = inputs[at] if inputs is not None else None
            wanted[name].add(part)
            if part is not None and not picks:  # a pick takes it out of the whole as well
                plan.uses.append((node, at, part))
        for name in used_inside(node):
            wanted[name].add(None)
    return plan


def _in_order(graph: "onnx.GraphProto") -> bool:
    """Whether each node stands behind those whose values it takes; files need not have them so."""
    made = {name for node in graph.node for name in node.output if name}
    seen: set[str] = set()
    for node in graph.node:
        if any(name in made and name not in seen for name in (*node.input, *used_inside(node))):
            return False
        seen.update(node.output)
    return True


def _rewrite(graph: "onnx.GraphProto", plan: _Plan, sizes: Mapping[str, Shape]) -> None:
    """Cut the first entry out where a value is still whole, and change shapes that name a size."""
    from onnx import helper

    prefix, names = _PREFIX, {name for node in graph.node for name in (*node.input, *node.output)}
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    cut: dict[tuple[str, int], onnx.NodeProto] = {}
    for node, at, axis in plan.uses:
        name = node.input[at]
        if name not in plan.axes:
            if (name, axis) not in cut:
                bounds = [_constant(graph, f"{prefix}_{part}_{len(cut)}", [value])
                          for part, value in (("from", 0), ("until", 1), ("axis", axis))]
                cut[name, axis] = helper.make_node("Slice", [name, *bounds],
                                                   [f"{prefix}_{len(cut)}"])
            node.input[at] = cut[name, axis].output[0]
    for number, node in enumerate(plan.narrowed):
        if node.op_type == "Reshape":
            name = node.output[0]
            node.input[1] = _constant(graph, f"{prefix}_shape_{number}", [
                1 if at == plan.axes[name] else -1 if size is None else size
                for at, size in enumerate(sizes[name])])
    waiting = defaultdict(list)
    for (name, _), one in cut.items():
        waiting[name].append(one)
    for at in reversed(range(len(graph.node))):
        for name in graph.node[at].output:
            for one in waiting.pop(name, ()):
                graph.node.insert(at + 1, one)
    for several in waiting.values():  # of inputs and weights
        for one in several:
            graph.node.insert(0, one)


def _constant(graph: "onnx.GraphProto", name: str, values: Sequence[int]) -> str:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    return name


class _Graph:
    """What a node needs of its inputs."""

    def __init__(self, model: "onnx.ModelProto", sizes: Mapping[str, Shape]) -> None:
        self._sizes = sizes
        self._constants = _constants(model.graph)
        self._quantized = {name for node in model.graph.node for name in node.output
                           if node.op_type == "QuantizeLinear"}
        self._softmax = -1 if opset(model) >= 13 else 1  # its axis; it once flattened what follows

    def picks(self, node: "onnx.NodeProto") -> list[Wanted] | None:
        """The needs of a node that takes the first entry of an axis itself."""
        if node.domain not in _STANDARD:
            return None
        if node.op_type == "Gather":
            axis, at = int(_attribute(node, "axis", 0)), self._constants.get(node.input[1])
            first = at is not None and at.size == 1 and not at.any()
        elif node.op_type == "Slice" and len(node.input) >= 4:
            start, end, along = (self._constants.get(name) for name in node.input[1:4])
            step = self._constants.get(node.input[4]) if len(node.input) > 4 else np.ones(1)
            if start is None or end is None or along is None or step is None or along.size != 1:
                return None
            axis, first = int(along.ravel()[0]), (
                not start.any() and bool((end == 1).all()) and bool((step == 1).all()))
        else:
            return None
        size = self._sizes.get(node.input[0], ())
        axis = axis + len(size) if axis < 0 else axis
        if not first or not 0 < axis < len(size) - 1 or (size[axis] or 1) < 2:
            return None
        return [axis, *[None] * (len(node.input) - 1)]

    def needs(self, node: "onnx.NodeProto", axis: int) -> list[Wanted] | None:
        """What is to be had of each input for the first entry of an axis of the output; None where
        that is not known."""
        output, inputs = self._sizes.get(node.output[0]), [
            self._sizes.get(name) if name else () for name in node.input]
        if node.domain not in (*_STANDARD, "com.microsoft") or output is None or not inputs or (
                None in inputs or sum(bool(name) for name in node.output) != 1):
            return None
        rest: list[Wanted] = [None] * (len(inputs) - 1)
        kind, rank = node.op_type, len(output)
        first: Shape = inputs[0] or ()
        if kind in _ELEMENTWISE:
            return _broadcast(output, [one or () for one in inputs], axis)
        if kind == "MatMul":
            return [axis, None] if axis == rank - 2 and len(first) == rank else None
        if kind == "Transpose":
            order = _attribute(node, "perm", [*reversed(range(rank))])
            return [int(order[axis])]
        if kind == "Reshape":
            there = _same_place(first, output, axis)
            return None if there is None else [there, None]
        if kind in _ALONG_ROWS:
            along = int(_attribute(node, "axis", self._softmax if kind == "Softmax" else -1))
            return _broadcast(output, [one or () for one in inputs], axis) if (
                axis < along % rank == rank - 1) else None
        if kind in _REDUCING:
            over = self._constants.get(node.input[1]) if len(node.input) > 1 else np.array(
                _attribute(node, "axes", []))
            if over is None or not over.size or not _attribute(node, "keepdims", 1):
                return None
            return [axis, *rest] if axis not in {int(one) % rank for one in over} else None
        if kind == "QuantizeLinear" or (  # what a file holds may be of a type that is not cut
                kind == "DequantizeLinear" and node.input[0] in self._quantized):
            return [axis, *rest] if math.prod(one or 0 for one in inputs[1] or ()) == 1 else None
        return None


def _broadcast(output: Shape, inputs: Sequence[Shape], axis: int) -> list[Wanted] | None:
    """Of inputs that are stretched to the output's shape."""
    needs: list[Wanted] = []
    for size in inputs:
        own = axis - (len(output) - len(size))
        if own < 0 or size[own] == 1:
            needs.append(None)
        elif size[own] == output[axis]:
            needs.append(own)
        else:
            return None
    return needs


def _same_place(before: Shape, after: Shape, axis: int) -> int | None:
    """The axis that an axis was before a change of shape, where all behind it is known to stay
    behind it; at most one size may be unknown after it."""
    behind = after[axis + 1:]
    if None in behind or sum(size is None for size in after[:axis]) > 1:
        return None
    for at in range(len(before)):
        rest = before[at + 1:]
        if before[at] == after[axis] and None not in rest and (
                math.prod(one or 0 for one in rest) == math.prod(one or 0 for one in behind)):
            return at
    return None


def _sizes(model: "onnx.ModelProto") -> dict[str, Shape]:
    """The sizes of all values, as far as they can be told; without looking at the weights."""
    import onnx
    from onnx import helper

    if opset(model) < _OLDEST:
        return {}
    light = onnx.ModelProto(ir_version=max(model.ir_version, 4), opset_import=model.opset_import)
    light.graph.name = "sizes"
    light.graph.node.extend(model.graph.node)
    light.graph.input.extend(model.graph.input)
    light.graph.output.extend(model.graph.output)
    light.graph.value_info.extend(model.graph.value_info)
    named = {value.name for value in light.graph.input}
    for tensor in model.graph.initializer:
        if _is_small(tensor):
            light.graph.initializer.append(tensor)
        elif tensor.name not in named:
            light.graph.input.append(helper.make_tensor_value_info(
                tensor.name, tensor.data_type, tensor.dims))
    try:
        told = onnx.shape_inference.infer_shapes(light, data_prop=True).graph
    except Exception:  # of many kinds, for what it does not understand
        return {}
    sizes: dict[str, Shape] = {one.name: tuple(one.dims) for one in model.graph.initializer}
    for value in (*told.input, *told.output, *told.value_info):
        if value.type.tensor_type.HasField("shape"):
            sizes[value.name] = tuple(dim.dim_value if dim.HasField("dim_value") else None
                                      for dim in value.type.tensor_type.shape.dim)
    for node in model.graph.node:
        if (tensor := _constant_of(node)) is not None:
            sizes[node.output[0]] = tuple(tensor.dims)
    return sizes


def _constant_of(node: "onnx.NodeProto") -> "onnx.TensorProto | None":
    """The tensor of a node that is one."""
    if node.op_type != "Constant" or node.domain not in _STANDARD:
        return None
    return next((one.t for one in node.attribute if one.name == "value"), None)


def _constants(graph: "onnx.GraphProto") -> "dict[str, np.ndarray]":
    """The small tensors whose numbers are known."""
    from onnx import numpy_helper

    tensors = {one.name: one for one in graph.initializer}
    tensors |= {node.output[0]: tensor for node in graph.node
                if (tensor := _constant_of(node)) is not None}
    return {name: numpy_helper.to_array(one) for name, one in tensors.items() if _is_small(one)}


def _is_small(tensor: "onnx.TensorProto") -> bool:
    from onnx import TensorProto

    return math.prod(tensor.dims) <= _SMALL and tensor.data_location != TensorProto.EXTERNAL


def _attribute(node: "onnx.NodeProto", name: str, default: Any) -> Any:
    from onnx import helper

    return next((helper.get_attribute_value(one) for one in node.attribute if one.name == name),
                default)
