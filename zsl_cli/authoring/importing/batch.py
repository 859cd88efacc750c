"""A batch that an exporter froze at 1, freed.

A graph that was traced with one input has shapes in it that are right for one input alone: ``[1,
50, 768]``, and ``[12, 50, 64]`` for the heads of one image. Here it is followed, node by node,
where in each value the batch is (``places``); then a reshape gets -1 there, a constant that is put
beside a batch is repeated, and the number of a row counts on. A measurement says what came of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.onnx_files import opset
from zsl_cli.authoring.importing import places
from zsl_cli.authoring.importing.places import LostError, Place

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

_SMALL = 4096  # numbers of a shape, or of what indices are computed from
_PREFIX = "zsl_batch"
_ATTEMPTS = 8
_ONE_BY_ONE = frozenset({"If", "Loop", "Scan", "Einsum", "NonZero", "Unique", "Compress", "TopK"})
"""Operators through which no batch is followed."""

_TOGETHER = frozenset({"Concat", "MatMul", "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where",
                       "And", "Or", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
"""Operators that take several values of like shapes."""

_REDUCING = ("Reduce", "ArgM")


class Mode(Enum):
    """What is done about the batch of a graph: nothing, free it, or have it take one input."""

    AS_IT_IS = "as it is"
    FREED = "freed"
    SINGLE = "single"


@dataclass(frozen=True)
class _Known:
    """What is known of a value, for a batch of 1: its type, its numbers if they are few, and where
    the batch is, if it has one. own: whether the numbers stand in the file."""

    type: "onnx.TypeProto"
    numbers: "NDArray[Any] | None" = None
    place: Place | None = None
    own: bool = False

    @property
    def shape(self) -> list[int]:
        """Its sizes; raises LostError where not all are known."""
        tensor = self.type.tensor_type
        if not tensor.HasField("shape") or not all(
                dim.HasField("dim_value") for dim in tensor.shape.dim):
            raise LostError
        return [dim.dim_value for dim in tensor.shape.dim]


def modes(shape: Sequence[int | str | None]) -> list[Mode]:
    """What may be done about an input of this shape, the best first. A batch that is said to be
    free may be frozen inside."""
    return [*([] if shape[0] == 1 else [Mode.AS_IT_IS]), Mode.FREED, Mode.SINGLE]


def freeze(ends: "Iterable[onnx.ValueInfoProto]") -> None:
    """Have the ends of a graph say that there is one input, as its inside does."""
    for end in ends:
        if end.type.tensor_type.shape.dim:
            end.type.tensor_type.shape.dim[0].dim_value = 1


def free(model: "onnx.ModelProto") -> bool:
    """Have a graph whose inputs have a batch of 1 take any; whether that is done. A graph of which
    it is not known how is left as it is."""
    from onnx import ModelProto

    choices: list[int] = []
    for _ in range(_ATTEMPTS):
        copy = ModelProto()
        copy.CopyFrom(model)
        follower = _Follower(copy, choices)
        try:
            follower.rewrite()
        except LostError:
            if not (choices := _next_choices(follower.landings)):
                return False
            continue
        except (IndexError, KeyError, TypeError, ValueError):  # an odd graph, however it is odd
            return False
        model.CopyFrom(copy)
        return True
    return False


def _next_choices(landings: "Sequence[tuple[int, int]]") -> list[int]:
    """Of several places where a batch may have gone to, the next ones to try: the last that was
    taken is changed first. Nothing where all were tried.

    landings: which one was taken, of how many.
    """
    choices = [taken for taken, _ in landings]
    while choices and choices[-1] + 1 == landings[len(choices) - 1][1]:
        choices.pop()
    return [*choices[:-1], choices[-1] + 1] if choices else []


class _Follower:
    """Follows the batch through a graph, which it changes."""

    def __init__(self, model: "onnx.ModelProto", choices: Sequence[int]) -> None:
        """choices: which of several places to take, for the first reshapes that have several."""
        self._model, self._graph, self._choices = model, model.graph, choices
        self.landings: list[tuple[int, int]] = []
        self._versions = {one.domain: one.version for one in model.opset_import}
        self._versions[""] = opset(model)
        self._known: dict[str, _Known] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._first = ""

    def rewrite(self) -> None:
        """Raises LostError, the graph half done."""
        from onnx import helper, numpy_helper

        weights = {one.name for one in self._graph.initializer}
        ends = [one for one in self._graph.input if one.name not in weights]
        for tensor in self._graph.initializer:
            small = prod(tensor.dims) <= _SMALL and not tensor.external_data
            self._known[tensor.name] = _Known(
                helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims)),
                numpy_helper.to_array(tensor) if small else None, own=True)
        for end in ends:
            self._known[end.name] = _Known(end.type, place=Place(0))
            if self._known[end.name].shape[0] != 1:
                raise LostError
        self._first = ends[0].name
        for node in self._in_order():
            if node.op_type in _ONE_BY_ONE:
                raise LostError
            self._follow(node)
        for end in (*ends, *self._graph.output):
            if self._known[end.name].place != Place(0):
                raise LostError
            end.type.tensor_type.shape.dim[0].dim_param = "batch"
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(self._nodes)

    def _in_order(self) -> "Iterator[onnx.NodeProto]":
        """The nodes, each behind those whose values it takes; files need not have them so."""
        waiting = list(self._graph.node)
        while waiting:
            later = []
            for node in waiting:
                if all(not name or name in self._known for name in node.input):
                    yield node
                else:
                    later.append(node)
            if len(later) == len(waiting):
                raise LostError
            waiting = later

    def _follow(self, node: "onnx.NodeProto") -> None:
        """One node: what it gives, and what has to be changed of it."""
        types = self._types(node)
        numbers = self._numbers(node, types)
        given = [self._known.get(name) for name in node.input]
        if node.op_type == "Mul" and any(map(_counts_rows, given)):
            # x[arange(B), last] becomes the row number times the tokens, and 0 is all that is left
            for at, one in enumerate(given):
                if one is not None and _counts_rows(one):
                    node.input[at] = self._rows(len(one.shape))
            place: Place | None = Place(0)
            numbers = None
        elif numbers is not None:
            place = None
        else:
            place = self._place(node, given, types)
        self._nodes.append(node)
        rank = len(next(iter(types.values())).tensor_type.shape.dim)
        for name, type_ in types.items():  # of several outputs some may be one number for all
            alike = len(type_.tensor_type.shape.dim) == rank
            self._known[name] = _Known(type_, numbers if place is None else None,
                                       place if alike else None, own=node.op_type == "Constant")

    def _types(self, node: "onnx.NodeProto") -> "dict[str, onnx.TypeProto]":
        """What a node's outputs are like for a batch of 1."""
        from onnx import defs, helper, numpy_helper, shape_inference

        names = [name for name in dict.fromkeys(node.input) if name]
        given = {name: self._known[name].type for name in names}
        numbers = [numpy_helper.from_array(there, name) for name in names
                   if (there := self._known[name].numbers) is not None]
        opsets = list(self._model.opset_import)
        try:
            schema = defs.get_schema(node.op_type, self._versions.get(node.domain, 1),
                                     node.domain)
            found = shape_inference.infer_node_outputs(
                schema, node, given, {one.name: one for one in numbers}, opset_imports=opsets)
            found = {name: found[name] for name in node.output if name in found}  # in order
            if all(one.tensor_type.HasField("shape") for one in found.values()):
                return found
            graph = helper.make_graph(  # one that is made of others
                [node], "node", [helper.make_value_info(*one) for one in given.items()],
                [helper.make_value_info(*one) for one in found.items()], numbers)
            whole = shape_inference.infer_shapes(
                helper.make_model(graph, opset_imports=opsets), data_prop=True)
            return {one.name: one.type for one in whole.graph.output}
        except Exception as error:  # what it raises is not told apart
            raise LostError from error

    def _numbers(self, node: "onnx.NodeProto",
                 types: "dict[str, onnx.TypeProto]") -> "NDArray[Any] | None":
        """What a node gives, where that is few numbers that are always the same for a batch
        of 1."""
        from onnx import helper, numpy_helper
        from onnx.reference import ReferenceEvaluator

        if node.op_type == "Shape":
            first, last = (_attribute(node, name, default) for name, default in (
                ("start", 0), ("end", None)))
            return np.array(self._known[node.input[0]].shape[first:last], np.int64)
        if node.op_type == "Constant":
            value = _attribute(node, "value", None)
            if value is not None and (prod(value.dims) > _SMALL or value.external_data):
                return None
            if value is not None:
                return np.asarray(numpy_helper.to_array(value))
        inputs = {name: self._known[name].numbers for name in node.input if name}
        if any(one is None for one in inputs.values()) or len(node.output) != 1 or not all(
                prod(_Known(one).shape) <= _SMALL for one in types.values()):
            return None
        graph = helper.make_graph(
            [node], "node", [helper.make_value_info(name, self._known[name].type)
                             for name in inputs],
            [helper.make_value_info(name, one) for name, one in types.items()])
        try:
            (result,) = ReferenceEvaluator(helper.make_model(
                graph, opset_imports=list(self._model.opset_import))).run(None, inputs)
        except Exception as error:  # as above
            raise LostError from error
        return np.asarray(result)

    def _place(self, node: "onnx.NodeProto", given: "Sequence[_Known | None]",
               types: "dict[str, onnx.TypeProto]") -> Place | None:
        """Where the batch is in what a node gives."""
        there = [(one.place, len(one.shape)) for one in given if one and one.place]
        if not there or node.op_type == "Shape":
            return None
        kind, known = node.op_type, [one for one in given if one]
        shape = _Known(next(iter(types.values()))).shape
        if kind == "Reshape":
            return self._reshaped(node, known[0], shape)
        if kind.startswith("Gather"):
            if kind == "GatherElements" and known[0].place is None and known[1].place:
                node.input[0] = self._repeated(node.input[0], known[1].place.axis)
                return known[1].place
            if kind == "GatherND" and known[1].place is None:
                return self._picked(node, *known[:2])
            return places.gathered(kind, _attribute(node, "axis", 0), *(
                (one.shape, one.place) for one in known[:2]))
        place, rank = there[0]
        axis = place.axis
        if kind == "Transpose":
            return replace(place, axis=_attribute(node, "perm", [*range(rank)][::-1]).index(axis))
        if kind == "Flatten":
            return places.flattened(place, _attribute(node, "axis", 1), known[0].shape)
        if kind == "Gemm":
            if axis or known[0].place is None or _attribute(node, "transA", 0):
                raise LostError
            return place
        if kind in ("Squeeze", "Unsqueeze") or kind.startswith(_REDUCING):
            axes = self._axes(node)
            return (places.with_axes(place, axes, len(shape)) if kind == "Unsqueeze"
                    else places.without_axes(place, axes, rank, len(shape)))
        aligned = {replace(one, axis=len(shape) - count + one.axis) for one, count in there}
        if len(aligned) != 1 or min(one.axis for one in aligned) < 0:
            raise LostError
        found = aligned.pop()
        if kind in _TOGETHER:
            self._beside(node, found, len(shape))
        return found

    def _axes(self, node: "onnx.NodeProto") -> list[int]:
        """The axes that a node names. Raises LostError where they are not known."""
        if node.op_type.startswith("ArgM"):
            return [_attribute(node, "axis", 0)]
        axes = _attribute(node, "axes", None)
        if axes is None and len(node.input) > 1 and node.input[1]:
            numbers = self._known[node.input[1]].numbers
            axes = None if numbers is None else numbers.tolist()
        if axes is None:
            raise LostError
        return axes

    def _reshaped(self, node: "onnx.NodeProto", data: _Known, shape: list[int]) -> Place:
        """The reshape of a batch: as many elements are outside of it as before."""
        if data.place is None:
            raise LostError
        outside = prod(data.shape[:data.place.axis]) * data.place.outer
        found = places.landings(outside, shape)
        at = len(self.landings)
        taken = self._choices[at] if at < len(self._choices) else 0
        self.landings.append((taken, len(found)))
        place = found[taken]
        free = [-1 if at == place.axis else size for at, size in enumerate(shape)]
        node.input[1] = self._constant(np.array(free, np.int64))
        for at in reversed(range(len(node.attribute))):
            if node.attribute[at].name == "allowzero":
                del node.attribute[at]
        return place

    def _beside(self, node: "onnx.NodeProto", place: Place, rank: int) -> None:
        """Repeat what a batch is put together with, or computed with, and has none: the class
        token, the one query of a pooling by attention. rank: of what the node gives."""
        joins = node.op_type == "Concat"
        if joins and _attribute(node, "axis", 0) % rank == place.axis:
            raise LostError
        if node.op_type == "MatMul" and place.axis >= rank - 2:
            return
        for at, name in enumerate(node.input):
            one = self._known[name]
            axis = place.axis - rank + len(one.shape)
            if one.place is not None or axis < 0 or (one.shape[axis] == 1 and not joins):
                continue
            if place.outer != 1:
                raise LostError
            # x[arange(B), last], where indices are put together
            node.input[at] = (self._rows(rank, axis) if joins and _counts_rows(one)
                              else self._repeated(name, axis))

    def _repeated(self, name: str, axis: int) -> str:
        """A value without a batch, for each input once along an axis."""
        rank = len(self._known[name].shape)
        ones = [self._constant(np.ones(count, np.int64)) for count in (axis, rank - axis - 1)]
        times = self._add("Concat", [ones[0], self._count(), ones[1]], axis=0)
        return self._add("Tile", [name, times])

    def _picked(self, node: "onnx.NodeProto", data: _Known, indices: _Known) -> Place:
        """Behind a GatherND whose indices are always the same, of the only row: of each row."""
        if (data.place != Place(0) or indices.numbers is None or len(indices.shape) < 2
                or indices.shape[0] != 1 or indices.numbers[..., 0].any()
                or _attribute(node, "batch_dims", 0)):
            raise LostError
        rank, width = len(indices.shape), indices.shape[-1]
        first = self._constant(np.eye(1, width, dtype=np.int64)[0])
        row = self._add("Mul", [self._rows(rank), first])
        node.input[1] = self._add("Add", [node.input[1], row])
        return Place(0)

    def _count(self) -> str:
        """How many inputs there are, ``[1]``."""
        if not any(node.output[0] == f"{_PREFIX}_count" for node in self._nodes):
            shape = self._add("Shape", [self._first])
            self._add("Gather", [shape, self._constant(np.array([0]))], f"{_PREFIX}_count")
        return f"{_PREFIX}_count"

    def _rows(self, rank: int, axis: int = 0) -> str:
        """The numbers of the inputs from 0 on, along an axis of so many."""
        whole = self._add("Squeeze", [self._count(), *(
            [self._constant(np.array([0]))] if self._versions[""] >= 13 else [])])
        rows = self._add("Range", [self._constant(np.array(0)), whole,
                                   self._constant(np.array(1))])
        if rank == 1:
            return rows
        shape = [-1 if number == axis else 1 for number in range(rank)]
        return self._add("Reshape", [rows, self._constant(np.array(shape))])

    def _constant(self, value: "NDArray[np.int64]") -> str:
        from onnx import numpy_helper

        name = f"{_PREFIX}_{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(value.astype(np.int64), name))
        return name

    def _add(self, operator: str, inputs: Sequence[str], name: str = "", **more: Any) -> str:
        from onnx import helper

        name = name or f"{_PREFIX}_node_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **more))
        return name


def _counts_rows(one: "_Known | None") -> bool:
    """Whether a constant is what is left of the numbers of a batch of 1."""
    return (one is not None and one.own and one.numbers is not None
            and one.numbers.dtype == np.int64 and one.numbers.ndim > 0
            and one.numbers.ravel().tolist() == [0])


def _attribute(node: "onnx.NodeProto", name: str, default: Any) -> Any:
    from onnx import helper

    found = next((one for one in node.attribute if one.name == name), None)
    return default if found is None else helper.get_attribute_value(found)
