"""How alike two labels are: by their place in WordNet, and by what is said about them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.wordnet import WordNet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


def ancestor_matrix(wordnet: WordNet, ids: Sequence[str]) -> "csr_matrix":
    """A sparse 0/1 matrix ``[labels, synsets above any of them]``, each label above itself."""
    from scipy.sparse import csr_matrix

    columns: dict[str, int] = {}
    rows, cols = [], []
    for row, id_ in enumerate(ids):
        for above in sorted(wordnet.ancestors(id_)):
            rows.append(row)
            cols.append(columns.setdefault(above, len(columns)))
    return csr_matrix((np.ones(len(rows), np.float32), (rows, cols)))


def tree_features(ancestors: "csr_matrix") -> "csr_matrix":
    """Unit rows ``[labels, synsets]`` whose products are the tree kernel: the cosine of ancestor
    sets in which a synset counts by its information content (Resnik, 1995), ``-log`` of the share
    of labels below it."""
    from scipy.sparse import diags

    below = np.asarray(ancestors.sum(axis=0)).ravel()
    content = np.log(1.2 * ancestors.shape[0] / below)  # 1.2: the root is not quite nothing
    weighted = ancestors @ diags(np.sqrt(content).astype(np.float32))
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return (diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ weighted).tocsr()


def text_kernel(vectors: "NDArray[np.float32]", others: "NDArray[np.float32]",
                width: float) -> "NDArray[np.float32]":
    """A Gaussian kernel, ``[n, m]``, of unit text vectors ``[n, d]`` and ``[m, d]``:
    ``exp((cosine - 1) / width)``."""
    return np.exp((vectors @ others.T - 1) / width).astype(np.float32)


def right_above(wordnet: WordNet, ids: Sequence[str], columns: "NDArray[np.int64]",
                steps: int = 2) -> "NDArray[np.float32]":
    """``[labels, columns]``: 1 where a label is at most so many steps above a column's label,
    divided by the square root of how many such columns the label has."""
    rows = {id_: row for row, id_ in enumerate(ids)}
    above = np.zeros((len(ids), len(columns)), np.float32)
    for column, label in enumerate(columns):
        level = {ids[label]}
        for _ in range(steps):
            level = {parent for id_ in level for parent in wordnet.synsets[id_].hypernyms}
            for parent in level & rows.keys():
                above[rows[parent], column] = 1
    return above / np.sqrt(np.maximum(above.sum(axis=1, keepdims=True), 1))
