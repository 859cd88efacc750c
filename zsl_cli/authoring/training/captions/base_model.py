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

from zsl_cli.authoring.training.captions import onnx_graphs, stage_values
from zsl_cli.authoring.training.captions.inner import Inner
from zsl_cli.embedding import images, sessions, tokenizer_files
from zsl_cli.embedding.label_encoder import LabelEncoder
from zsl_cli.embedding.model import STREAMS
from zsl_cli.support import devices, folders
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

FEATURES = "features"
"""What exports of zsl call what M takes."""

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


class ImageSide:
    """What feature_cache.embed takes: of an image what is projected, and then its embedding by
    the base, ``[F + D]``.

    Projected are the features that M takes, each by the square root of its size (Perronnin et al.,
    2010), and the means over the picture at the ends of the last stages (see stage_values), each
    of these scaled to unit length; where the encoder has none of them, the embedding.
    """

    def __init__(self, base: BaseModel, device: str) -> None:
        manifest = base.manifest
        self.inner = Inner(base.path, ENCODER_FILE, manifest)
        self.dimension, self.batch_size = manifest.dimension, _BATCH
        self._input, self._path = manifest.input, base.path / ENCODER_FILE
        onnx_graphs.add_image_parts(self.inner, FEATURES, stage_values.find(
            self.inner.model, self.inner.source, manifest.input))
        self._session = self.inner.opened("width", device, 1)
        self._one_by_one = self._session.get_inputs()[0].shape[0] == 1
        device = sessions.session_device(self._session)
        self.streams = 0 if device == "cpu" else STREAMS
        self.identity = json.dumps(
            {"encoder": manifest.files[ENCODER_FILE].sha256, "input": asdict(manifest.input),
             "inside": self.inner.inside, "device": devices.kind_of(device)}, sort_keys=True)
        side = self._input.size
        shape = (side, side, 3) if self._input.layout == "NHWC" else (3, side, side)
        self._width = 0  # unknown yet
        self._width = self.embed_pixels([np.zeros(shape, np.uint8)]).shape[1]

    def read(self, source: "images.ImageSource", *,
             max_pixels: int = images.MAX_PIXELS) -> "NDArray[np.uint8]":
        """One image as the encoder takes it; raises ImageError."""
        return images.load(source, self._input, max_pixels=max_pixels)

    def embed_pixels(self, pixels: "Sequence[NDArray[np.uint8]]") -> "NDArray[np.float32]":
        """float32 ``[n, F + D]``."""
        if not pixels:
            return np.empty((0, self._width), np.float32)
        batch = np.stack(pixels)
        return np.concatenate([
            sessions.run(self._session, {"images": part}, self._path)
            for part in (np.split(batch, len(batch)) if self._one_by_one else [batch])])

    def parts(self, values: "NDArray[np.float32]",
              ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """What is projected, ``[n, F]``, and the base's embeddings, ``[n, D]``."""
        width = values.shape[1] - self.dimension
        embeddings = values[:, width:]
        return (values[:, :width] if width else embeddings), embeddings


class SentenceSide:
    """Sentences → what is mapped of them: the sentence encoder's vector, where there is one, and
    then the vector in the base's space, both of unit length."""

    def __init__(self, base: BaseModel) -> None:
        manifest = base.manifest
        self._base = base
        self.inner = Inner(base.path, LABEL_ENCODER_FILE, manifest)
        self.dimension, self.width = manifest.dimension, 0
        graph = self.inner.model.graph
        if (value := _sentence_vector(graph)) is not None:
            self.inner.inside = (value,)
            self.width = _rows_of_landmarks(graph)
        total = self.width + self.dimension
        self._encoder = LabelEncoder(base.path, total, self.inner.opened(total, "cpu"),
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
        vectors = self._encoder.encode(sentences, advance, distinct=False)
        if not self.width:
            return vectors
        return np.concatenate([unit_rows(vectors[:, :self.width]),
                               unit_rows(vectors[:, self.width:])], axis=1)


def _sentence_vector(graph: "onnx.GraphProto") -> str | None:
    return next((node.input[0] for node in graph.node if len(node.input) > 1
                 and node.input[1] == _LANDMARKS), None)


def _rows_of_landmarks(graph: "onnx.GraphProto") -> int:
    """How wide a sentence vector is: they are as wide as the landmarks are, quantised or not."""
    return next(int(tensor.dims[0]) for tensor in graph.initializer
                if tensor.name.startswith(_LANDMARKS) and len(tensor.dims) == 2
                and tensor.dims[0] > 1)

