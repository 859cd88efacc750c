"""Which catalogues are searched, and what each of them finds."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import database, places
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.search import advice
from zsl_cli.photos.search.exact import Exact
from zsl_cli.photos.search.index_folder import IndexFolder
from zsl_cli.photos.search.inverted import Approximate
from zsl_cli.support.wording import counted, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.photos.catalogue.catalogue import Row
    from zsl_cli.photos.catalogue.identity import Encoder
    from zsl_cli.photos.reporter import Reporter
    from zsl_cli.photos.search.filters import Filter
    from zsl_cli.photos.search.request import SearchRequest
    from zsl_cli.photos.search.space import JointSpace

FEW = 50_000
"""Photos of a catalogue up to which it is searched exactly; an index pays only with more."""


class Library:
    """A catalogue, ready to be searched.

    rows: float16 ``[n, D]``, its embeddings.
    """

    rows: "NDArray[np.float16]"
    _search: Exact | Approximate

    def __init__(self, catalogue: Catalogue, which: "Filter", space: "JointSpace",
                 words: "Callable[[], NDArray[np.float32]]", reporter: "Reporter") -> None:
        """words: see IndexFolder.open."""
        assert catalogue.folder is not None
        self._catalogue, self.folder = catalogue, catalogue.folder
        self._which, self._space, self._words, self._reporter = which, space, words, reporter
        self._is_told = False
        self._prepare()

    def _prepare(self) -> None:
        """Look at what there is, and open the index over it, which may have to be built."""
        catalogue = self._catalogue
        with catalogue.moment():
            # Behind them another run may be writing what no row speaks of yet, or ever will.
            self.rows = np.asarray(catalogue.vectors.mapped()[:catalogue.slots])
            slots = self._which.slots(catalogue)
            self._tell_of_lost()
            self._tell_of_unread()
        if slots is None and len(self.rows) > FEW:
            folder = IndexFolder(self.folder, catalogue.identity.encoder.digest, self._space)

            def building() -> None:
                self._reporter.start("indexing embeddings", len(self.rows), "photos")

            index = folder.open(self.rows, self._words, building=building,
                                advance=self._reporter.advance)
            self._search = Approximate(index, self.rows, self._space)
        else:
            slots = None if slots is None else slots[slots < len(self.rows)]
            self._search = Exact(self.rows, self._space, slots)

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Within it pages have what the catalogue says now of the photos that it had. Raises
        ZslError."""
        with ExitStack() as stack:
            while not stack.enter_context(self._catalogue.moment()):  # slots were numbered anew
                self._prepare()
            yield

    def _tell_of_lost(self) -> None:
        """Tell of photos whose embeddings are not in their file any more."""
        catalogue = self._catalogue
        with database.explained(catalogue.folder):
            lost, = catalogue.db.execute("SELECT count(*) FROM photos WHERE slot >= ? AND gone IS "
                                         "NULL", (len(self.rows),)).fetchone()
        if lost:
            self._reporter.left_out(
                f"{counted(lost, 'photo')} left out, whose embeddings are not in "
                f"{catalogue.folder} any more; zsl index reads them again")

    def _tell_of_unread(self) -> None:
        """Tell, once, of photos that were met and not read, since a run was interrupted or is
        still at it."""
        catalogue = self._catalogue
        with database.explained(catalogue.folder):
            unread, = catalogue.db.execute("SELECT count(*) FROM photos WHERE todo AND slot IS "
                                           "NULL AND kind IS NULL AND gone IS NULL").fetchone()
        if unread and not self._is_told:
            self._reporter.warn(
                f"{counted(unread, 'photo')} of {catalogue.identity.library or self.folder} "
                f"{'was' if unread == 1 else 'were'} never read, so that no search finds "
                f"{'it' if unread == 1 else 'them'}; zsl index reads what is left")
            self._is_told = True

    def pages(self, queries: "NDArray[np.float32]",
              ) -> "list[Iterator[list[tuple[Row, float]]]]":
        """For each query, a unit vector ``[width]``, page after page of the photos that the
        catalogue has, each with its cosine, falling."""
        return [self._rows_of(pages) for pages in self._search.pages(queries)]

    def _rows_of(self, pages: "Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]",
                 ) -> "Iterator[list[tuple[Row, float]]]":
        for slots, scores in pages:
            with database.explained(self._catalogue.folder):
                rows = self._catalogue.at(slots.tolist())
            yield [(row, score) for slot, score in zip(slots.tolist(), scores.tolist(),
                                                       strict=True)
                   if (row := rows.get(slot)) is not None and not row.gone]


