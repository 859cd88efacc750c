"""Search: queries → the photos of this user's libraries that are nearest to them."""

import heapq
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier import pairing
from zsl_cli.classifier.classifier import Classifier
from zsl_cli.embedding.model import Model
from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue.borrowing import lenders
from zsl_cli.photos.catalogue.database import DamagedError, damaged
from zsl_cli.photos.catalogue.identity import Encoder, Identity
from zsl_cli.photos.catalogue.vectors import checksum
from zsl_cli.photos.known import KnownEmbeddings
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.search import libraries, ordering
from zsl_cli.photos.search.filters import Filter, Labels
from zsl_cli.photos.search.ordering import Found
from zsl_cli.photos.search.queries import QueryEncoder
from zsl_cli.photos.search.request import Query, SearchRequest
from zsl_cli.photos.search.result import Hit, SearchResult
from zsl_cli.photos.search.space import JointSpace
from zsl_cli.support import folders
from zsl_cli.support.addresses import is_address
from zsl_cli.vocabulary.names.language import LanguageNames
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.photos.catalogue.catalogue import Row
    from zsl_cli.photos.search.libraries import Library

_TOGETHER = 16  # queries that are searched in one reading of the embeddings
_LOOKED_FOR_ALIKE = 4  # photos looked at for each that is to be found, where alike ones are folded
_WORDS = 4096  # label vectors that stand for the words of queries


