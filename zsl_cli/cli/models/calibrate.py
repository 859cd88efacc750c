"""``zsl models calibrate``: confidences fitted to photos whose labels are known."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import notes, options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.evaluation.reporter import Reporter
from zsl_cli.support.wording import listed

if TYPE_CHECKING:
    from zsl_cli.authoring.calibrating import CalibrationResult, Fit
    from zsl_cli.vocabulary.names.label import Match
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_HEAD = ("what", "images", "pairs", "true", "temperature", "slope", "offset", "error before",
         "error after")
_WORDS = 12  # of captions that a line names


class _Terminal(TerminalReporter, Reporter):
    """Tells what does not count, too."""

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """Tell the first ones."""
        notes.say_uncounted(lines, kind)

    def understood(self, vocabulary: "Vocabulary", classes: "Iterable[Match]") -> None:
        """Tell of names with several senses."""
        notes.say_senses(vocabulary, classes)


@click.command("calibrate")
@click.argument("model", metavar="MODEL")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option("-o", "--output", type=options.NonEmpty(), metavar="FOLDER",
              help="Write the model with its new numbers here. Default: into MODEL itself, with "
                   "--force.")
@click.option("--force", is_flag=True, help="Change MODEL, or replace an existing folder.")
@click.option("--vocab", "vocabulary", metavar="NAME|FOLDER",
              help="The labels. Default: as zsl classify chooses them.")
@click.option("--captions", type=options.NonEmpty(), metavar="FILE",
              help="Fit what is seen beside the main thing, too: a CSV file with the columns image "
                   "and caption, a line for each of several captions an image.")
@click.option("--images", type=options.NonEmpty(), metavar="FOLDER",
              help="With --captions: where the paths in the column image begin. Default: the "
                   "file's folder.")
@click.option("--split", metavar="NAME",
              help="With --captions: only the lines that have this in the column split.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
@click.option("--no-cache", is_flag=True,
              help="Read all images, and keep nothing for the next time.")
@options.device
@options.reading
@options.common
def command(model: str, data: tuple[str, ...], as_json: bool, no_cache: bool, quiet: bool,
            verbose: bool, debug: bool, **others: Any) -> int:
    """Fit the confidences of MODEL to labelled photos.

    DATA are folders with a folder for each class, named by its label, or CSV files with the
    columns path and label. Best are photos that MODEL was not trained on, of what it will be used
    for.

    \b
      zsl models calibrate models/mine photos/ -o models/calibrated
      zsl models calibrate models/mine photos/ more-photos/ --captions captions.csv --force

    Printed are the numbers that are written into model.json, on how many images they were fitted
    and on how many pairs of an image and a label, and the calibration error before and after:
    that of each fifth of the images by a fit to the others.
    """
    from zsl_cli.authoring.calibrating import CalibrationRequest, calibrate

    request = CalibrationRequest(model, data, cache=not no_cache, **others)
    with _Terminal().shown(quiet) as reporter:
        result = calibrate(request, reporter)
    if as_json:
        printing.put_json(_figures(result))
    else:
        printing.put_table(_HEAD, [_row(name, fit) for name, fit in (
            ("main thing", result.main), ("beside it", result.beside)) if fit is not None])
    if result.beside is not None:
        printing.note(f"beside it: {listed(result.beside.labels, _WORDS)}")
    printing.note(f"wrote {result.folder}")
    return 1 if result.left_out else 0


def _row(name: str, fit: "Fit") -> tuple[str, ...]:
    temperature = "" if fit.temperature is None else f"{fit.temperature:g}"
    return (name, f"{fit.images:,}", f"{fit.pairs:,}", f"{fit.right:,}", temperature,
            f"{fit.slope:.3f}", f"{fit.offset:+.3f}", f"{fit.error_before:.3f}",
            f"{fit.error_after:.3f}")


def _figures(result: "CalibrationResult") -> dict[str, Any]:
    return {"model": str(result.folder), "confidence": asdict(result.rule),
            "main": asdict(result.main), "beside": result.beside and asdict(result.beside),
            "left_out": result.left_out.to_dict()}
