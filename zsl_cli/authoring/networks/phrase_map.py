"""From the sentence vector of a phrase to the space of the label vectors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from zsl_cli.authoring.networks.arrays import arrays_of
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ARRAYS = {"landmarks": 2, "weights": 2, "bias": 1}
_NUMBERS = {"width": float, "dimension": int, "slack": int}
_TEXTS = ("space", "encoder")


@dataclass(frozen=True)
class PhraseMap:
    """The label vector of a phrase with the unit sentence vector x:
    ``y = Σ_j exp((⟨x, landmark_j⟩ - 1) / width) weights_j + bias`` in the first K of D
    dimensions, scaled to unit length.

    With ``slack``, the number of one more dimension, there is ``√(1 - ‖y‖²)`` in it instead: then
    the length of y counts (it is cut off at 1), as in a space whose vectors are given unit length
    by a dimension that is zero in every image (Neyshabur and Srebro, 2015).

    landmarks: ``[J, d]``, unit vectors. weights: ``[J, K]``. bias: ``[K]``.
    dimension: D; dimensions from K on are zero but for the slack.
    space: the name of the space of the label vectors.
    encoder: the SHA-256 of the weights of the sentence encoder that it was fitted to.
    """

    landmarks: "NDArray[np.float32]"
    weights: "NDArray[np.float32]"
    bias: "NDArray[np.float32]"
    width: float
    dimension: int
    space: str
    encoder: str
    slack: int | None = None

    def __post_init__(self) -> None:
        """Raises ZslError for what is no such thing."""
        for name, axes in _ARRAYS.items():
            array = getattr(self, name)
            if array.dtype.kind != "f" or array.ndim != axes or not array.size or (
                    not np.isfinite(array).all()):
                raise ZslError(f"{name} must be finite numbers with {axes} axes; it is "
                               f"{array.dtype} {list(array.shape)}")
            object.__setattr__(self, name, np.ascontiguousarray(array, dtype=np.float32))
        if len(self.landmarks) != len(self.weights) or len(self.bias) != self.weights.shape[1]:
            raise ZslError(f"landmarks {list(self.landmarks.shape)}, weights "
                           f"{list(self.weights.shape)} and bias {list(self.bias.shape)} do not "
                           "fit: [J, d], [J, K] and [K] are wanted")
        if not (np.isfinite(self.width) and self.width > 0):
            raise ZslError(f"width {self.width} is not a number above 0")
        last = self.dimension if self.slack is None else self.slack
        if not len(self.bias) <= last <= self.dimension or self.slack == self.dimension:
            raise ZslError(f"{len(self.bias)} dimensions and the slack's, {self.slack}, are not "
                           f"among {self.dimension}")

    def save(self, file: BinaryIO) -> None:
        """Write an ``.npz`` that ``load`` reads to a file that is open."""
        arrays: dict[str, Any] = {name: value for name, value in vars(self).items()
                                  if value is not None}
        np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "PhraseMap":
        """Read an ``.npz`` of ``save``; raises ZslError."""
        wanted = {*_ARRAYS, *_NUMBERS, *_TEXTS}
        try:
            with path.open("rb") as file:
                loaded = np.load(file, allow_pickle=False)
                if isinstance(loaded, np.ndarray):
                    raise ValueError("one array, and no .npz")
                if not wanted - {"slack"} <= {*loaded.files} <= wanted:
                    raise ZslError(f"expected the arrays {', '.join(sorted(wanted))}, as a fit "
                                   f"writes them; it holds {', '.join(sorted(loaded.files))}")
                arrays = arrays_of(loaded)
        except ZslError as error:
            raise ZslError(f"{path}: {error}") from error
        except Exception as error:  # a damaged archive fails in as many ways as it has bytes
            raise ZslError(f"{path}: cannot be read as a map of phrases: {error}") from error
        try:
            scalars = {name: kind(arrays.pop(name)) for name, kind in
                       (*_NUMBERS.items(), *((name, str) for name in _TEXTS)) if name in arrays}
            return cls(**arrays, **scalars)
        except (ArithmeticError, TypeError, ValueError, ZslError) as error:
            raise ZslError(f"{path}: {error}") from error
