"""Vectors of phrases out of the vectors of their words.

The mean of word vectors is a hard baseline for the meaning of short phrases (Mitchell and Lapata,
2010; Arora et al., 2017).
"""

import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.vocabulary.names.marks import combining_marks

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ARTICLES = {"a", "an", "the"}
_LITTLE = {"and", "at", "by", "for", "from", "in", "of", "on", "or", "to", "with"}
"""Words that collections may leave out (GoogleNews does), and that phrases can do without."""

_JOINTS = " _-"
_ARTICLE = re.compile(r"\s*(?:a|an|the)[\s_]+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class Parts:
    """A phrase taken apart: the tokens that are known, and the words that are not."""

    tokens: tuple[str, ...]
    missing: tuple[str, ...] = ()


def as_one(phrase: str, known: Container[str]) -> str | None:
    """The known token that a phrase is itself, in whatever spelling, or None."""
    return next((token for token in phrase_spellings(phrase) if token in known), None)


def as_token(phrase: str, known: Container[str]) -> str | None:
    """As ``as_one``, and an article before the phrase counts only if it is known with it."""
    return as_one(phrase, known) or as_one(_without_article(phrase), known)


def as_words(phrase: str, known: Container[str]) -> Parts:
    """The known tokens that the words of a phrase are. Articles count only if there is nothing
    else, other little words only if they are known; a hyphenated word is one word or, if that is
    not known, several."""
    tokens: list[str] = []
    missing: list[str] = []
    for word in words(phrase):
        whole = as_one(word, known)
        known_parts = [whole] if whole else [as_one(part, known) for part in _pieces(word)]
        if known_parts and None not in known_parts:
            tokens += filter(None, known_parts)
        else:
            missing.append(word)
    if tokens:
        missing = [word for word in missing if word.lower() not in _LITTLE]
    return Parts(tuple(tokens), tuple(missing) if tokens or missing else (phrase,))


def mean(vectors: "NDArray[np.floating]") -> "NDArray[np.float32]":
    """The direction, float32 ``[D]``, of the mean of unit vectors ``[n, D]``; zero where they
    cancel out."""
    total = np.asarray(vectors, np.float32).sum(axis=0)
    length = float(np.linalg.norm(total))
    return total / length if length > 1e-6 else np.zeros_like(total)


def words(phrase: str) -> list[str]:
    """The words of a phrase, in Unicode's composed form (NFC): what blanks and punctuation part,
    without articles unless it has nothing else."""
    tokens = [word.strip("'’-") for word in _pattern().findall(_composed(phrase).replace("_", " "))]
    tokens = [word.rstrip(".") for word in tokens if word.strip(".")]
    return [word for word in tokens if word.lower() not in _ARTICLES] or tokens


def spellings(word: str) -> Iterator[str]:
    """A word as collections of vectors may spell it, the word itself first; its accents, in
    whichever of Unicode's normal forms, before none."""
    plain = word.replace("’", "'")
    stem = plain[:-2] if plain.lower().endswith("'s") else plain
    bases = [word, plain, stem]
    if not stem.isascii():
        bases += [unicodedata.normalize(form, base) for form in ("NFC", "NFD")
                  for base in (word, plain, stem)]
    seen = set()
    for base in (*bases, _without_accents(stem)):
        for form in (base, base.lower(), base.capitalize(), base.upper()):
            if form and form not in seen:
                seen.add(form)
                yield form


def phrase_spellings(phrase: str) -> Iterator[str]:
    """A phrase as one token: its words joined by a blank, an underscore or a hyphen, in usual
    capitals, and what hyphens join in it, too; first as it is, then in Unicode's composed form
    (NFC), then decomposed (NFD). A single word: see ``spellings``."""
    seen = set()
    for form in dict.fromkeys((phrase, _composed(phrase), unicodedata.normalize("NFD", phrase))):
        for parts in (form.replace("_", " ").split(), re.split(r"[\s_\-]+", form.strip())):
            for token in _joined(parts) if len(parts) > 1 else spellings(" ".join(parts)):
                if token not in seen:
                    seen.add(token)
                    yield token


def _joined(parts: list[str]) -> Iterator[str]:
    lower = [part.lower() for part in parts]
    for form in (parts, lower, [part.capitalize() for part in parts],
                 [parts[0].capitalize(), *lower[1:]]):
        yield from (joint.join(form) for joint in _JOINTS)


def parts(phrase: str) -> Iterator[str]:
    """All phrases of which ``as_token`` and ``as_words`` may look for a spelling in this one."""
    yield phrase
    if (plain := _without_article(phrase)) != phrase:
        yield plain
    for word in words(phrase):
        yield word
        yield from _pieces(word)


def shared_key(phrase: str) -> str:
    """What a phrase has in common with all its ``phrase_spellings``, and with others."""
    plain = phrase if phrase.isascii() else _without_accents(phrase.replace("’", "'"))
    key = " ".join(plain.casefold().replace("_", " ").replace("-", " ").split())
    while key.endswith("'s"):
        key = key[:-2].rstrip()
    return phrase if key == phrase else key  # one string less where there are many


def _pieces(word: str) -> list[str]:
    parts = [part for piece in word.split("-") if (part := piece.strip("'’"))]
    return parts if len(parts) > 1 else []


def _without_article(phrase: str) -> str:
    return _ARTICLE.sub("", phrase, count=1) if _ARTICLE.match(phrase) else phrase


def _without_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    return re.compile(rf"[\w{combining_marks()}'’\-.&+#]+")
