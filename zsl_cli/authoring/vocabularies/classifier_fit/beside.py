"""What stands beside the main thing of a photograph, or all over it: people, grass, the sea.

A classifier that was never asked for them knows such things by the classes that they are seen
with. Let S_ys be the share of the photographs of class s in which y is seen, as it is written
down, and π_y its share of ordinary photographs. With the unit features v̂ and the class
probabilities p of an image, the log-odds that y is in it are

    f_y = α ⟨w_y, v̂⟩ + κ Σ_s p_s (S_ys − S̄_y) + log π_y / (1 − π_y)
    w_y = Ŵᵀ (Ŵ Ŵᵀ + λ I)⁻¹ (S_y − S̄_y)

w_y is the ridge regression from the unit rows Ŵ of the classifier to those shares, the direction
in which they grow. It is one more bilinear form in (v̂, p), as the score of a label is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.vocabularies.knowledge import Beside as Known

    Array = NDArray[np.float32]


@dataclass(frozen=True)
class Beside:
    """The rows of the labels ``[m]``, rising; S ``[m, C]`` and the log-odds of π ``[m]``."""

    rows: "NDArray[np.int64]"
    shares: "Array"
    base: "Array"

    @classmethod
    def of(cls, table: "Mapping[str, Known]", ids: Sequence[str], seen: Sequence[str]) -> Self:
        """Of a table from label ids to base rates and shares, as far as they are among ``ids``."""
        classes = {id_: column for column, id_ in enumerate(seen)}
        rows = [row for row, id_ in enumerate(ids) if id_ in table]
        shares = np.zeros((len(rows), len(seen)), np.float32)
        for line, row in enumerate(rows):
            for class_, share in table[ids[row]].shares.items():
                shares[line, classes[class_]] = share
        rates = np.array([table[ids[row]].base_rate for row in rows], np.float32)
        return cls(np.array(rows, np.int64), shares, np.log(rates / (1 - rates)))

    def form(self, weights: "Array", ridge: float, direction: float,
             probability: float) -> "Array":
        """``[m, F + C]``, the bilinear form of f without its base.

        weights: the classifier's ``[C, F]``. ridge: λ. direction: α. probability: κ.
        """
        from scipy.linalg import solve

        rows = unit_rows(weights).astype(np.float64)
        centred = self.shares - self.shares.mean(axis=1, keepdims=True)
        gram = rows @ rows.T + ridge * np.eye(len(rows))
        directions = solve(gram, centred.T, assume_a="pos").T @ rows
        return np.hstack([direction * directions, probability * centred]).astype(np.float32)
