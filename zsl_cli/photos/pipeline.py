"""What the journal has to do → labels in the journal."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zsl_cli.classifier.keywords import KeywordRule
from zsl_cli.classifier.predictions import DIGITS, Answer, Keyword
from zsl_cli.errors import ImageError
from zsl_cli.photos.entry import Entry
from zsl_cli.photos.photo import Photo
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.version import __version__

if TYPE_CHECKING:
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.embedding import stream
    from zsl_cli.photos.journal import Journal
    from zsl_cli.support.calibration import ConfidenceRule
    from zsl_cli.support.manifests import Entries
    from zsl_cli.support.word_lists import Word
    from zsl_cli.vocabulary.nearest import Nearest


@dataclass(frozen=True)
class Question:
    """What is asked of every photo (see Classifier.candidates and Classifier.answers).

    rule: by which keywords are chosen, if there are to be any.
    """

    top: int = 5
    threshold: float = 0.0
    labels: "tuple[str | Word, ...] | None" = None
    under: tuple[str, ...] | None = None
    max_depth: int | None = None
    rule: KeywordRule | None = None

    def settings(self, model: "Entries", vocabulary: "Entries", *, exact: bool,
                 ef: int | None = None, names: str | None = None,
                 confidence: "ConfidenceRule | None" = None) -> str:
        """A digest of all that the labels depend on: the question, the entries of the two
        manifests, which hold the hashes of their files, whether the search is exact, and if not,
        its width where that is not the manifest's.

        names: the hash of the names in another language by which labels of the question are found,
            where they mean something else without them.
        confidence: by which it is told how probable keywords are, the default one included.
        """
        question = {name: value for name, value in vars(self).items()  # an older digest holds
                    if name not in ("max_depth", "rule") or value is not None}
        search = [] if exact or ef is None else [ef]
        language = [] if names is None else [names]
        sure = [confidence] if self.rule and confidence else []
        text = json.dumps([question, model, vocabulary, exact, *search, *language, *sure],
                          sort_keys=True, default=vars)  # of a word with a hierarchy, or a rule
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


@dataclass(frozen=True)
class Reading:
    """How photos are read; None is what suits the machine."""

    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS
    thumbnails: bool = False


def label_pending(journal: "Journal", classifier: "Classifier", nearest: "Nearest",
                  question: Question, reading: Reading) -> Iterator[list[Entry]]:
    """Label what the journal has to do, in its order; batches of entries, each once it is in
    the journal."""

    def items() -> "Iterator[tuple[Photo, stream.Read | ImageError]]":
        for row, path, error in journal.todo():
            photo = Photo(path, row, max_pixels=reading.max_pixels,
                          with_thumbnail=reading.thumbnails)
            yield photo, error or photo.read

    for batch in classifier.answers(items(), nearest, top=question.top,
                                    threshold=question.threshold, rule=question.rule,
                                    jobs=reading.jobs, batch_size=reading.batch_size):
        journal.put(batch, __version__)
        yield [_entry(photo, answer) for photo, answer in batch]


def _entry(photo: Photo, answer: Answer | ImageError) -> Entry:
    size = mtime = None
    if photo.stamp is not None:
        size, mtime = photo.stamp.size, round(photo.stamp.mtime / 1e9, 6)
    if isinstance(answer, ImageError):
        return Entry(photo.path, (), answer, size, mtime, __version__)
    # As the journal has them.
    labels = tuple(replace(
        scored, score=round(scored.score, DIGITS),
        confidence=None if scored.confidence is None else round(scored.confidence, DIGITS))
        for scored in answer.labels)
    keywords = None if answer.keywords is None else tuple(
        Keyword(one.label, one.label.word, round(one.confidence, DIGITS))
        for one in answer.keywords)
    return Entry(photo.path, labels, None, size, mtime, __version__, keywords=keywords)
