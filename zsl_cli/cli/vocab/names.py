"""``zsl vocab names``: names of labels in another language, from a wordnet of it."""

from pathlib import Path

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.support.wording import counted


@click.command("names")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", type=options.NonEmpty(Path), metavar="FOLDER",
              help="The folder to write. Default: where --language finds it, in $ZSL_HOME/names or "
                   "the user's data folder.")
@click.option("--language", metavar="CODE",
              help="The language, such as de or deu, where a FILE does not say it or has several.")
@click.option("--force", is_flag=True, help="Replace an existing folder.")
@options.common
def command(files: tuple[str, ...], output: Path | None, language: str | None, force: bool,
            quiet: bool, verbose: bool, debug: bool) -> None:
    """Make names of labels in another language, for --language.

    FILE is a tab file of the Open Multilingual Wordnet, or WN-LMF (.xml), plain or compressed with
    gzip, bzip2 or xz. Several of one language are put together, and a name that more of them
    have comes first.

    \b
      zsl vocab names wn-wikt-deu.tab
      zsl vocab names wn-data-fra.tab wn-wikt-fra.tab -o names/fr
      zsl classify photo.jpg --language de
    """
    from zsl_cli.authoring.vocabularies.names.build import NamesRequest, build_names

    request = NamesRequest(files, output, language, force)
    with TerminalReporter().shown(quiet) as reporter:
        result = build_names(request, reporter)
    manifest = result.manifest
    printing.note(f"wrote {result.folder}: names of {counted(manifest.synsets, 'noun')} in "
                  f"{result.language}, among them {result.named:,} of the {result.labels:,} labels "
                  "of the default vocabulary")
    for source in manifest.sources:
        printing.note(f"from {source['name']}, licence: {source['license']}")
