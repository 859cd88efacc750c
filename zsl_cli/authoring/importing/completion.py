"""What a published graph lacks of an encoder of a model folder, added by functions that each
change a graph in place: the part that is wanted, pixels as they come, token ids, unit length."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.onnx_files import (
    EMBEDDING,
    IDS,
    IMAGES,
    graphs_of,
    opset,
    used_inside,
)
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

if TYPE_CHECKING:
    import onnx

    from zsl_cli.authoring.networks.network import Input

MASK = "attention_mask"
_INSIDE = "_inside"
_PREFIX = "zsl_"  # of the values that are added
_SHORTEST = 1e-12
_ZEROS = ("token_type_ids",)
"""Inputs that are nought for a single text."""

Shape = list[int | str | None]


def inputs(model: "onnx.ModelProto") -> dict[str, "onnx.ValueInfoProto"]:
    """What must be given to a graph: old files name their weights among the inputs, too."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return {value.name: value for value in model.graph.input if value.name not in weights}


def shape_of(value: "onnx.ValueInfoProto") -> Shape:
    """The sizes of a value, a name or None for those that are not fixed."""
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
            for dim in value.type.tensor_type.shape.dim]


def keep_outputs(model: "onnx.ModelProto", outputs: Sequence[str]) -> None:
    """Leave some outputs and what they are computed from."""
    graph = model.graph
    made_by = {name: at for at, node in enumerate(graph.node) for name in node.output}
    wanted, needed, kept = [*outputs], set[str](), set[int]()
    while wanted:
        name = wanted.pop()
        if name in needed:
            continue
        needed.add(name)
        if (at := made_by.get(name)) is not None and at not in kept:
            kept.add(at)
            wanted += [*graph.node[at].input, *used_inside(graph.node[at])]
    for at in reversed(range(len(graph.node))):
        if at not in kept:
            del graph.node[at]
    for part in (graph.initializer, graph.input):
        _retain(part, lambda one: one.name in needed)
    _retain(graph.output, lambda one: one.name in outputs)
    del graph.value_info[:]


def _retain(parts: Any, kept: Callable[[Any], bool]) -> None:
    """Leave some messages of a repeated field, in place: they may be large."""
    for at in reversed([at for at, one in enumerate(parts) if not kept(one)]):
        del parts[at]


def free_names(model: "onnx.ModelProto") -> None:
    """Rename the values that have names which the ends of an encoder are to get."""
    new = {name: name + _INSIDE for name in (IMAGES, IDS, MASK, EMBEDDING)}
    for graph in graphs_of(model.graph):
        for node in graph.node:
            for part in (node.input, node.output):
                for at, name in enumerate(part):
                    part[at] = new.get(name, name)
        for values in (graph.input, graph.output, graph.initializer, graph.value_info):
            for value in values:
                value.name = new.get(value.name, value.name)


def take_pixels(model: "onnx.ModelProto", side: int, prepared: "Input") -> bool:
    """Put uint8 pixels ``[batch, S, S, 3]`` before the graph's one input; whether it is normalised
    here, which a graph that takes uint8 does by itself. Raises ZslError."""
    from onnx import TensorProto, helper

    (source,) = inputs(model).values()
    kind, shape = source.type.tensor_type.elem_type, shape_of(source)
    channels_last = len(shape) == 4 and shape[3] == 3 and shape[1] != 3
    sides = shape[1:3] if channels_last else shape[2:]
    if len(shape) != 4 or (shape[3 if channels_last else 1] not in (3, None) and isinstance(
            shape[3 if channels_last else 1], int)):
        raise ZslError(f"its input {source.name} is {_spoken(shape)}, and images of three channels "
                       "are [batch, 3, height, width]")
    if any(isinstance(one, int) and one != side for one in sides):
        raise ZslError(f"its input {source.name} is {_spoken(shape)}, and pictures are prepared "
                       f"with {side} x {side} pixels; give `size`")
    nodes, last = [], IMAGES
    if kind == TensorProto.UINT8:
        steps: list[tuple[str, list[str], dict[str, Any]]] = []
    else:
        axis = (1, 1, 1, -1) if channels_last else (1, -1, 1, 1)
        for name, values in (("mean", prepared.mean), ("std", prepared.std)):
            _constant(model, name, np.array(values, np.float32).reshape(
                axis if len(values) > 1 else (1, 1, 1, 1)))
        steps = [("Cast", [], {"to": TensorProto.FLOAT}), ("Sub", ["mean"], {}),
                 ("Div", ["std"], {}), ("Cast", [], {"to": kind})]
    if prepared.bgr:
        order = _constant(model, "order", np.array([2, 1, 0], np.int64)).removeprefix(_PREFIX)
        steps.insert(0, ("Gather", [order], {"axis": 3 if channels_last else 1}))
    if not channels_last:
        steps.insert(0, ("Transpose", [], {"perm": [0, 3, 1, 2]}))
    for number, (operator, others, attributes) in enumerate(steps):
        name = source.name if number == len(steps) - 1 else f"{_PREFIX}pixels_{number}"
        nodes.append(helper.make_node(operator, [last, *(_PREFIX + one for one in others)], [name],
                                      **attributes))
        last = name
    if not steps:
        free = source.name
        nodes = [helper.make_node("Identity", [IMAGES], [free])]
    _before(model, nodes)
    _only_input(model, [helper.make_tensor_value_info(
        IMAGES, TensorProto.UINT8, [_batch(shape), side, side, 3])])
    return kind != TensorProto.UINT8


