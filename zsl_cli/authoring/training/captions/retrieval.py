"""Recall among held-out pairs, by which epochs are compared."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Scores = Callable[[int, int], NDArray[np.floating]]
    """Of the sentences from one number to another with all n images, ``[b, n]``."""

KS = (1, 5, 10)
_BLOCK = 4_000_000  # scores held at once


def of_matrix(scores: "NDArray[np.floating]") -> "Scores":
    """Those of all sentences with all images, ``[m, n]``."""
    return lambda start, end: scores[start:end]


def ranks(scores: "Scores", owner: "NDArray[np.int64]",
          images: int) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """The rank, the best being 1, of each sentence's image, int64 ``[m]``, and of the best sentence
    of each image, int64 ``[n]``. Of equal scores the wrong one comes first.

    scores: of sentences with images, asked for in blocks, and where there are several in the same
        ones again. owner: ``[m]``, the image of each sentence. images: n.
    """
    step = max(1, _BLOCK // images)
    blocks = [(start, min(start + step, len(owner))) for start in range(0, len(owner), step)]
    scores = lru_cache(maxsize=1)(scores)
    of_image = np.empty(len(owner), np.int64)
    best = np.full(images, -np.inf)
    for start, end in blocks:
        block, mine = scores(start, end), owner[start:end]
        right = block[np.arange(len(block)), mine]
        of_image[start:end] = (block >= right[:, None]).sum(1)
        np.maximum.at(best, mine, right)
    before = np.zeros(images, np.int64)
    for start, end in blocks:
        wrong = owner[start:end, None] != np.arange(images)
        before += ((scores(start, end) >= best) & wrong).sum(0)
    return of_image, before + 1


def recalls(scores: "Scores", owner: "NDArray[np.int64]", images: int) -> dict[str, float]:
    """``recall``, the mean of Recall@1, 5 and 10 in both directions (VSE++ adds them up, and calls
    them rsum), and beside it ``image@k``, of sentences, and ``sentence@k``, of images. See
    ``ranks``."""
    figures = {f"{name}@{k}": float((found <= k).mean())
               for name, found in zip(("image", "sentence"), ranks(scores, owner, images),
                                      strict=True)
               for k in KS}
    return {"recall": float(np.mean([*figures.values()])), **figures}
