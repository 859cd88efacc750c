"""``zsl vocab export``: a vocabulary as text, for other programs."""

import shlex
from typing import Literal

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.support.files import check_new_file
from zsl_cli.support.wording import counted


@click.command("export")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@click.option("-o", "--output", type=options.NonEmpty(), required=True, metavar="FILE",
              help="The file to write; - is standard output.")
@click.option("--format", "output_format", type=click.Choice(["tsv", "word2vec"]), required=True,
              help="tsv: id, name, synonyms, gloss, parents, which zsl vocab build --labels reads; "
                   "cells are as they are, with what a spreadsheet would run as a formula. "
                   "word2vec: the text format that gensim and others read; zsl vocab build needs "
                   "--space to know its vectors again.")
@click.option("--vectors", is_flag=True, help="The vectors in the TSV too.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@options.common
def command(name: str, output: str, output_format: Literal["tsv", "word2vec"], vectors: bool,
            force: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """Write a vocabulary as a table or in word2vec's text format.

    \b
      zsl vocab export default -o labels.tsv --format tsv
      zsl vocab export vocab/wiki -o wiki.txt --format word2vec
    """
    from zsl_cli.vocabulary import text_export
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    request = text_export.Request(output_format, vectors)
    if output != "-":
        check_new_file(output, force=force, makes_folders=True)  # before anything is read
    vocabulary = Vocabulary.load(name)
    with TerminalReporter().shown(quiet or output == "-") as reporter:
        if output == "-":
            ids = text_export.write(vocabulary, request, printing.stream())
            printing.stream().flush()
        else:
            ids = text_export.save(vocabulary, request, output, force=force,
                                   reporter=reporter)
    if ids:
        printing.note(counted(ids, "label stands under its id, since another has its name",
                              "labels stand under their id, since another label has their name"))
    if output != "-":
        printing.note(f"wrote {output}")
        if output_format == "word2vec" and vocabulary.prior_dimension is None:
            printing.note(
                "a vocabulary that zsl vocab build makes of it is of the same space, and for the "
                f"same models, with --space {shlex.quote(vocabulary.space)}")
