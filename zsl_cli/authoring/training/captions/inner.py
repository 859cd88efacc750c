"""What is inside a graph of a model folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.embedding import graphs, sessions
from zsl_cli.support.manifests import ModelManifest

if TYPE_CHECKING:
    import onnxruntime

EMBEDDING = "embedding"
BASE_EMBEDDING = "base_embedding"
"""What the embedding of the model that training begins with is called in a graph."""


class Inner:
    """A graph of a model folder without its outputs; what was ``embedding`` is BASE_EMBEDDING.

    inside: names of two-dimensional values that are wanted beside it.
    """

    def __init__(self, folder: Path, name: str, manifest: ModelManifest) -> None:
        import onnx

        self.source = graphs.read(folder, name, manifest)
        self.model = onnx.load_from_string(self.source.content)
        self.inside: tuple[str, ...] = ()
        for node in self.model.graph.node:
            for names in (node.input, node.output):
                names[:] = [BASE_EMBEDDING if name == EMBEDDING else name for name in names]
        del self.model.graph.output[:]

    def opened(self, width: int | str, device: str, threads: int | None = None,
               ) -> "onnxruntime.InferenceSession":
        """A session with one output, ``embedding [n, width]``: the values inside, and then the
        base's embedding."""
        import onnx
        from onnx import TensorProto, helper

        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        model.graph.node.append(helper.make_node("Concat", [*self.inside, BASE_EMBEDDING],
                                                 [EMBEDDING], axis=1))
        model.graph.output.append(helper.make_tensor_value_info(
            EMBEDDING, TensorProto.FLOAT, ["batch", width]))
        return sessions.open_session(graphs.Graph(
            self.source.path, model.SerializeToString(), self.source.weights), device, threads)
