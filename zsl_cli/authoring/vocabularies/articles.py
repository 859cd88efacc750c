"""The article that a word wants: *a dog*, *an elephant*, none for what is many things (*scissors*)
or no countable thing (*water*), and *the* for what there is one of (*the sky*).

Which words are which is a matter of usage that no rule tells; ``mass_nouns.tsv`` has the
common ones for what photos show. A name of several words counts by the last one: *apple juice*.
"""

import re
from functools import lru_cache
from pathlib import Path

from zsl_cli.vocabulary.names import word_forms

_FILE = Path(__file__).with_name("mass_nouns.tsv")

_VOWEL = re.compile(r"(?!eu|ewe|uni(?![nm])|us[aeiu]|ut[ei]|one\b|once\b|u[kf]o\b|uku|ura)"
                    r"[aeiou]|x-ray|hour|honest|honou?r|heir", re.IGNORECASE)
_SINGULAR = re.compile(r"(?:[su]s|is|as|os|ics|ops|ochs|mys|news|lens|series|species)$")
_PLURALS = frozenset({
    "cattle", "chickpeas", "children", "dolmas", "feet", "geese", "mice", "nachos", "pajamas",
    "peas", "people", "police", "pyjamas", "tapas", "teeth"})
_SINGULARS = frozenset({"chlamys", "gallows", "headquarters", "james", "molasses", "news",
                        "schnapps"})
_WITH_OWN = re.compile(r"(?:the|a|an|some|pair of) ", re.IGNORECASE)
_UNIQUE = frozenset({"ground", "horizon", "internet", "moon", "outdoors", "sea", "sky", "sun",
                     "universe"})

_MASS_ENDINGS = ("ics", "ware", "wear")


def indefinite(word: str) -> str:
    """What stands before a word where English has its indefinite article: ``a ``, ``an ``,
    ``the `` or nothing."""
    lower = word.lower()
    if lower in _UNIQUE:
        return "the "
    if _WITH_OWN.match(word) or is_plural(word) or is_mass(word):
        return ""
    return "an " if _VOWEL.match(word) else "a "


def is_plural(word: str) -> bool:
    """Whether a word, by its last part, is many things; a rule of thumb."""
    last = _last(word)
    if last in word_forms.OWN_WORDS or last in _PLURALS:
        return last not in _SINGULARS
    return bool(last.endswith("s") and len(last) > 3 and last not in _SINGULARS
                and not _SINGULAR.search(last) and next(word_forms.singulars(last), None))


def is_mass(word: str) -> bool:
    """Whether a word, by its last part, is nothing that is counted."""
    last, alone = _last(word), word.lower() == _last(word)
    words = _mass_nouns()
    return last in words["last"] or (alone and last in words["alone"]) or (
        len(last) > 5 and last.endswith(_MASS_ENDINGS))


def _last(word: str) -> str:
    """The word that counts: the last one, before an *of*, as in *loaf of bread*."""
    return word.lower().partition(" of ")[0].rpartition(" ")[2]


@lru_cache(maxsize=1)
def _mass_nouns() -> dict[str, frozenset[str]]:
    """Words that are not counted where they are ``last`` of a name, or where they are it
    ``alone``."""
    found: dict[str, set[str]] = {"last": set(), "alone": set()}
    for line in _FILE.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            where, _, words = line.partition("\t")
            found[where].update(words.split())
    return {where: frozenset(words) for where, words in found.items()}
