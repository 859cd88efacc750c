"""What each word of a user's list is taken for: a label of a vocabulary, or a phrase."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from zsl_cli.errors import UnknownLabelError
from zsl_cli.support.word_lists import Word
from zsl_cli.vocabulary.names import class_names
from zsl_cli.vocabulary.names.label import Match, normal_name
from zsl_cli.vocabulary.names.taken import Taken
from zsl_cli.vocabulary.names.word_forms import forms
from zsl_cli.vocabulary.words import listed

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary


def take(vocabulary: "Vocabulary", words: Iterable[Word], *, phrases: bool) -> list[Taken]:
    """What the words stand for, in their order.

    phrases: whether what is no label can be a phrase that a model encodes, so that a word may be
        one that mostly means something else than the only label of its name.

    Raises UnknownLabelError for a text that is nothing at all.
    """
    firsts: dict[int | str, Taken] = {}
    above = lru_cache(maxsize=4096)(lambda path: _rows_above(path, vocabulary))
    taken = []
    for word in words:
        one = _take(word, vocabulary, above(word.above), phrases=phrases)
        first = firsts.setdefault(one.key, one)
        taken.append(one if first is one else replace(one, instead=first.path))
    return taken


def own_ids(vocabulary: "Vocabulary", taken: Iterable[Taken]) -> frozenset[str]:
    """The ids of the labels that are called by the user's own words."""
    return frozenset(vocabulary.label(one.row).id for one in taken
                     if one.row is not None and one.is_own and one.instead is None)


def _take(word: Word, vocabulary: "Vocabulary", above: frozenset[int], *,
          phrases: bool) -> Taken:
    match = _meaning(word, vocabulary)
    if match is not None:
        match = _under(match, above, vocabulary)
        if not (match.rare and phrases):
            name = _own_name(word.text, match.row, vocabulary)
            return Taken(word, name or vocabulary.label(match.row).name, match.row,
                         others=match.others, is_own=bool(name))
    _check_phrase(word.text)
    if (id_ := class_names.read(word.text).id) and vocabulary.has_wordnet_ids:
        raise UnknownLabelError(f"no label of vocabulary {vocabulary.name!r} has the id {id_}")
    phrase = listed.phrase(word.text)
    return Taken(word, phrase, phrase=phrase, rare=match.row if match else None)


def _meaning(word: Word, vocabulary: "Vocabulary") -> Match | None:
    """The label of a word, or else of the first of its synonyms that has one; a rare sense if there
    is nothing else."""
    rare = None
    for text in (word.text, *word.synonyms):
        match = listed.meaning(text, vocabulary)
        if match and not match.rare:
            return match
        rare = rare or match
    return rare


def _under(match: Match, above: frozenset[int], vocabulary: "Vocabulary") -> Match:
    """The match, in a sense that lies under one of these rows where there is such a sense."""
    if above:
        meant = (match.row, *match.others)
        for row in meant:
            if above & vocabulary.hierarchy.ancestors(row):
                return Match(match.text, row, tuple(one for one in meant if one != row))
    return match


def _rows_above(words: tuple[str, ...], vocabulary: "Vocabulary") -> frozenset[int]:
    """The labels of the words above one, and of their other forms: those of ``People`` are under
    person."""
    texts = [text for word in words for text in (word, *forms(normal_name(word)))]
    matches = (listed.meaning(text, vocabulary) for text in texts)
    return frozenset(match.row for match in matches if match and not match.rare)


def _own_name(text: str, row: int, vocabulary: "Vocabulary") -> str | None:
    """The user's word in a text that means this label; None where it is an id alone."""
    if text.strip() in vocabulary.rows:  # an id, or a name that is one
        return text.strip() if _is_a_name(text, row, vocabulary) else None
    said = class_names.read(text)
    if said.id is None and vocabulary.look_up(text):
        return text.strip()
    return said.name


def _is_a_name(text: str, row: int, vocabulary: "Vocabulary") -> bool:
    label = vocabulary.label(row)
    return normal_name(text) in map(normal_name, (label.name, *label.synonyms, *label.plain))


def _check_phrase(phrase: str) -> None:
    if not any(character.isprintable() and not character.isspace() for character in phrase):
        raise UnknownLabelError("an empty phrase is no label")
    try:
        phrase.encode()
    except UnicodeEncodeError as error:
        raise UnknownLabelError(f"{phrase!r} is not UTF-8 text, so it cannot be encoded"
                                ) from error
