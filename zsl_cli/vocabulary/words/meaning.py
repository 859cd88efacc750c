"""Labels by what they mean: the nearest to a label, and to sums such as king − man + woman."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import ZslError
from zsl_cli.vocabulary.search.nearest import Exact
from zsl_cli.vocabulary.words.composition import mean
from zsl_cli.vocabulary.words.phrases import compose

if TYPE_CHECKING:
    from zsl_cli.vocabulary.names.label import Match
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_SIGNS = {"+": 1, "-": -1, "\u2212": -1, "\u2013": -1}  # a minus, a dash that is meant as one
_STUCK = re.compile(r"(?<!\S)[+\-\u2212\u2013]\S|\S[\-\u2212\u2013](?!\S)")
_HINT = "put blanks around + and - where they are signs"


@dataclass(frozen=True)
class Term:
    """A label of a sum, or a phrase that is none, as its words; ``sign`` is 1 or -1."""

    sign: int
    text: str
    matches: "tuple[Match, ...]"

    @property
    def rows(self) -> list[int]:
        """Of the label, or of the words."""
        return [match.row for match in self.matches]


def read_sum(vocabulary: "Vocabulary", text: str) -> tuple[Term, ...]:
    """The labels that a text names: one, or several between signs that stand alone among blanks
    (``king - man + woman``), so that names with hyphens stay whole. What is no label is composed
    of its words.

    Raises UnknownLabelError, or ZslError for a sign without a label.
    """
    if match := vocabulary.look_up(text):  # whatever signs there are in it
        return (Term(1, text, (match,)),)
    terms = []
    sign, words, signed = 1, list[str](), False
    for word in [*text.split(), None]:
        if word is not None and word not in _SIGNS:
            words.append(word)
            continue
        if words:
            terms.append(_term(vocabulary, sign, " ".join(words)))
        elif terms or signed or word is None:
            raise ZslError(f"{text!r}: a label is missing " + (
                "at the end" if word is None else f"before {word!r}"))
        if word is not None:
            sign, words, signed = _SIGNS[word], [], True
    return tuple(terms)


def _term(vocabulary: "Vocabulary", sign: int, text: str) -> Term:
    match = vocabulary.look_up(text)
    if not match and _STUCK.search(text):
        raise ZslError(f"unknown label {text!r}; {_HINT}")
    try:
        names = [text] if match else [vocabulary.label(row).id
                                      for row in compose(vocabulary, text)]
    except ZslError as error:
        if not any(sign in text for sign in _SIGNS):
            raise
        raise ZslError(f"{error}; {_HINT}") from error
    return Term(sign, text, tuple(vocabulary.find(name) for name in names))


def neighbours(vocabulary: "Vocabulary", terms: tuple[Term, ...],
               k: int) -> list[tuple[int, float]]:
    """The k rows, with their cosines, whose meaning is nearest to the sum of the terms' unit
    vectors, best first and without the terms themselves (3CosAdd: Mikolov, Yih and Zweig, 2013).

    Raises ZslError for a sum without a direction.
    """
    meanings = vocabulary.meanings
    query = np.sum([term.sign * mean(meanings[term.rows]) for term in terms], axis=0)
    norm = float(np.linalg.norm(query))
    if not np.isfinite(norm) or norm < 1e-6:
        raise ZslError(" ".join(f"{'+' if term.sign > 0 else '-'} {term.text}"
                                for term in terms)
                       + ": its vector is zero or no number, so nothing is near to it")
    own = {row for term in terms for row in term.rows}
    rows, scores = Exact(meanings).search((query / norm)[None], k + len(own))
    nearest = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
    return [(row, score) for row, score in nearest if row not in own][:k]
