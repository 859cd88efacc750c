"""Embeddings of a catalogue → what is answered for its photos."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from zsl_cli.classifier.predictions import Answer
from zsl_cli.errors import ImageError
from zsl_cli.photos.catalogue import database
from zsl_cli.photos.entry import Entry
from zsl_cli.photos.finding import Block, Finder, blocks, filled, in_turn, pooled
from zsl_cli.photos.question import Question
from zsl_cli.vocabulary.search.subset import Subset

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.classifier.findings import Findings
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.photos.catalogue.scanning import Scan
    from zsl_cli.photos.finding import Half
    from zsl_cli.photos.remembered import Remembered
    from zsl_cli.vocabulary.search.nearest import Nearest


class Answering:
    """Answers one question, and counts what is answered most often."""

    def __init__(self, classifier: "Classifier", nearest: "Nearest", question: Question,
                 remembered: "Remembered | None" = None,
                 read_again: "Callable[[list[int]], object] | None" = None) -> None:
        """remembered: what was found for the catalogue's photos before. read_again: reads the
        photos at some places of the scan, whose embeddings are damaged, into the catalogue."""
        self._classifier, self._nearest, self._question = classifier, nearest, question
        self._finder = None if isinstance(nearest, Subset) else Finder(classifier, nearest,
                                                                       remembered)
        self._read_again = read_again
        self._least = None if question.rule is None else question.rule.confidence
        self.frequent: Counter[tuple[str, str]] = Counter()  # ids and names

    def beside(self, catalogue: "Catalogue",
               scan: "Scan") -> "AbstractContextManager[Callable[[Sequence[int]], None]]":
        """What finds, beside what is done meanwhile, what this question needs for photos at some
        places of a scan; see Finder.beside."""
        if self._finder is None or not self._finder.remembers(self._question.top):
            return nullcontext(lambda _: None)
        return self._finder.beside(catalogue, scan, self._question.top, self._least)

    def entries(self, catalogue: "Catalogue", scan: "Scan", start: int = 0,
                stop: int | None = None, *, thumbnails: bool = False) -> Iterator[Entry]:
        """The entries of the photos that a scan met, in its order, or of those at some places of
        it; what was never read is left out."""
        with pooled() as pool:
            for block, answers in in_turn(
                    self._answer(catalogue, scan, places, pool)
                    for places in blocks(range(start, len(scan) if stop is None else stop))):
                each = iter(answers)
                for place, row in zip(block.places, block.rows, strict=True):
                    answer = next(each) if row.slot is not None else row.error
                    answer = scan.error(place) or answer
                    if answer is None:
                        continue
                    entry = self.entry(scan.path(place, row.path), row.size, row.mtime, answer)
                    yield entry if not thumbnails else replace(
                        entry, thumbnail=catalogue.thumbnail(row.id))

    def _answer(self, catalogue: "Catalogue", scan: "Scan", places: Sequence[int],
                pool: "ThreadPoolExecutor") -> "Callable[[], tuple[Block, Iterable[Answer]]]":
        """What gives a block and the answers for it, which the pool may be at work on until
        then."""
        question = self._question
        block = Block.of(catalogue, scan, places)
        if not block.slots:
            return lambda: (block, ())
        if self._finder and (known := self._finder.known(block, question.top, self._least)):
            return lambda: (block, self._told(known))
        embeddings, damaged = block.embeddings(catalogue)
        if damaged and self._read_again:
            self._read_again(damaged)
            block = Block.of(catalogue, scan, places)
            embeddings, damaged = block.embeddings(catalogue)
        if damaged:
            raise database.damaged(catalogue.folder, "embeddings are not what was written")
        answers = self.start(embeddings, pool, block)
        return lambda: (block, answers())

    def start(self, embeddings: "Half", pool: "ThreadPoolExecutor",
              block: Block | None = None) -> "Callable[[], Iterable[Answer]]":
        """What gives the answers for 1 to BLOCK embeddings, float16 ``[n, D]``, which the pool is
        at work on until then. block: the photos of a catalogue that they are of; what is found for
        those is remembered."""
        question = self._question
        if self._finder:
            found = self._finder.start(block, embeddings, question.top, self._least, pool)
            return lambda: self._told(found())
        answers = pool.submit(lambda: list(islice(self._classifier.answer(
            filled(embeddings), self._nearest, question.top, question.threshold, question.rule),
            len(embeddings))))
        return answers.result

    def _told(self, findings: "Findings") -> Iterable[Answer]:
        question = self._question
        return self._classifier.told(findings, question.top, question.threshold, question.rule)

    def entry(self, path: str, size: int | None, mtime: int | None,
              answer: Answer | ImageError) -> Entry:
        """The entry of a photo of ``size`` bytes and an ``mtime`` in nanoseconds, counted."""
        seconds = None if mtime is None else round(mtime / 1e9, 6)
        if isinstance(answer, ImageError):
            return Entry(path, (), answer, size, seconds)
        named = answer.labels[:1] if answer.keywords is None else answer.keywords
        for one in {(one.id, one.name) for one in named}:
            self.frequent[one] += 1
        return Entry(path, answer.labels, None, size, seconds, keywords=answer.keywords)
