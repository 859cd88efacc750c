"""Do word vectors agree with WordNet on which nouns are alike?

The figure is Spearman's rank correlation, over pairs of nouns, of the cosine of their vectors
with their path similarity in WordNet: 1 / (1 + d), d the fewest steps from one to the other along
hypernyms and hyponyms (Pedersen et al., 2004, WordNet::Similarity). Of nouns with several senses
the two closest senses count, as there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.wordnet import WordNet
from zsl_cli.support import extras

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRS = 2000
_CLIMBS = (1, 2, 3)
_FEWEST = 10


@dataclass(frozen=True)
class Agreement:
    """Spearman's correlation, and how many pairs of how many known nouns it is taken over."""

    correlation: float
    pairs: int
    nouns: int

    def __str__(self) -> str:
        return (f"Spearman correlation with WordNet path similarity: {self.correlation:.3f} "
                f"({self.pairs:,} pairs of {self.nouns:,} nouns)")


def agreement(names: Sequence[str], vectors: "NDArray[np.floating]", wordnet: WordNet,
              pairs: int = PAIRS, seed: int = 0) -> Agreement | None:
    """How vectors ``[labels, D]`` of these names agree with WordNet; None with fewer than ten
    nouns among them. Vectors of any length but zero will do.

    The same names and seed give the same pairs. Raises MissingExtraError.
    """
    with extras.needed("vocab", "the correlation with WordNet"):
        from scipy.stats import spearmanr
    rows: dict[str, int] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, row)
    graph = Graph(wordnet)
    nouns = graph.common_nouns(rows)
    if len(nouns) < _FEWEST:
        return None
    chosen = graph.sample(nouns, pairs, seed)
    similarity = [graph.path_similarity(*pair) for pair in chosen]
    first, second = (np.asarray(vectors[[rows[pair[side]] for pair in chosen]], np.float64)
                     for side in (0, 1))
    cosine = (first * second).sum(axis=1) / (
        np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1))
    return Agreement(float(spearmanr(cosine, similarity).statistic), len(chosen), len(nouns))


class Graph:
    """WordNet's nouns as a graph of hypernyms."""

    def __init__(self, wordnet: WordNet) -> None:
        self._wordnet = wordnet
        self._distances: dict[str, dict[str, int]] = {}
        self._below: dict[str, list[str]] = {}  # in the sample that is being drawn

    def common_nouns(self, names: Mapping[str, int] | Sequence[str]) -> list[str]:
        """Of the names, sorted, those that are nouns before anything else: tagged in WordNet's
        concordance, half of the times or more as a noun, and not a name (``London``)."""
        return sorted(name for name in names if self._is_common_noun(name))

    def _is_common_noun(self, name: str) -> bool:
        senses = self._wordnet.senses.get(name, ())
        tagged = sum(self._wordnet.tag_count(name, id_) for id_ in senses)
        return (tagged > 0 and 2 * tagged >= self._wordnet.total_count(name)
                and name in self._wordnet.synsets[senses[0]].words)  # a name has a capital there

    def path_similarity(self, first: str, second: str) -> float:
        """1 / (1 + the length of the shortest path) between any senses of two nouns; 0 without
        a path."""
        senses = self._wordnet.senses
        shortest = min((self._distance(one, other) for one in senses[first]
                        for other in senses[second]), default=float("inf"))
        return 1 / (1 + shortest)

    def _distance(self, one: str, other: str) -> float:
        """Up to a common ancestor and down again: no shorter path goes down first."""
        above, beside = self._above(one), self._above(other)
        if len(beside) < len(above):
            above, beside = beside, above
        return min((steps + beside[id_] for id_, steps in above.items() if id_ in beside),
                   default=float("inf"))

    def _above(self, id_: str) -> dict[str, int]:
        """The fewest steps up to each ancestor, itself included."""
        if id_ not in self._distances:
            distances, level, steps = {id_: 0}, [id_], 0
            while level:
                steps += 1
                level = [above for below in level
                         for above in self._wordnet.synsets[below].hypernyms
                         if above not in distances]
                distances.update(dict.fromkeys(level, steps))
            self._distances[id_] = distances
        return self._distances[id_]

    @cached_property
    def _hyponyms(self) -> dict[str, list[str]]:
        below: dict[str, list[str]] = {}
        for id_, synset in self._wordnet.synsets.items():
            for above in synset.hypernyms:
                below.setdefault(above, []).append(id_)
        return below

    def sample(self, nouns: Sequence[str], pairs: int, seed: int) -> list[tuple[str, str]]:
        """Different pairs of different nouns, fewer where there are not so many.

        Two nouns drawn at random have hardly anything to do with one another. So that is done
        for every other pair; for the rest, the second noun is drawn from all those below the
        synset that is one, two or three steps above the first noun's first sense.
        """
        random = np.random.default_rng(seed)
        self._below = {}
        pairs_drawn: dict[tuple[str, str], None] = {}
        known = set(nouns)
        wanted = min(pairs, len(nouns) * (len(nouns) - 1) // 2)
        for attempt in range(20 * pairs):
            if len(pairs_drawn) == wanted:
                break
            first = nouns[int(random.integers(len(nouns)))]
            near = attempt % 2 == 0
            climb = _CLIMBS[random.integers(len(_CLIMBS))]
            others = self._near(first, climb, known) if near else nouns
            if not others:
                continue
            second = others[int(random.integers(len(others)))]
            pair = (first, second) if first < second else (second, first)
            if first != second:
                pairs_drawn[pair] = None
        return list(pairs_drawn)

    def _near(self, noun: str, climb: int, known: set[str]) -> list[str]:
        top = self._wordnet.senses[noun][0]
        for _ in range(climb):
            above = self._wordnet.synsets[top].hypernyms
            top = above[0] if above else top
        if top not in self._below:
            self._below[top] = self._nouns_below(top, known)
        return self._below[top]

    def _nouns_below(self, top: str, known: set[str]) -> list[str]:
        """The known nouns whose first sense is below a synset, sorted."""
        reached, waiting = {top}, [top]
        while waiting:
            new = [id_ for id_ in self._hyponyms.get(waiting.pop(), ()) if id_ not in reached]
            reached.update(new)
            waiting += new
        return sorted({name for id_ in reached for name in self._wordnet.synsets[id_].words
                       if name in known and self._wordnet.senses[name][0] == id_})
