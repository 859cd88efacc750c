"""How much an answer says, and whether it is right, in a hierarchy of labels."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

NONE = -1
"""In the place of the row of an answer: there is none."""


def information(hierarchy: "Hierarchy") -> "NDArray[np.float64]":
    """How much each label says, float64 ``[labels + 1]``, see Hierarchy.information. The last one
    is 0 and stands for NONE."""
    return np.append(hierarchy.information, 0.0)


def right(answers: "NDArray[np.int64]", truth: "NDArray[np.int64]",
          hierarchy: "Hierarchy") -> "NDArray[np.bool_]":
    """Whether answers, rows or NONE ``[…, n]``, are the right label of their image, ``truth
    [n]``, or above or below it, by any way; no answer is right."""
    found = np.empty(answers.shape, bool)
    for label in np.unique(truth).tolist():
        allowed = np.zeros(len(hierarchy) + 1, bool)
        allowed[[*hierarchy.ancestors(label), *hierarchy.descendants(label), NONE]] = True
        images = np.flatnonzero(truth == label)
        found[..., images] = allowed[answers[..., images]]
    return found


def kept(answers: "NDArray[np.int64]", truth: "NDArray[np.int64]",
         hierarchy: "Hierarchy") -> "NDArray[np.float64]":
    """The share of the right label's information that each answer keeps, ``[…, n]``: 1 for the
    label or one below it, 0 where it is wrong or none."""
    says = information(hierarchy)
    whole = np.maximum(says[truth], np.finfo(float).tiny)
    known = right(answers, truth, hierarchy) & (answers != NONE)
    return np.where(known, np.minimum(says[answers] / whole, 1), 0.0)