def search(request: SearchRequest, reporter: Reporter | None = None) -> Iterator[SearchResult]:
    """What is found for each query, in their order.

    A query of which nothing is known, or whose photo can't be read, is a result with an error.

    Raises ZslError, before the first result, where nothing can be searched: no library is indexed
    with this model, or none is there; a label of the filters is none.
    """
    reporter = reporter or Reporter()
    folder = folders.find(folders.MODEL, request.model)
    manifest = folders.read_manifest(folders.MODEL, folder)
    encoder = Encoder.of(manifest)
    which = Filter.of(request)
    with ExitStack() as stack:
        catalogues = stack.enter_context(libraries.opened(request, encoder, reporter))
        classifier = _classifier(request, Model.described(folder, device=request.device))
        vocabulary = classifier.vocabulary
        space = JointSpace.of(manifest.dimension, vocabulary)
        filtered = request.labels or request.under
        labels = Labels(classifier, request, reporter) if filtered else None

        def words() -> "NDArray[np.float32]":
            step = max(1, len(vocabulary) // _WORDS)
            return space.unit(np.asarray(vocabulary.vectors[::step]))

        searched = libraries.ready(catalogues, which, space, words, reporter)
        reporter.end()
        known = KnownEmbeddings(stack.enter_context(lenders(
            [one.folder for one in catalogues if one.folder], Identity("", encoder))))
        queries = QueryEncoder(classifier.model, vocabulary if len(vocabulary) else None, space,
                               known.get, reporter.say)
        yield from _Search(request, searched, labels, space, queries, reporter).results()


def _classifier(request: SearchRequest, model: Model) -> Classifier:
    """The model, which is opened when a photo has to be read, and its vocabulary, if it has one."""
    chosen = pairing.vocabulary_for(model.path, model.manifest, request.vocabulary)
    classifier = Classifier(model, Vocabulary.load(chosen) if chosen else
                            Vocabulary.empty(model.space, model.dimension))
    if request.language is not None:
        classifier.vocabulary.language = LanguageNames.load(request.language)
    return classifier


class _Search:
    def __init__(self, request: SearchRequest, searched: "Sequence[Library]",
                 labels: Labels | None, space: JointSpace, queries: QueryEncoder,
                 reporter: Reporter) -> None:
        self._request, self._libraries, self._reporter = request, searched, reporter
        self._damaged: set[Library] = set()
        self._labels, self._space, self._queries = labels, space, queries

    def results(self) -> Iterator[SearchResult]:
        """The results of all queries."""
        every = iter(self._request.asked)
        while some := list(islice(every, _TOGETHER)):
            yield from self._answered(some, self._queries.encode(some))

    def _answered(self, queries: Sequence[Query],
                  vectors: "Sequence[NDArray[np.float32] | ZslError]") -> list[SearchResult]:
        """The results of some queries, whose vectors these are, all of one moment of each
        library, which is over when they are handed on."""
        sound = [vector for vector in vectors if not isinstance(vector, ZslError)]
        with ExitStack() as stack:
            there = self._at_this_moment(stack)
            found = iter(zip(*(library.pages(np.array(sound)) for library in there),
                             strict=True)) if sound else iter(())
            return [SearchResult(query, error=vector) if isinstance(vector, ZslError)
                    else self._result(query, there, next(found))
                    for query, vector in zip(queries, vectors, strict=True)]

    def _at_this_moment(self, stack: ExitStack) -> "list[Library]":
        """The libraries that can be read; raises DamagedError where there is none."""
        there: list[Library] = []
        for number, library in enumerate(self._libraries, start=1):
            try:
                stack.enter_context(library.moment())
            except DamagedError as error:
                if number == len(self._libraries) and not there:
                    raise
                self._tell("not searched", library, error)
            else:
                there.append(library)
        return there

    def _result(self, query: Query, libraries: "Sequence[Library]",
                pages: "Sequence[Iterator[list[tuple[Row, float]]]]") -> SearchResult:
        gone: set[str] = set()
        own = {os.path.realpath(term) for term in (*query.plus, *query.minus)
               if not isinstance(term, str)}
        merged = heapq.merge(
            *(self._sound(library, self._found(library, one, gone))
              for library, one in zip(libraries, pages, strict=True)),
            key=lambda found: -found.hit.score)
        found = _once(merged, own)
        request = self._request
        wanted = max(request.top, request.reranked)
        if request.fold:
            kept = ordering.folded(islice(found, _LOOKED_FOR_ALIKE * wanted), wanted)
        else:
            kept = list(islice(found, wanted))
        if request.rerank is not None:
            kept = ordering.by_centre(kept)
        else:  # an index may find a photo later than a farther one
            kept.sort(key=lambda one: -one.hit.score)
        return SearchResult(query, tuple(one.hit for one in kept[:request.top]), gone=len(gone))

    def _sound(self, library: "Library", found: Iterator[Found]) -> Iterator[Found]:
        """What is found up to where a catalogue proves damaged, which is told of once. Raises
        DamagedError where it is the only one."""
        try:
            yield from found
        except DamagedError as error:
            if len(self._libraries) == 1:
                raise
            self._tell("not searched to its end", library, error)

    def _tell(self, what: str, library: "Library", error: DamagedError) -> None:
        """Tell of a damaged catalogue, once of each."""
        if library not in self._damaged:
            self._reporter.left_out(f"{what}: {error}")
            self._damaged.add(library)

    def _found(self, library: "Library", pages: "Iterator[list[tuple[Row, float]]]",
               gone: set[str]) -> Iterator[Found]:
        """The photos of a library that are there and have the labels; notes which are gone. What is
        no embedding of theirs any more is no result."""
        for page in pages:
            for start in range(0, len(page), 64):  # those that nobody gets to are not looked at
                block = page[start:start + 64]
                rows = library.rows[[slot for row, _ in block if (slot := row.slot) is not None]]
                if self._labels is not None:
                    true = self._labels.true_of(rows)
                    block = [one for one, is_true in zip(block, true, strict=True) if is_true]
                    rows = rows[true]
                for (row, score), embedding, vector in zip(block, rows, self._space.unit(rows),
                                                           strict=True):
                    if checksum(embedding) != row.checksum:
                        self._tell("photos left out", library, damaged(
                            library.folder, "embeddings are not what was written"))
                    elif is_address(row.path) or os.path.lexists(row.path):
                        yield Found(Hit(row.path, score, row.taken, row.mtime), vector)
                    else:
                        gone.add(row.path)


def _once(found: Iterator[Found], but: set[str]) -> Iterator[Found]:
    """Each photo once, though several catalogues may know it, and none of these paths."""
    seen = set(but)
    for one in found:
        path = os.path.realpath(one.hit.path) if but else one.hit.path
        if path not in seen:
            seen.add(path)
            yield one
