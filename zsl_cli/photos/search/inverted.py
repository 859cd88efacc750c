"""An index over the embeddings of a large catalogue: an inverted file (Jégou et al., 2011).

Photos lie in lists of near ones. Of a query only the lists are looked through whose centres are
nearest to it, in few dimensions; the best of what is found is compared exactly, with the
catalogue's own rows. So an index that is out of date finds less, but tells no wrong score.

What is in the lists is mapped into memory, so that opening takes no time however large it is. What
was added to the catalogue since stands behind the lists in a tail, each photo with the number of
its list, so that it is found like the rest; a tail that is too long has the index built again.
"""

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.photos.search.exact import Exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zsl_cli.photos.search.exact import Page
    from zsl_cli.photos.search.lists import Lists
    from zsl_cli.photos.search.projection import Projection
    from zsl_cli.photos.search.space import JointSpace

    Array = NDArray[np.float32]
    Codes = NDArray[np.int8]

SCANNED = 32
"""Times the root of the number of photos, so many are compared in few dimensions, and at least
SCANNED_LEAST. ``benchmarks/catalogue_search.py`` prints the recall that comes of it."""
SCANNED_LEAST = 20_000
COMPARED = 1536
"""Of these, photos that are compared exactly, at least."""
_PAGES = (256, 2048)  # photos of the first pages together; what is behind these few ask for
_PER_PHOTO = 4  # exactly compared for each that is answered
_BLOCK = 512  # codes made float32 at once


@dataclass(frozen=True)
class Tail:
    """What was added since the lists were made, in the order of the slots: the list of each, int32
    ``[m]``, and its code, int8 ``[m, d]``."""

    lists: "NDArray[np.int32]"
    codes: "Codes"

    def __len__(self) -> int:
        return len(self.lists)


@dataclass(frozen=True)
class Inverted:
    """The index. It covers the slots below ``len``.

    starts: int64 ``[lists + 1]``, where each list begins. slots: int32 ``[n]``, of the photos of
    the lists, one list behind the other; codes: int8 ``[n, d]``, see Projection.
    """

    projection: "Projection"
    lists: "Lists"
    starts: "NDArray[np.int64]"
    slots: "NDArray[np.int32]"
    codes: "Codes"
    tail: Tail

    def __len__(self) -> int:
        return len(self.slots) + len(self.tail)

    def candidates(self, query: "Array", scanned: int, most: int) -> "NDArray[np.int64]":
        """At most so many slots that are probably nearest to a query ``[width]``, out of those of
        the nearest lists, ``scanned`` or a few more."""
        reduced = query @ self.projection.query
        sizes = np.diff(self.starts)
        near = self.lists.centres @ reduced
        # So many lists as hold what is to be scanned even if they were short ones.
        count = min(len(near), 1 + 4 * scanned * len(near) // max(len(self.slots), 1))
        best = np.argpartition(-near, count - 1)[:count]
        best = best[np.argsort(-near[best])]
        best = best[:1 + int(np.searchsorted(np.cumsum(sizes[best]), scanned))]
        weights = self.projection.weights(query)
        scores, places = self._scan(np.sort(best), weights)
        if len(self.tail):
            chosen = np.zeros(len(near), bool)
            chosen[best] = True
            at = np.flatnonzero(chosen[self.tail.lists])
            scores = np.concatenate([scores, self.tail.codes[at].astype(np.float32) @ weights])
            places = np.concatenate([places, len(self.slots) + at])
        if most < len(places):
            places = places[np.argpartition(-scores, most - 1)[:most]]
        in_tail = places >= len(self.slots)
        slots = np.where(in_tail, places, self.slots[np.where(in_tail, 0, places)])
        return np.sort(slots)

    def _scan(self, lists: "NDArray[np.int64]",
              weights: "Array") -> "tuple[Array, NDArray[np.int64]]":
        """What is in some lists, in their order: the scores in few dimensions, and the places in
        ``slots``. Lists that follow one another are read together."""
        breaks = np.flatnonzero(np.diff(lists) != 1)
        starts = self.starts[lists[np.concatenate([[0], breaks + 1])]]
        ends = self.starts[lists[np.concatenate([breaks, [-1]])] + 1]
        codes = np.concatenate([self.codes[start:end] for start, end in zip(
            starts.tolist(), ends.tolist(), strict=True)])
        scores = np.empty(len(codes), np.float32)

        single = np.empty((_BLOCK, codes.shape[1]), np.float32)  # stays in a core's cache
        for start in range(0, len(codes), _BLOCK):
            block = codes[start:start + _BLOCK]
            single[:len(block)] = block
            np.dot(single[:len(block)], weights, out=scores[start:start + _BLOCK])
        sizes = ends - starts
        return scores, np.arange(len(scores)) + np.repeat(ends - np.cumsum(sizes), sizes)


class Approximate:
    """Search through an index, as Exact does it; what lies behind the first pages is searched
    exactly."""

    def __init__(self, index: Inverted, rows: "NDArray[np.float16]", space: "JointSpace") -> None:
        self._index, self._rows, self._space = index, np.asarray(rows), space

    def nearest(self, query: "Array", k: int) -> "Page":
        """The slots of the k photos nearest to a query, a unit vector ``[width]``, and their
        cosines, falling."""
        compared = max(COMPARED, _PER_PHOTO * k)
        scanned = max(SCANNED_LEAST, int(SCANNED * len(self._index) ** 0.5), 4 * compared)
        slots = self._index.candidates(query, scanned, compared)
        slots = slots[slots < len(self._rows)]
        cosines = self._space.cosines(query[None], self._rows[slots])[0]
        best = np.lexsort((slots, -cosines))[:k]
        return slots[best], cosines[best]

    def pages(self, queries: "Array") -> "list[Iterator[Page]]":
        """For each query all photos, page after page, each falling; a later page may have a photo
        that an earlier one missed."""
        return [self._paged(query) for query in queries]

    def _paged(self, query: "Array") -> "Iterator[Page]":
        seen = np.empty(0, np.int64)
        for slots, cosines in chain((self.nearest(query, k) for k in _PAGES), self._all(query)):
            new = ~np.isin(slots, seen)
            yield slots[new], cosines[new]
            seen = np.union1d(seen, slots)

    def _all(self, query: "Array") -> "Iterator[Page]":
        yield from Exact(self._rows, self._space).pages(query[None])[0]
