"""What stands in the rows of a journal: written as text, and read without being believed."""

import json
import re
from functools import lru_cache

from zsl_cli.classifier.predictions import DIGITS, Keyword, ScoredLabel
from zsl_cli.errors import ImageError
from zsl_cli.vocabulary.label import Label

_VERSION = re.compile(r"\d[\w.+-]{0,40}")
_DIGITS = 15


def number(fact: str | None) -> int:
    """The number of a scan, 0 where there was none."""
    return int(fact) if fact and fact.isdecimal() and len(fact) < _DIGITS else 0


def output_of(fact: str | None) -> tuple[str | None, list[str]]:
    """The settings and the marks of an output, see Journal.note_output; none where a fact is not
    as that writes it."""
    try:
        settings, marks = json.loads(fact or "")
    except (ValueError, TypeError, RecursionError):
        return None, []
    marks = texts(json.dumps(marks))
    return (settings if isinstance(settings, str) else None), marks


def texts(fact: str | None) -> list[str]:
    """A list of texts, empty where a fact is none."""
    try:
        values = json.loads(fact or "[]")
    except (ValueError, RecursionError):
        return []
    return values if isinstance(values, list) and all(
        isinstance(value, str) for value in values) else []


def labels_to_json(labels: tuple[ScoredLabel, ...]) -> str:
    """Labels as a row has them: ``[[id, name, score], …]``, with the confidence where there is
    one."""
    return json.dumps([
        (scored.id, scored.name, round(scored.score, DIGITS),
         *([] if scored.confidence is None else [round(scored.confidence, DIGITS)]))
        for scored in labels])


def keywords_to_json(keywords: tuple[Keyword, ...] | None) -> str | None:
    """Keywords as a row has them: ``[[id, English word or the user's own, confidence], …]``."""
    return None if keywords is None else json.dumps(
        [(one.id, one.label.word, round(one.confidence, DIGITS)) for one in keywords])


def is_ours(labels: str | None, keywords: str | None, kind: str | None,
            version: str | None) -> bool:
    """Whether a row is such as ``put`` writes it."""
    if (labels is None) == (kind is None) or not _VERSION.fullmatch(version or ""):
        return False
    try:
        numbers: list[object] = []
        for one in labels_from_json(labels):
            numbers += [one.score, 0.0 if one.confidence is None else one.confidence]
        numbers += [one.confidence for one in keywords_from_json(keywords) or ()]
    except (ValueError, TypeError, RecursionError):
        return False
    return (kind is None or kind in ImageError.KINDS) and all(
        isinstance(number, float) and 0 <= number <= 1 for number in numbers)


def labels_from_json(text: str | None) -> tuple[ScoredLabel, ...]:
    """The labels of a row. Raises ValueError or TypeError for what is no such list."""
    return tuple(ScoredLabel(_label(id_, name), score, confidence=sure[0] if sure else None)
                 for id_, name, score, *sure in json.loads(text or "[]"))


def keywords_from_json(text: str | None) -> tuple[Keyword, ...] | None:
    """The keywords of a row, None where none were asked for. Raises ValueError or TypeError for
    what is no such list."""
    return None if text is None else tuple(Keyword(_label(id_, name), name, confidence)
                                           for id_, name, confidence in json.loads(text))


@lru_cache(maxsize=65536)  # few labels have most of the photos
def _label(id_: str, name: str) -> Label:
    if not (isinstance(id_, str) and isinstance(name, str)):
        raise TypeError(f"{id_!r}, {name!r}: not an id and a name")
    return Label(id_, name)


def message_text(error: ImageError) -> str:
    """A message as a database takes it: text without halves of surrogate pairs."""
    return error.plain.encode("utf-8", "backslashreplace").decode()
