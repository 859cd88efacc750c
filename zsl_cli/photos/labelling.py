"""The labels of a whole photo library: a request → a journal, what is written from it, a result."""

import os
import time
from collections import Counter
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from zsl_cli.errors import ImageError
from zsl_cli.photos import outputs, pipeline
from zsl_cli.photos.entry import Entry
from zsl_cli.photos.journal import Counts, Journal
from zsl_cli.photos.lazy import LazyClassifier
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.request import LabelRequest
from zsl_cli.photos.result import LabelResult, reason, sidecar_reason
from zsl_cli.photos.sidecars.naming import Naming
from zsl_cli.photos.tables import json_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zsl_cli.embedding.walk import Walked
    from zsl_cli.photos.sidecars.files import Sidecars

_FREQUENT = 8  # labels that a result names


def label(request: LabelRequest, reporter: Reporter | None = None) -> LabelResult:
    """Label what is new or changed in a library, and write what is asked for from its journal.

    A photo that can't be read is counted and is no reason to stop. Each output appears whole or
    stays as it was. KeyboardInterrupt during the work is raised again when what is done is
    written: the same request goes on from there, made anew where its ``files_from`` is an iterator,
    which is used up.

    Raises RequestError for a list of photos that can't be read, and ZslError for what else can't
    be read or written, such as a journal that another process holds, or an output that somebody
    else wrote.
    """
    reporter = reporter or Reporter()
    files = request.outputs()
    classifier = LazyClassifier(request.model, request.vocabulary, request.question,
                                language=request.language, device=request.device,
                                exact=request.exact, ef=request.ef)
    with _journal(request, files, classifier.settings, reporter) as journal:
        for file in files:
            file.check_own(journal, request.force)
        reporter.start("looking for photos")
        walk, met = request.walk(), _Met(reporter)
        counts = journal.scan(
            met.each(request.photos(walk)), retry_failed=request.retry_failed,
            check_content=request.check_content, thumbnails=request.reading.thumbnails,
            resolve_links=request.follow_links)
        run = _Run(request, reporter, classifier, journal, counts, walk.passed_over,
                   met.not_text)
        stop = None
        if request.works and (missing := classifier.untranslated):
            reporter.say(missing)
        if request.works:
            try:
                run.work()
            except KeyboardInterrupt as error:
                stop = error
        left = [] if request.dry_run else run.write(files, interrupted=stop is not None)
        result = run.result([file.path for file in files if file.path not in left], left,
                            interrupted=stop is not None)
        reporter.ended(result)
        if stop is not None:
            raise stop
        return result


def _journal(request: LabelRequest, files: list[outputs.Output], settings: str,
             reporter: Reporter) -> AbstractContextManager[Journal]:
    path = None if request.stream else outputs.journal_path(files, request.names)
    if path and not files and not outputs.can_have_journal(path):
        reporter.warn(f"{os.path.dirname(path)} cannot be written to, so that the next run begins "
                      "anew; set XDG_STATE_HOME to a folder that can")
        path = None
    return (Journal.open_copy if request.dry_run else Journal.open)(path, settings)


class _Met:
    """Counts what a walk meets."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.not_text = 0  # names that are not UTF-8

    def each(self, walked: "Iterable[Walked]") -> "Iterator[Walked]":
        """What was walked, as it is."""
        for path, error in walked:
            if not path.isascii():
                self.not_text += path != path.encode("utf-8", "replace").decode()
            yield path, error
            self._reporter.advance(1)


class _Run:
    """What is done with one request, and counted."""

    def __init__(self, request: LabelRequest, reporter: Reporter, classifier: LazyClassifier,
                 journal: Journal, counts: Counts, passed_over: Counter[str],
                 not_text: int) -> None:
        self._request, self._reporter = request, reporter
        self._passed_over, self._not_text = passed_over, not_text
        self._classifier, self._journal, self._counts = classifier, journal, counts
        self._path_of = classifier.path_names if request.paths else None
        self._labelled = self._failed = self._changed = 0
        self._reasons: Counter[str] = Counter()
        self._sidecar_reasons: Counter[str] = Counter()
        self._started = time.perf_counter()

    def work(self) -> None:
        """Bring the sidecars of what is done up to date, and label what is to do."""
        if self._request.xmp and self._counts.kept:
            self._reporter.start("looking at sidecars", self._counts.kept)
            for entry in self._journal.entries():
                self._tag(entry)
                self._reporter.advance(1)
        if not self._counts.todo:
            return
        self._reporter.start("loading the model")
        classifier, nearest = self._classifier.load(self._counts.todo)
        self._reporter.loaded(classifier, nearest)
        self._reporter.start("labelling", self._counts.todo)
        for entries in pipeline.label_pending(self._journal, classifier, nearest,
                                              self._request.question, self._request.reading):
            self._count(entries)
            if self._request.xmp:
                for entry in entries:
                    self._tag(entry)
            if self._request.stream and not self._request.dry_run:
                self._request.stream.writelines(
                    json_line(self._classifier.spoken(entry), self._classifier.provenance,
                              self._path_of)
                    for entry in entries)
                self._request.stream.flush()

    @cached_property
    def _sidecars(self) -> "Sidecars":
        from zsl_cli.photos.sidecars.files import Sidecars

        return Sidecars(Naming(self._request.xmp_naming or "auto"), self._request.layout)

    def _count(self, entries: list[Entry]) -> None:
        failures = [(entry.path, entry.error) for entry in entries if entry.error is not None]
        for path, error in failures:
            self._reasons[reason(str(error))] += 1
            self._reporter.photo_failed(path, error)
        self._failed += len(failures)
        self._labelled += len(entries) - len(failures)
        self._reporter.advance(len(entries), len(failures))

    def _tag(self, entry: Entry) -> None:
        """Bring the sidecars of a photo up to date; in a dry run, find out what would change."""
        if entry.error is not None or not os.path.lexists(entry.path):
            return
        keywords = self._classifier.keywords_of(entry)
        try:
            bring = self._sidecars.plan if self._request.dry_run else self._sidecars.write
            for change in bring(entry.path, keywords, self._classifier.provenance):
                self._changed += 1
                self._reporter.sidecar_changed(change)
        except ImageError as error:
            self._sidecar_reasons[sidecar_reason(error)] += 1
            self._reporter.sidecar_failed(entry.path, error)

    def write(self, files: list[outputs.Output], *, interrupted: bool) -> list[str]:
        """Write the outputs, but in the middle of a run none that has labels which the journal
        does not hold: those of a finished run with other settings. Returns the paths of these."""
        left = []
        for file in files:
            if interrupted and file.would_lose(self._journal):
                left.append(file.path)
                continue
            self._reporter.start(f"writing {os.path.basename(file.path)}")
            file.write(self._journal, self._classifier.provenance, self._request.names,
                       self._classifier.lineage, force=self._request.force,
                       path_of=self._path_of, spoken=self._classifier.spoken,
                       keyword_lineage=self._classifier.keyword_lineage
                       if self._request.question.rule else None)
        if not interrupted:
            self._journal.note_complete()
        return left

    def result(self, written: list[str], left: list[str], *, interrupted: bool) -> LabelResult:
        """What came of it."""
        seconds = time.perf_counter() - self._started
        frequent = self._journal.most_frequent(
            _FREQUENT, self._classifier.name_of) if self._request.works else ()
        return LabelResult(
            self._counts.todo, self._counts.kept, self._counts.failed, self._labelled,
            self._failed, self._reasons, self._changed, self._sidecar_reasons,
            tuple(frequent), tuple(written), tuple(left), seconds, interrupted,
            self._passed_over, self._not_text)
