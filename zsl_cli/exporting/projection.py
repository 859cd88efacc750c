"""M: from a CNN's penultimate features to the space of the label vectors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Projection:
    """The embedding of an image with features v, v̂ = v / ‖v‖, and class probabilities
    p = softmax(logits / temperature): ``(features · v̂ + posterior · p + bias) / ‖…‖``.

    With a ``radius`` R there is one more dimension, ``√(R² - ‖…‖²)``: then the division is by R
    for every image, and the length of what is projected counts (it is cut off at R).

    features: ``[D, F]``; the M of DeViSE (Frome et al., 2013).
    posterior: ``[D, C]``, or None. With a label vector a class in its columns this is ConSE
        (Norouzi et al., 2014): a mean of label vectors, weighted by the classifier.
    bias: ``[D]``, or None.
    space: the name of the space of the label vectors.
    score_temperature: inner products divided by it are log-probabilities, if that is known.
    """

    space: str
    features: "NDArray[np.float32]"
    posterior: "NDArray[np.float32] | None" = None
    bias: "NDArray[np.float32] | None" = None
    temperature: float = 1.0
    radius: float | None = None
    score_temperature: float | None = None

    @property
    def dimension(self) -> int:
        """The embedding's: D, and one more with a radius."""
        return self.features.shape[0] + (self.radius is not None)

    def save(self, path: Path) -> None:
        """Write an ``.npz`` that ``load`` reads."""
        given: dict[str, Any] = {name: value for name, value in vars(self).items()
                                 if value is not None}
        np.savez(path, **given)

    @classmethod
    def load(cls, path: Path) -> "Projection":
        """Read an ``.npz`` (or an ``.npy`` that holds ``features`` alone); raises ZslError."""
        try:
            loaded = np.load(path, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                arrays = {"features": loaded}
            else:
                with loaded:
                    arrays = {name: loaded[name] for name in loaded.files}
        except (OSError, ValueError) as error:
            raise ZslError(f"{path}: cannot be read as a projection: {error}") from error
        space = str(arrays.pop("space", path.stem))
        fields: dict[str, Any] = {
            name: float(arrays.pop(name))
            for name in ("temperature", "radius", "score_temperature") if name in arrays}
        unknown = arrays.keys() - {"features", "posterior", "bias"}
        if "features" not in arrays or unknown:
            raise ZslError(f"{path}: expected the arrays features and, if wanted, posterior and "
                           f"bias; it holds {', '.join(sorted(arrays)) or 'none'}")
        for name, array in arrays.items():
            shape_fits = (array.ndim == (1 if name == "bias" else 2)
                          and array.shape[0] == arrays["features"].shape[0])
            if array.dtype.kind != "f" or not shape_fits or not np.isfinite(array).all():
                raise ZslError(f"{path}: {name} must be finite numbers, "
                               f"{'[D]' if name == 'bias' else '[D, …]'}; it is {array.dtype} "
                               f"{list(array.shape)}")
            fields[name] = array.astype(np.float32)
        return cls(space, **fields)
