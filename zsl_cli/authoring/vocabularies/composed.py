"""How a label's vector is composed of those of words and phrases."""

from collections.abc import Collection
from dataclasses import dataclass

from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words import composition


@dataclass(frozen=True, slots=True)  # there is one a label
class Composed:
    """How a label's vector is made: of which tokens it is the mean, ``own``, ``mean`` or
    ``subword``, and whether they are those of a synonym."""

    tokens: tuple[str, ...]
    how: str
    synonym: bool = False


def names(label: Label) -> tuple[str, ...]:
    """What a label may be called, its name first."""
    return (label.name, *label.synonyms)


def compose(label: Label, known: Collection[str], guessed: Collection[str], *, phrases: str,
            subwords: bool) -> Composed | None:
    """How a label's vector is made; None where too few of its words are known.

    guessed: the known tokens, and those with vectors of their n-grams.
    phrases: see build.BuildRequest. subwords: whether guessed tokens may be used.
    """
    for place, name in enumerate(names(label)):
        own = composition.as_token(name, known) if phrases != "mean" or (
            len(composition.words(name)) < 2) else None
        parts = composition.as_words(name, known) if phrases != "token" else None
        if own or (parts and not parts.missing):
            return (Composed((own,), "own", place > 0) if own
                    else Composed(parts.tokens if parts else (), "mean", place > 0))
    if subwords:
        parts = composition.as_words(label.name, guessed)
        if not parts.missing:
            return Composed(parts.tokens, "subword")
    return None
