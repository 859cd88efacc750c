"""All that a vocabulary knows of one label."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zsl_cli.vocabulary.words.spoken import spoken

if TYPE_CHECKING:
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class About:
    """What is known of a label, in the vocabulary's language.

    paths: the names from a root of the hierarchy down to the label, by each of its parents.
    children: the labels right below it.
    others: its further names in that language; its synonyms are English.
    """

    label: "Label"
    paths: tuple[tuple[str, ...], ...]
    children: "tuple[Label, ...]"
    others: tuple[str, ...] = ()


def about(vocabulary: "Vocabulary", row: int) -> About:
    """What is known of the label in this row."""
    label, hierarchy = vocabulary.label(row), vocabulary.hierarchy
    above = [[vocabulary.name_of(vocabulary.label(one)) for one in hierarchy.lineage(parent)]
             for parent in hierarchy.parents(row)]
    name = vocabulary.name_of(label)
    return About(spoken(vocabulary, label), tuple((*path, name) for path in above) or ((name,),),
                 tuple(spoken(vocabulary, vocabulary.label(child))
                       for child in hierarchy.children(row)),
                 vocabulary.language.names_of(label.id)[1:] if vocabulary.language else ())
