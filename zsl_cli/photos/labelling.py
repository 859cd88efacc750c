"""The labels of a whole photo library: a request → its catalogue brought up to date, what is
written from that, a result."""

import os
from collections import Counter
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from zsl_cli.errors import ImageError
from zsl_cli.photos import indexing, outputs
from zsl_cli.photos.catalogue import scanning
from zsl_cli.photos.entry import Entry
from zsl_cli.photos.lazy import LazyClassifier
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.request import LabelRequest
from zsl_cli.photos.result import LabelResult, sidecar_reason
from zsl_cli.photos.sidecars.naming import Naming
from zsl_cli.photos.tables import json_line
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zsl_cli.embedding.model import Model
    from zsl_cli.photos.answering import Answering
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.photos.remembered import Remembered
    from zsl_cli.photos.sidecars.files import Sidecars

_FREQUENT = 8  # labels that a result names
_TOLD = 64  # photos of which the reporter hears at once


def label(request: LabelRequest, reporter: Reporter | None = None) -> LabelResult:
    """Read what is new or changed in a library into its catalogue, and write what is asked for
    from that.

    A photo that can't be read is counted and is no reason to stop. Each output appears whole or
    stays as it was. KeyboardInterrupt during the work is raised again when what is done is
    written: the same request goes on from there, made anew where its ``files_from`` is an iterator,
    which is used up. What goes to a stream is not kept: a catalogue that is there is made use of.

    Raises RequestError for a list of photos that can't be read, and ZslError for what else can't
    be read or written, such as a catalogue that another process holds, or an output that somebody
    else wrote.
    """
    reporter = reporter or Reporter()
    files = request.outputs()
    classifier = LazyClassifier(request.model, request.vocabulary, request.question,
                                language=request.language, device=request.device,
                                exact=request.exact, ef=request.ef)
    keep = not (request.dry_run or request.stream)
    with indexing.opened(request, classifier.encoder, request.catalogue, keep=keep,
                         reporter=reporter) as catalogue:
        for file in files:
            file.check_own(catalogue, request.force)
        met = indexing.scanned(catalogue, request, scanning.Rules(
            request.retry_failed, request.check_content, request.reading.thumbnails), reporter)
        run = _Run(request, reporter, classifier, catalogue, met)
        stop = None
        left: list[str] = []
        if request.works:
            if missing := classifier.untranslated:
                reporter.say(missing)
            try:
                run.work()
            except KeyboardInterrupt as error:
                stop = error
            if not request.dry_run:
                left = run.write(files, interrupted=stop is not None)
            run.remember()
        result = run.result([file.path for file in files if file.path not in left], left,
                            interrupted=stop is not None)
        reporter.ended(result)
        if stop is not None:
            raise stop
        return result


