"""The second vectors of labels that stand beside the main thing of an image, or all over it."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.manifests import VocabularyManifest

if TYPE_CHECKING:
    from numpy.typing import NDArray

BESIDE_FILE = "beside.npy"
"""In a vocabulary folder, where some labels have such vectors."""


@dataclass(frozen=True)
class Beside:
    """The rows of these labels, int64 ``[m]``, rising, and a vector of each ``[m, D]``, whose
    product with the embedding of an image, divided by the model's temperature, is the log-odds
    that the thing is in it."""

    rows: "NDArray[np.int64]"
    vectors: "NDArray[np.floating]"

    @classmethod
    def load(cls, folder: Path, manifest: VocabularyManifest) -> "Beside":
        """Of a vocabulary folder; of no label where it has no such file. Raises FolderError."""
        rows = np.array(manifest.beside, np.int64)
        if not len(rows):
            return cls(rows, np.empty((0, manifest.dimension), np.float32))
        path, content = folder / BESIDE_FILE, folders.read_file(folder, BESIDE_FILE, manifest)
        try:
            vectors = np.load(io.BytesIO(content), allow_pickle=False)
        except Exception as error:  # a damaged file fails in as many ways as it has bytes
            raise FolderError(f"{path}: not the array that is expected: {error}") from error
        shape = (len(rows), manifest.dimension)
        if not isinstance(vectors, np.ndarray) or vectors.shape != shape or (
                vectors.dtype.kind != "f"):
            raise FolderError(f"{path}: {folders.VOCABULARY.file} speaks of {shape[0]} vectors of "
                              f"dimension {shape[1]}, and these are others")
        if not np.isfinite(vectors).all():
            raise FolderError(f"{path}: not all numbers are finite; build the vocabulary again")
        return cls(rows, vectors.astype(np.float32))
