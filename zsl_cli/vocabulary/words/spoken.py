"""Labels of a vocabulary as they are called in its language."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from zsl_cli.vocabulary.names.label import Label, normal_name

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary


def spoken(vocabulary: "Vocabulary", label: Label) -> Label:
    """A label under its name in the vocabulary's language, if it has one. It is ambiguous where
    another label is called the same in that. A phrase, which is no label of it, stays."""
    language = vocabulary.language
    if language is None or label.id not in vocabulary.rows:
        return label
    label = vocabulary.label(vocabulary.rows[label.id])  # with its plain English words, too
    name = language.name_of(label)
    return replace(label, name=name, plain=(name,),
                   ambiguous=normal_name(name) in language.shared_names(vocabulary.labels))


def untranslated(vocabulary: "Vocabulary", rows: Collection[int] | None = None) -> str:
    """How many of these rows, by default of all, have no name in the vocabulary's language, in
    words; empty where all have one."""
    language = vocabulary.language
    if language is None:
        return ""
    ids = ([label.id for label in vocabulary.labels] if rows is None
           else [vocabulary.label(row).id for row in rows])
    missing = sum(id_ not in language for id_ in ids)
    if not missing:
        return ""
    return (f"{missing:,} of {len(ids):,} labels have no name in {language.language} and keep "
            "the English one")
