"""WordsResult: figures for the words of captions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

from zsl_cli.evaluation import tables
from zsl_cli.evaluation.tables import NOTHING, Table, share
from zsl_cli.support import files
from zsl_cli.support.version import __version__
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    import os

    from zsl_cli.evaluation.left_out import LeftOut

_FIGURES = ("average_precision", "precision", "recall", "calibration_error")
MEAN = "mean"
"""In the place of a word: the mean over all words of a model."""


@dataclass(frozen=True)
class Word:
    """What came of a word with one model and vocabulary.

    word: as the user wrote it, or the plain one for the label of this ``id`` and ``label``.
    images: how many; with_it: how many of them have a caption that says it, so that a guess has
        an average precision of with_it / images.
    average_precision: of the label's confidence. precision, recall: of the images that reach the
        confidence that was asked for; None where there are none.
    calibration_error: of the confidence, over 15 bins of as many images.
    """

    model: str
    vocabulary: str
    word: str
    id: str
    label: str
    images: int
    with_it: int
    average_precision: float | None
    precision: float | None
    recall: float | None
    calibration_error: float | None


@dataclass(frozen=True)
class WordsResult:
    """What came of an evaluation with captions.

    captions: the file, as it was asked for; confidence: that of precision and recall.
    least: how many captions of an image have to say a word.
    words: the figures; left_out: what did not count.
    """

    captions: str
    confidence: float
    least: int
    words: Sequence[Word]
    left_out: "LeftOut"

    @property
    def ok(self) -> bool:
        """Whether all images and words counted."""
        return not self.left_out

    @property
    def rows(self) -> list[tables.Row]:
        """The figures, a row a word, and behind those of each model their mean: a row of the word
        MEAN without a label, over the words that have the figure."""
        rows: list[tables.Row] = []
        for model, vocabulary in dict.fromkeys((one.model, one.vocabulary) for one in self.words):
            of_model = [asdict(one) for one in self.words
                        if (one.model, one.vocabulary) == (model, vocabulary)]
            means = {name: fmean(values) if (values := [
                row[name] for row in of_model if row[name] is not None]) else None
                for name in _FIGURES}
            rows += [*of_model, {**of_model[0], "word": MEAN, "id": None, "label": None,
                                 "with_it": None, **means}]
        return rows

    def to_json(self) -> str:
        """All of it as one JSON object, ``{"rows": […], …}``."""
        about: dict[str, Any] = {
            "captions": self.captions, "version": __version__,
            "settings": {"confidence": self.confidence, "captions_that_say_it": self.least},
            "left_out": {"unreadable": [vars(one) for one in self.left_out.unreadable],
                         "unknown_words": [{"word": one.label, "vocabulary": one.vocabulary}
                                           for one in self.left_out.unknown_lines]}}
        return tables.to_json(self.rows, **about)

    def to_csv(self) -> str:
        """The figures as CSV."""
        return tables.to_csv(self.rows)

    def tables(self, *, narrow: bool = False) -> list[Table]:  # noqa: ARG002
        """The figures as a table to look at; it is narrow anyway."""
        models = len({(one.model, one.vocabulary) for one in self.words}) > 1
        lines = [[*([row["model"], row["vocabulary"]] if models else []), row["word"],
                  row["label"] or "", NOTHING if row["with_it"] is None else f"{row['with_it']:,}",
                  *(share(row[name]) for name in _FIGURES)] for row in self.rows]
        at = f" at {self.confidence:g}"
        said = "one caption says" if self.least == 1 else f"{self.least} captions say"
        return [Table(
            "Words of captions",
            f"{counted(self.words[0].images, 'image')}; a word is there where at least {said} it "
            "or something below it. AP: average precision of its confidence; a guess has the share "
            "of images with it.",
            [*(["model", "vocabulary"] if models else []), "word", "label", "images with it", "AP",
             f"precision{at}", f"recall{at}", "calibration error"], lines,
            texts=4 if models else 2)]

    def write_page(self, path: "str | os.PathLike[str]", *, force: bool = False) -> None:
        """An HTML page with the table. It replaces a page of an evaluation, and any
        other file only with ``force``; raises ZslError."""
        from zsl_cli.evaluation import page_parts

        page_parts.check_place(path, force=force)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        about = page_parts.About(self.captions, __version__, made, self.words[0].images,
                                 self.left_out.listed())
        content = page_parts.document([
            page_parts.head(about), "<h2>Figures</h2>", *map(page_parts.table, self.tables()),
            page_parts.left_out(about)])
        try:
            with files.replacing(path) as file:
                file.write(content)
        except OSError as error:
            raise files.cannot_write(path, error) from error
