"""Writing a vocabulary folder, which ``vocabulary`` reads."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli import folders
from zsl_cli.nearest import HnswParameters
from zsl_cli.vocabulary import LABELS_FILE, VECTORS_FILE, Label

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write(folder: Path, name: str, space: str, labels: Sequence[Label],
          vectors: "NDArray[np.floating]", **more: Any) -> dict[str, Any]:
    """Fill an existing, empty folder with labels and their unit vectors ``[labels, D]``, float16
    or float32; returns the manifest.

    more: further entries of the manifest, such as ``sources``, ``prior_dimension``, ``version``.
    """
    np.save(folder / VECTORS_FILE, vectors)
    (folder / LABELS_FILE).write_text(
        "".join(label.to_json() + "\n" for label in labels), encoding="utf-8")
    manifest = {
        "name": name, "version": "1", "space": space, "dimension": vectors.shape[1],
        "labels": len(labels), "hnsw": asdict(HnswParameters.suited_to(len(labels))), **more,
        "files": folders.describe_files(folder, VECTORS_FILE, LABELS_FILE),
    }
    folders.write_manifest(folders.VOCABULARY, folder, manifest)
    return manifest
