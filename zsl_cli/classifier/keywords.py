"""Confidences → keywords: the words that are worth writing down.

Of all labels that are sure enough the most specific ones are taken, and where a specific one is
not sure its parent is, which rarely is wrong (Deng et al., 2012, Hedging Your Bets; Goren et al.,
2024, Hierarchical Selective Classification). Only words that tell something are keywords: those
that people use, and labels under which there is nothing more; never ``placental`` or ``artifact``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.predictions import Keyword
from zsl_cli.support.values import SHARE, TOP, check_number
from zsl_cli.vocabulary.lineages import Lineages
from zsl_cli.vocabulary.subset import Subset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.nearest import Nearest
    from zsl_cli.vocabulary.taxonomy import Taxonomy
    from zsl_cli.vocabulary.vocabulary import Vocabulary

SENSITIVE = 0.95
"""The confidence that a word needs which hurts where it is wrong."""


@dataclass(frozen=True)
class KeywordRule:
    """How sure keywords are at least, 0 to 1, and how many an image gets at most.

    Raises RequestError for values that make no sense.
    """

    confidence: float = 0.8
    most: int | None = None

    def __post_init__(self) -> None:
        check_number("confidence", self.confidence, SHARE)
        if self.most is not None:
            check_number("most", self.most, TOP)

    def choose(self, confidences: "NDArray[np.float32]", vocabulary: "Vocabulary",
               taxonomy: "Taxonomy", candidates: "Nearest | None" = None,
               ) -> list[tuple[Keyword, ...]]:
        """The keywords of each image, the most informative first.

        confidences: ``[n, k]``, of all labels, or of the candidates of a Subset in their order.
            What a user lists is his own choice of words, so all of it that is sure is taken.
        """
        if isinstance(candidates, Subset):
            return [self._listed(line, candidates, vocabulary) for line in confidences]
        words = taxonomy.plain | taxonomy.leaf if taxonomy.plain.any() else np.ones(
            len(taxonomy), bool)
        least = np.where(taxonomy.sensitive, max(SENSITIVE, self.confidence), self.confidence)
        return [self._specific(np.flatnonzero(words & (line >= least)), line, vocabulary, taxonomy)
                for line in confidences]

    def _specific(self, sure: "NDArray[np.int64]", confidences: "NDArray[np.float32]",
                  vocabulary: "Vocabulary", taxonomy: "Taxonomy") -> tuple[Keyword, ...]:
        """Of labels that are sure those with none of the others under them."""
        above = {int(one) for row in sure for one in taxonomy.lineage(row)[1:]}
        chosen = [int(row) for row in sure if int(row) not in above]
        chosen.sort(key=lambda row: (-round(float(taxonomy.information[row]), 3),
                                     -confidences[row], row))
        return tuple(
            Keyword(vocabulary.label(row), vocabulary.word_of(vocabulary.label(row)),
                    float(confidences[row]), everyday_path(row, vocabulary, taxonomy))
            for row in chosen[:self.most])

    def _listed(self, confidences: "NDArray[np.float32]", candidates: Subset,
                vocabulary: "Vocabulary") -> tuple[Keyword, ...]:
        keywords = []
        own = Lineages(vocabulary, candidates.taken)
        unnamed = frozenset(candidates.unnamed)
        for column in np.argsort(-confidences, kind="stable"):
            row = int(candidates.rows[column])
            label = candidates.label(row)
            least = SENSITIVE if label.sensitive else 0.0
            if confidences[column] >= max(self.confidence, least if self.confidence else 0.0):
                word = vocabulary.word_of(label) if row in unnamed else label.word
                above = own.path_names(label.id)[:-1] if own.has_hierarchy else ()
                keywords.append(Keyword(label, word, float(confidences[column]), (*above, word)))
        return tuple(keywords[:self.most])


def everyday_path(row: int, vocabulary: "Vocabulary", taxonomy: "Taxonomy") -> tuple[str, ...]:
    """The words from the top of the everyday hierarchy down to a label, its own last: of the
    labels above it those that people have a word for (``animal``, ``dog``, ``German shepherd``,
    not thirteen steps), or all where the vocabulary has no such words."""
    any_plain = bool(taxonomy.plain.any())
    line = [one for one in vocabulary.hierarchy.lineage(row)
            if one == row or not any_plain or taxonomy.plain[one]]
    return tuple(dict.fromkeys(vocabulary.word_of(vocabulary.label(one)) for one in line))
