"""Asking: which photos are meant, what is asked of each, and by what it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from zsl_cli.classifier.keyword_rule import KeywordRule
from zsl_cli.photos.indexing import Reading
from zsl_cli.photos.library import Library
from zsl_cli.photos.question import Question
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name, set_names
from zsl_cli.support.values import (
    DEPTH,
    EF,
    READING,
    SHARE,
    TOP,
    check_device,
    check_search,
    set_numbers,
)
from zsl_cli.support.word_lists import Word, check_words
from zsl_cli.vocabulary.names.language import check_language


@dataclass(frozen=True)
class Asking(Library):
    """What is asked of photos; raises RequestError for values that make no sense. Which photos are
    meant: see Library.

    top, threshold, labels, under, max_depth: what is asked of every photo, see
        Classifier.classify; labels, under: one text, or several. exact, ef: how labels are
        searched, see Vocabulary.searcher.
    keywords: whether photos get keywords, and labels their confidence; confidence, most: see
        Classifier.classify. ``threshold`` is of labels alone.
    paths: whether labels are written with their path from the root of the hierarchy.
    language: of the names of labels, see Classifier.load.
    model, vocabulary, device: see Classifier.load.
    jobs, batch_size, max_pixels: how photos are read, see Classifier.classify.
    """

    top: int = 5
    threshold: float = 0.0
    labels: "Sequence[str | Word] | None" = None
    under: Sequence[str] | None = None
    max_depth: int | None = None
    keywords: bool = False
    confidence: float | None = None
    most: int | None = None
    exact: bool | None = None
    ef: int | None = None
    paths: bool = False
    language: Name | None = None
    model: Name = "default"
    vocabulary: Name | None = None
    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        super().__post_init__()
        set_names(self, "under")
        if self.labels is not None:
            object.__setattr__(self, "labels", check_words("labels", self.labels))
        set_numbers(self, top=TOP, threshold=SHARE, max_depth=DEPTH, confidence=SHARE, most=TOP,
                    ef=EF, **READING)
        check_search(self.exact, self.ef)
        check_device(self.device)
        check_language(self.language)

    @property
    def question(self) -> Question:
        """What is asked of every photo."""
        return self._question(self.keywords)

    def _question(self, keywords: bool) -> Question:
        return Question(
            self.top, self.threshold, None if self.labels is None else tuple(self.labels),
            tuple(self.under or ()) or None, self.max_depth,
            KeywordRule.asked(keywords, self.confidence, self.most))

    @property
    def reading(self) -> Reading:
        """How photos are read."""
        return Reading(self.jobs, self.batch_size, self.max_pixels)
