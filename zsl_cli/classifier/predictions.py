"""Prediction: what is answered for one image, and its record for JSON and CSV."""

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from zsl_cli.errors import ImageError
from zsl_cli.support.spreadsheet import LINE_END, safe_cell
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words import spoken as labels_spoken

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary

PathOf = Callable[[str], Sequence[str]]
"""The id of a label → the names from the root of the hierarchy down to the label."""

PATH_SEPARATOR = " > "
"""Between the names of a path, where it is written as one text."""

KEYWORD_SEPARATOR = "; "
"""Between keywords that are written as one text."""

_COLUMNS = ("path", "rank", "id", "label", "score", "error")
_JSON = json.JSONEncoder(ensure_ascii=False)
DIGITS = 6
"""Of a score behind its point, wherever a program reads it."""


class ScoredLabel(NamedTuple):  # made five times a photo, in a third of a dataclass's time
    """A label and its score: the probability, from 0 to 1, among the candidate labels; of a model
    that is asked about each listed label on its own (see Calibration), of this one.

    phrase: whether it is a phrase, encoded or composed, beside the labels of a vocabulary.
    confidence: the probability that it is true of the image, whatever else is; None where no
        keywords were asked for.
    """

    label: Label
    score: float
    phrase: bool = False
    confidence: float | None = None

    @property
    def id(self) -> str:
        """The label's id."""
        return self.label.id

    @property
    def name(self) -> str:
        """The label's name."""
        return self.label.name


@dataclass(frozen=True)
class Keyword:
    """A label that is worth writing down, under the word that a person uses.

    name: the word: the user's own where he listed it, else that of the language, else the plain
        English one, else the label's name.
    confidence: the probability, from 0 to 1, that it is true of the image, whatever else is.
    path: the words from the top of the everyday hierarchy down to this one, itself included.
    parents: those above it in the path that are words for what is in the image, too; None for all.
        A user's list may have some that only order it.
    """

    label: Label
    name: str
    confidence: float
    path: tuple[str, ...] = ()
    parents: tuple[str, ...] | None = None

    @property
    def words_above(self) -> tuple[str, ...]:
        """The words above it that are true of the image, too."""
        return self.path[:-1] if self.parents is None else self.parents

    @property
    def id(self) -> str:
        """The label's id."""
        return self.label.id


@dataclass(frozen=True)
class Answer:
    """What is said of one image, under English names or the user's own words: see Prediction."""

    labels: tuple[ScoredLabel, ...]
    keywords: tuple[Keyword, ...] | None = None


@dataclass(frozen=True)
class Prediction:
    """What is answered for one image: labels, best first, or the error that kept it from being
    read.

    keywords: the most informative first; None where none were asked for.
    """

    path: str
    labels: tuple[ScoredLabel, ...] = ()
    error: ImageError | None = None
    keywords: tuple[Keyword, ...] | None = field(default=None, kw_only=True)

    def record(self, model: str, vocabulary: str, path_of: PathOf | None = None) -> dict[str, Any]:
        """The record of the image: see the function of this name."""
        names = {"model": model, "vocabulary": vocabulary}
        return record(self, {} if self.error else names, path_of)


P = TypeVar("P", bound=Prediction)


def spoken(prediction: P, vocabulary: "Vocabulary", own: Container[str] = ()) -> P:
    """The prediction with its labels called as in the language of the vocabulary they are of, but
    those of the ids of ``own``, which are called by the user's own words."""
    if vocabulary.language is None or not prediction.labels:
        return prediction
    return replace(prediction, labels=tuple(
        scored if scored.id in own else
        scored._replace(label=labels_spoken.spoken(vocabulary, scored.label))
        for scored in prediction.labels))


def broad_first(keywords: Sequence[Keyword]) -> list[Keyword]:
    """Keywords as a person reads them: in their order, but each behind those that lie above it,
    the dog before the German shepherd."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(keywords):
        places.setdefault(one.name, []).append(place)
    ordered: dict[int, None] = {}
    for place, one in enumerate(keywords):
        above = [at for name in one.path[:-1] for at in places.get(name, ())]
        ordered.update(dict.fromkeys([*above, place]))
    return [keywords[place] for place in ordered]


def record(prediction: Prediction, facts: Mapping[str, Any],
           path_of: PathOf | None = None) -> dict[str, Any]:
    """The record of one image, as the command line's contract fixes it, and these facts behind.

    path_of: where it is given, each label's ``path`` is in the record too.
    """
    if prediction.error is not None:
        error = {"kind": prediction.error.kind, "message": prediction.error.plain}
        return {"path": prediction.path, "error": error, **facts}
    labels = [label_record(scored.label, scored.score, scored.confidence)
              for scored in prediction.labels]
    if path_of:
        for one in labels:
            one["path"] = list(path_of(one["id"]))
    keywords = {} if prediction.keywords is None else {"keywords": [
        {"id": one.id, "label": one.name, "confidence": round(one.confidence, DIGITS)}
        for one in prediction.keywords]}
    return {"path": prediction.path, "labels": labels, **keywords, **facts}


def label_record(label: Label, score: float | None = None,
                 confidence: float | None = None) -> dict[str, Any]:
    """A label within a record: its id, its name, and its score and confidence if it has any."""
    one: dict[str, Any] = {"id": label.id, "label": label.name}
    if score is not None:
        one["score"] = round(score, DIGITS)
    if confidence is not None:
        one["confidence"] = round(confidence, DIGITS)
    return one


def to_json(one: Mapping[str, Any]) -> bytes:
    """A record as JSON in a line, without its end; bytes of a path that are not UTF-8 become
    ``\\udcXX``."""
    return _JSON.encode(one).encode("utf-8", "backslashreplace")


def csv_header(facts: Sequence[str] = (), *, paths: bool = False,
               keywords: bool = False) -> tuple[str, ...]:
    """The names of the columns of ``csv_lines``."""
    return (*_COLUMNS, *facts, *(["label_path"] if paths else []),
            *(["confidence", "keywords"] if keywords else []))


def csv_lines(prediction: Prediction, facts: Sequence[Any] = (),
              path_of: PathOf | None = None, *, keywords: bool = False) -> str:
    """A line a label, and one for an image without, with these facts behind; with ``path_of`` a
    column more, and with ``keywords`` the confidence of the label and the words of the image.

    What a spreadsheet would run as a formula gets an apostrophe before it (see ``spreadsheet``).
    """
    path = safe_cell(prediction.path)
    error = "" if prediction.error is None else safe_cell(prediction.error.plain)
    behind = ",".join([error, *map(safe_cell, facts)])
    words = ""
    if keywords:
        words = "," + safe_cell(KEYWORD_SEPARATOR.join(
            one.name for one in prediction.keywords or ()))
    if not prediction.labels:
        end = ("," if path_of else "") + ("," + words if keywords else "")
        return f"{path},,,,,{behind}{end}{LINE_END}"
    lines = []
    for rank, scored in enumerate(prediction.labels, start=1):
        end = "," + safe_cell(PATH_SEPARATOR.join(path_of(scored.id))) if path_of else ""
        if keywords:
            sure = "" if scored.confidence is None else f"{scored.confidence:.{DIGITS}f}"
            end += f",{sure}{words}"
        lines.append(f"{path},{rank},{_label_cells(scored.id, scored.name)},"
                     f"{scored.score:.{DIGITS}f},{behind}{end}{LINE_END}")
    return "".join(lines)


@lru_cache(maxsize=4096)
def _label_cells(id_: str, name: str) -> str:
    return f"{safe_cell(id_)},{safe_cell(name)}"
