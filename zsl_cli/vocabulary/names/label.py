"""A label, and how its names are compared."""

import json
import unicodedata
from dataclasses import dataclass, fields

LABELS_FILE = "labels.jsonl"
"""In a vocabulary folder: a label a line."""


@dataclass(frozen=True, slots=True)  # a vocabulary may have a million
class Label:
    """One label of a vocabulary.

    id: unique; in the default vocabulary the WordNet 3.0 offset, ``n02123045``.
    name, synonyms, gloss: what it is called and what it means.
    parents: the ids of the labels right above it.
    ambiguous: whether another label has this name too.
    seen: whether the model's CNN was trained on images of it.
    plain: what people call it in daily life, the word that they use first; none for a label that
        has no such word.
    sensitive: whether the word embarrasses or hurts where it is wrong.
    rare: those of its names that mostly mean something else, which is no label (``chat``, of a
        bird).
    """

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    gloss: str = ""
    parents: tuple[str, ...] = ()
    ambiguous: bool = False
    seen: bool = False
    plain: tuple[str, ...] = ()
    sensitive: bool = False
    rare: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The plain word for it, where there is one, else its name."""
        return self.plain[0] if self.plain else self.name

    def to_json(self) -> str:
        """One line of ``labels.jsonl``; what has its default value is left out."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        entries = {name: value for name, value in values if value not in ("", (), False)}
        return json.dumps(entries, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: bytes) -> "Label":
        """The inverse of to_json; raises ValueError for anything else."""
        try:
            entries = json.loads(line.decode())
            return cls(id=_text(entries["id"]), name=_text(entries["name"]),
                       synonyms=_texts(entries.get("synonyms", [])),
                       gloss=str(entries.get("gloss", "")),
                       parents=_texts(entries.get("parents", [])),
                       ambiguous=bool(entries.get("ambiguous", False)),
                       seen=bool(entries.get("seen", False)),
                       plain=_texts(entries.get("plain", [])),
                       sensitive=bool(entries.get("sensitive", False)),
                       rare=_texts(entries.get("rare", [])))
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not a label: {error}") from error


def _text(value: object) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError(f"not a text: {value!r}")
    return str(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"not a list of texts: {value!r}")
    return tuple(value)


@dataclass(frozen=True)
class Match:
    """What a user's word for a label was taken to mean: the row, and the other rows it could
    have meant.

    rare: whether the word mostly means something else, which is no label.
    """

    text: str
    row: int
    others: tuple[int, ...] = ()
    rare: bool = False


def normal_name(name: str) -> str:
    """A name as it is compared: case, underscores, runs of white space and whether letters are
    composed with their marks do not count."""
    return unicodedata.normalize("NFC", " ".join(name.replace("_", " ").split()).casefold())