class _Run:
    """What is done with one request, and counted."""

    def __init__(self, request: LabelRequest, reporter: Reporter, classifier: LazyClassifier,
                 catalogue: "Catalogue", met: indexing.Met) -> None:
        self._request, self._reporter = request, reporter
        self._classifier, self._catalogue, self._met = classifier, catalogue, met
        self._path_of = classifier.path_names if request.paths else None
        self._changed = 0
        self._sidecar_reasons: Counter[str] = Counter()
        self._counted = indexing.Counted(reporter)
        self._answering: Answering | None = None
        self._remembered: Remembered | None = None
        self._model: Model | None = None
        self._again = 0

    def work(self) -> None:
        """Read what is to be read; answer it, and what is known, as far as sidecars or a stream
        want to know at once."""
        request, scan = self._request, self._met.scan
        self._reporter.start("loading the model")
        self._model = model = self._classifier.start(len(scan))
        if not scan.todo:
            self._load()
        at_once = request.xmp or request.stream is not None
        self._reporter.start("labelling" if scan.todo else "looking at sidecars",
                             scan.todo or len(scan))
        given = 0
        try:
            with ExitStack() as stack:
                find = None
                for batch in indexing.read_pending(self._catalogue, scan, model,
                                                   request.reading) if scan.todo else ():
                    answering = self._load()  # as soon as it is there, lest it can't be used
                    self._counted.add(batch)
                    if at_once:  # with what was known before, in the order of the walk
                        given = self._give(given, batch[-1].place + 1)
                        continue
                    find = find or stack.enter_context(answering.beside(self._catalogue, scan))
                    find([one.place for one in batch])
        except KeyboardInterrupt:
            self._load()  # which takes no time by now; what is done is written
            raise
        self._load()
        if at_once:
            self._give(given, len(scan))

    def _load(self) -> "Answering":
        """Load what answers, once; the vocabulary was loaded while the first photos were read."""
        if self._answering is None:
            from zsl_cli.photos.answering import Answering
            from zsl_cli.photos.remembered import Remembered

            classifier, nearest = self._classifier.load(len(self._met.scan))
            self._remembered = Remembered.of(self._catalogue, classifier, nearest)
            self._reporter.loaded(classifier, nearest)
            # Last: an interrupt may come in between.
            self._answering = Answering(classifier, nearest, self._request.question,
                                        self._remembered, self._read_again)
        return self._answering

    def _read_again(self, places: list[int]) -> None:
        """Read photos whose embeddings are damaged once more."""
        scan, catalogue = self._met.scan, self._catalogue
        assert self._model is not None
        what = ("is not what was written; its photo is" if len(places) == 1 else
                "are not what was written; their photos are")
        self._reporter.warn(f"{counted(len(places), 'embedding')} of "
                            f"{catalogue.folder or 'the catalogue'} {what} read again")
        with catalogue.transaction():
            catalogue.forget([(scan.ids[place],) for place in places])
        for batch in indexing.read_pending(catalogue, scan, self._model, self._request.reading,
                                           places):
            self._counted.add(batch)
            self._again += len(batch)

    def _give(self, start: int, stop: int) -> int:
        """Bring the sidecars of the photos at these places of the order up to date, and write
        their records into the stream. Returns the next place."""
        assert self._answering is not None
        stream = None if self._request.dry_run else self._request.stream
        for entry in self._answering.entries(self._catalogue, self._met.scan, start, stop):
            if self._request.xmp:
                self._tag(entry)
            if stream is not None:
                stream.write(json_line(self._classifier.spoken(entry), self._classifier.provenance,
                                       self._path_of))
            if not self._met.scan.todo:
                self._reporter.advance(1)
        if stream is not None:
            stream.flush()
        return stop

    @cached_property
    def _sidecars(self) -> "Sidecars":
        from zsl_cli.photos.sidecars.files import Sidecars

        return Sidecars(Naming(self._request.xmp_naming or "auto"), self._request.layout)

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

    def remember(self) -> None:
        """Keep what was found for the next question."""
        if self._remembered:
            self._remembered.save()

    def write(self, files: list[outputs.Output], *, interrupted: bool) -> list[str]:
        """Write the outputs, but in the middle of a run none that has another model's labels.
        Returns the paths of these."""
        left: list[str] = []
        if self._answering is None:  # interrupted before anything was there to answer with
            return [file.path for file in files]
        answering, scan = self._answering, self._met.scan
        for file in files:
            if interrupted and file.would_lose(self._catalogue):
                left.append(file.path)
                continue
            self._reporter.start(f"writing {os.path.basename(file.path)}", len(scan))
            answering.frequent.clear()
            file.write(self._told, self._catalogue, self._classifier.provenance,
                       self._request.names, self._classifier.lineage, force=self._request.force,
                       path_of=self._path_of, spoken=self._classifier.spoken,
                       keyword_lineage=self._classifier.keyword_lineage
                       if self._request.question.rule else None)
        return left

    def _told(self, *, thumbnails: bool = False) -> "Iterator[Entry]":
        """The entries of all photos; the reporter hears of each."""
        assert self._answering is not None
        for number, entry in enumerate(self._answering.entries(
                self._catalogue, self._met.scan, thumbnails=thumbnails), start=1):
            yield entry
            if number % _TOLD == 0:
                self._reporter.advance(_TOLD)

    def result(self, written: list[str], left: list[str], *, interrupted: bool) -> LabelResult:
        """What came of it."""
        scan, done = self._met.scan, self._counted
        return LabelResult(
            scan.todo + self._again, scan.kept - self._again, scan.failed, done.read, done.failed,
            done.reasons, self._changed, self._sidecar_reasons, self._frequent(), tuple(written),
            tuple(left), done.seconds, interrupted, self._met.passed_over, self._met.not_text)

    def _frequent(self) -> tuple[tuple[str, int], ...]:
        names: Counter[str] = Counter()
        if self._answering is not None:
            for (id_, name), count in self._answering.frequent.most_common(10 * _FREQUENT):
                names[self._classifier.name_of(id_, name)] += count
        return tuple(names.most_common(_FREQUENT))
