"""``zsl lessons export``: lessons in a file, for somebody else."""

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.support.wording import counted


@click.command("export")
@click.argument("name", default="mine", metavar="[NAME|FOLDER]")
@click.option("-o", "--output", required=True, type=options.NonEmpty(), metavar="FILE",
              help="The file to write, JSON lines.")
@click.option("--paths", is_flag=True, help="With the paths of the photos.")
@click.option("--force", is_flag=True, help="Replace the file.")
@options.common
def command(name: str, output: str, paths: bool, force: bool, quiet: bool, verbose: bool,
            debug: bool) -> None:
    """Write lessons into a file that zsl lessons import reads: labels and embeddings, no photos."""
    from zsl_cli.photos.teaching import exchanging

    number = exchanging.export(output, name, paths=paths, force=force)
    printing.note(f"{counted(number, 'lesson')} written: {output}")
