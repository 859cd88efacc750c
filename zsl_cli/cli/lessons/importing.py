"""``zsl lessons import``: lessons out of a file."""

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.support import cpus
from zsl_cli.support.wording import counted


@click.command("import")
@click.argument("source", metavar="FILE")
@click.option("--into", type=options.NonEmpty(), metavar="NAME|FOLDER",
              help="The taught vocabulary. Default: mine.")
@options.model_and_vocabulary
@options.common
def command(source: str, into: str | None, model: str, vocabulary: str | None, device: str,
            quiet: bool, verbose: bool, debug: bool) -> int:
    """Learn what zsl lessons export wrote, without the photos."""
    cpus.one_blas_thread()
    from zsl_cli.photos.teaching import exchanging

    change = exchanging.take_over(source, vocabulary=vocabulary, into=into, model=model,
                                device=device)
    for line in change.left_out:
        printing.say(line)
    new = f", new: {', '.join(change.labels)}" if change.labels else ""
    printing.put(f"{counted(change.lessons, 'lesson')} taken over into {change.folder}{new}")
    return int(bool(change.left_out))
