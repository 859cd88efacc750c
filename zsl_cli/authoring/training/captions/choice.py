"""How much is damped, and how much of the base's space is kept: chosen by holding out images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.training.captions import retrieval
from zsl_cli.authoring.training.captions.canonical import Basis, canonical_maps
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zsl_cli.authoring.training.captions.joint import Pairs

DAMPINGS = (0.5, 1.0, 2.0, 4.0, 8.0)
SHARES = (0.2, 0.5, 0.67, 0.8)
FOLDS = 4

_FEWEST = 40  # images with which there is anything to choose by
_MOST = 4096
_STREAM = 1_000_003  # of random numbers, beyond those of any epoch


@dataclass(frozen=True)
class Choice:
    """damping: see Basis.whitening. share: of the base's space, in squared length. recall: of
    images held out, the mean over the parts; None where there are too few to choose by."""

    damping: float
    share: float
    recall: float | None = None


DEFAULT = Choice(2.0, 0.67)


def choose(pairs: "Pairs", sentences: "NDArray[np.float32]", base: "NDArray[np.float32]",
           dimension: int, seed: int,
           advance: "Callable[[int], object]" = lambda _done: None) -> Choice:
    """The choice of the best recall among images held out, a quarter at a time.

    sentences: ``[m, S]``, what is mapped of each; base: ``[m, D]``, where it lies in the base's
        space.
    """
    if len(pairs) < _FEWEST:
        return DEFAULT
    order = np.random.default_rng([seed, _STREAM]).permutation(len(pairs))[:_MOST]
    tried = np.zeros((len(DAMPINGS), len(SHARES)))
    for part in np.array_split(order, FOLDS):
        tried += _of_part(pairs, sentences, base, dimension, np.sort(part),
                          np.sort(np.setdiff1d(order, part))) / FOLDS
        advance(1)
    best = np.unravel_index(tried.argmax(), tried.shape)
    return Choice(DAMPINGS[best[0]], SHARES[best[1]], float(tried[best]))


def _of_part(pairs: "Pairs", sentences: "NDArray[np.float32]", base: "NDArray[np.float32]",
             dimension: int, spared: "NDArray[np.int64]",
             fit: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """Recall among the images that are spared, ``[dampings, shares]``."""
    learned, held_out = pairs.of_images(fit), pairs.of_images(spared)
    mine, theirs = (np.isin(pairs.owner, some) for some in (fit, spared))
    images, texts = Basis.of(learned.features), Basis.of(sentences[mine])
    by_base = base[theirs] @ held_out.embeddings.T
    recalls = np.zeros((len(DAMPINGS), len(SHARES)))
    for row, damping in enumerate(DAMPINGS):
        of_images, of_texts = images.whitening(damping), texts.whitening(damping)
        image_map, text_map = canonical_maps(of_images(learned.features),
                                             of_texts(sentences[mine]), learned.owner, dimension)
        scores = (unit_rows(of_texts(sentences[theirs]) @ text_map.T)
                  @ unit_rows(of_images(held_out.features) @ image_map.T).T)
        for column, share in enumerate(SHARES):
            together = (1 - share) * scores + share * by_base
            recalls[row, column] = retrieval.recalls(
                retrieval.of_matrix(together), held_out.owner, len(held_out))["recall"]
    return recalls
