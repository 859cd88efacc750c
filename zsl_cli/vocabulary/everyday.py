"""The everyday hierarchy: of what lies above a label, that for which people have a word."""

from typing import TYPE_CHECKING

from zsl_cli.vocabulary.lineages import Lineages
from zsl_cli.vocabulary.words.own_words import own_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsl_cli.vocabulary.hierarchy.taxonomy import Taxonomy
    from zsl_cli.vocabulary.names.taken import Taken
    from zsl_cli.vocabulary.vocabulary import Vocabulary


class Everyday:
    """Where keywords lie, and what they are called: ``animal``, ``dog``, ``German shepherd``, not
    thirteen steps; what a user listed by his own words, and where he has it.
    """

    def __init__(self, vocabulary: "Vocabulary", taken: "Sequence[Taken]" = ()) -> None:
        self._vocabulary = vocabulary
        self._lineages = Lineages(vocabulary, taken)
        self._listed = bool(taken)
        self._own = own_ids(vocabulary, taken)

    def lineage(self, id_: str) -> tuple[tuple[str, str], ...]:
        """(id, word) from the top of the hierarchy down to the keyword of this id."""
        row = self._vocabulary.rows.get(id_)
        if row is not None and not self._listed:
            return everyday_lineage(row, self._vocabulary, self._vocabulary.taxonomy)
        *above, (_, name) = self._lineages.lineage(id_)
        if row is not None and id_ not in self._own:
            name = self._vocabulary.word_of(self._vocabulary.label(row))
        return (*(above if self._lineages.has_hierarchy else ()), (id_, name))

    def path(self, id_: str) -> tuple[str, ...]:
        """The words of ``lineage``."""
        return tuple(word for _, word in self.lineage(id_))

    def words_above(self, id_: str) -> tuple[str, ...] | None:
        """See Lineages.words_above."""
        return self._lineages.words_above(id_)


def everyday_lineage(row: int, vocabulary: "Vocabulary",
                     taxonomy: "Taxonomy") -> tuple[tuple[str, str], ...]:
    """(id, word) of a vocabulary's everyday hierarchy down to a label; a word that is the same as
    that above it stands once."""
    levels: dict[str, str] = {}
    for label in map(vocabulary.label, taxonomy.everyday(row)):
        levels[vocabulary.word_of(label)] = label.id
    return tuple((id_, word) for word, id_ in levels.items())
