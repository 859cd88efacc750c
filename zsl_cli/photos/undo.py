"""Sidecars as they were before zsl: a request → what was taken back."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from zsl_cli.embedding.walk import Walk, Walked
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos.library import Library
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.result import sidecar_reason
from zsl_cli.photos.sidecars import undoing
from zsl_cli.photos.sidecars.changes import carried_out, take_back
from zsl_cli.support.wording import more


@dataclass(frozen=True)
class UndoRequest(Library):
    """What is asked of ``undo``. Which sidecars are meant: those of the photos in a Library, be
    these there or not; ``sources`` and ``files_from`` may name sidecars, too.

    dry_run: to write nothing.
    """

    dry_run: bool = False


@dataclass(frozen=True)
class UndoResult:
    """What came of it.

    sidecars: how many were changed, or in a dry run would be; removed: those of them that zsl
        alone had made.
    sidecar_reasons: how often one could not be taken back for what reason (see ``reason``).
    """

    sidecars: int = 0
    removed: int = 0
    sidecar_reasons: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.sidecar_reasons


def undo(request: UndoRequest, reporter: Reporter | None = None) -> UndoResult:
    """Take out of a library's sidecars what ``label`` has written into them, ever.

    What somebody else wrote stays as it is. A sidecar that without zsl's parts says what it said
    before zsl is what it was, byte for byte, and one that zsl alone made is gone; so are the
    copies of sidecars that zsl kept. It needs nothing but the sidecars, and what it took out a
    later ``label`` writes again. A sidecar that cannot be read or written is counted and is no
    reason to stop.

    Raises RequestError for a list of photos that can't be read, and ZslError where there is nothing
    of what was named.
    """
    reporter = reporter or Reporter()
    reporter.start("looking at sidecars", unit="sidecars")
    met = changed = removed = 0
    reasons: Counter[str] = Counter()
    unmet: list[tuple[str, ImageError]] = []

    def fail(path: str, error: ImageError) -> None:
        reasons[sidecar_reason(error)] += 1
        reporter.sidecar_failed(path, error)

    for path, problem in _sidecars(request, request.walk()):
        met += 1
        reporter.advance(1)
        if problem is not None:
            unmet.append((path, problem))
            continue
        try:
            plan = partial(undoing.plan, path)
            change = plan() if request.dry_run else carried_out(plan, take_back)
        except ImageError as error:
            fail(path, error)
            continue
        if change is not None:
            changed += 1
            removed += change.after is None
            reporter.sidecar_changed(change)
    if unmet and len(unmet) == met:
        path, problem = unmet[0]
        raise ZslError(f"nothing to undo: {path}: {problem}"
                       + (f" (and {more(met - 1)})" if met > 1 else ""))
    for path, problem in unmet:
        fail(path, problem)
    reporter.end()
    return UndoResult(changed, removed, reasons)


def _sidecars(request: UndoRequest, walk: Walk) -> Iterator[Walked]:
    yield from _expanded(request.arguments, walk, patterns=True)
    yield from _expanded(request.listed(), walk, patterns=False)


def _expanded(arguments: Iterable[str], walk: Walk, *, patterns: bool) -> Iterator[Walked]:
    """The sidecars that arguments stand for; as Walk.expand, for sidecars."""
    for argument in arguments:
        if os.path.isdir(argument):
            met: Iterable[Walked] = [(argument, None)]
        elif sidecars := _of(argument):
            yield from sidecars
            continue
        else:
            met = walk.expand([argument], patterns=patterns)
        for path, error in met:
            if error is not None:
                yield path, error
            elif os.path.isdir(path):
                yield from undoing.sidecars_in(path, walk)
            else:
                yield from _of(path)


def _of(path: str) -> list[Walked]:
    try:
        return [(sidecar, None) for sidecar in undoing.sidecars_of(path)]
    except ImageError as error:
        return [(path, error)]
