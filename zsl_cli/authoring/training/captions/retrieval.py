"""Recall among held-out pairs, by which epochs are compared."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

KS = (1, 5, 10)


def ranks(scores: "NDArray[np.floating]", owner: "NDArray[np.int64]",
          ) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """The rank, the best being 1, of each sentence's image, int64 ``[m]``, and of the best sentence
    of each image, int64 ``[n]``. Of equal scores the wrong one comes first.

    scores: ``[m, n]``, of sentences with images; owner: ``[m]``, the image of each sentence.
    """
    right = scores[np.arange(len(scores)), owner]
    of_image = (scores >= right[:, None]).sum(1)
    mine = owner[:, None] == np.arange(scores.shape[1])
    best = np.where(mine, scores, -np.inf).max(0)
    return of_image, (np.where(mine, -np.inf, scores) >= best).sum(0) + 1


def recalls(scores: "NDArray[np.floating]", owner: "NDArray[np.int64]") -> dict[str, float]:
    """``recall``, the mean of Recall@1, 5 and 10 in both directions (VSE++ adds them up, and calls
    them rsum), and beside it ``image@k``, of sentences, and ``sentence@k``, of images."""
    figures = {f"{name}@{k}": float((found <= k).mean())
               for name, found in zip(("image", "sentence"), ranks(scores, owner), strict=True)
               for k in KS}
    return {"recall": float(np.mean([*figures.values()])), **figures}