def ready(catalogues: "Sequence[Catalogue]", which: "Filter", space: "JointSpace",
          words: "Callable[[], NDArray[np.float32]]", reporter: "Reporter") -> list[Library]:
    """What is searched of these catalogues; one that proves damaged is told of, where there are
    others. Raises DamagedError when there are none."""
    found = []
    for number, one in enumerate(catalogues, start=1):
        try:
            found.append(Library(one, which, space, words, reporter))
        except database.DamagedError as error:
            if number == len(catalogues) and not found:
                raise
            reporter.left_out(f"not searched: {error}")
    return found


@contextmanager
def opened(request: "SearchRequest", encoder: "Encoder",
           reporter: "Reporter") -> Iterator[list[Catalogue]]:
    """The catalogues that a request is about, those of libraries that are there. Raises ZslError
    when there is none."""
    with ExitStack() as stack:
        if request.catalogue is not None:
            folder = Path(request.catalogue)
            catalogue = stack.enter_context(Catalogue.reading(folder))
            if catalogue.identity.encoder.digest != encoder.digest:
                raise advice.of_another_model(folder, catalogue.identity, encoder, request)
            yield _mounted([catalogue], request, reporter)
            return
        every = [one for folder in places.every() if (one := _readable(stack, folder, reporter))]
        asked = [one for one in every if _is_asked(one, request.within)]
        chosen = [one for one in asked if one.identity.encoder.digest == encoder.digest]
        if not chosen:
            raise advice.nothing_indexed(request, [one.identity for one in asked], encoder)
        there = _mounted(chosen, request, reporter)
        for one in every:
            one.let_go()
        yield there


def _readable(stack: ExitStack, folder: Path, reporter: "Reporter") -> Catalogue | None:
    try:
        return stack.enter_context(Catalogue.reading(folder))
    except ZslError as error:
        reporter.left_out(f"not searched: {error}")
        return None


def _is_asked(catalogue: Catalogue, within: Sequence[str]) -> bool:
    """Whether a catalogue has a photo in one of some folders, or would have if there were any."""
    asked = [os.path.realpath(folder) for folder in within]
    if not asked or catalogue.identity.library in asked:
        return True
    with database.explained(catalogue.folder):
        return any(places.is_within(catalogue.full(path), folder) for folder in asked
                   for path, in catalogue.db.execute("SELECT path FROM folders"))


def _mounted(catalogues: Sequence[Catalogue], request: "SearchRequest",
             reporter: "Reporter") -> list[Catalogue]:
    """Those whose library is there; what is away is told of. Raises ZslError when all are."""
    away = [one for one in catalogues if places.is_away(one.identity.library)]
    there = [one for one in catalogues if one not in away]
    told = []
    for one in away:
        number, = one.db.execute("SELECT count(*) FROM photos WHERE slot IS NOT NULL AND "
                                 "gone IS NULL").fetchone()
        told.append(f"{one.identity.library} ({counted(number, 'photo')})")
    if not there:
        raise advice.away(told, request)
    if told:
        reporter.left_out("not searched, since it is not there or empty (a disk that is not "
                          f"mounted?): {listed(told)}; zsl catalogues remove forgets what is gone "
                          "for good")
    return there
