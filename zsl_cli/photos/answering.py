"""Embeddings of a catalogue → what is answered for its photos."""

from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.keywords import KeywordRule
from zsl_cli.classifier.predictions import Answer
from zsl_cli.errors import ImageError
from zsl_cli.photos.catalogue import database
from zsl_cli.photos.catalogue.catalogue import Row
from zsl_cli.photos.catalogue.vectors import checksum
from zsl_cli.photos.entry import Entry
from zsl_cli.support import cpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.photos.catalogue.scanning import Scan
    from zsl_cli.support.word_lists import Word
    from zsl_cli.vocabulary.nearest import Nearest

_BLOCK = 64
"""Photos that are answered together. Always so many, if need be some twice: the last digit of a
matrix product may depend on how many rows it has."""


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

    def answers(self, embeddings: "NDArray[np.float16]") -> list[Answer]:
        """What is said of each of n embeddings ``[n, D]``, n at most _BLOCK."""
        if not len(embeddings):
            return []
        question = self._question
        block = np.resize(embeddings, (_BLOCK, embeddings.shape[1])).astype(np.float32)
        answered = self._classifier.answer(block, self._nearest, question.top, question.threshold,
                                           question.rule)
        return list(islice(answered, len(embeddings)))

    def entries(self, catalogue: "Catalogue", scan: "Scan", start: int = 0,
                stop: int | None = None, *, thumbnails: bool = False) -> Iterator[Entry]:
        """The entries of the photos that a scan met, in its order, or of those at some places of
        it; what was never read is left out."""
        stop = len(scan) if stop is None else stop
        blocks = (range(first, min(first + _BLOCK, stop)) for first in range(start, stop, _BLOCK))
        for asked, answers in self._answered(
                self._asked(catalogue, scan, places) for places in blocks):
            each = iter(answers)
            for place, row in zip(asked.places, asked.rows, strict=True):
                answer = next(each) if row.slot is not None else row.error
                answer = scan.error(place) or answer
                if answer is None:
                    continue
                entry = self._entry(scan.path(place, row.path), row.size, row.mtime, answer)
                yield entry if not thumbnails else replace(
                    entry, thumbnail=catalogue.thumbnail(row.id))

    def _asked(self, catalogue: "Catalogue", scan: "Scan", places: range) -> "_Asked":
        rows = catalogue.rows([scan.ids[place] for place in places])
        ordered = [rows[scan.ids[place]] for place in places]
        known = [(row.slot, row.checksum) for row in ordered if row.slot is not None]
        embeddings = catalogue.embeddings([slot for slot, _ in known])
        if any(checksum(embedding) != noted
               for (_, noted), embedding in zip(known, embeddings, strict=True)):
            raise database.damaged(catalogue.folder, "embeddings are not what was written")
        return _Asked(places, ordered, embeddings)

    def _answered(self, blocks: "Iterator[_Asked]") -> "Iterator[tuple[_Asked, list[Answer]]]":
        """Blocks with their answers, in their order; several are answered at once, since matrix
        products let go of Python's lock."""
        with ThreadPoolExecutor(cpus.usable_cpus(), thread_name_prefix="zsl-answer") as pool:
            window: deque[tuple[_Asked, Future[list[Answer]]]] = deque()
            for block in blocks:
                window.append((block, pool.submit(self.answers, block.embeddings)))
                if len(window) > 2 * cpus.usable_cpus():
                    asked, answers = window.popleft()
                    yield asked, answers.result()
            for asked, answers in window:
                yield asked, answers.result()

    def _entry(self, path: str, size: int | None, mtime: int | None,
               answer: Answer | ImageError) -> Entry:
        seconds = None if mtime is None else round(mtime / 1e9, 6)
        if isinstance(answer, ImageError):
            return Entry(path, (), answer, size, seconds)
        named = answer.labels[:1] if answer.keywords is None else answer.keywords
        self.frequent.update({(one.id, one.name) for one in named})
        return Entry(path, answer.labels, None, size, seconds, keywords=answer.keywords)


@dataclass(frozen=True)
class _Asked:
    """Photos that are answered together: their places in the order, what is known of them, and the
    embeddings of those that have one."""

    places: range
    rows: list[Row]
    embeddings: "NDArray[np.float16]"
