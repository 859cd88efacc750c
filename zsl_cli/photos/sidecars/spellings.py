"""Whether two keywords are one word, spelt otherwise."""

import re
import unicodedata
from collections.abc import Iterable

from zsl_cli.vocabulary.names.word_forms import singulars

_JOINTS = re.compile(r"[\s_\-\u2010-\u2015\u2212]+")


def fold(text: str) -> str:
    """Text as it is compared: without regard to case or to how accents are composed."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def unique(values: Iterable[str]) -> list[str]:
    """The values without those that an earlier one equals but for case."""
    return list({fold(value): value for value in reversed(list(values))}.values())[::-1]


class Words:
    """A user's words. One is found in any spelling: in another case, with a hyphen or an underscore
    for a blank, as the English plural or the singular."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words: dict[str, str] = {}
        self._singulars: dict[str, str] = {}
        for word in words:
            joined = _joined(word)
            self._words.setdefault(joined, word)
            for one in singulars(joined):
                self._singulars.setdefault(one, word)

    def __contains__(self, word: str) -> bool:
        return self._found(word) is not None

    def spelt(self, word: str) -> str:
        """A word as the user spells it, if he has it."""
        return self._found(word) or word

    def _found(self, word: str) -> str | None:
        joined = _joined(word)
        if joined in self._words:
            return self._words[joined]
        if joined in self._singulars:
            return self._singulars[joined]
        return next((self._words[one] for one in singulars(joined) if one in self._words), None)


def _joined(text: str) -> str:
    return _JOINTS.sub(" ", fold(text)).strip()
