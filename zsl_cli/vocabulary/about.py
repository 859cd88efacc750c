"""All that a vocabulary knows of one label."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsl_cli.vocabulary.label import Label
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class About:
    """What is known of a label.

    paths: the names from a root of the hierarchy down to the label, by each of its parents.
    children: the labels right below it.
    """

    label: "Label"
    paths: tuple[tuple[str, ...], ...]
    children: "tuple[Label, ...]"


def about(vocabulary: "Vocabulary", row: int) -> About:
    """What is known of the label in this row."""
    label, hierarchy = vocabulary.label(row), vocabulary.hierarchy
    above = [[vocabulary.label(one).name for one in hierarchy.lineage(parent)]
             for parent in hierarchy.parents(row)]
    return About(label, tuple((*path, label.name) for path in above) or ((label.name,),),
                 tuple(vocabulary.label(child) for child in hierarchy.children(row)))
