"""LabelRequest: what is to be labelled, by what, and what is made of it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from zsl_cli.embedding.path_lists import listed
from zsl_cli.embedding.walk import Walk
from zsl_cli.errors import ImageError, RequestError
from zsl_cli.photos.naming import Naming
from zsl_cli.photos.outputs import Output
from zsl_cli.photos.pipeline import Question, Reading
from zsl_cli.photos.tables import format_of
from zsl_cli.support.limits import MAX_PIXELS, TABLE_FORMATS
from zsl_cli.support.names import Name, names_of, set_names
from zsl_cli.support.values import (
    DEPTH,
    EF,
    READING,
    SHARE,
    TOP,
    check_choice,
    check_device,
    check_search,
    set_numbers,
)
from zsl_cli.support.word_lists import Word, check_words
from zsl_cli.vocabulary.language import check_language


@dataclass(frozen=True)
class LabelRequest:
    """What is asked of ``label``; raises RequestError for values that make no sense.

    sources: folders, photos and patterns, or one of these.
    files_from: a file that lists more photos (see path_lists.listed), or their paths themselves.

    output: the table to write, .jsonl, .csv or .parquet; or a binary file that is open, a stream,
        which gets lines of JSON as they come and is not closed.
    output_format: one of TABLE_FORMATS, where the file's name does not tell it.
    report: the HTML page to write. xmp: whether keywords go into sidecars beside the photos;
        xmp_naming: what these are called, see naming.Naming.
    force: whether an output may replace a file that ``label`` did not write.
    dry_run: to write nothing, and without ``xmp`` to do no more than to say what there is to do.

    include, exclude, labels, under: one text, or several.
    include, exclude, hidden, follow_links: which images of a folder count, see walk.Walk.
    retry_failed, check_content: what is done again, see Journal.scan.

    top, threshold, labels, under, max_depth: what is asked of every photo, see
        Classifier.classify; exact, ef: how labels are searched, see Vocabulary.searcher.
    paths: whether labels are written with their path from the root of the hierarchy.
    language: of the names of labels, see Classifier.load. The journal has English ones, so that
        what is labelled need not be labelled again for another language.
    model, vocabulary, device: see Classifier.load.
    jobs, batch_size, max_pixels: how photos are read, see Classifier.classify.
    """

    sources: Name | Sequence[Name] = ()
    files_from: Name | Iterable[Name] | None = None

    output: Name | BinaryIO | None = None
    output_format: str | None = None
    report: Name | None = None
    xmp: bool = False
    xmp_naming: str | None = None
    force: bool = False
    dry_run: bool = False

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    hidden: bool = False
    follow_links: bool = False
    retry_failed: bool = False
    check_content: bool = False

    top: int = 5
    threshold: float = 0.0
    labels: "Sequence[str | Word] | None" = None
    under: Sequence[str] | None = None
    max_depth: int | None = None
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
        """Raise RequestError for what makes no sense, wherever it is asked."""
        set_names(self, "sources", "include", "exclude", "under")
        if self.labels is not None:
            object.__setattr__(self, "labels", check_words("labels", self.labels))
        if not self.arguments and self.files_from is None:
            raise RequestError("nothing to label: name a folder in `sources`, or give `files_from`")
        if self.output is None and self.report is None and not self.xmp:
            raise RequestError("nothing to write: give `output`, `report` or `xmp`")
        if self.xmp_naming is not None and not self.xmp:
            raise RequestError("`xmp_naming` is for `xmp`")
        if self.xmp_naming is not None:
            check_choice("xmp_naming", self.xmp_naming, Naming)
        if self.output_format is not None:
            check_choice("output_format", self.output_format, TABLE_FORMATS)
        if self.output_format is not None and self.output is None:
            raise RequestError("`output_format` is for the file that `output` names")
        if self.stream is not None and self.output_format not in (None, "jsonl"):
            raise RequestError(
                f"what is streamed is JSONL; for {self.output_format} give `output` a file")
        set_numbers(self, top=TOP, threshold=SHARE, max_depth=DEPTH, ef=EF, **READING)
        check_search(self.exact, self.ef)
        check_device(self.device)
        check_language(self.language)

    @property
    def arguments(self) -> list[str]:
        """The sources, as many as there are."""
        return names_of(self.sources)

    @property
    def names(self) -> list[str]:
        """What is labelled, as it was asked for, as far as it has a name."""
        if isinstance(self.files_from, str | os.PathLike):
            return [*self.arguments, os.fspath(self.files_from)]
        return self.arguments

    @property
    def works(self) -> bool:
        """Whether photos are labelled, if only to find out what would change, and not counted
        alone."""
        return self.xmp or not self.dry_run

    @property
    def stream(self) -> BinaryIO | None:
        """The stream that gets records as they come, if ``output`` is one."""
        if self.output is None or isinstance(self.output, str | os.PathLike):
            return None
        return self.output

    @property
    def question(self) -> Question:
        """What is asked of every photo."""
        return Question(self.top, float(self.threshold),  # as a digest has it
                        None if self.labels is None else tuple(self.labels),
                        tuple(self.under or ()) or None, self.max_depth)

    @property
    def reading(self) -> Reading:
        """How photos are read."""
        return Reading(self.jobs, self.batch_size, self.max_pixels,
                       thumbnails=self.report is not None)

    def outputs(self) -> list[Output]:
        """The files to write; raises ZslError for one that can never be written."""
        files = []
        if self.report is not None:
            files.append(Output(os.fspath(self.report), "report"))
            files[-1].check()
        if isinstance(self.output, str | os.PathLike):
            path = os.fspath(self.output)
            Output(path, "").check()
            files.insert(0, Output(path, format_of(path, self.output_format)))
        if len({os.path.realpath(file.path) for file in files}) < len(files):
            raise RequestError(f"{self.report} cannot be both the output and the report")
        return files

    def walk(self) -> Walk:
        """Which images of a folder count."""
        return Walk(tuple(self.include), tuple(self.exclude), self.hidden, self.follow_links)

    def photos(self, walk: Walk) -> Iterator[tuple[str, ImageError | None]]:
        """The photos, or places that can't be read with their error; raises RequestError for a
        list that can't."""
        yield from walk.expand(self.arguments)
        yield from walk.expand(self._listed(), patterns=False)

    def _listed(self) -> Iterator[str]:
        if not isinstance(self.files_from, str | os.PathLike):
            yield from (os.fspath(path) for path in self.files_from or ())
            return
        try:
            with open(self.files_from, "rb") as file:
                yield from listed(file)
        except RequestError as error:
            raise RequestError(f"`files_from` {os.fspath(self.files_from)}: {error}") from error
        except OSError as error:
            raise RequestError(f"`files_from` {os.fspath(self.files_from)}: "
                               f"{error.strerror or error}") from error
