"""Confidences → keywords: the words that are worth writing down.

Of all labels that are sure enough the most specific ones are taken, and where a specific one is
not sure its parent is, which rarely is wrong (Deng et al., 2012, Hedging Your Bets; Goren et al.,
2024, Hierarchical Selective Classification). Only words that tell something are keywords: those
that people use, and labels under which there is nothing more; never ``placental`` or ``artifact``.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.keyword_rule import KeywordRule
from zsl_cli.classifier.predictions import Keyword
from zsl_cli.vocabulary.everyday import Everyday, everyday_lineage
from zsl_cli.vocabulary.search.subset import Subset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.confidence import Evidence, Sure
    from zsl_cli.vocabulary.hierarchy.taxonomy import Taxonomy
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.search.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

SENSITIVE = 0.95
"""The confidence that a word needs which hurts where it is wrong."""
TELLING = 0.3
"""The information of a word that is worth writing down beside a more specific one: a dog or a bird
has it, an animal or a plant has not."""


def choose(rule: KeywordRule, evidence: "Evidence", vocabulary: "Vocabulary", taxonomy: "Taxonomy",
           candidates: "Nearest | None" = None) -> list[tuple[Keyword, ...]]:
    """The keywords of each image, the most informative first, what is beside the main thing
    behind it.

    evidence: of all labels, or of the candidates of a Subset in their order. What a user
        lists is his own choice of words, so all of it that is sure is taken.
    """
    if isinstance(candidates, Subset):
        if candidates.taken or candidates.phrases:
            own = Everyday(vocabulary, candidates.taken)
            return [_listed(rule, line, candidates, own, taxonomy)
                    for line in evidence.confidences]
        evidence = evidence.spread(candidates.rows, len(taxonomy))
    return choose_among(rule, evidence.sure(taxonomy.telling, rule.confidence),
                        KeywordLabels(vocabulary, taxonomy))


def choose_among(rule: KeywordRule, sure: "Sure",
                 labels: "KeywordLabels") -> list[tuple[Keyword, ...]]:
    """The same out of telling labels, among which are all that reach the confidence."""
    least = np.where(labels.taxonomy.sensitive[sure.rows], max(SENSITIVE, rule.confidence),
                     rule.confidence)
    kept = (sure.confidences >= least) & (sure.confidences > 0)
    return [_specific(rule, rows, confidences, main, labels)
            for rows, confidences, main in sure.some(kept)]


def _specific(rule: KeywordRule, rows: list[int], confidences: list[float], main: list[float],
              labels: "KeywordLabels") -> tuple[Keyword, ...]:
    """Of labels that are sure those with none of the others under them, and the more usual
    word that people have for each: they look for dogs, and rarely for German shepherds."""
    if not rows:
        return ()
    places = {row: place for place, row in enumerate(rows)}
    above = set[int]().union(*map(labels.above, rows))
    specific = [row for row in rows if row not in above]
    usual = places.keys() & map(labels.usual, specific)

    def order(row: int) -> tuple[bool, float, float, int]:
        place = places[row]
        beside = main[place] < rule.confidence
        return beside, 0.0 if beside else -labels.told(row), -confidences[place], row

    return tuple(labels.keyword(row, confidences[places[row]])
                 for row in sorted({*specific, *usual}, key=order)[:rule.most])


def _listed(rule: KeywordRule, confidences: "NDArray[np.float32]", candidates: Subset,
            own: Everyday, taxonomy: "Taxonomy") -> tuple[Keyword, ...]:
    keywords: list[Keyword] = []
    for column in np.flatnonzero(confidences >= rule.confidence).tolist():
        row, confidence = int(candidates.rows[column]), float(confidences[column])
        hurts = row < len(taxonomy) and taxonomy.sensitive[row]
        if hurts and confidence < SENSITIVE and rule.confidence:
            continue
        label = candidates.label(row)
        path = own.path(label.id)
        keywords.append(Keyword(label, path[-1], confidence, path,
                                own.words_above(label.id)))
    keywords.sort(key=lambda one: (-one.confidence, -len(one.path)))  # the one below first
    return tuple(keywords[:rule.most])


class KeywordLabels:
    """What keywords are made of, out of the labels of a vocabulary in the language that it speaks
    now; each is looked up once."""

    def __init__(self, vocabulary: "Vocabulary", taxonomy: "Taxonomy") -> None:
        self._vocabulary, self.taxonomy = vocabulary, taxonomy
        self.above = cache(self._above)
        self.usual = cache(self._usual)
        self.told = cache(self._told)
        self._called = cache(self._call)

    def _above(self, row: int) -> frozenset[int]:
        """The rows above a label."""
        return frozenset(self.taxonomy.ancestors(row).tolist())

    def _usual(self, row: int) -> int:
        """See usual_word; the row itself where there is none."""
        usual = usual_word(row, self._vocabulary, self.taxonomy)
        return row if usual is None else usual

    def _told(self, row: int) -> float:
        """How much a label tells, as keywords are ordered by it."""
        return round(float(self.taxonomy.information[row]), 3)

    def _call(self, row: int) -> "tuple[Label, str, tuple[str, ...]]":
        label = self._vocabulary.label(row)
        return (label, self._vocabulary.word_of(label),
                everyday_path(row, self._vocabulary, self.taxonomy))

    def keyword(self, row: int, confidence: float) -> Keyword:
        """The keyword of a label."""
        label, name, path = self._called(row)
        return Keyword(label, name, confidence, path)


def usual_word(row: int, vocabulary: "Vocabulary", taxonomy: "Taxonomy") -> int | None:
    """Of the labels above one that people have a word for and that tell something, the one that
    they use most, if they use it more than the label's own (entry-level categories: Ordonez et
    al., 2013): a bird for a bald eagle, and no vehicle for a car. Without a label prior the
    nearest."""
    above = [one for one in taxonomy.everyday(row)[:-1] if taxonomy.information[one] >= TELLING]
    if not above or vocabulary.prior_dimension is None:
        return above[-1] if above else None
    best = max(above, key=vocabulary.prior)
    return best if vocabulary.prior(best) > vocabulary.prior(row) else None


def everyday_path(row: int, vocabulary: "Vocabulary", taxonomy: "Taxonomy") -> tuple[str, ...]:
    """The words of the everyday hierarchy down to a label: ``animal``, ``dog``, ``German
    shepherd``, not thirteen steps."""
    return tuple(word for _, word in everyday_lineage(row, vocabulary, taxonomy))
