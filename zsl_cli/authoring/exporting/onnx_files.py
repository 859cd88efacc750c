"""The ONNX files of a model folder: what their ends are called, and how they are finished. Needs
no PyTorch."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

IMAGES, IDS = "images", "input_ids"
EMBEDDING, FEATURES = "embedding", "features"


def finish(path: Path, metadata: dict[str, str]) -> None:
    """Take the features, which only mark where the head begins, out of a graph's outputs, and
    write facts about it into its metadata in the place of what the exporter notes: which lines of
    whose files each node comes from."""
    import onnx

    model = onnx.load(path)
    without_features(model.graph)
    parts = (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input,
             *model.graph.output, *model.graph.initializer)
    for part in parts:
        del part.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)


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
