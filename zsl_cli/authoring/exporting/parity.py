"""How closely two encoders agree: measured at every export, written into the model folder."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.exporting.graph import EMBEDDING
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BATCHES = (1, 2)  # more images would hold more activations than weights
TOP = 10


@dataclass(frozen=True)
class Parity:
    """Agreement of embeddings of the same images, or of label vectors of the same phrases.

    max_difference: the largest absolute difference of two numbers.
    min_cosine, mean_cosine: over the images.
    top_10: the share of the ten nearest labels that both give, where there are labels.
    """

    images: int
    max_difference: float
    min_cosine: float
    mean_cosine: float
    top_10: float | None = None

    def to_dict(self) -> dict[str, float | int]:
        """The figures, rounded for a manifest."""
        rounded = replace(
            self, max_difference=float(f"{self.max_difference:.3g}"),
            min_cosine=round(self.min_cosine, 6), mean_cosine=round(self.mean_cosine, 6),
            top_10=None if self.top_10 is None else round(self.top_10, 4))
        return {name: value for name, value in asdict(rounded).items() if value is not None}


@dataclass(frozen=True)
class Gate:
    """The least agreement with which an encoder is written."""

    min_cosine: float = -1.0
    mean_cosine: float = -1.0
    top_10: float = 0.0

    def failures(self, found: Parity) -> list[str]:
        """What is below the gate, in words (NaN is)."""
        values = {name: (getattr(found, name), least) for name, least in vars(self).items()}
        return [f"{name.replace('_', ' ')} {value:.6f}, and at least {least} is wanted"
                for name, (value, least) in values.items()
                if value is not None and not value >= least]

    def check(self, found: Parity, what: str, advice: str) -> None:
        """Raise ZslError unless the parity passes."""
        if failures := self.failures(found):
            raise ZslError(f"{what}: {'; '.join(failures)}; {advice}")


GATES = {"float32": Gate(min_cosine=0.9999, top_10=0.98),
         "fp16": Gate(min_cosine=0.99, mean_cosine=0.999, top_10=0.9),
         "int8": Gate(mean_cosine=0.98, top_10=0.7)}


def compare(a: "NDArray[np.float32]", b: "NDArray[np.float32]", informative: int | None = None,
            labels: "NDArray[np.floating] | None" = None) -> Parity:
    """The parity of two arrays of unit embeddings ``[n, D]``.

    informative: cosines are over so many leading dimensions, since slack behind them would
        flatter them.
    labels: label vectors ``[labels, D]``, for the agreement of the nearest ten.
    """
    x, y = (_unit(part[:, :informative].astype(np.float64)) for part in (a, b))
    cosines = (x * y).sum(axis=1)
    return Parity(len(a), float(np.abs(a - b).max()), float(cosines.min()),
                  float(cosines.mean()), None if labels is None else _top(a, b, labels))


def _unit(vectors: "NDArray[np.float64]") -> "NDArray[np.float64]":
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _top(a: "NDArray[np.float32]", b: "NDArray[np.float32]",
         labels: "NDArray[np.floating]") -> float:
    from zsl_cli.vocabulary.nearest import Exact

    exact = Exact(labels)
    top = max(1, min(TOP, len(labels) // 2))  # the nearest ten of ten are always the same
    first, second = (exact.search(part, top)[0] for part in (a, b))
    return float(np.mean([len({*x} & {*y}) / len(x)
                          for x, y in zip(first.tolist(), second.tolist(), strict=True)]))


def worst(found: "Sequence[Parity]") -> Parity:
    """The least agreement of several comparisons of the same images."""
    tops = [one.top_10 for one in found if one.top_10 is not None]
    return Parity(found[0].images, max(one.max_difference for one in found),
                  min(one.min_cosine for one in found), min(one.mean_cosine for one in found),
                  min(tops) if tops else None)


def run(graph: Path, name: str, inputs: "NDArray[np.integer]",
        batch: int) -> "NDArray[np.float32]":
    """The embeddings that an ONNX file gives on the CPU, ``batch`` inputs at a time.

    Raises FolderError for a graph that does not load, ZslError for one that does not run.
    """
    from zsl_cli.embedding.sessions import open_session

    session = open_session(graph, "cpu")
    try:
        return np.concatenate([
            session.run([EMBEDDING], {name: inputs[start:start + batch]})[0]
            for start in range(0, len(inputs), batch)]).astype(np.float32)
    except Exception as error:  # ONNX Runtime has a class of its own for each kind of failure
        raise ZslError(f"ONNX Runtime cannot run the exported graph with a batch of {batch}: "
                       f"{str(error).splitlines()[0]}") from error
