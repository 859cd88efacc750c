"""Findings: what products with all label vectors come to, for n images.

Whatever is asked about the labels of a whole vocabulary, how many of them, from which score or
confidence on and in which language, is answered from these few numbers, without another look at
the embeddings.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.confidence import Sure

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cache_folder() -> Path:
    """Where findings are remembered, for this user."""
    from platformdirs import user_cache_path

    return Path(os.path.realpath(user_cache_path("zsl", appauthor=False))) / "findings"


@dataclass(frozen=True)
class Findings:
    """The k labels that are nearest to each of n images, and what is sure of them.

    rows: int64 ``[n, k]``. products: float32 ``[n, k]``, falling. totals: float64 ``[n]``, the
        denominators of their scores, see Classifier.totals.
    confidences: float32 ``[n, k]``, of these labels; None where nobody asked for any.
    sure: what keywords are chosen from, with the confidences.
    """

    rows: "NDArray[np.int64]"
    products: "NDArray[np.float32]"
    totals: "NDArray[np.float64]"
    confidences: "NDArray[np.float32] | None" = None
    sure: "Sure | None" = None


def joined(blocks: Iterable[Findings]) -> Findings:
    """Findings for images, and for those that follow."""
    each = list(blocks)
    if len(each) == 1:
        return each[0]
    sure = [one.sure for one in each if one.sure is not None]
    confidences = [one.confidences for one in each if one.confidences is not None]
    rows, products, totals = (np.concatenate(parts) for parts in zip(
        *((one.rows, one.products, one.totals) for one in each), strict=True))
    return Findings(rows, products, totals, np.concatenate(confidences) if confidences else None,
                    Sure.joined(sure) if sure else None)
