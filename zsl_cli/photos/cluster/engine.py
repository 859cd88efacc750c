"""Labelling on Ray: a request → parts in a folder or a store, and a result.

Ray Data schedules, moves and tries again; what is ours is the list of chunks, what a worker does
with one, and the account of it.
"""

import math
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos.cluster import parts, planning, ray_data, runs, shipping, worker
from zsl_cli.photos.cluster.chunks import PHOTOS
from zsl_cli.photos.cluster.nodes import Machine
from zsl_cli.photos.cluster.runs import PartInfo, Run, RunManifest
from zsl_cli.photos.cluster.sources import Listing, listed
from zsl_cli.photos.cluster.stores import store_at
from zsl_cli.photos.indexing import TOGETHER
from zsl_cli.photos.lazy import LazyClassifier
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.result import LabelResult
from zsl_cli.support import folders
from zsl_cli.support.version import __version__
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.labeller import Outcome
    from zsl_cli.photos.cluster.planning import Plan
    from zsl_cli.photos.cluster.request import ClusterRequest
    from zsl_cli.photos.cluster.stores import Store

_FREQUENT = 8  # labels that a result names
_HOPELESS = 8  # chunks that fail, and none that does not


def label_on_ray(request: "ClusterRequest", reporter: Reporter | None = None) -> LabelResult:
    """Label photos on a cluster, and write a part for each chunk of them.

    The records are those of ``labelling.label``. A photo that can't be read is a record with its
    error; what was done stays where the run, a worker or a machine is stopped, and the same request
    goes on from there. KeyboardInterrupt is raised again when the result is told.

    Raises RequestError for what can't be meant, RunError where the output is another run's,
    StoreError and ZslError for what can't be read, written or reached.
    """
    reporter = reporter or Reporter()
    assert request.output is not None
    store = _output(os.fspath(request.output))
    classifier = LazyClassifier(request.model, request.vocabulary, request.question,
                                language=request.language, device=request.device,
                                exact=request.exact, ef=request.ef)
    if missing := classifier.untranslated:
        reporter.say(missing)
    run = _run(request, classifier)
    store.check()
    if runs.read_run(store) is not None:
        runs.begin(store, run)  # before all else is looked through
    reporter.start("looking for photos")
    walk = request.walk()
    listing = listed(request, walk, run.chunk, reporter.advance)
    manifest = runs.read_manifest(store)
    reporter.start("looking for parts")
    plan = planning.planned(
        listing.chunks, parts.finished(store), store, run, retry_failed=request.retry_failed,
        known={one.name: one for one in manifest.parts} if manifest else None,
        reasons=manifest.reasons if manifest else None, unreadable=listing.unreadable)
    work = _Work(request, reporter, classifier, store, run, listing, plan)
    stop = None
    if plan.todo or plan.stale:
        try:
            work.do()
        except KeyboardInterrupt as error:
            stop = error
    if stop is None and not work.unwritten:
        work.note(manifest)
    result = replace(work.result(interrupted=stop is not None), passed_over=walk.passed_over,
                     not_text=listing.not_text)
    reporter.ended(result)
    if stop is not None:
        raise stop
    if work.unwritten:
        raise ZslError(work.complaint())
    return result


def _output(address: str) -> "Store":
    store = store_at(address)
    return store_at(os.path.abspath(store.address)) if store.is_local else store


