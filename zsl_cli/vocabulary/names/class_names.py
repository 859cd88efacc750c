"""What a class is called in the lists and data sets of the field: ``n01440764 tench, Tinca tinca``
(ImageNet), ``001.Black_footed_Albatross`` (CUB), ``polar+bear`` (AwA2), ``/a/abbey`` (SUN)."""

import re
from dataclasses import dataclass

WORDNET_ID = re.compile(r"n[0-9]{8}")
"""A noun of WordNet: its offset in the database."""

LITTLE_WORD = re.compile(r"\b(?:a|an|and|at|by|for|from|in|of|on|or|the|to|with)\s", re.IGNORECASE)
"""What the parts of a sentence begin with, and names do not."""

_ID = re.compile(rf"(?<![^\W_]){WORDNET_ID.pattern}(?![^\W_])")
_NUMBER = re.compile(r"[0-9]+\s*[.):]\s*(?=\D)")
_NUMBER_AFTER_ID = re.compile(r"[0-9]+\s+(?=\D)")  # of map_clsloc.txt
_LETTER = re.compile(r"/?([a-z])/(?=\1)")
_PLUS = re.compile(r"(?<=[^\W\d_])\+(?=[^\W\d_])")
_AROUND = " \t_-:,;()[]{}\"'"
_QUOTES = "\"'"


@dataclass(frozen=True)
class ClassName:
    """A WordNet id, or None, and the names beside it, the main one first; there may be none."""

    id: str | None
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The main name, or an empty text."""
        return self.names[0] if self.names else ""


def read(text: str) -> ClassName:
    """What a class's name, as it is written in a list or on a folder, is made of.

    Underscores are blanks; hyphens stay, since names have their own (flat-coated retriever). The
    names of a synset are separated by commas, its id stands anywhere.
    """
    text = text.strip()
    id_ = _ID.search(text)
    if id_:
        before, after = text[:id_.start()].strip(_AROUND), text[id_.end():].strip(_AROUND)
        after = _NUMBER_AFTER_ID.sub("", after, count=1) if _NUMBER_AFTER_ID.match(after) else after
        text = "\t".join(part for part in (before, after) if part)
    fields = [field for field in map(str.strip, text.split("\t"))
              if field and not (field.isdecimal() and "\t" in text)]
    return ClassName(id_ and id_[0], _names(fields[0]) if fields else ())


def _names(text: str) -> tuple[str, ...]:
    """The names that commas separate, each once; a sentence with a comma in it is one name."""
    for mark in (_NUMBER, _LETTER):
        if start := mark.match(text):
            text = text[start.end():]
    text = _plain(text)
    parts = [part for part in map(_plain, text.split(",")) if part]
    return (text,) if any(map(LITTLE_WORD.match, parts)) else tuple(dict.fromkeys(parts))


def _plain(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] in _QUOTES and text[0] == text[-1]:
        text = text[1:-1]
    return " ".join(_PLUS.sub(" ", text).replace("_", " ").split())
