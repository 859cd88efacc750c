"""A label in a template, as a person would write it: ``a photo of an elephant``, ``a photo of
scissors``; with its meaning where other labels have the same name."""

import re

from zsl_cli.vocabulary import word_forms
from zsl_cli.vocabulary.label import Label

_ARTICLE = re.compile(r"\b([Aa])n? (?=\{\})")
_VOWEL = re.compile(r"(?!eu|ewe|uni(?![nm])|us[aeiu]|ut[ei]|one\b|once\b|u[kf]o\b|uku|ura)"
                    r"[aeiou]|x-ray|hour|honest|honou?r|heir", re.IGNORECASE)
_SINGULAR = re.compile(r"(?:[su]s|is|as|os|ics|news|lens|series|species)$")
_PLURALS = frozenset({"cattle", "children", "feet", "geese", "mice", "people", "police", "teeth"})
_WITHOUT = re.compile(r"(?:the|a|an|some|pair of) ", re.IGNORECASE)
_LINKS = frozenset({"a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or",
                    "that", "the", "to", "which", "with", "its", "their"})
_MEANING = 8
"""Words of a definition; its first clause has what tells senses apart."""


def put(template: str, label: Label, *, defined: bool = False) -> str:
    """The phrase for a label: its everyday word in a template with one ``{}``, the indefinite
    article before it as the word wants it.

    defined: whether what it means stands behind it.
    """
    word = label.word
    fitted = _ARTICLE.sub(lambda match: _article(match[1], word), template)
    meaning = _meaning(label.gloss) if defined else ""
    return fitted.replace("{}", f"{word}, {meaning}" if meaning else word)


def is_plural(word: str) -> bool:
    """Whether a word, by its last part, is many things; a rule of thumb."""
    last = word.lower().rpartition(" ")[2]
    if last in word_forms.OWN_WORDS or last in _PLURALS:
        return last not in ("news", "james")
    return bool(last.endswith("s") and len(last) > 3 and not _SINGULAR.search(last)
                and next(word_forms.singulars(last), None))


def _article(letter: str, word: str) -> str:
    if _WITHOUT.match(word) or is_plural(word):
        return ""
    return letter + ("n " if _VOWEL.match(word) else " ")


def _meaning(gloss: str) -> str:
    clause = re.split(r"[;(:]", gloss, maxsplit=1)[0].strip()
    words = clause.split()[:_MEANING]
    while words and words[-1].lower() in _LINKS:
        words.pop()
    return " ".join(words)
