"""Writing a vocabulary folder, which ``vocabulary`` reads."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.support import folders
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.vocabulary.beside import BESIDE_FILE, Beside
from zsl_cli.vocabulary.names.label import LABELS_FILE, Label
from zsl_cli.vocabulary.search.nearest import HnswParameters
from zsl_cli.vocabulary.vocabulary import VECTORS_FILE

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_HEADER_BYTES = 128  # of an .npy file, whatever its shape


class Writer:
    """Fills an existing, empty folder, some labels at a time. Used as a context."""

    def __init__(self, folder: Path, dimension: int, dtype: "DTypeLike" = np.float32) -> None:
        """dtype: float16 or float32."""
        self._folder, self._dimension, self._dtype = folder, dimension, np.dtype(dtype)
        self.count = 0
        self._labels = (folder / LABELS_FILE).open(
            "w", encoding="utf-8", errors="backslashreplace", newline="\n")
        self._vectors = (folder / VECTORS_FILE).open("wb")
        self._vectors.write(bytes(_HEADER_BYTES))

    def add(self, labels: Iterable[Label], vectors: "NDArray[np.floating]") -> None:
        """Some more labels and their unit vectors, ``[n, D]``."""
        self._labels.writelines(label.to_json() + "\n" for label in labels)
        self._vectors.write(np.ascontiguousarray(vectors, self._dtype).data)
        self.count += len(vectors)

    def finish(self, name: str, space: str, hnsw: Mapping[str, int] | None = None,
               beside: Beside | None = None, **more: Any) -> VocabularyManifest:
        """Write the manifest and return it.

        hnsw: parameters of the index in the place of those that suit the number of labels.
        beside, more: see ``write``.
        """
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {
            "descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False,
            "shape": (self.count, self._dimension)})
        assert len(header.getvalue()) == _HEADER_BYTES
        self._vectors.seek(0)
        self._vectors.write(header.getvalue())
        self.close()
        files = [VECTORS_FILE, LABELS_FILE]
        if beside is not None and len(beside.rows):
            np.save(self._folder / BESIDE_FILE, beside.vectors.astype(self._dtype),
                    allow_pickle=False)
            files.append(BESIDE_FILE)
            more["beside"] = beside.rows.tolist()
        folders.write_manifest(folders.VOCABULARY, self._folder, {
            "name": name, "version": "1", "space": space, "dimension": self._dimension,
            "labels": self.count, "hnsw": asdict(
                replace(HnswParameters.suited_to(self.count), **(hnsw or {}))), **more,
            "files": folders.describe_files(self._folder, *files),
        })
        return folders.read_manifest(folders.VOCABULARY, self._folder)

    def close(self) -> None:
        """Close the files, whether they are finished or not."""
        self._labels.close()
        self._vectors.close()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self.close()


def write(folder: Path, name: str, space: str, labels: Sequence[Label],
          vectors: "NDArray[np.floating]", beside: Beside | None = None,
          **more: Any) -> VocabularyManifest:
    """Fill an existing, empty folder with labels and their unit vectors ``[labels, D]``, float16
    or float32; returns the manifest.

    beside: the second vectors of those that are seen beside other things.
    more: further entries of the manifest, such as ``sources``, ``prior_dimension``, ``version``.
    """
    with Writer(folder, vectors.shape[1], vectors.dtype) as writer:
        writer.add(labels, vectors)
        return writer.finish(name, space, beside=beside, **more)
