"""Label vectors that training maps onto: a vocabulary's, and others."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_DRAWING = 1_000_003  # a stream of random numbers, beyond any epoch's


def meanings(vocabulary: "Vocabulary") -> "NDArray[np.float32]":
    """A vocabulary's label vectors, float32 ``[labels, D]``, without the label prior, which makes
    usual labels likelier whatever the image is. Raises FolderError for those that are not sound."""
    vocabulary.check_vectors()
    vectors = np.array(vocabulary.vectors, np.float32)
    if vocabulary.prior_dimension is not None:
        vectors[:, vocabulary.prior_dimension:] = 0
    return vectors


def random_vectors(count: int, dimension: int, seed: int) -> "NDArray[np.float32]":
    """Unit vectors ``[count, dimension]`` in directions that mean nothing."""
    random = np.random.default_rng([seed, _DRAWING])
    return unit_rows(random.standard_normal((count, dimension), np.float32))


def space_of(name: str, labels: "Sequence[Label]", vectors: "NDArray[np.float32]") -> str:
    """What the space of label vectors of one's own is called: a name, and what they are."""
    ids = "\n".join(label.id for label in labels).encode()
    return f"{name}-{hashlib.sha256(ids + vectors.tobytes()).hexdigest()[:12]}"