def take_ids(model: "onnx.ModelProto", length: int | None) -> None:
    """Have a text graph take int64 ``input_ids`` and, where it looks at one, ``attention_mask``,
    ``[batch, tokens]``; so many tokens always where ``length`` is given. Raises ZslError."""
    from onnx import TensorProto, helper

    sources = inputs(model)
    roles = text_inputs(model)
    ids = sources[roles[IDS]]
    shape = shape_of(ids)
    nodes, ends = [], []
    for role, name in roles.items():
        kind = sources[name].type.tensor_type.elem_type
        if role in (IDS, MASK):
            nodes.append(helper.make_node("Cast", [role], [name], to=kind))
            ends.append(helper.make_tensor_value_info(
                role, TensorProto.INT64, [_batch(shape), length or "tokens"]))
        else:
            nodes += [helper.make_node("Sub", [IDS, IDS], [f"{_PREFIX}{role}"]),
                      helper.make_node("Cast", [f"{_PREFIX}{role}"], [name], to=kind)]
    _before(model, nodes)
    _only_input(model, ends)


def text_inputs(model: "onnx.ModelProto") -> dict[str, str]:
    """Which input of a text graph is what. Raises ZslError."""
    sources = inputs(model)
    roles: dict[str, str] = {}
    for name, value in sources.items():
        plain = name.removesuffix(_INSIDE)
        role = MASK if "mask" in plain else plain if plain in _ZEROS else IDS
        if role in roles or len(shape_of(value)) != 2:
            raise ZslError(f"its inputs are {listed([*sources])}; token ids alone, or with an "
                           "attention mask, are taken here, [batch, tokens]")
        roles[role] = name
    if IDS not in roles:
        raise ZslError(f"its inputs are {listed([*sources])}, and none of them takes token ids")
    return roles


def give_unit_vectors(model: "onnx.ModelProto", dimension: int, length: float = 1.0,
                      behind: Sequence[float] = ()) -> None:
    """Have the graph's one output give ``embedding``, float32 of unit length: the output in ``D``
    dimensions of this length together, and numbers ``behind`` them that are always the same."""
    from onnx import TensorProto, helper

    (output,) = model.graph.output
    batch = _batch(shape_of(model.graph.input[0]))
    reduce: dict[str, Any] = {"axes": [-1]} if opset(model) < 18 else {}
    axes = [] if reduce else [_constant(model, "axes", np.array([-1], np.int64))]
    shortest, scale = (_constant(model, name, np.array([value], np.float32))
                       for name, value in (("shortest", _SHORTEST), ("scale", length)))
    floats, norm, unit = (_PREFIX + one for one in ("floats", "norm", "unit"))
    nodes = [helper.make_node("Cast", [output.name], [floats], to=TensorProto.FLOAT),
             helper.make_node("ReduceL2", [floats, *axes], [norm], keepdims=1, **reduce),
             helper.make_node("Max", [norm, shortest], [f"{norm}_or_more"]),
             helper.make_node("Div", [floats, f"{norm}_or_more"], [unit]),
             helper.make_node("Mul", [unit, scale], [f"{_PREFIX}scaled"])]
    for number, value in enumerate(behind):
        nodes.append(_padded(model, nodes[-1].output[0], f"behind_{number}", value))
    nodes[-1].output[0] = EMBEDDING
    model.graph.node.extend(nodes)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(
        EMBEDDING, TensorProto.FLOAT, [batch, dimension + len(behind)]))


