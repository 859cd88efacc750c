"""How wrong answers are wrong: above, below or beside the right label in the hierarchy."""

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

KINDS = ("ancestor", "descendant", "sibling", "other")
"""What a wrong answer may be to the right label; a sibling has a parent in common with it. The
first that fits counts."""


def kinds(answers: "NDArray[np.int64]", truth: "NDArray[np.int64]",
          hierarchy: "Hierarchy") -> dict[str, float]:
    """The share of each of KINDS among the wrong answers; empty when there are none, or when the
    hierarchy says nothing of any label."""
    pairs = Counter((label, answer) for label, answer
                    in zip(truth.tolist(), answers.tolist(), strict=True) if label != answer)
    if not pairs or hierarchy.flat:
        return {}
    above = {row: hierarchy.ancestors(row) for pair in pairs for row in pair}
    counts = dict.fromkeys(KINDS, 0)
    for (label, answer), count in pairs.items():
        if answer in above[label]:
            kind = "ancestor"
        elif label in above[answer]:
            kind = "descendant"
        elif not set(hierarchy.parents(label)).isdisjoint(hierarchy.parents(answer)):
            kind = "sibling"
        else:
            kind = "other"
        counts[kind] += count
    return {kind: count / pairs.total() for kind, count in counts.items()}
