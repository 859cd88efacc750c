"""``zsl index``: photos → a catalogue, so that each is read once."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.libraries import Failures, summed_up
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.reporter import Reporter
from zsl_cli.support import cpus
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.photos.indexing import IndexRequest
    from zsl_cli.photos.result import IndexResult


@click.command("index")
@click.argument("sources", nargs=-1, metavar="FOLDER...")
@options.photos
@options.catalogue
@click.option("--from-run", type=options.NonEmpty(), metavar="OUT",
              help="Take over what a run of zsl label on a cluster wrote there with --embeddings, "
                   "a folder or an address such as s3://bucket/out, and read only what has changed "
                   "since. FOLDER is by default what that run was given.")
@options.read_again
@click.option("--dry-run", is_flag=True, help="Write nothing; say what there is to do.")
@options.model
@options.reading
@options.common
def command(sources: tuple[str, ...], files_from: str | None, quiet: bool, verbose: bool,
            debug: bool, **others: Any) -> int:
    """Read every photo of a FOLDER once; then it is searched and labelled without being opened.

    Each FOLDER is a library with a catalogue of its own.

    \b
      zsl index ~/Pictures
      zsl index ~/Pictures --catalogue /mnt/nas/pictures-catalogue
      zsl index ~/Pictures --from-run /mnt/nas/labels
    """
    if sources or files_from is not None or others["from_run"] is None:
        paths = options.listed_photos(sources, files_from)
    else:
        paths = None
    cpus.one_blas_thread()
    from zsl_cli.photos.indexing import IndexRequest, index

    make: Callable[..., IndexRequest] = IndexRequest
    work: Callable[..., IndexResult] = index
    if (from_run := others.pop("from_run")) is not None:
        from zsl_cli.photos.cluster.taking_over import TakeOverRequest, take_over

        make, work = partial(TakeOverRequest, from_run=from_run), take_over

    apart = (others["catalogue"] is None and paths is None and len(sources) > 1
             and not any(map(os.path.isfile, sources)))
    status = 0
    for chosen in [(source,) for source in sources] if apart else [sources]:  # a library each
        request = make(chosen, paths, **others)
        terminal = _Terminal(request, verbose=verbose)
        try:
            with terminal.shown(quiet):
                result = work(request, terminal)
        except RequestError:
            raise
        except ZslError as error:  # of a disk that is away, say; the others are not
            if not apart:
                raise
            printing.say(as_options(str(error)))
            status = 1
        else:
            status = max(status, int(not result.ok and not request.dry_run))
    return status


class _Terminal(Failures, Reporter):
    """Names the first failures, shows a bar and sums up."""

    def __init__(self, request: "IndexRequest", *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        self._request = request

    def indexed(self, result: "IndexResult") -> None:
        """Sum up, or say what there is to do."""
        if self._request.dry_run:
            if result.scanned:
                printing.put(f"{counted(result.todo, 'photo')} to read, {result.kept:,} known "
                             "already" + "".join(_changes(result)))
            for line in _filled(result):
                printing.put(line)
            return
        self.end()
        first, *rest = _summary(result)
        printing.note(first)
        for line in rest:
            printing.note(line, before=" " * len(printing.NAME))


def _changes(result: "IndexResult") -> Iterator[str]:
    if result.moved:
        yield f", {result.moved:,} of them by another path"
    if result.gone:
        yield f", {result.gone:,} gone"


def _filled(result: "IndexResult") -> Iterator[str]:
    """What came of taking over a run, as lines."""
    filled = result.filled
    if filled is None:
        return
    known = f", {filled.known:,} known already" if filled.known else ""
    yield f"{counted(filled.taken, 'photo')} taken over from the run without being opened{known}"
    then = ", and read as usual" if result.scanned else ""
    if filled.changed:
        advice = "" if result.scanned else "; name the FOLDER to have them read"
        yield (f"{filled.changed:,} of the run changed since, or were copied without their times"
               f"{then}{advice}; --check-content compares what is in them instead")
    if filled.missing:
        yield f"{filled.missing:,} of the run not there"
    if filled.failed:
        yield f"{filled.failed:,} that the run could not read"
    if filled.unsound:
        yield f"{filled.unsound:,} with an embedding that can be none{then}"
    if filled.elsewhere:
        yield f"{filled.elsewhere:,} of the run lie elsewhere, or are left out"
    if filled.damaged:
        yield f"{counted(filled.damaged, 'part')} could not be read"
    if not filled.has_ended:
        yield "the run has not ended; the same command takes over the rest when it has"


def _summary(result: "IndexResult") -> Iterator[str]:
    if result.scanned:
        yield from summed_up(result, "".join(_changes(result)))
    yield from _filled(result)
    if result.catalogue:
        yield f"catalogue: {result.catalogue}"
    if result.interrupted:
        yield "interrupted; run the same command again to go on"
