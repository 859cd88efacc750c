"""How closely two encoders agree: measured at every export, written into the model folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Parity:
    """Agreement of embeddings on the same images: the largest absolute difference, the smallest
    and the mean cosine."""

    images: int
    max_difference: float
    min_cosine: float
    mean_cosine: float

    def to_dict(self) -> dict[str, float]:
        """The figures, rounded for a manifest."""
        return {"images": self.images, "max_difference": float(f"{self.max_difference:.3g}"),
                "min_cosine": round(self.min_cosine, 6), "mean_cosine": round(self.mean_cosine, 6)}


def compare(a: "NDArray[np.float32]", b: "NDArray[np.float32]", slack: bool = False) -> Parity:
    """The parity of two arrays of unit embeddings ``[n, D]``; a last, slack dimension is left
    out of it, since it would flatter the cosine."""
    if slack:
        a, b = (part[:, :-1] / np.linalg.norm(part[:, :-1], axis=1, keepdims=True)
                for part in (a, b))
    cosines = (a * b).sum(axis=1)
    return Parity(len(a), float(np.abs(a - b).max()), float(cosines.min()), float(cosines.mean()))


def embed(encoder: Path, pixels: "NDArray[np.uint8]", batch: int) -> "NDArray[np.float32]":
    """The embeddings that an ONNX encoder gives on the CPU, ``batch`` images at a time."""
    from zsl_cli.devices import open_session

    session = open_session(encoder, "cpu")
    return np.concatenate([session.run(["embedding"], {"images": pixels[start:start + batch]})[0]
                           for start in range(0, len(pixels), batch)])
