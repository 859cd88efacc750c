"""``zsl export``: a trained PyTorch checkpoint → a model folder."""

from pathlib import Path

import click

from zsl_cli.cli import options
from zsl_cli.errors import MissingExtraError

_FILE = click.Path(path_type=Path)


@click.command("export")
@click.argument("checkpoint", type=_FILE)
@click.option("--arch", "architecture", default="efficientnet-lite0", show_default=True,
              metavar="NAME", help="The network that the checkpoint's weights belong to.")
@click.option("--projection", type=_FILE, required=True, metavar="M.npz",
              help="M: from the features to the label vectors, as zsl vocab build writes it.")
@click.option("-o", "--output", type=_FILE, required=True, metavar="FOLDER",
              help="The model folder to write.")
@click.option("--quantize", type=click.Choice(["none", "int8"]), default="none",
              show_default=True, help="int8: a quarter of the size, about twice the speed.")
@click.option("--calibration-images", type=_FILE, metavar="FOLDER",
              help="Photographs to calibrate int8 on. Default: those of scikit-image.")
@click.option("--temperature", type=click.FloatRange(0, min_open=True), metavar="T",
              help="Scores are softmax(inner product / T). Default: what the projection says, "
                   "or 0.05.")
@click.option("--sources", type=_FILE, metavar="JSON",
              help="A list of {name, license, url}, for the manifest and the card.")
@click.option("--force", is_flag=True, help="Replace an existing folder.")
@options.common
def command(checkpoint: Path, architecture: str, projection: Path, output: Path, quantize: str,
            calibration_images: Path | None, temperature: float | None, sources: Path | None,
            force: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """Turn a trained PyTorch CHECKPOINT into a model folder.

    \b
      zsl export lite0.pth --projection M.npz -o models/mine --quantize int8
      zsl classify photo.jpg --model models/mine --vocab vocab/mine
    """
    try:
        from zsl_cli.exporting.architectures import ARCHITECTURES
        from zsl_cli.exporting.export import Request, export
        from zsl_cli.exporting.projection import Projection
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "export", "zsl export") from error
    if architecture not in ARCHITECTURES:
        raise click.UsageError(f"unknown architecture {architecture!r}; known: "
                               + ", ".join(ARCHITECTURES))
    from zsl_cli.walk import images_in

    m = Projection.load(projection)
    request = Request(
        checkpoint, ARCHITECTURES[architecture], m, name=output.name,
        quantize=quantize == "int8",
        calibration={"temperature": temperature or m.score_temperature or 0.05,
                     "neighbours": 100},
        sources=tuple(options.read_sources(sources)),
        calibration_images=tuple(images_in(str(calibration_images))) if calibration_images else ())
    export(request, output, force=force,
           say=lambda line: None if quiet else click.echo(line, err=True))
