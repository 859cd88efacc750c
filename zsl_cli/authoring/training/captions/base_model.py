"""The model that a training on captions begins with: what its ONNX graphs have inside.

Nothing but the model folder is needed. An image's features are those that M takes, cut out of
``encoder.onnx``; a sentence's vector is what the phrase map takes, cut out of
``label_encoder.onnx``. So what is trained on is what the exported graphs compute, int8 and all.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding import graphs, images, sessions, tokenizer_files
from zsl_cli.embedding.label_encoder import LabelEncoder
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import (
    ENCODER_FILE,
    LABEL_ENCODER_FILE,
    TOKENIZER_FILE,
    ModelManifest,
    TextEncoding,
)
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

EMBEDDING, FEATURES = "embedding", "features"
BASE_EMBEDDING = "base_embedding"
_LANDMARKS = "tower.landmarks"
_BATCH = 8


@dataclass(frozen=True)
class BaseModel:
    """A model folder."""

    path: Path
    manifest: ModelManifest

    @classmethod
    def named(cls, name: str) -> "BaseModel":
        """That of a name or a path; raises FolderError."""
        path = folders.find(folders.MODEL, name)
        return cls(path, folders.read_manifest(folders.MODEL, path))

    def images(self, device: str) -> "ImageSide":
        """What reads images. Raises FolderError, DeviceError."""
        return ImageSide(self, device)

    def sentences(self) -> "SentenceSide":
        """What reads sentences, of a model with a label encoder. Raises FolderError."""
        return SentenceSide(self)


class Inner:
    """A graph whose output ``embedding`` is now called otherwise, and a value inside it.

    value: its name, or None where the graph has none to be cut at.
    """

    def __init__(self, folder: Path, name: str, manifest: ModelManifest,
                 find: "Callable[[onnx.GraphProto], str | None]") -> None:
        import onnx

        self.source = graphs.read(folder, name, manifest)
        self.model = onnx.load_from_string(self.source.content)
        graph = self.model.graph
        for node in graph.node:
            for names in (node.input, node.output):
                names[:] = [BASE_EMBEDDING if name == EMBEDDING else name for name in names]
        self.value = find(graph)
        del graph.output[:]

    def both(self, width: int | str) -> "graphs.Graph":
        """The graph with one output, ``embedding [n, width]``: the value inside, where there is
        one, and then the base's embedding."""
        from onnx import TensorProto, helper

        graph = self.model.graph
        node = helper.make_node("Concat", [*([self.value] if self.value else []), BASE_EMBEDDING],
                                [EMBEDDING], axis=1)
        graph.node.append(node)
        graph.output.append(helper.make_tensor_value_info(
            EMBEDDING, TensorProto.FLOAT, ["batch", width]))
        try:
            return graphs.Graph(self.source.path, self.model.SerializeToString(),
                                self.source.weights)
        finally:
            graph.node.pop()
            graph.output.pop()


class ImageSide:
    """What feature_cache.embed takes: of an image its features, where the encoder has them, and
    then its embedding, ``[F + D]``."""

    def __init__(self, base: BaseModel, device: str) -> None:
        manifest = base.manifest
        self.inner = Inner(base.path, ENCODER_FILE, manifest, _features)
        self.dimension = manifest.dimension
        self._input = manifest.input
        self._path = base.path / ENCODER_FILE
        self._session = sessions.open_session(self.inner.both("width"), device, 1)
        self._one_by_one = self._session.get_inputs()[0].shape[0] == 1
        self.identity = json.dumps(
            {"encoder": manifest.files[ENCODER_FILE].sha256, "input": asdict(manifest.input),
             "inside": self.inner.value, "device": sessions.session_device(self._session)},
            sort_keys=True)
        self.batch_size = _BATCH
        self.width = 0
        if self.inner.value is not None:
            side = self._input.size
            shape = (side, side, 3) if self._input.layout == "NHWC" else (3, side, side)
            blank = self.embed_pixels([np.zeros(shape, np.uint8)])
            self.width = blank.shape[1] - self.dimension

    def read(self, source: "images.ImageSource", *,
             max_pixels: int = images.MAX_PIXELS) -> "NDArray[np.uint8]":
        """One image as the encoder takes it; raises ImageError."""
        return images.load(source, self._input, max_pixels=max_pixels)

    def embed_pixels(self, pixels: "Sequence[NDArray[np.uint8]]") -> "NDArray[np.float32]":
        """float32 ``[n, F + D]``."""
        if not pixels:
            return np.empty((0, self.width + self.dimension), np.float32)
        batch = np.stack(pixels)
        return np.concatenate([
            sessions.run(self._session, {"images": part}, self._path)
            for part in (np.split(batch, len(batch)) if self._one_by_one else [batch])])

    def parts(self, values: "NDArray[np.float32]",
              ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """What is projected, ``[n, F]``, and the base's embeddings, ``[n, D]``.

        Features count by the square roots of their sizes (Perronnin et al., 2010), scaled to unit
        length; without any the embeddings are projected.
        """
        features, embeddings = values[:, :self.width], values[:, self.width:]
        if not self.width:
            return embeddings, embeddings
        return unit_rows(np.sign(features) * np.sqrt(np.abs(features))), embeddings


class SentenceSide:
    """Sentences → what is mapped of them: the sentence encoder's vector, where there is one, and
    then the vector in the base's space, both of unit length."""

    def __init__(self, base: BaseModel) -> None:
        manifest = base.manifest
        self._base = base
        self.inner = Inner(base.path, LABEL_ENCODER_FILE, manifest, _sentence_vector)
        self.dimension = manifest.dimension
        entry = manifest.text and manifest.text.sentence_encoder
        self.width = 0
        if self.inner.value and entry:
            self.width = _rows_of_landmarks(self.inner.model.graph)
        else:
            self.inner.value = None
        total = self.width + self.dimension
        self._encoder = LabelEncoder(
            base.path, total, sessions.open_session(self.inner.both(total), "cpu"),
            tokenizer_files.read(base.path, manifest))

    def copy_rest(self, folder: Path) -> TextEncoding:
        """Take over the tokenizer; what the manifest says of the label encoder. Raises
        FolderError."""
        text = self._base.manifest.text
        assert text is not None  # BaseModel.sentences has looked
        (folder / TOKENIZER_FILE).write_bytes(
            folders.read_file(self._base.path, TOKENIZER_FILE, self._base.manifest))
        return text

    def encode(self, sentences: Sequence[str],
               advance: Callable[[int], object]) -> "NDArray[np.float32]":
        """float32 ``[m, S + D]``. Raises UnknownLabelError for a sentence of which the tokenizer
        knows nothing."""
        vectors = self._encoder.encode(sentences, advance)
        if not self.width:
            return vectors
        return np.concatenate([unit_rows(vectors[:, :self.width]),
                               unit_rows(vectors[:, self.width:])], axis=1)


def _features(graph: "onnx.GraphProto") -> str | None:
    return next((FEATURES for node in graph.node if FEATURES in node.output), None)


def _sentence_vector(graph: "onnx.GraphProto") -> str | None:
    return next((node.input[0] for node in graph.node if len(node.input) > 1
                 and node.input[1] == _LANDMARKS), None)


def _rows_of_landmarks(graph: "onnx.GraphProto") -> int:
    """How wide a sentence vector is: they are as wide as the landmarks are, quantised or not."""
    return next(int(tensor.dims[0]) for tensor in graph.initializer
                if tensor.name.startswith(_LANDMARKS) and len(tensor.dims) == 2
                and tensor.dims[0] > 1)

