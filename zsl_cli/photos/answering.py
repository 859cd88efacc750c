"""Embeddings of a catalogue → what is answered for its photos."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.keywords import KeywordRule
from zsl_cli.classifier.predictions import DIGITS, Answer, Keyword
from zsl_cli.errors import ImageError
from zsl_cli.photos.entry import Entry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.photos.catalogue.scanning import Scan
    from zsl_cli.support.word_lists import Word
    from zsl_cli.vocabulary.nearest import Nearest

_BLOCK = 64
"""Photos that are answered together. Of so many always, if need be of some that there are not: the
last digit of a matrix product may depend on how many rows it has."""


@dataclass(frozen=True)
class Question:
    """What is asked of every photo (see Classifier.candidates and Classifier.answers).

    rule: by which keywords are chosen, if there are to be any.
    """

    top: int = 5
    threshold: float = 0.0
    labels: "tuple[str | Word, ...] | None" = None
    under: tuple[str, ...] | None = None
    max_depth: int | None = None
    rule: KeywordRule | None = None


class Answering:
    """Answers one question, and counts what is answered most often."""

    def __init__(self, classifier: "Classifier", nearest: "Nearest", question: Question) -> None:
        self._classifier, self._nearest, self._question = classifier, nearest, question
        self.frequent: Counter[tuple[str, str]] = Counter()  # ids and names

    def answers(self, embeddings: "NDArray[np.float16]") -> Iterator[Answer]:
        """What is said of each of n embeddings ``[n, D]``, with numbers as programs read them."""
        question, dimension = self._question, embeddings.shape[1]
        for start in range(0, len(embeddings), _BLOCK):
            block = embeddings[start:start + _BLOCK]
            padded = np.zeros((_BLOCK, dimension), np.float32)
            padded[:len(block)] = block
            answered = self._classifier.answer(padded, self._nearest, question.top,
                                               question.threshold, question.rule)
            for _, answer in zip(range(len(block)), answered, strict=False):
                yield _rounded(answer)

    def entries(self, catalogue: "Catalogue", scan: "Scan", start: int = 0,
                stop: int | None = None, *, thumbnails: bool = False) -> Iterator[Entry]:
        """The entries of the photos that a scan met, in its order, or of those at some places of
        it; what was never read is left out."""
        stop = len(scan) if stop is None else stop
        for first in range(start, stop, _BLOCK):
            places = range(first, min(first + _BLOCK, stop))
            rows = catalogue.rows([scan.ids[place] for place in places])
            slots = [slot for place in places
                     if (slot := rows[scan.ids[place]].slot) is not None]
            answers = self.answers(catalogue.embeddings(slots))
            for place in places:
                row = rows[scan.ids[place]]
                answer = next(answers) if row.slot is not None else row.error
                answer = scan.error(place) or answer
                if answer is None:
                    continue
                entry = self._entry(scan.path(place, row.path), row.size, row.mtime, answer)
                yield entry if not thumbnails else replace(
                    entry, thumbnail=catalogue.thumbnail(row.id))

    def _entry(self, path: str, size: int | None, mtime: int | None,
               answer: Answer | ImageError) -> Entry:
        seconds = None if mtime is None else round(mtime / 1e9, 6)
        if isinstance(answer, ImageError):
            return Entry(path, (), answer, size, seconds)
        named = answer.labels[:1] if answer.keywords is None else answer.keywords
        self.frequent.update({(one.id, one.name) for one in named})
        return Entry(path, answer.labels, None, size, seconds, keywords=answer.keywords)


def _rounded(answer: Answer) -> Answer:
    labels = tuple(replace(
        scored, score=round(scored.score, DIGITS),
        confidence=None if scored.confidence is None else round(scored.confidence, DIGITS))
        for scored in answer.labels)
    keywords = None if answer.keywords is None else tuple(
        Keyword(one.label, one.label.word, round(one.confidence, DIGITS))
        for one in answer.keywords)
    return Answer(labels, keywords)
