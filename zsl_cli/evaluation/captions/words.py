"""How sure a model is of the things that the captions of images name: a request → figures a
word."""

import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.classifier.classifier import Classifier
from zsl_cli.classifier.keyword_rule import KEYWORD
from zsl_cli.embedding import feature_cache
from zsl_cli.embedding.model import Model
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import metrics, tasks
from zsl_cli.evaluation.captions.caption_words import CaptionWords
from zsl_cli.evaluation.captions.captioned import Captioned, read
from zsl_cli.evaluation.captions.request import CaptionedRequest
from zsl_cli.evaluation.captions.words_result import Word, WordsResult
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.evaluation.reporter import Reporter
from zsl_cli.support.names import names_of, set_names
from zsl_cli.support.values import COUNT, SHARE, set_numbers
from zsl_cli.support.wording import counted, some
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 8_000_000  # confidences held at once
_LEAST = 1  # captions of an image that have to say a word, see CaptionWords.of


@dataclass(frozen=True)
class WordsRequest(CaptionedRequest):
    """What is asked of ``evaluate_words``: see CaptionedRequest; raises RequestError.

    words: these alone; by default the ``most`` that the most images are said to show, of those
        that the vocabulary has as everyday words.
    confidence: that of precision and recall.
    """

    words: str | Sequence[str] = ()
    most: int = 30
    confidence: float = KEYWORD

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense, wherever it is asked."""
        super().__post_init__()
        set_names(self, "words")
        set_numbers(self, most=COUNT, confidence=SHARE)


def evaluate_words(request: WordsRequest, reporter: Reporter | None = None) -> WordsResult:
    """Compare the confidence of everyday labels with the words of captions, word by word.

    Raises ZslError for what can't be used, when no word is known, or when not one image can be
    read; images that cannot be and words that a vocabulary does not know are left out, and are in
    the result.
    """
    reporter = reporter or Reporter()
    collector = Collector(reporter.left_out)
    captioned = read(request.captions, request.images, request.split)
    collector.add_sentences(captioned.failed)
    load = functools.lru_cache(maxsize=1)(
        functools.partial(Model.load, device=request.device, threads=1))
    names = tasks.told_apart({model: tasks.model_name(model) for model, _ in request.pairs})
    todo = [(model, _vocabulary(model, vocabulary)) for model, vocabulary in request.pairs]
    chosen = [_chosen(Vocabulary.load(folder), captioned, request, collector, reporter)
              for _, folder in todo]
    words: list[Word] = []
    for (model, folder), rows in zip(todo, chosen, strict=True):
        classifier = Classifier(load(model), Vocabulary.load(folder))
        reporter.start(f"embedding, {names[model]}", len(captioned))
        features = feature_cache.embed(
            classifier.model, captioned.paths, advance=reporter.advance, jobs=request.jobs,
            identity=feature_cache.identity_of(classifier.model) if request.cache else None,
            batch_size=request.batch_size, max_pixels=request.max_pixels)
        collector.add_unreadable([(str(captioned.paths[at]), error)
                                  for at, error in features.failed])
        if not len(features.kept):
            raise ZslError(f"{os.fspath(request.captions)}: none of its "
                           f"{counted(len(captioned), 'image')} can be read; paths go on from "
                           "the file's own folder, or from `images`")
        texts = [captioned.captions[at] for at in features.kept.tolist()]
        said = CaptionWords(classifier.vocabulary, names_of(request.words)).of(texts)
        shown = confidences_of(classifier, features.values, list(rows))
        for column, (row, word) in enumerate(rows.items()):
            there = np.array([row in of_image for of_image in said.rows], bool)
            words.append(_measured(names[model], classifier.vocabulary, row, word,
                                   shown[:, column], there, request.confidence))
    reporter.end()
    return WordsResult(os.fspath(request.captions), request.confidence, _LEAST, tuple(words),
                       collector.left_out())


def confidences_of(classifier: Classifier, embeddings: "NDArray[np.float32]",
                   rows: Sequence[int]) -> "NDArray[np.float32]":
    """The confidences of some labels, float32 ``[n, rows]``; those of all are never held at
    once."""
    shown = np.empty((len(embeddings), len(rows)), np.float32)
    step = max(1, _BLOCK // len(classifier.vocabulary))
    for start in range(0, len(embeddings), step):
        block = slice(start, start + step)
        shown[block] = classifier.evidence(embeddings[block]).confidences[:, rows]
    return shown


def _vocabulary(model: str, vocabulary: str | None) -> Path:
    folder = tasks.vocabulary_for(model, vocabulary)
    if folder is None:
        raise ZslError(f"no vocabulary fits model {model!r}, and captions are compared with "
                       "labels; give a `vocabulary`")
    return folder


def _chosen(vocabulary: Vocabulary, captioned: Captioned, request: WordsRequest,
            collector: Collector, reporter: Reporter) -> dict[int, str]:
    """The rows that are measured, with the word for each."""
    words = CaptionWords(vocabulary, asked := names_of(request.words))
    if asked:
        rows = {word: words.row(word) for word in asked}
        unknown = [word for word, row in rows.items() if row is None]
        if len(unknown) == len(rows):
            raise ZslError(f"vocabulary {vocabulary.name!r} knows none of the words "
                           f"{some(unknown)}; a label's name, synonym or id is expected")
        collector.add_lines("words", unknown, vocabulary)
        reporter.understood(vocabulary, [match for word, row in rows.items() if (
            match := vocabulary.look_up(word)) and match.row == row])
        chosen: dict[int, str] = {}
        for word, row in rows.items():
            if row is not None:
                chosen.setdefault(row, word)
        return chosen
    said = words.of(captioned.captions)
    frequent = most_said(said.own.items(), words.everyday, request.most)
    if not frequent:
        raise ZslError(f"{os.fspath(request.captions)}: vocabulary {vocabulary.name!r} knows no "
                       "word of the captions")
    return {row: vocabulary.label(row).word for row in frequent}


def most_said(said: "Iterable[tuple[int, int]]", among: "frozenset[int]", most: int) -> list[int]:
    """The rows of these labels that the most images are said to show; of equals the earlier
    one comes first."""
    return [row for row, _ in sorted(said, key=lambda pair: (-pair[1], pair[0]))
            if row in among][:most]


def _measured(model: str, vocabulary: Vocabulary, row: int, word: str,
              confidence: "NDArray[np.float32]", there: "NDArray[np.bool_]",
              least: float) -> Word:
    """What comes of one word; precision is None where nothing is so sure, and what needs an image
    with the word where there is none."""
    sure = confidence >= least
    both = int(np.count_nonzero(sure & there))
    with_it = int(np.count_nonzero(there))
    label = vocabulary.label(row)
    figures: dict[str, Any] = {
        "average_precision": metrics.average_precision(confidence, there) if with_it else None,
        "precision": both / int(np.count_nonzero(sure)) if sure.any() else None,
        "recall": both / with_it if with_it else None,
        "calibration_error": metrics.equal_mass_error(confidence.astype(np.float64), there)}
    return Word(model, vocabulary.name, word, label.id, label.name, len(there), with_it, **figures)
