"""``zsl vocab encode``: a vocabulary by a model's own label encoder."""

from pathlib import Path
from typing import Any

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.support.wording import counted


@click.command("encode")
@click.argument("labels", metavar="LABELS")
@click.option("--model", required=True, metavar="NAME|FOLDER",
              help="A model that encodes phrases, such as CLIP.")
@click.option("-o", "--output", type=options.NonEmpty(Path), metavar="FOLDER",
              help="The vocabulary folder to write. Default: the model's own, which it then uses "
                   "by itself.")
@click.option("--template", "templates", multiple=True, metavar="TEXT",
              help="What labels are put into, such as \"a photo of a {}.\"; the mean of several "
                   "is taken. Default: the model's.")
@click.option("--definitions/--no-definitions", default=True, show_default=True,
              help="Tell labels of one name apart by what they mean.")
@click.option("--persons", is_flag=True,
              help="Keep WordNet's labels of persons, many of them slurs or judgements.")
@click.option("--name", type=options.NonEmpty(), metavar="NAME",
              help="The vocabulary's name. Default: that of the folder.")
@options.wordnet
@options.class_lists
@options.sources("the manifest")
@click.option("--force", is_flag=True, help="Replace an existing folder.")
@options.device
@options.common
def command(labels: str, model: str, wordnet: Path | None, class_lists: Path | None,
            sources: Path | None, quiet: bool, verbose: bool, debug: bool, **more: Any) -> None:
    """Encode LABELS as a vocabulary in a model's own space.

    LABELS is a vocabulary, such as default, or what zsl vocab build takes for --labels: a list, a
    table, a folder of class folders, wordnet:LABEL. Broken off, the same command goes on.

    \b
      zsl vocab encode default --model clip
      zsl vocab encode birds.csv --model clip -o vocab/birds --template "a photo of a {}, a bird."
    """
    from zsl_cli.authoring.vocabularies.encode import EncodeRequest, encode_vocabulary
    from zsl_cli.authoring.vocabularies.label_lists import Places

    request = EncodeRequest(labels, model, places=Places(wordnet, class_lists),
                            sources=options.read_sources(sources), **more)
    with TerminalReporter().shown(quiet) as reporter:
        result = encode_vocabulary(request, reporter)
    earlier = f", {result.earlier:,} of them before" if result.earlier else ""
    labels = counted(result.manifest.labels, "label")
    printing.note(f"wrote {result.folder}: {labels}{earlier}, space {result.manifest.space}")
