"""Which labels a name can mean, however it is written."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from zsl_cli.vocabulary.names.label import Label, normal_name
from zsl_cli.vocabulary.names.word_forms import forms

if TYPE_CHECKING:
    from zsl_cli.vocabulary.names.language import LanguageNames

_ARTICLE = re.compile(r"^(a|an|the) ")
_HYPHEN = re.compile(r"(?<=\S)-(?=\S)")
_SHORTEST = 4  # letters of a name that is written as one word; shorter ones stand for too much


@dataclass(frozen=True)
class Meant:
    """What a name can mean.

    rows: of the labels, those first of which it is the first name; at least one.
    main: those of which it is the first name.
    plain: those of which it is a plain word → its place among these words.
    rare: those for which it mostly means something else.
    vague: whether it is a mere synonym of several labels, and the first name or a plain word of
        none: ``club``, of a nightclub, a golf club and a baseball club.
    """

    rows: Sequence[int]
    main: frozenset[int]
    plain: Mapping[int, int] = field(default_factory=dict)
    rare: frozenset[int] = frozenset()
    vague: bool = False


class NameIndex:
    """The names, synonyms and plain words of labels, whose rows by id are ``rows``."""

    def __init__(self, labels: Sequence[Label], rows: Mapping[str, int]) -> None:
        self._labels, self._rows = labels, rows

    def meant(self, text: str, language: "LanguageNames | None" = None) -> Meant | None:
        """What a text can mean, or None where it is no name.

        Names of the language come before English ones, and behind those what is nearly one. Case
        and underscores do not count. Where the text itself is no English name, an article before
        it does not, then neither whether its words are joined by hyphens or blanks or written as
        one, and then it is looked for in its other ``forms``.
        """
        if language and (meant := self._spoken(text, language, language.ids(text))):
            return meant
        name, rows = self._english(text)
        if not rows:
            return self._spoken(text, language, language.ids_nearly(text)) if language else None
        main = frozenset(row for row in rows if normal_name(self._labels[row].name) == name)
        plain = self._plain.get(name, {})
        rare = frozenset(row for row in rows if row not in plain
                         and name in map(normal_name, self._labels[row].rare))
        return Meant(rows, main, plain, rare, len(rows) > 1 and not plain and not main)

    def _spoken(self, text: str, language: "LanguageNames", ids: Iterable[str]) -> Meant | None:
        """What a name of the language, which these ids have, can mean here."""
        rows = [self._rows[id_] for id_ in ids if id_ in self._rows]
        name = normal_name(text)
        main = frozenset(row for row in rows
                         if normal_name(language.name_of(self._labels[row])) == name)
        return Meant(rows, main) if rows else None

    def _english(self, text: str) -> tuple[str, list[int]]:
        """The English name that a text is, and the rows that it can mean, or none."""
        name = normal_name(text)
        bare = _ARTICLE.sub("", name)
        for one in (name, bare) if bare != name else (name,):
            if rows := self._as_written(one):
                return one, rows
        for one in (bare, *forms(bare)):
            if rows := self._as_written(one) or self._joined.get(_as_one_word(one), []):
                return one, rows
        return name, []

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
