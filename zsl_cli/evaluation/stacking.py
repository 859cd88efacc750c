"""Seen against unseen: what each constant of calibrated stacking gives.

Of an image only the nearest seen and the nearest unseen label matter, and by how much the first
leads: with the constant γ the seen one is answered when its lead is larger than γ. So all γ are
measured at once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.evaluation.ranking import Rivals


@dataclass(frozen=True)
class Curve:
    """Accuracy (hit@1, mean over classes) on seen and on unseen classes for rising γ; ``[m]``
    each. It begins where only seen labels are answered and ends where only unseen ones are."""

    gamma: "NDArray[np.float64]"
    seen: "NDArray[np.float64]"
    unseen: "NDArray[np.float64]"

    @property
    def area(self) -> float:
        """The area under the curve of unseen over seen (AUSUC; Chao et al., 2016)."""
        return float(-np.trapezoid(self.unseen, self.seen))

    @property
    def best(self) -> float:
        """The γ of the greatest harmonic mean, of several the nearest to 0."""
        total = self.seen + self.unseen
        harmonic = np.divide(2 * self.seen * self.unseen, total, out=np.zeros_like(total),
                             where=total > 0)
        among = np.flatnonzero(harmonic >= harmonic.max() - 1e-12)
        return float(self.gamma[among[np.abs(self.gamma[among]).argmin()]])


def curve(rivals: "Rivals", truth: "NDArray[np.int64]", seen: "NDArray[np.bool_]") -> Curve:
    """The curve of these images, of which some are of seen classes and some of unseen ones.

    seen: of each label of the vocabulary, bool ``[labels]``.
    """
    of_seen = seen[truth]
    weights = np.empty(len(truth))
    for kind in (of_seen, ~of_seen):
        _, classes, sizes = np.unique(truth[kind], return_inverse=True, return_counts=True)
        weights[kind] = 1 / (sizes[classes] * len(sizes))
    right_if_seen = weights * (rivals.seen == truth)  # 0 for images of unseen classes
    right_if_unseen = weights * (rivals.unseen == truth)
    order = np.argsort(rivals.lead, kind="stable")
    leads, last = np.unique(rivals.lead[order].astype(np.float64), return_index=True)
    ends = np.append(last[1:], len(order))
    # γ above the first i different leads: the images of these are answered by an unseen label.
    lost = np.concatenate([[0.0], np.cumsum(right_if_seen[order])[ends - 1]])
    won = np.concatenate([[0.0], np.cumsum(right_if_unseen[order])[ends - 1]])
    between = (leads[1:] + leads[:-1]) / 2
    edge = 1e-3 + np.abs(leads[[0, -1]]) * 1e-3
    gamma = np.concatenate([[leads[0] - edge[0]], between, [leads[-1] + edge[1]]])
    return Curve(gamma, np.maximum(right_if_seen.sum() - lost, 0), won)