def chunk_size(batch_size: int | None) -> int:
    """Photos a chunk: as many as are always read together on one machine, some times over, so that
    the same ones go through the model together."""
    size = batch_size or TOGETHER
    together = size * max(1, TOGETHER // size)
    return together * math.ceil(PHOTOS / together)


def _run(request: "ClusterRequest", classifier: LazyClassifier) -> Run:
    """What the parts of a request depend on."""
    asked = asdict(request.question)
    rule = asked.pop("rule")
    question: dict[str, Any] = {
        **asked, **(rule or {}), "keywords": rule is not None,
        "exact": request.exact, "ef": request.ef, "paths": request.paths,
        "language": None, "max_pixels": request.max_pixels,
        "include": list(request.include), "exclude": list(request.exclude),
        "hidden": request.hidden, "follow_links": request.follow_links, "column": request.column}
    if request.question.labels is not None:
        question["labels"] = [str(one) for one in request.question.labels]
    if request.question.under is not None:
        question["under"] = list(request.question.under)
    if classifier.names is not None:
        question["language"] = classifier.names.digest
    folder = classifier.vocabulary_folder
    digest = "" if folder is None else folders.sha256(folder / folders.VOCABULARY.file)
    return Run(tuple(request.names), request.folder, classifier.encoder.model,
               classifier.encoder.digest, classifier.encoder.dimension,
               classifier.provenance.vocabulary, digest, __version__, question,
               chunk_size(request.batch_size), request.embeddings)


class _Work:
    """What is done with one request on a cluster, and counted."""

    def __init__(self, request: "ClusterRequest", reporter: Reporter, classifier: LazyClassifier,
                 store: "Store", run: Run, listing: Listing, plan: "Plan") -> None:
        self._request, self._reporter, self._classifier = request, reporter, classifier
        self._store, self._run, self._listing, self._plan = store, run, listing, plan
        self._done: dict[str, PartInfo] = {}
        self._reasons: Counter[str] = Counter()
        self._frequent: Counter[str] = Counter()
        self._started = time.perf_counter()
        self._is_handed_out = False
        self.unwritten: dict[str, str] = {}
        """Chunks of which there is no part, and why."""

    def do(self) -> None:
        """Label what is to be labelled."""
        reporter, plan = self._reporter, self._plan
        if plan.stale:
            reporter.say(f"{counted(len(plan.stale), 'part')} with photos that changed or are "
                         "gone: what is still there of these is read again")
            for name in plan.stale:
                self._store.delete(name)
            self._store.delete(runs.MANIFEST)
        if not plan.todo:
            return
        reporter.start("packing the model")
        names = self._classifier.names_folder
        folder = self._classifier.vocabulary_folder
        shipment = shipping.Shipment.of({
            worker.MODEL: (folders.MODEL, self._classifier.model_folder),
            **({worker.VOCABULARY: (folders.VOCABULARY, folder)} if folder else {}),
            **({worker.NAMES: (folders.NAMES, names)} if names else {})})
        needed = [*self._listing.sample]
        if self._store.is_local:
            needed.append(self._store.full(runs.RUN))
        request = self._request
        job = worker.Job(
            self._store, self._run, request.question, request.reading, shipment.digest,
            vocabulary=folder is not None, names=names is not None,
            device="cuda" if request.gpus_per_actor else "cpu", exact=request.exact,
            ef=request.ef, paths=request.paths, anew=request.retry_failed,
            driver=Machine.here([]),
            needed=tuple(map(os.path.dirname, needed)))  # files may go meanwhile
        reporter.start("joining the cluster")
        total = None if any(not chunk.photos for chunk in plan.todo) else sum(
            chunk.photos for chunk in plan.todo)
        references = sum(len(chunk.packed) for chunk in plan.todo)
        with ray_data.cluster(request, shipment.bytes + references) as cluster, self._begun():
            for line in cluster.check(needed):
                reporter.warn(line)
            reporter.start("labelling", total)
            self._started = time.perf_counter()
            good = 0
            outcomes = cluster.outcomes(plan.todo, job, shipment)
            self._store.delete(runs.MANIFEST)  # what it says of an earlier run is true no more
            self._is_handed_out = True
            for outcome in outcomes:
                self._count(outcome)
                good += not outcome.error
                if not good and len(self.unwritten) >= _HOPELESS:
                    break

    @contextmanager
    def _begun(self) -> Iterator[None]:
        """Within it the run is noted in the store, and after it, too, unless no worker was told of
        it: one that was may yet write a part."""
        is_new = runs.begin(self._store, self._run)
        try:
            yield
        finally:
            if is_new and not self._is_handed_out:
                self._store.delete(runs.RUN)

    def _count(self, outcome: "Outcome") -> None:
        if outcome.error:
            self.unwritten[outcome.part] = outcome.error
            return
        self._done[outcome.part] = PartInfo(outcome.part, outcome.photos, outcome.failed,
                                            outcome.size)
        self._reasons.update(outcome.reasons)
        for id_, name, count in outcome.frequent:
            self._frequent[self._classifier.name_of(id_, name)] += count
        for path, message, kind in outcome.failures:
            self._reporter.photo_failed(path, ImageError(message, kind))
        self._reporter.advance(outcome.photos, outcome.failed)

    def note(self, before: RunManifest | None) -> None:
        """Note that the run has ended."""
        infos = {one.name: one for one in self._plan.kept} | self._done
        manifest = RunManifest(
            self._run.digest, runs.in_order(list(infos.values())),
            planning.in_all([self._plan.reasons, self._reasons]))
        if self._is_handed_out or manifest != before:
            runs.write_manifest(self._store, manifest)

    def complaint(self) -> str:
        """What is said of parts that are missing."""
        reason, number = Counter(self.unwritten.values()).most_common(1)[0]
        parts_ = counted(len(self.unwritten), "part")
        others = f" ({number:,} of them)" if number < len(self.unwritten) else ""
        return f"{parts_} could not be made{others}: {reason}; what is done is kept"

    def result(self, *, interrupted: bool) -> LabelResult:
        """What came of it."""
        plan, done = self._plan, self._done.values()
        failed = sum(one.failed for one in done)
        read = sum(one.images for one in done) - failed
        return LabelResult(
            sum(chunk.photos for chunk in plan.todo), sum(one.images for one in plan.kept),
            sum(one.failed for one in plan.kept), read, failed, self._reasons,
            frequent=tuple(self._frequent.most_common(_FREQUENT)),
            outputs=(self._store.address,) if not (interrupted or self.unwritten) else (),
            seconds=time.perf_counter() - self._started, interrupted=interrupted)
