"""Which labels may be answered, and which of them count as seen."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support.limits import CANDIDATE_SETS
from zsl_cli.support.word_lists import as_word, read_words
from zsl_cli.vocabulary.words.listed import meaning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class Candidates:
    """Labels that may be answered.

    name: what they are called in tables. rows: int64, rising.
    whole: whether it is the whole vocabulary; only then the label prior counts, as in
        ``Classifier.classify``.
    """

    name: str
    rows: "NDArray[np.int64]"
    whole: bool = False


@dataclass(frozen=True)
class Listed:
    """What a file of labels says: the rows, and the lines that the vocabulary does not know."""

    rows: "NDArray[np.int64]"
    unknown: tuple[str, ...]


def check_names(names: Iterable[str]) -> None:
    """Raise RequestError for what is neither one of CANDIDATE_SETS nor a file."""
    for name in names:
        if name not in CANDIDATE_SETS and not os.path.exists(name):
            raise RequestError(f"`candidates` {name}: neither a file nor one of "
                               f"{', '.join(CANDIDATE_SETS)}")


def read_list(path: str | os.PathLike[str], vocabulary: "Vocabulary") -> Listed:
    """The labels in a file: a name, a synonym or an id a line.

    Raises ZslError when the file cannot be read or the vocabulary knows none of them.
    """
    names = [as_word(word).text for word in read_words(path)]
    matches = {name: meaning(name, vocabulary) for name in names}
    rows = {match.row for match in matches.values() if match}
    if not rows:
        raise ZslError(f"{path}: vocabulary {vocabulary.name!r} knows none of its "
                       f"{len(names):,} lines; a label's name or id in each is expected")
    return Listed(_sorted(rows), tuple(name for name, match in matches.items() if not match))


def seen_mask(vocabulary: "Vocabulary",
              rows: "NDArray[np.int64] | None" = None) -> "NDArray[np.bool_]":
    """Of each label, bool ``[labels]``, whether it is seen: those rows, or without them what the
    vocabulary says itself."""
    if rows is None:
        return np.array([label.seen for label in vocabulary.labels], bool)
    mask = np.zeros(len(vocabulary), bool)
    mask[rows] = True
    return mask


def choose(name: str, dataset: "Dataset", vocabulary: "Vocabulary",
           seen: "NDArray[np.bool_]") -> Candidates:
    """The candidate set of this name, one of CANDIDATE_SETS.

    Raises ZslError when nothing is seen, or no class of the set is unseen, and that is asked for.
    """
    own = dataset.labels
    if name == "own":
        return Candidates(name, own)
    if name == "all":
        return Candidates(name, np.arange(len(vocabulary)), whole=True)
    if not seen.any():
        raise ZslError(f"`candidates={name}`: vocabulary {vocabulary.name!r} says of no label "
                       "that it is seen; give a list of the labels that are: `seen=FILE`")
    unseen = own[~seen[own]]
    if not len(unseen):
        raise ZslError(f"`candidates={name}`: all classes of the set are seen")
    if name == "unseen":
        return Candidates(name, unseen)
    return Candidates(name, np.union1d(unseen, np.flatnonzero(seen)))


def _sorted(rows: Iterable[int]) -> "NDArray[np.int64]":
    return np.array(sorted(rows), np.int64)
