"""Confidences → keywords: the most specific label that is sure enough."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.predictions import Keyword

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.vocabulary import Vocabulary


def keywords(vocabulary: "Vocabulary", confidences: "NDArray[np.float32]", *,
             confidence: float = 0.8, most: int | None = None) -> list[tuple[Keyword, ...]]:
    """See Classifier.keywords; one keyword at most, whatever ``most`` says."""
    leaves = vocabulary.hierarchy.leaf_counts
    found: list[tuple[Keyword, ...]] = []
    for line in confidences:
        sure = np.flatnonzero(line >= confidence)
        if not len(sure):
            found.append(())
            continue
        best = int(sure[np.lexsort((-line[sure], leaves[sure]))[0]])
        label = vocabulary.label(best)
        found.append((Keyword(label, label.word, float(line[best])),))
    return found
