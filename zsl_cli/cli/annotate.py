"""``zsl annotate``: the sentences that fit a photo best."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.photos.reporter import Reporter
from zsl_cli.support import cpus
from zsl_cli.support.limits import MAX_TOP

if TYPE_CHECKING:
    from zsl_cli.errors import ImageError
    from zsl_cli.photos.annotating import Annotation


@click.command("annotate")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--captions", required=True, type=options.NonEmpty(), metavar="FILE",
              help="The sentences: one a line, or captions as Flickr's and COCO's files and a CSV "
                   "with the columns image and caption have them.")
@click.option("-k", "--top", type=click.IntRange(1, MAX_TOP), default=5, show_default=True,
              metavar="K", help="How many sentences a photo, at most 1000.")
@click.option("--jsonl", is_flag=True, help="A JSON record a line.")
@options.model_and_vocabulary
@options.reading
@options.common
def command(photos: tuple[str, ...], captions: str, jsonl: bool, quiet: bool, verbose: bool,
            debug: bool, **others: Any) -> int:
    """Say which sentences fit each PHOTO best: a file, a folder or a pattern.

    \b
      zsl annotate photo.jpg --captions sentences.txt
      zsl annotate ~/Pictures --captions captions.csv --top 1 --jsonl > annotated.jsonl
      grep -v dog sentences.txt | zsl annotate photo.jpg --captions -
    """
    cpus.one_blas_thread()
    from zsl_cli.classifier.predictions import to_json
    from zsl_cli.photos.annotating import AnnotateRequest, annotate

    request = AnnotateRequest(photos, _piped() if captions == "-" else captions, **others)
    are_several = len(photos) > 1 or not os.path.isfile(photos[0])
    done, failures = 0, []
    with _Terminal().shown(quiet) as terminal:
        for annotation in annotate(request, terminal):
            if annotation.error is not None:
                failures.append(annotation.error)
                printing.say(f"{annotation.path}: {as_options(str(annotation.error))}")
            done += annotation.error is None
            if jsonl:
                printing.put_bytes(to_json(annotation.record()) + b"\n")
            elif annotation.error is None:
                _put(annotation, titled=are_several)
    return _status(done, failures)


def _piped() -> list[str]:
    """The sentences that come from standard input."""
    from zsl_cli.evaluation.captions.forms import LARGEST
    from zsl_cli.photos.annotating import sentences_of

    if sys.stdin is None:
        raise click.UsageError("--captions -: standard input is closed")
    try:
        return sentences_of(sys.stdin.buffer.read(LARGEST + 1), "--captions -")
    except OSError as error:
        raise click.UsageError(f"--captions -: {error.strerror or error}") from error


class _Terminal(TerminalReporter, Reporter):
    """Shows how sentences are encoded."""


def _put(annotation: "Annotation", *, titled: bool) -> None:
    if titled:
        printing.put(annotation.path)
    printing.put_table(("rank", "score", "caption"), [
        [str(rank), f"{score:.3f}", caption]
        for rank, (caption, score) in enumerate(annotation.captions, start=1)])


def _status(done: int, failures: "list[ImageError]") -> int:
    """1 when some photo failed; 2 when there was nothing to read at all."""
    nothing = all(error.kind in ("missing", "empty", "permission") for error in failures)
    return 0 if not failures else 2 if nothing and not done else 1
