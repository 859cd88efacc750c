"""LabelEncoder: the part of a model folder that turns phrases into label vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli import devices, folders
from zsl_cli.errors import FolderError
from zsl_cli.folders import LABEL_ENCODER_FILE, TOKENIZER_FILE

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers
    from numpy.typing import NDArray

BATCH = 32
"""Phrases that go through the graph at once."""

_INPUTS = (["input_ids"], ["attention_mask", "input_ids"])


class LabelEncoder:
    """A text encoder: phrases → unit vectors in the space of the model that it belongs to."""

    def __init__(self, path: Path, dimension: int, session: "onnxruntime.InferenceSession",
                 tokenizer: "tokenizers.Tokenizer") -> None:
        """``path`` is the model folder's; raises FolderError unless graph and tokenizer are what
        DESIGN's contract says."""
        self.path = path
        self.dimension = dimension
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = [node.name for node in session.get_inputs()]
        self._check_graph()
        self._check_tokenizer()

    @classmethod
    def load(cls, folder: Path, manifest: dict[str, Any], *, device: str = "cpu",
             threads: int | None = None) -> "LabelEncoder":
        """The label encoder of a model folder, its files checked against their hashes.

        device, threads: see devices.open_session.

        Raises FolderError, and DeviceError when ``device`` cannot be used.
        """
        for file in (LABEL_ENCODER_FILE, TOKENIZER_FILE):
            folders.check_file(folder, file, manifest)
        return cls(folder, manifest["dimension"],
                   devices.open_session(folder / LABEL_ENCODER_FILE, device, threads),
                   _tokenizer(folder / TOKENIZER_FILE))

    def encode(self, phrases: Sequence[str]) -> "NDArray[np.float32]":
        """The unit vectors, float32 ``[n, D]``, of n phrases, each exactly as it is given: no
        template is put around it. A phrase that is too long is cut by the tokenizer.

        Raises FolderError where graph and tokenizer turn out not to fit each other.
        """
        found = np.empty((len(phrases), self.dimension), np.float32)
        by_length = sorted(range(len(phrases)), key=lambda place: len(phrases[place]))
        for start in range(0, len(phrases), BATCH):  # of one length, there is little padding
            some = by_length[start:start + BATCH]
            found[some] = self._encode([phrases[place] for place in some])
        return found

    def _encode(self, phrases: Sequence[str]) -> "NDArray[np.float32]":
        encodings = self._tokenizer.encode_batch(list(phrases))
        lengths = {len(encoding.ids) for encoding in encodings}
        if len(lengths) != 1:
            raise FolderError(f"{self.path / TOKENIZER_FILE}: its truncation is longer than its "
                              f"padding, so that phrases have {sorted(lengths)} tokens")
        values = {"input_ids": [encoding.ids for encoding in encodings],
                  "attention_mask": [encoding.attention_mask for encoding in encodings]}
        try:
            (vectors,) = self._session.run(
                ["embedding"], {name: np.array(values[name], np.int64) for name in self._inputs})
        except devices.session_errors() as error:
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: ONNX Runtime cannot run it on "
                              f"what {TOKENIZER_FILE} gives: {error}") from error
        if vectors.shape != (len(phrases), self.dimension):
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: gave {list(vectors.shape)} for "
                              f"{len(phrases)} phrases, not [{len(phrases)}, {self.dimension}]")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        wrong = ~(np.isfinite(norms) & (norms > 0))
        if wrong.any():
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: gave a vector without a "
                              f"direction for {phrases[int(wrong.argmax())]!r}")
        return vectors / norms

    def _check_graph(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if (sorted(self._inputs) not in _INPUTS
                or any(node.type != "tensor(int64)" or len(node.shape) != 2
                       or isinstance(node.shape[0], int) for node in inputs)):
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: expected the inputs input_ids "
                              "and, perhaps, attention_mask, int64 [batch, length], batch dynamic")
        found = {node.name: (node.type, node.shape[1:]) for node in outputs}
        if found.get("embedding") != ("tensor(float)", [self.dimension]):
            raise FolderError(f"{self.path / LABEL_ENCODER_FILE}: expected an output, embedding, "
                              f"float32 [batch, {self.dimension}]")

    def _check_tokenizer(self) -> None:
        padding, truncation = self._tokenizer.padding, self._tokenizer.truncation
        if not padding or not truncation:
            raise FolderError(f"{self.path / TOKENIZER_FILE}: expected padding and truncation in "
                              "it, so that all phrases have as many tokens")
        length = self._session.get_inputs()[0].shape[1]
        if isinstance(length, int) and padding["length"] != length:
            raise FolderError(f"{self.path / TOKENIZER_FILE}: expected padding to {length} tokens, "
                              f"which is what {LABEL_ENCODER_FILE} takes")


def _tokenizer(path: Path) -> "tokenizers.Tokenizer":
    import tokenizers

    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # it raises nothing more special
        raise FolderError(f"{path}: tokenizers cannot load it: {error}") from error
