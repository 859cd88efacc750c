"""A vocabulary as text: a table (TSV), or word2vec's text format."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zsl_cli.support import tab_separated
from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.search.nearest import as_float32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.vocabulary import Vocabulary

_BLOCK = 4096  # vectors turned into text at once
_DIGITS = {"float16": 5, "float32": 9}
"""Significant digits from which a number of the type comes back as it was."""


def tsv(vocabulary: "Vocabulary", *, vectors: bool = False) -> Iterator[bytes]:
    """Lines of UTF-8 (see ``tab_separated``): id, name, synonyms, gloss and parents of each label
    under a header, with its whole vector behind them, its numbers separated by blanks, if
    ``vectors``."""
    columns = ("id", "name", "synonyms", "gloss", "parents", *(["vector"] if vectors else []))
    yield tab_separated.line(columns)
    numbers = _numbers(vocabulary.vectors) if vectors else None
    for label in vocabulary.labels:
        yield tab_separated.line((
            tab_separated.text(label.id), tab_separated.text(label.name),
            tab_separated.texts(label.synonyms), tab_separated.text(label.gloss),
            tab_separated.texts(label.parents), *([next(numbers)] if numbers else [])))


def words(vocabulary: "Vocabulary") -> tuple[list[str], int]:
    """A word for each label, no two alike and without blanks, and how many of them are ids.

    That is the name with underscores for blanks; where labels share one, it goes to the label that
    Vocabulary.find takes it for, and the others have their id.
    """
    of_labels: list[str] = [""] * len(vocabulary)
    taken: set[str] = set()
    rest = []
    for row, label in enumerate(vocabulary.labels):
        word = _word(label.name)
        match = vocabulary.look_up(normal_name(label.name))
        if word and word not in taken and match and row == match.row:
            of_labels[row] = word
            taken.add(word)
        else:
            rest.append(row)
    ids = 0
    for row in rest:
        label = vocabulary.label(row)
        word = _word(label.name)
        if not word or word in taken:
            word = _word(label.id)
            ids += 1
        while word in taken:  # an id that is the name of another label
            word += "_"
        of_labels[row] = word
        taken.add(word)
    return of_labels, ids


def word2vec(vocabulary: "Vocabulary", of_labels: list[str]) -> Iterator[bytes]:
    """Lines of word2vec's text format: how many vectors of how many dimensions, then the word of
    each label (see ``words``) and its vector, without the dimensions of the label prior."""
    vectors = vocabulary.vectors[:, :vocabulary.prior_dimension]
    yield f"{len(vectors)} {vectors.shape[1]}\n".encode()
    for word, numbers in zip(of_labels, _numbers(vectors), strict=True):
        yield f"{word} {numbers}\n".encode("utf-8", "backslashreplace")


def _numbers(vectors: "NDArray[np.floating]") -> Iterator[str]:
    style = f"%.{_DIGITS.get(vectors.dtype.name, 17)}g"
    template = " ".join([style] * vectors.shape[1])
    for start in range(0, len(vectors), _BLOCK):
        for row in as_float32(vectors[start:start + _BLOCK]).tolist():
            yield template % tuple(row)


def _word(name: str) -> str:
    """All that Python or gensim takes for white space counts as a blank."""
    return re.sub(r"\s+", "_", name.strip())
