"""Which labels a name can mean, however it is written."""

import re
from collections.abc import Sequence
from functools import cached_property

from zsl_cli.vocabulary.label import Label, normal_name
from zsl_cli.vocabulary.word_forms import forms

_ARTICLE = re.compile(r"^(a|an|the) ")
_HYPHEN = re.compile(r"(?<=\S)-(?=\S)")
_SHORTEST = 4  # letters of a name that is written as one word; shorter ones stand for too much


class NameIndex:
    """The names, synonyms and plain words of labels."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self._labels = labels

    def meant(self, text: str) -> tuple[str, list[int]]:
        """The name that a text is, and the rows that it can mean, main names before synonyms;
        none where it is no name.

        Case and underscores do not count. Where the text itself is no name, an article before it
        does not, then neither whether its words are joined by hyphens or blanks or written as
        one, and then it is looked for in its other ``forms``.
        """
        name = normal_name(text)
        bare = _ARTICLE.sub("", name)
        for one in (name, bare) if bare != name else (name,):
            if rows := self._as_written(one):
                return one, rows
        for one in (bare, *forms(bare)):
            if rows := self._as_written(one) or self._joined.get(_as_one_word(one), []):
                return one, rows
        return name, []

    def plain(self, name: str) -> dict[int, int]:
        """The rows of which a normalised name is a plain word → its place among these words."""
        return self._plain.get(name, {})

    @cached_property
    def names(self) -> dict[str, list[int]]:
        """The rows that each normalised name, synonym or plain word can mean, main names first."""
        names: dict[str, list[int]] = {}
        mains = [normal_name(label.name) for label in self._labels]
        for row, main in enumerate(mains):
            names.setdefault(main, []).append(row)
        for row, (label, main) in enumerate(zip(self._labels, mains, strict=True)):
            for synonym in map(normal_name, (*label.synonyms, *label.plain)):
                meant = names.setdefault(synonym, [])
                if synonym != main and meant[-1:] != [row]:  # twice among its names
                    meant.append(row)
        return names

    @cached_property
    def _plain(self) -> dict[str, dict[int, int]]:
        words: dict[str, dict[int, int]] = {}
        for row, label in enumerate(self._labels):
            for place, word in enumerate(label.plain):
                words.setdefault(normal_name(word), {}).setdefault(row, place)
        return words

    @cached_property
    def _hyphenated(self) -> dict[str, list[int]]:
        """The rows that names with hyphens can mean, by these names with blanks instead."""
        names: dict[str, list[int]] = {}
        for name, rows in self.names.items():
            if "-" in name:
                names.setdefault(_HYPHEN.sub(" ", name), []).extend(rows)
        return names

    @cached_property
    def _joined(self) -> dict[str, list[int]]:
        """The rows that names can mean, by these names written as one word."""
        names: dict[str, list[int]] = {}
        for name, rows in self.names.items():
            if len(joined := _as_one_word(name)) >= _SHORTEST:
                names[joined] = list(dict.fromkeys([*names.get(joined, ()), *rows]))
        return names

    def _as_written(self, name: str) -> list[int]:
        if exact := self.names.get(name):
            return exact
        apart = _HYPHEN.sub(" ", name)
        return list(dict.fromkeys([*self.names.get(apart, ()),
                                   *self._hyphenated.get(apart, ())]))


def _as_one_word(name: str) -> str:
    return _HYPHEN.sub("", name).replace(" ", "")


def alike(text: str, name: str) -> bool:
    """Whether a text is a name, in whatever of its forms."""
    text, name = (_as_one_word(_ARTICLE.sub("", normal_name(one))) for one in (text, name))
    return text == name or name in forms(text) or text in forms(name)
