"""Photos → their embeddings in a catalogue: what is new or changed is read, and nothing else."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, Union

from zsl_cli.classifier.pairing import vocabulary_for
from zsl_cli.embedding import stream
from zsl_cli.embedding.model import Model
from zsl_cli.errors import ImageError, RequestError, ZslError
from zsl_cli.photos.catalogue import compaction, moving, places, scanning
from zsl_cli.photos.catalogue.borrowing import lenders
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Encoder
from zsl_cli.photos.catalogue.vectors import as_stored
from zsl_cli.photos.library import Library
from zsl_cli.photos.photo import Photo
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.result import Filled, IndexResult, reason
from zsl_cli.support import cpus, folders
from zsl_cli.support.addresses import is_address
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name
from zsl_cli.support.values import READING, check_device, set_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.embedding.walk import Walked
    from zsl_cli.photos.catalogue.scanning import Scan
    from zsl_cli.vocabulary.vocabulary import Vocabulary

TOGETHER = 64
"""Photos that are noted at once, or a batch, if that is more."""

Key = TypeVar("Key")
Embedded = Union["NDArray[np.float16]", ImageError]
"""The embedding of a photo, float16 ``[D]``, or why there is none."""


@dataclass(frozen=True)
class Reading:
    """How photos are read; None is what suits the machine."""

    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS
    thumbnails: bool = False


@dataclass(frozen=True)
class IndexRequest(Library):
    """What is asked of ``index``; raises RequestError for values that make no sense. Which photos
    are meant: see Library.

    catalogue: the folder of the catalogue; by default one in the user's data folder, see
        places.place_of.
    retry_failed, check_content: what is read again, see scanning.Rules.
    dry_run: to write nothing, and only say what there is to do.
    model, device: see Model.load. jobs, batch_size, max_pixels: how photos are read, see
        Classifier.classify.
    """

    catalogue: Name | None = None
    retry_failed: bool = False
    check_content: bool = False
    dry_run: bool = False
    model: Name = "default"
    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        super().__post_init__()
        set_numbers(self, **READING)
        check_device(self.device)

    def _check_any(self) -> None:
        super()._check_any()
        if addresses := [source for source in self.arguments if is_address(source)]:
            raise RequestError(f"{addresses[0]}: what is in an object store is read by zsl label "
                               "on a cluster; give its output as `from_run`, too")


def index(request: IndexRequest, reporter: Reporter | None = None, *,
          fill: "Callable[[Catalogue], Filled] | None" = None) -> IndexResult:
    """Read what is new or changed in a library into its catalogue.

    fill: puts into the catalogue what is known from elsewhere, before anything is looked at; what
        lies in an object store is not looked at then.

    A photo that can't be read is counted and is no reason to stop. KeyboardInterrupt during the
    work is raised again when the result is told; the same request goes on from there.

    Raises RequestError for a list of photos that can't be read, and ZslError for a catalogue that
    can't be used, or where there are no photos.
    """
    reporter = reporter or Reporter()
    folder = folders.find(folders.MODEL, request.model)
    encoder = Encoder.of(folders.read_manifest(folders.MODEL, folder))
    with opened(request, encoder, request.catalogue, keep=not request.dry_run,
                reporter=reporter, or_not=False) as catalogue:
        filled = fill and fill(catalogue)
        if is_scanned := fill is None or any(map(os.path.isdir, request.arguments)):
            met = scanned(catalogue, request, scanning.Rules(
                request.retry_failed, request.check_content), reporter)
        else:
            met = Met(scanning.Scan(), Counter(), 0)
        counter = Counted(reporter)
        stop = None
        if met.scan.todo and not request.dry_run:
            reporter.start("loading the model")
            loading = _start_loading(folder, met.scan.todo)
            model = Model.described(folder, device=request.device, threads=1)
            reporter.start("reading", met.scan.todo)
            reading = Reading(request.jobs, request.batch_size, request.max_pixels)
            try:
                with ExitStack() as stack:
                    find = None
                    for batch in read_pending(catalogue, met.scan, model, reading):
                        counter.add(batch)
                        find = find or stack.enter_context(
                            _finding(catalogue, met.scan, model, loading))
                        find([one.place for one in batch])
            except KeyboardInterrupt as error:
                stop = error
        result = IndexResult(
            catalogue.folder, met.scan.todo, met.scan.kept, met.scan.failed, met.scan.moved,
            met.scan.gone, counter.read, counter.failed, counter.reasons, counter.seconds,
            stop is not None, met.passed_over, met.not_text, filled, is_scanned)
    reporter.indexed(result)
    if stop is not None:
        raise stop
    return result


def _start_loading(model: "Path", images: int) -> "Future[Vocabulary] | None":
    """Load the labels that questions will be about, if there are any."""
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    with suppress(ZslError):  # nothing that is read here needs them
        of_model = folders.read_manifest(folders.MODEL, model)
        if chosen := vocabulary_for(model, of_model):
            return Vocabulary.start_loading(chosen, exact=True, queries=images, keywords=True)
    return None


@contextmanager
def _finding(catalogue: Catalogue, scan: "Scan", model: Model,
             loading: "Future[Vocabulary] | None") -> "Iterator[Callable[[Sequence[int]], None]]":
    """What finds, for photos at some places that were just read, what questions will need."""
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.finding import Finder

    finder = None
    with suppress(ZslError):  # such as labels that are damaged: who asks about them is told
        finder = loading and Finder.of_whole(Classifier(model, loading.result()), catalogue)
    if not finder:
        yield lambda _: None
        return
    try:
        with finder.beside(catalogue, scan) as find:
            yield find
    finally:  # after an interrupt, too
        finder.save()


@contextmanager
def opened(library: Library, encoder: Encoder, chosen: Name | None, *, keep: bool,
           reporter: Reporter, or_not: bool = True) -> Iterator[Catalogue]:
    """The catalogue of a library, for this process alone; or, unless it is to be kept, one that
    begins with what that knows and is forgotten. Raises ZslError.

    chosen: its folder, unless the user's data folder is to have it. or_not: whether to go on where
        that can't be written to; nothing is kept then, and that is said.
    """
    place, identity = places.place_of(library.names, encoder, chosen)
    if keep and chosen is None and not places.can_be_written(place):
        advice = "; give `catalogue` a folder that can, or set XDG_DATA_HOME to one"
        if not or_not:
            raise ZslError(f"{place.parent} cannot be written to{advice}")
        reporter.warn(f"{place.parent} cannot be written to, so that the next run begins anew"
                      f"{advice}")
        keep = False
    if not keep:
        with Catalogue.transient(place, identity) as catalogue:
            yield catalogue
        return
    place = moving.followed(place, identity, ours=chosen is None)
    with Catalogue.writing(place, identity) as catalogue:
        yield catalogue
        compaction.compact_if_worthwhile(catalogue)


@dataclass(frozen=True)
class Met:
    """What a walk met: the scan, and see LabelResult."""

    scan: "Scan"
    passed_over: Counter[str]
    not_text: int


def scanned(catalogue: Catalogue, library: Library, rules: scanning.Rules,
            reporter: Reporter) -> Met:
    """Walk through a library and note what is there; see scanning.scan."""
    reporter.start("looking for photos")
    walk = library.walk()
    not_text = 0

    def told(walked: "Iterable[Walked]") -> "Iterator[Walked]":
        nonlocal not_text
        for path, error in walked:
            if not path.isascii():
                not_text += path != path.encode("utf-8", "replace").decode()
            yield path, error
            reporter.advance(1)

    with ExitStack() as stack:
        others = [folder for folder in places.every() if folder != catalogue.folder]
        scan = scanning.scan(
            catalogue, told(library.photos(walk)), rules, resolve_links=library.follow_links,
            within=[source for source in library.arguments if os.path.isdir(source)],
            lenders=stack.enter_context(lenders(others, catalogue.identity)))
    return Met(scan, walk.passed_over, not_text)


@dataclass(frozen=True)
class ReadPhoto:
    """A photo that was just read: its place in the order of the walk, its path as it was given,
    and its embedding, float16 ``[D]``, or an error."""

    place: int
    path: str
    answer: "Embedded"


def read_pending(catalogue: Catalogue, scan: "Scan", model: Model, reading: Reading,
                 places: "Sequence[int] | None" = None) -> Iterator[list[ReadPhoto]]:
    """Read what a scan found to do, in its order, or what is at some of its places; batches, each
    once it is in the catalogue."""

    def items() -> "Iterator[tuple[tuple[int, Photo], stream.Read | ImageError]]":
        for pending in scan.pending(catalogue, places):
            photo = Photo(pending.path, pending.id, max_pixels=reading.max_pixels,
                          with_thumbnail=reading.thumbnails)
            yield (pending.place, photo), pending.error or photo.read

    for keys, answers in embedded(model, items(), reading):
        catalogue.put((photo, answer) for (_, photo), answer in zip(keys, answers, strict=True))
        yield [ReadPhoto(place, photo.path, answer)
               for (place, photo), answer in zip(keys, answers, strict=True)]


def embedded(model: Model, items: "Iterable[tuple[Key, stream.Read | ImageError]]",
             reading: Reading) -> "Iterator[tuple[list[Key], list[Embedded]]]":
    """Batches of keys, always of the same photos together, and what became of each: see
    stream.embed."""
    for batch in stream.embed(model, items, batch_size=reading.batch_size, together=TOGETHER,
                              jobs=reading.jobs or cpus.usable_cpus()):
        stored = iter(as_stored(batch.embeddings))
        yield batch.keys, [error or next(stored) for error in batch.errors]


class Counted:
    """Counts what was read, and tells of it."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._started = time.perf_counter()
        self.read = self.failed = 0
        self.reasons: Counter[str] = Counter()

    def add(self, batch: list[ReadPhoto]) -> None:
        """So many more are done."""
        failures = [(one.path, one.answer) for one in batch if isinstance(one.answer, ImageError)]
        for path, error in failures:
            self.reasons[reason(str(error))] += 1
            self._reporter.photo_failed(path, error)
        self.failed += len(failures)
        self.read += len(batch) - len(failures)
        self._reporter.advance(len(batch), len(failures))

    @property
    def seconds(self) -> float:
        """Since the scan."""
        return time.perf_counter() - self._started
