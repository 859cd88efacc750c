"""What comes of a method: M, and what else the one or the other makes."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zsl_cli.authoring.training import scaling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.losses import Objective
    from zsl_cli.authoring.training.problem import Problem
    from zsl_cli.authoring.training.selection import Choice
    from zsl_cli.vocabulary.names.label import Label


@dataclass(frozen=True)
class History:
    """What was logged, an entry an epoch, and the epoch that was kept, the first being 1."""

    records: tuple[dict[str, Any], ...] = ()
    best: int = 0


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """M.

    projection: as a model folder takes it.
    seen: int64 ``[c]``, the vocabulary's rows of the labels whose images were learned from; the
        others were held out to validate with.
    """

    projection: "Projection"
    seen: "NDArray[np.int64]"
    history: History = History()


@dataclass(frozen=True, kw_only=True)
class OwnLabels(Fitted):
    """M, and label vectors that the method has made itself.

    labels: theirs; vectors: float32 ``[labels, D]``, of unit length.
    """

    labels: "tuple[Label, ...]"
    vectors: "NDArray[np.float32]"


@dataclass(frozen=True, kw_only=True)
class Trained(Fitted):
    """M that the network can be trained on with.

    problem: the images and the label vectors. objective: what is made small.
    """

    problem: "Problem"
    objective: "Objective"

    @property
    @abstractmethod
    def bare(self) -> "Projection":
        """The projection without what was put on top of it afterwards."""

    @abstractmethod
    def moved(self, change: "NDArray[np.float32]", projected: "NDArray[np.float32]",
              images: "NDArray[np.int64]") -> Self:
        """The same with M moved on, ``[D, F]``.

        projected: ``[n, D]``, what it makes now of these images, int64 ``[n]``.
        """


@dataclass(frozen=True, kw_only=True)
class Corrected(Trained):
    """A model's own M, moved.

    known: without the shift.
    shift: float32 ``[≤ D]``, put on M's bias to lower the labels that were trained on; None
        leaves it as it is.
    choice: how decay and shift were chosen, if they were.
    """

    known: "Projection"
    shift: "NDArray[np.float32] | None" = None
    choice: "Choice | None" = None

    @classmethod
    def of(cls, known: "Projection", shift: "NDArray[np.float32] | None" = None,
           **more: Any) -> "Corrected":
        """With the projection that the two come to."""
        return cls(projection=_shifted(known, shift), known=known, shift=shift, **more)

    @property
    def bare(self) -> "Projection":
        """Without the shift."""
        return self.known

    def moved(self, change: "NDArray[np.float32]", _projected: "NDArray[np.float32]",
              _images: "NDArray[np.int64]") -> Self:
        """The shift is laid on what training has made."""
        known = replace(self.known, features=self.known.features + change)
        return replace(self, known=known, projection=_shifted(known, self.shift))


def _shifted(known: "Projection", shift: "NDArray[np.float32] | None") -> "Projection":
    if shift is None:
        return known
    bias = np.zeros(len(known.features), np.float32) if known.bias is None else known.bias.copy()
    bias[:len(shift)] += shift
    return replace(known, bias=bias)


@dataclass(frozen=True, kw_only=True)
class FromScratch(Trained):
    """M that began with zero.

    vectors: ``[labels, D]``; rows: int64 ``[n]``, of these the one of each image.
    """

    vectors: "NDArray[np.float32]"
    rows: "NDArray[np.int64]"

    @property
    def bare(self) -> "Projection":
        """Nothing was put on top."""
        return self.projection

    def moved(self, change: "NDArray[np.float32]", projected: "NDArray[np.float32]",
              images: "NDArray[np.int64]") -> Self:
        """The scale is fitted anew."""
        projection = replace(self.projection, features=self.projection.features + change)
        return replace(self, projection=scaling.rescaled(
            projection, projected, self.vectors, self.rows[images], self.problem.temperature))


@dataclass(frozen=True, kw_only=True)
class FromScratchWithLabels(FromScratch, OwnLabels):
    """M that began with zero, toward label vectors of the method's own."""
