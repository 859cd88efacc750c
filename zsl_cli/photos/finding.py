"""Embeddings of a catalogue → what is found for its photos, a block after the other.

What any question about the labels of a whole vocabulary needs is found for photos beside their
reading, of which it is a tenth; another question looks it up.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np

from zsl_cli.classifier.findings import Findings, joined
from zsl_cli.photos.catalogue.vectors import checksum
from zsl_cli.photos.remembered import LEAST, TOP, Remembered
from zsl_cli.support import cpus
from zsl_cli.vocabulary.search.nearest import EXACT_UP_TO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.catalogue.catalogue import Catalogue, Row
    from zsl_cli.photos.catalogue.scanning import Scan
    from zsl_cli.vocabulary.search.nearest import Nearest

    Half = NDArray[np.float16]

T = TypeVar("T")

_AHEAD = 4  # blocks that wait for the thread beside

BLOCK = 64
"""Photos that are looked at together. Always so many, if need be some twice: the last digit of a
matrix product may depend on how many rows it has."""


@dataclass(frozen=True)
class Block:
    """Photos that are looked at together: their places in the order, what is known of them, and of
    those that have an embedding the places, slots and checksums."""

    places: Sequence[int]
    rows: "list[Row]"
    embedded: list[int]
    slots: list[int]
    checksums: list[int]

    @classmethod
    def of(cls, catalogue: "Catalogue", scan: "Scan", places: Sequence[int]) -> Self:
        """Those at these places of a scan."""
        rows = catalogue.rows([scan.ids[place] for place in places])
        ordered = [rows[scan.ids[place]] for place in places]
        known = [(place, row.slot, row.checksum or 0)
                 for place, row in zip(places, ordered, strict=True) if row.slot is not None]
        return cls(places, ordered, *map(list, zip(*known, strict=True)) if known else ([],) * 3)

    def embeddings(self, catalogue: "Catalogue") -> "tuple[Half, list[int]]":
        """float16 ``[n, D]``, and the places of those that are not what was written."""
        embeddings = catalogue.embeddings(self.slots)
        return embeddings, [
            place for place, sum_, embedding in zip(
                self.embedded, self.checksums, embeddings, strict=True)
            if checksum(embedding) != sum_]


def blocks(places: Sequence[int]) -> Iterator[Sequence[int]]:
    """Places in blocks."""
    return (places[start:start + BLOCK] for start in range(0, len(places), BLOCK))


def filled(embeddings: "Half") -> "NDArray[np.float32]":
    """A whole block out of some embeddings."""
    return np.resize(embeddings, (BLOCK, embeddings.shape[1])).astype(np.float32)


@contextmanager
def pooled() -> Iterator[ThreadPoolExecutor]:
    """Threads for all cores, since matrix products let go of Python's lock."""
    with ThreadPoolExecutor(cpus.usable_cpus(), thread_name_prefix="zsl-answer") as pool:
        yield pool


def in_turn(started: "Iterable[Callable[[], T]]") -> Iterator[T]:
    """The results of what is started, in this order; several are at work at once."""
    window: deque[Callable[[], T]] = deque()
    for one in started:
        window.append(one)
        if len(window) > 2 * cpus.usable_cpus():
            yield window.popleft()()
    while window:
        yield window.popleft()()


class Finder:
    """Finds what questions about the labels of a whole vocabulary need."""

    def __init__(self, classifier: "Classifier", nearest: "Nearest",
                 remembered: "Remembered | None" = None) -> None:
        """nearest: the search over the whole vocabulary. remembered: what was found before."""
        self._classifier, self._nearest, self._remembered = classifier, nearest, remembered

    @classmethod
    def of_whole(cls, classifier: "Classifier", catalogue: "Catalogue") -> "Finder | None":
        """One that looks at a whole vocabulary exactly, and remembers; None where that costs too
        much to be done before it is asked for, or where nothing is won or kept."""
        vocabulary = classifier.vocabulary
        if len(vocabulary) < TOP or len(vocabulary) * vocabulary.dimension > EXACT_UP_TO:
            return None
        remembered = Remembered.of(catalogue, classifier, vocabulary.exact)
        return None if remembered is None else cls(classifier, vocabulary.exact, remembered)

    def remembers(self, top: int) -> bool:
        """Whether what is found for so many labels is looked up later."""
        return self._remembered is not None and top <= TOP

    def known(self, block: Block, top: int, least: float | None) -> Findings | None:
        """What is remembered of a block, see Remembered.get."""
        if self._remembered is None:
            return None
        return self._remembered.get(block.slots, block.checksums, top, least)

    def start(self, block: Block | None, embeddings: "Half", top: int, least: float | None,
              pool: ThreadPoolExecutor) -> "Callable[[], Findings]":
        """What gives the findings for embeddings, at which the pool is at work until then; those
        of a block are remembered."""
        least = None if least is None else min(least, LEAST)
        found = pool.submit(lambda: joined(self._classifier.find(
            filled(embeddings), self._nearest, max(top, TOP), least, images=len(embeddings))))

        def result() -> Findings:
            findings = found.result()
            if self._remembered and block:
                self._remembered.put(block.slots, block.checksums, findings, least)
            return findings

        return result

    @contextmanager
    def beside(self, catalogue: "Catalogue", scan: "Scan", top: int = TOP,
               least: float | None = LEAST) -> Iterator[Callable[[Sequence[int]], None]]:
        """What finds and remembers this for photos at some places, beside what is done meanwhile.

        On one thread: two would wait for each other rather than share the work, and as long as
        photos are read no core is idle.
        """
        waiting: deque[Callable[[], Findings]] = deque()
        pool = ThreadPoolExecutor(1, thread_name_prefix="zsl-find")

        def find(places: Sequence[int]) -> None:
            for some in blocks(places):
                block = Block.of(catalogue, scan, some)
                if block.slots and not self.known(block, top, least):
                    embeddings, damaged = block.embeddings(catalogue)
                    if not damaged:
                        waiting.append(self.start(block, embeddings, top, least, pool))
            while len(waiting) > _AHEAD:
                waiting.popleft()()

        try:
            yield find
            while waiting:
                waiting.popleft()()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def save(self) -> None:
        """Keep what was found for the next question."""
        if self._remembered:
            self._remembered.save()
