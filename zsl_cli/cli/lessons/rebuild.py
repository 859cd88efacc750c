"""``zsl lessons rebuild``: the same lessons over another base, or with another model."""

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.photos.reporter import Reporter
from zsl_cli.support import cpus
from zsl_cli.support.wording import counted


@click.command("rebuild")
@click.argument("name", default="mine", metavar="[NAME|FOLDER]")
@click.option("--vocab", "vocabulary", metavar="NAME|FOLDER",
              help="The base. Default: the one that it is made over, as that is now.")
@click.option("--model", metavar="NAME|FOLDER",
              help="The model that embeds photos. Default: the one of the lessons.")
@options.device
@options.reading
@options.common
def command(name: str, vocabulary: str | None, model: str | None, device: str,
            jobs: int | None, batch_size: int | None, max_pixels: int, quiet: bool, verbose: bool,
            debug: bool) -> int:
    """Make a taught vocabulary anew, where its base or its model has changed.

    With a model of another space photos are read again, if they can be had; other lessons are kept,
    and named.
    """
    cpus.one_blas_thread()
    from zsl_cli.photos.teaching import rebuilding
    from zsl_cli.photos.teaching.reading import Reading

    with _Terminal().shown(quiet) as terminal:
        change = rebuilding.rebuild(name, vocabulary=vocabulary, model=model, reporter=terminal,
                                  reading=Reading(device, jobs, batch_size, max_pixels))
    for line in change.left_out:
        printing.say(line)
    printing.put(f"{change.folder}: made anew of {counted(change.lessons, 'lesson')}, "
                 f"{len(change.left_out):,} left out")
    return int(bool(change.left_out))


class _Terminal(TerminalReporter, Reporter):
    """Shows how photos are read."""
