"""Which of the names of a noun comes first: the one that people use, as far as wordnets tell it.

They list synonyms without a word on how usual each is, some by the alphabet. What tells it is the
hierarchy: a usual word is a part of the names of narrower things (Hund: Schäferhund, Windhund).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.vocabulary import Vocabulary

_SHORTEST = 3  # letters of a word that is looked for in longer ones


class _Rank(NamedTuple):
    """What names are sorted by; the lowest is the first."""

    untranslated: bool  # a name of several words that English has too: most are scientific
    files: int  # that have it, negative
    narrower: int  # nouns whose names are made with it, negative
    wider: bool  # whether a wider noun has this name, too
    place: int  # in the files, the first one's before the second one's


class Choice:
    """Puts the names of nouns in order, by what a vocabulary knows of them."""

    def __init__(self, vocabulary: Vocabulary, wordnets: Sequence[Mapping[str, Sequence[str]]],
                 ) -> None:
        """wordnets: the names by id, a mapping a file."""
        self._vocabulary, self._wordnets = vocabulary, wordnets
        self._words: dict[int, set[str]] = {}  # the names of each label, as they are compared
        for row, label in enumerate(vocabulary.labels):
            if words := {normal_name(name) for wordnet in wordnets
                         for name in wordnet.get(label.id, ())}:
                self._words[row] = words

    def ordered(self, id_: str) -> list[str]:
        """The names of a noun, each once, the one to be used first."""
        names: dict[str, str] = {}
        files: dict[str, int] = {}
        for wordnet in self._wordnets:
            for name in wordnet.get(id_, ()):
                word = normal_name(name)
                names.setdefault(word, name)
                files[word] = files.get(word, 0) + 1
        if len(names) > 1:
            ranks = self._ranks(id_, files)
            return [names[word] for word in sorted(names, key=ranks.__getitem__)]
        return list(names.values())

    def _ranks(self, id_: str, files: Mapping[str, int]) -> dict[str, _Rank]:
        row = self._vocabulary.rows.get(id_)
        english: set[str] = set()
        narrower: list[set[str]] = []
        wider: set[str] = set()
        if row is not None:
            label, hierarchy = self._vocabulary.label(row), self._vocabulary.hierarchy
            english = set(map(normal_name, (label.name, *label.synonyms)))
            narrower = [self._words[below] for below in hierarchy.descendants(row)
                        if below != row and below in self._words]
            wider = {word for above in hierarchy.ancestors(row)
                     for word in self._words.get(above, ())}
        return {word: _Rank(" " in word and word in english, -number,
                            -sum(_is_part(word, names) for names in narrower),
                            word in wider, place)
                for place, (word, number) in enumerate(files.items())}


def _is_part(word: str, names: set[str]) -> bool:
    """Whether one of the names is made with a word: has it among its words, or one of them ends
    with it, as compounds do with what they are a kind of."""
    if len(word) < _SHORTEST and word.isascii():
        return False
    return any(name != word and word in name and (
        f" {word} " in f" {name} " or any(part.endswith(word) for part in name.split()))
        for name in names)
