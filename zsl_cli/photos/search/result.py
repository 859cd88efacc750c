"""What a search finds."""

import time
from dataclasses import dataclass
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.photos.search.request import Query

_DIGITS = 4


@dataclass(frozen=True)
class Hit:
    """A photo that was found.

    path: absolute. score: the cosine with the query in the joint space, -1 to 1. centre: that with
    the centre of what was reranked. taken: when, by the camera's clock, ``2024-07-01T18:03:22``;
    mtime: when the file was written last, in nanoseconds since 1970. alike: the paths of
    near-duplicates, the nearest to the query first.
    """

    path: str
    score: float
    taken: str | None = None
    mtime: int | None = None
    centre: float | None = None
    alike: tuple[str, ...] = ()

    @property
    def date(self) -> str:
        """When it was taken, or else when its file was written last, as ``2024-07-01 18:03``."""
        if self.taken is not None or self.mtime is None:
            return (self.taken or "")[:16].replace("T", " ")
        try:
            return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.mtime / 1e9))
        except (OverflowError, ValueError, OSError):  # centuries away
            return ""

    def record(self) -> dict[str, Any]:
        """As programs read it."""
        record: dict[str, Any] = {"path": self.path, "score": round(self.score, _DIGITS)}
        if self.centre is not None:
            record["centre"] = round(self.centre, _DIGITS)
        if self.taken is not None:
            record["taken"] = self.taken
        if self.alike:
            record["alike"] = list(self.alike)
        return record


@dataclass(frozen=True)
class SearchResult:
    """What came of a query: the photos, the nearest first, or why there is no vector of it.

    gone: photos that would have been found, but are not there any more.
    """

    query: Query
    hits: tuple[Hit, ...] = ()
    error: ZslError | None = None
    gone: int = 0

    def record(self) -> dict[str, Any]:
        """As programs read it: ``query`` and ``results``, or ``error``."""
        if self.error is not None:
            kind = getattr(self.error, "kind", "query")
            message = getattr(self.error, "plain", str(self.error))
            return {"query": self.query.text, "error": {"kind": kind, "message": message}}
        return {"query": self.query.text, "results": [hit.record() for hit in self.hits]}
