"""The HNSW index of a vocabulary, built before it is needed, and how good and quick it is."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.values import check_hnsw
from zsl_cli.vocabulary.search import recall
from zsl_cli.vocabulary.search.nearest import HnswParameters

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class IndexReport:
    """An index that is ready.

    parameters: that the index was built with.
    seconds: until it was ready, built or read.
    measured: its recall and its speed beside those of exact search, see recall.Measured.
    path, bytes: of the file in the cache, None where there is none.
    cache: the folder of the cache.
    shared: whether that is not used, since others may write to it.
    """

    parameters: HnswParameters
    seconds: float
    measured: recall.Measured
    path: Path | None
    bytes: int | None
    cache: Path
    shared: bool


def build(vocabulary: "Vocabulary", parameters: Mapping[str, int],
          reporter: Reporter = SILENT) -> IndexReport:
    """Build the index, or take it from the cache, and compare it with exact search.

    parameters: those of HNSW that are to differ from the vocabulary's own.

    Raises RequestError for such as make no sense, FolderError where the vocabulary's own are none,
    and ZslError for vectors that can't be read.
    """
    vocabulary.check_vectors()
    chosen = replace(vocabulary.hnsw_parameters, **check_hnsw(parameters))
    cache = vocabulary.index_cache(chosen)
    reporter.start("building the index", len(vocabulary), "labels")
    started = time.perf_counter()
    index = cache.open(vocabulary.indexed, advance=reporter.advance)
    seconds = time.perf_counter() - started
    reporter.start("comparing it with exact search")
    measured = recall.measure(vocabulary.indexed, index)
    path = cache.path
    return IndexReport(chosen, seconds, measured, path, path.stat().st_size if path else None,
                       cache.folder, cache.is_shared)
