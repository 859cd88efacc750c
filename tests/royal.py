"""A vocabulary of eight labels about kings and queens, and others of any labels."""

import numpy as np

from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label

LABELS = [
    Label("w1", "king", gloss="a ruler"),
    Label("w2", "queen", gloss="she rules", parents=("w1",), seen=True),
    Label("w3", "man", synonyms=("male person",)),
    Label("w4", "woman"),
    Label("w5", "king", gloss="a chessman", ambiguous=True, parents=("w6", "w1")),
    Label("w6", "x-ray fish", parents=("nowhere",)),
    Label("w7", "great white shark"),
    Label("w8", "a\tb\n\\c", synonyms=("queen",)),
]
# royal, male, game, other; the last two are prior and slack
VECTORS = np.array([
    [1, 1, 0, 0], [1, -1, 0, .1], [0, 1, 0, 0], [0, -1, 0, 0], [.2, .1, 1, 0], [0, 0, 0, 1],
    [0, .3, 0, 1], [.1, 0, .2, .3]], np.float64)
PRIOR = [.5, .1, .1, .1, .2, 0, 0, 0]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make(folder, labels=LABELS, vectors=None, *, prior=True, dtype=np.float16, **more):
    """A vocabulary folder with a prior."""
    if vectors is None:
        vectors = unit(VECTORS) * .8
        if prior:
            p = np.array(PRIOR)[:, None]
            vectors = np.concatenate([vectors, p, np.sqrt(1 - .64 - p ** 2)], axis=1)
            more["prior_dimension"] = 4
        else:
            vectors = unit(vectors)
    folder.mkdir(parents=True)
    writing.write(folder, folder.name, "words", labels, vectors.astype(dtype), **more)
    return folder


def named(vocabulary, found):
    return [vocabulary.label(row).id for row, _ in found]
