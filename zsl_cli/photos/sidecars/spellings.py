"""Whether two keywords are one word, spelt otherwise."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_JOINTS = re.compile(r"[\s_\-\u2010-\u2015\u2212]+")
_IRREGULAR = {"men": "man", "children": "child", "people": "person", "feet": "foot",
              "teeth": "tooth", "geese": "goose", "mice": "mouse", "oxen": "ox"}
_ENDINGS = (  # of a plural, and those that the singular may have
    ("men", ("man",)), ("ves", ("f", "fe")), ("ies", ("y",)), ("ses", ("s",)), ("xes", ("x",)),
    ("zes", ("z",)), ("ches", ("ch",)), ("shes", ("sh",)), ("oes", ("o",)), ("s", ("",)))
_SHORTEST = 4  # a plural: gas, bus and yes are none


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
            for one in _singulars(joined):
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
        return next((self._words[one] for one in _singulars(joined) if one in self._words), None)


def _joined(text: str) -> str:
    return _JOINTS.sub(" ", fold(text)).strip()


def _singulars(text: str) -> Iterator[str]:
    """What a word, or the last of several, may be the plural of. It is only looked for, so that
    what is no word does no harm."""
    before, blank, last = text.rpartition(" ")
    if last in _IRREGULAR:
        yield before + blank + _IRREGULAR[last]
    if len(last) < _SHORTEST or last.endswith("ss"):
        return
    for ending, others in _ENDINGS:
        if last.endswith(ending):
            yield from (before + blank + last[:-len(ending)] + other for other in others)
