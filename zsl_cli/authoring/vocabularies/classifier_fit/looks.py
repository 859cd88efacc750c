"""What labels look like, where it is written down: as a mixture of the classifier's classes.

WordNet's tree and the text about a label know kinship and meaning, and neither knows looks: a
raccoon's kin are the coatis, and what a raccoon looks like is a badger or a skunk. The mean of
the unit rows of such classes is as good a visual vector as a photograph's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


@dataclass(frozen=True)
class Looks:
    """The rows of the labels ``[M]`` of which it is written down, and the classes that each
    looks like, ``[M, C]``, weights that sum to 1."""

    rows: "NDArray[np.int64]"
    classes: "Array"

    @classmethod
    def of(cls, table: Mapping[str, Mapping[str, float]], ids: Sequence[str],
           seen: Sequence[str]) -> Self:
        """Of a table from label ids to class ids and weights, as far as they are labels among
        ``ids`` and not themselves classes, which look like themselves."""
        classes = {id_: column for column, id_ in enumerate(seen)}
        rows = [row for row, id_ in enumerate(ids) if id_ in table and id_ not in classes]
        weights = np.zeros((len(rows), len(seen)), np.float32)
        for line, row in enumerate(rows):
            for class_, weight in table[ids[row]].items():
                weights[line, classes[class_]] = weight
        return cls(np.array(rows, np.int64), weights / weights.sum(axis=1, keepdims=True))

    def vectors(self, classes: "Array") -> "Array":
        """Unit visual vectors ``[M, F]`` from the unit rows of the classifier ``[C, F]``."""
        return unit_rows(self.classes @ classes)

    def carried_by(self, alike: "Array", share: float) -> "Array":
        """What the probabilities of classes carry to each label, ``[labels, C]``, with this share
        of it from what a label looks like in place of what reads like it. Its length stays: how
        much a label is told by classes is for the text to say."""
        mean = alike.mean(axis=0)
        lengths = np.linalg.norm(alike[self.rows] - mean, axis=1, keepdims=True)
        carried = alike.copy()
        carried[self.rows] = ((1 - share) * alike[self.rows]
                              + share * (unit_rows(self.classes) * lengths + mean))
        return carried
