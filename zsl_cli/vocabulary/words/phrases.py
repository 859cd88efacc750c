"""Phrases that a vocabulary does not know, composed of labels that it does."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zsl_cli.errors import UnknownLabelError
from zsl_cli.vocabulary.words import composition

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary


def compose(vocabulary: "Vocabulary", phrase: str) -> tuple[int, ...]:
    """The rows of the words of a phrase; raises UnknownLabelError, with the nearest names, unless
    the vocabulary knows them all."""
    parts = composition.as_words(phrase, _Labels(vocabulary))
    if parts.missing == (phrase,):
        raise vocabulary.unknown(phrase)
    if parts.missing:
        raise UnknownLabelError(f"unknown label {phrase!r}, and it cannot be composed of its "
                                f"words: {vocabulary.unknown(parts.missing[0])}")
    return tuple(vocabulary.find(token).row for token in parts.tokens)


@dataclass(frozen=True)
class _Labels:
    """What a vocabulary can look up: names in whatever case, synonyms and ids."""

    vocabulary: "Vocabulary"

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self.vocabulary.look_up(text) is not None
