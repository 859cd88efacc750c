"""How closely two encoders agree: measured at every export, written into the model folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.exporting.onnx_files import EMBEDDING
from zsl_cli.errors import ZslError
from zsl_cli.support.manifests import Agreement
from zsl_cli.support.vectors import unit_rows
from zsl_cli.support.wording import reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BATCHES = (1, 2)  # more images would hold more activations than weights
TOP = 10


@dataclass(frozen=True)
class Gate:
    """The least agreement with which an encoder is written."""

    min_cosine: float = -1.0
    mean_cosine: float = -1.0
    top_10: float = 0.0

    def failures(self, agreement: Agreement) -> list[str]:
        """What is below the gate, in words (NaN is)."""
        values = {name: (getattr(agreement, name), least) for name, least in vars(self).items()}
        return [f"{name.replace('_', ' ')} {value:.6f}, and at least {least} is wanted"
                for name, (value, least) in values.items()
                if value is not None and not value >= least]

    def check(self, agreement: Agreement, what: str, advice: str) -> None:
        """Raise ZslError unless the agreement passes."""
        if failures := self.failures(agreement):
            raise ZslError(f"{what}: {'; '.join(failures)}; {advice}")


GATES = {"float32": Gate(min_cosine=0.9999, top_10=0.98),
         "fp16": Gate(min_cosine=0.99, mean_cosine=0.999, top_10=0.9),
         "int8": Gate(mean_cosine=0.98, top_10=0.7)}

PIPELINE = Gate(min_cosine=0.99)
"""How closely what becomes of a photograph must agree with the original library's own pipeline,
whose resizing differs by a step of some pixels."""

CLOSE = Gate(min_cosine=0.999)
"""How closely it usually does."""


def compare(a: "NDArray[np.float32]", b: "NDArray[np.float32]", informative: int | None = None,
            labels: "NDArray[np.floating] | None" = None) -> Agreement:
    """How closely two arrays of unit embeddings ``[n, D]`` agree.

    informative: cosines are over so many leading dimensions, since slack behind them would
        flatter them.
    labels: label vectors ``[labels, D]``, for the agreement of the nearest ten.
    """
    x, y = (unit_rows(part[:, :informative].astype(np.float64)) for part in (a, b))
    cosines = (x * y).sum(axis=1)
    cosines[~x.any(axis=1) & ~y.any(axis=1)] = 1.0  # both are nothing, which has no direction
    return Agreement(len(a), float(np.abs(a - b).max()), float(cosines.min()),
                     float(cosines.mean()), None if labels is None else _top(a, b, labels))


def _top(a: "NDArray[np.float32]", b: "NDArray[np.float32]",
         labels: "NDArray[np.floating]") -> float:
    from zsl_cli.vocabulary.search.nearest import Exact

    exact = Exact(labels)
    top = max(1, min(TOP, len(labels) // 2))  # the nearest ten of ten are always the same
    first, second = (exact.search(part, top)[0] for part in (a, b))
    return float(np.mean([len({*x} & {*y}) / len(x)
                          for x, y in zip(first.tolist(), second.tolist(), strict=True)]))


def worst(several: "Sequence[Agreement]") -> Agreement:
    """The least agreement of several comparisons of the same images."""
    tops = [one.top_10 for one in several if one.top_10 is not None]
    return Agreement(several[0].images, max(one.max_difference for one in several),
                     min(one.min_cosine for one in several),
                     min(one.mean_cosine for one in several), min(tops) if tops else None)


def spoken(agreement: Agreement) -> str:
    """The figures in words."""
    top = ("" if agreement.top_10 is None
           else f", same ten nearest labels {agreement.top_10:.1%}")
    return (f"largest difference {agreement.max_difference:.2g}, smallest cosine "
            f"{agreement.min_cosine:.6f}, mean {agreement.mean_cosine:.6f}{top}")


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
                       f"{reason(error)}") from error
