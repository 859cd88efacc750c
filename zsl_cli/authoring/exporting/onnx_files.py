"""The ONNX files of a model folder: what their ends are called, and how they are finished. Needs
no PyTorch."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

IMAGES, IDS = "images", "input_ids"
EMBEDDING, FEATURES = "embedding", "features"
MOST_BYTES = 1_900_000_000  # protobuf's limit is 2 GiB, and a graph is more than its weights


def weights_of(path: Path) -> Path:
    """Where the weights of a graph are, if they are not in it: beside it, as ``NAME.onnx.data``."""
    return path.with_name(f"{path.name}.data")


def size(path: Path) -> int:
    """The bytes of a graph and its weights."""
    beside = weights_of(path)
    return path.stat().st_size + (beside.stat().st_size if beside.is_file() else 0)


def move(path: Path, target: Path) -> None:
    """Rename a graph, and its weights with it; ``finish`` then tells the graph of it."""
    path.rename(target)
    if weights_of(path).is_file():
        weights_of(path).rename(weights_of(target))


def finish(path: Path, metadata: dict[str, str]) -> None:
    """Take the features, which only mark where the head begins, out of a graph's outputs, and
    write facts about it into its metadata in the place of what the exporter notes: which lines of
    whose files each node comes from."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    without_features(model.graph)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = weights_of(path).name
    parts = (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input,
             *model.graph.output, *model.graph.initializer)
    for part in parts:
        del part.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(str(path))


def without_features(graph: "onnx.GraphProto") -> None:
    """Take the features out of a graph's outputs."""
    for output in [output for output in graph.output if output.name == FEATURES]:
        graph.output.remove(output)


def head_nodes(graph: "onnx.GraphProto") -> list["onnx.NodeProto"]:
    """The nodes that depend on the features: the head."""
    known, head = {FEATURES}, []
    for node in graph.node:  # in topological order
        if known & set(node.input):
            known |= set(node.output)
            head.append(node)
    return head


def opset(model: "onnx.ModelProto") -> int:
    """The version of ONNX's own operators."""
    return max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")),
               default=1)


def graphs_of(graph: "onnx.GraphProto") -> Iterator["onnx.GraphProto"]:
    """A graph and those within its nodes."""
    yield graph
    for node in graph.node:
        for inner in _bodies(node):
            yield from graphs_of(inner)


def used_inside(node: "onnx.NodeProto") -> list[str]:
    """What graphs within a node use, their own values among it."""
    names = []
    for body in _bodies(node):
        names += [name for graph in graphs_of(body) for inner in graph.node for name in inner.input]
        names += [value.name for graph in graphs_of(body) for value in graph.output]
    return names


def _bodies(node: "onnx.NodeProto") -> Iterator["onnx.GraphProto"]:
    for attribute in node.attribute:
        yield from (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs)