def _padded(model: "onnx.ModelProto", rows: str, name: str, value: float) -> "onnx.NodeProto":
    """What puts one more number behind each row."""
    from onnx import helper

    pads, result = [0, 0, 0, 1], _PREFIX + name
    if opset(model) < 11:
        return helper.make_node("Pad", [rows], [result], pads=pads, value=value)
    return helper.make_node("Pad", [rows, _constant(model, f"{name}_pads", np.array(pads)),
                                    _constant(model, f"{name}_value", np.float32(value))], [result])


def average_tokens(model: "onnx.ModelProto", dense: "np.ndarray | None") -> None:
    """Have the graph's one output, ``[batch, tokens, F]``, give the mean of the tokens that the
    mask counts and then a linear map ``[D, F]`` of it (Reimers and Gurevych, 2019)."""
    from onnx import TensorProto, helper

    (output,) = model.graph.output
    old = opset(model) < 13
    names = {one: f"{_PREFIX}{one}" for one in ("mask", "wide", "masked", "sum", "count", "mean",
                                                "mapped")}
    axis = {name: _constant(model, name, np.array([value], np.int64))
            for name, value in (("last", -1), ("second", 1))}

    def over(operator: str, value: str, result: str, at: int, name: str,
             **more: Any) -> "onnx.NodeProto":
        if old:
            return helper.make_node(operator, [value], [result], axes=[at], **more)
        return helper.make_node(operator, [value, axis[name]], [result], **more)

    floats = f"{_PREFIX}states"
    nodes = [
        helper.make_node("Cast", [output.name], [floats], to=TensorProto.FLOAT),
        helper.make_node("Cast", [text_inputs(model)[MASK]], [names["mask"]],
                         to=TensorProto.FLOAT),
        over("Unsqueeze", names["mask"], names["wide"], -1, "last"),
        helper.make_node("Mul", [floats, names["wide"]], [names["masked"]]),
        over("ReduceSum", names["masked"], names["sum"], 1, "second", keepdims=0),
        over("ReduceSum", names["wide"], names["count"], 1, "second", keepdims=0),
        helper.make_node("Div", [names["sum"], names["count"]], [names["mean"]])]
    last = names["mean"]
    if dense is not None:
        weight = _constant(model, "dense", np.ascontiguousarray(dense.T, np.float32))
        nodes.append(helper.make_node("MatMul", [last, weight], [names["mapped"]]))
        last = names["mapped"]
    model.graph.node.extend(nodes)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(
        last, TensorProto.FLOAT, [None, dense.shape[0] if dense is not None else None]))


def rows_of_table(model: "onnx.ModelProto") -> int | None:
    """How many tokens a text graph has vectors for; None where that cannot be seen."""
    sizes = {one.name: one.dims[0] for one in model.graph.initializer if len(one.dims) == 2}
    known = {text_inputs(model)[IDS]}
    for node in model.graph.node:
        if node.op_type in ("Cast", "Identity", "Reshape") and node.input[0] in known:
            known.add(node.output[0])
        if node.op_type.startswith("Gather") and node.input[1] in known and node.input[0] in sizes:
            return sizes[node.input[0]]
    return None


def _batch(shape: Shape) -> int | str:
    return shape[0] if isinstance(shape[0], int) and shape[0] > 0 else "batch"


def _constant(model: "onnx.ModelProto", name: str,
              value: "np.ndarray | np.float32") -> str:
    from onnx import numpy_helper

    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), _PREFIX + name))
    return _PREFIX + name


def _before(model: "onnx.ModelProto", nodes: Sequence["onnx.NodeProto"]) -> None:
    for node in reversed(nodes):
        model.graph.node.insert(0, node)


def _only_input(model: "onnx.ModelProto", values: Sequence["onnx.ValueInfoProto"]) -> None:
    del model.graph.input[:]
    model.graph.input.extend(values)


def _spoken(shape: Shape) -> str:
    return "[" + ", ".join(str(one if one is not None else "?") for one in shape) + "]"
