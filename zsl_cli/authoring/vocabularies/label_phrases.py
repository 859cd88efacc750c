"""A label in a template, as a person would write it: ``a photo of an elephant``, ``a photo of
scissors``; with its meaning where other labels have the same name."""

import re

from zsl_cli.authoring.vocabularies import articles
from zsl_cli.vocabulary.names.label import Label

_ARTICLE = re.compile(r"\b([Aa])n? (?=\{\})")
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


def _article(letter: str, word: str) -> str:
    """As it was written, at the beginning of a sentence or not."""
    article = articles.indefinite(word)
    return article.capitalize() if letter == "A" else article


def _meaning(gloss: str) -> str:
    clause = re.split(r"[;(:]", gloss, maxsplit=1)[0].strip()
    words = clause.split()[:_MEANING]
    while words and words[-1].lower() in _LINKS:
        words.pop()
    return " ".join(words)
