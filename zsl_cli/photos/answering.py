"""Embeddings of a catalogue → what is answered for its photos."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice, starmap
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.findings import Findings, joined
from zsl_cli.classifier.keywords import KeywordRule
from zsl_cli.classifier.predictions import Answer
from zsl_cli.errors import ImageError
from zsl_cli.photos.catalogue import database
from zsl_cli.photos.catalogue.catalogue import Row
from zsl_cli.photos.catalogue.vectors import checksum
from zsl_cli.photos.entry import Entry
from zsl_cli.photos.remembered import LEAST, TOP
from zsl_cli.support import cpus
from zsl_cli.vocabulary.subset import Subset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.photos.catalogue.scanning import Scan
    from zsl_cli.photos.remembered import Remembered
    from zsl_cli.support.word_lists import Word
    from zsl_cli.vocabulary.nearest import Nearest

Keep = Callable[[Findings, float | None], None]
"""Told what was found, and from which confidence on."""

BLOCK = 64
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

    def __init__(self, classifier: "Classifier", nearest: "Nearest", question: Question,
                 remembered: "Remembered | None" = None) -> None:
        """remembered: what was found for the catalogue's photos before."""
        self._classifier, self._nearest, self._question = classifier, nearest, question
        self._remembered = remembered
        self._least = None if question.rule is None else question.rule.confidence
        self.frequent: Counter[tuple[str, str]] = Counter()  # ids and names

    def entries(self, catalogue: "Catalogue", scan: "Scan", start: int = 0,
                stop: int | None = None, *, thumbnails: bool = False) -> Iterator[Entry]:
        """The entries of the photos that a scan met, in its order, or of those at some places of
        it; what was never read is left out."""
        stop = len(scan) if stop is None else stop
        blocks = (range(first, min(first + BLOCK, stop)) for first in range(start, stop, BLOCK))
        for asked, answers in self._answered(catalogue, (
                self._asked(catalogue, scan, places) for places in blocks)):
            each = iter(answers)
            for place, row in zip(asked.places, asked.rows, strict=True):
                answer = next(each) if row.slot is not None else row.error
                answer = scan.error(place) or answer
                if answer is None:
                    continue
                entry = self.entry(scan.path(place, row.path), row.size, row.mtime, answer)
                yield entry if not thumbnails else replace(
                    entry, thumbnail=catalogue.thumbnail(row.id))

    def _asked(self, catalogue: "Catalogue", scan: "Scan", places: range) -> "_Asked":
        rows = catalogue.rows([scan.ids[place] for place in places])
        ordered = [rows[scan.ids[place]] for place in places]
        known = [row for row in ordered if row.slot is not None]
        return _Asked(places, ordered, [row.slot or 0 for row in known],
                      [row.checksum or 0 for row in known])

    def _answered(self, catalogue: "Catalogue",
                  blocks: "Iterator[_Asked]") -> "Iterator[tuple[_Asked, Iterable[Answer]]]":
        """Blocks with their answers, in their order; several are looked at at once, since matrix
        products let go of Python's lock."""

        def given(asked: _Asked,
                   answers: Callable[[], Iterable[Answer]]) -> tuple[_Asked, Iterable[Answer]]:
            return asked, answers()

        with ThreadPoolExecutor(cpus.usable_cpus(), thread_name_prefix="zsl-answer") as pool:
            window: deque[tuple[_Asked, Callable[[], Iterable[Answer]]]] = deque()
            for asked in blocks:
                window.append((asked, self._answer(catalogue, asked, pool)))
                if len(window) > 2 * cpus.usable_cpus():
                    yield given(*window.popleft())
            yield from starmap(given, window)

    def _answer(self, catalogue: "Catalogue", asked: "_Asked",
                pool: ThreadPoolExecutor) -> "Callable[[], Iterable[Answer]]":
        """What gives the answers for a block, which the pool may be at work on until then."""
        question = self._question
        known = self._remembered and self._remembered.get(asked.slots, asked.checksums,
                                                          question.top, self._least)
        if known or not asked.slots:
            return lambda: self._told(known) if known else ()
        embeddings = catalogue.embeddings(asked.slots)
        if [checksum(embedding) for embedding in embeddings] != asked.checksums:
            raise database.damaged(catalogue.folder, "embeddings are not what was written")

        def keep(findings: Findings, least: float | None) -> None:
            if self._remembered:
                self._remembered.put(asked.slots, asked.checksums, findings, least)

        return self.start(embeddings, pool, keep)

    def start(self, embeddings: "NDArray[np.float16]", pool: ThreadPoolExecutor,
              keep: Keep | None = None) -> "Callable[[], Iterable[Answer]]":
        """What gives the answers for 1 to BLOCK embeddings, float16 ``[n, D]``, which the pool is
        at work on until then; ``keep`` is told what was found, where that is more than was asked
        for."""
        question = self._question
        block = np.resize(embeddings, (BLOCK, embeddings.shape[1])).astype(np.float32)
        if isinstance(self._nearest, Subset):
            answers = pool.submit(lambda: list(islice(self._classifier.answer(
                block, self._nearest, question.top, question.threshold, question.rule),
                len(embeddings))))
            return answers.result
        least = None if self._least is None else min(self._least, LEAST)
        found = pool.submit(lambda: joined(self._classifier.find(
            block, self._nearest, max(question.top, TOP), least)).first(len(embeddings)))

        def told() -> Iterable[Answer]:
            findings = found.result()
            if keep is not None:
                keep(findings, least)
            return self._told(findings)

        return told

    def _told(self, findings: Findings) -> Iterable[Answer]:
        question = self._question
        return self._classifier.told(findings, question.top, question.threshold, question.rule)

    def entry(self, path: str, size: int | None, mtime: int | None,
              answer: Answer | ImageError) -> Entry:
        """The entry of a photo of ``size`` bytes and an ``mtime`` in nanoseconds, counted."""
        seconds = None if mtime is None else round(mtime / 1e9, 6)
        if isinstance(answer, ImageError):
            return Entry(path, (), answer, size, seconds)
        named = answer.labels[:1] if answer.keywords is None else answer.keywords
        self.frequent.update({(one.id, one.name) for one in named})
        return Entry(path, answer.labels, None, size, seconds, keywords=answer.keywords)


@dataclass(frozen=True)
class _Asked:
    """Photos that are answered together: their places in the order, what is known of them, and of
    those that have an embedding the slots and checksums."""

    places: range
    rows: list[Row]
    slots: list[int]
    checksums: list[int]
