"""``zsl models import``: a ready ONNX model → a model folder."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import options, preparing, printing
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.support import folders

if TYPE_CHECKING:
    from zsl_cli.authoring.importing import ImportRequest, ImportResult

_FILE = click.Path(path_type=Path)
_FORMS = ("fp32", "fp16", "int8", "uint8", "q4", "q4f16", "bnb4")
_CLEANINGS = ("lower", "whitespace", "canonicalize")

target = options.stack(
    click.option("-o", "--output", type=options.NonEmpty(Path), metavar="FOLDER",
                 help="The model folder to write. Default: --name, where names are looked up."),
    click.option("--name", type=options.NonEmpty(), metavar="NAME",
                 help="The model's name. Default: that of the folder."),
    click.option("--form", type=click.Choice(_FORMS),
                 help="Which of several forms of the weights. Default: the most exact one."),
    click.option("--variant", type=options.NonEmpty(), metavar="NAME",
                 help="Which of several models in one folder, such as s0."),
    click.option("--force", is_flag=True, help="Replace an existing folder."),
)
"""What is written, and which of what there is."""

said = options.stack(
    click.option("--image-output", type=options.NonEmpty(), metavar="NAME",
                 help="The output of the image graph that is the vector."),
    click.option("--text-output", type=options.NonEmpty(), metavar="NAME",
                 help="The same of the text graph."),
    click.option("--tokenizer", type=_FILE, metavar="tokenizer.json",
                 help="In place of the one beside the text graph."),
    click.option("--context-length", type=click.IntRange(3, 16_384), metavar="N",
                 help="The most tokens of a text."),
    click.option("--pad-token", metavar="TOKEN",
                 help="What texts are filled up with."),
    click.option("--clean", type=click.Choice(_CLEANINGS),
                 help="What is done to a text first, as OpenCLIP calls it."),
    click.option("--logit-scale", type=click.FloatRange(0, min_open=True), metavar="X",
                 help="What cosines are multiplied with before they become probabilities, such "
                      "as 100 for CLIP. Default: what the files say, or what is published."),
    click.option("--logit-bias", type=click.FloatRange(-1000, 1000), metavar="X",
                 help="What is added then, of a SigLIP: with it the scores of labels that are "
                      "listed are sigmoids, each on its own."),
    click.option("--template", "templates", multiple=True, metavar="TEXT",
                 help="What labels are put into by zsl vocab encode. Default: what the model's "
                      "makers use."),
    click.option("--space", metavar="NAME", help="What the vector space is called. Default: made "
                                                 "of the files' hashes."),
    options.sources("the manifest and the card"),
    click.option("--license", "license_", metavar="NAME", help="The weights' licence."),
)
"""What a user says in place of the files."""


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=_FILE, metavar="FOLDER|FILES")
@target
@said
@preparing.options_
@options.common
def command(paths: tuple[Path, ...], quiet: bool, verbose: bool, debug: bool,
            **parameters: Any) -> None:
    """Turn ready ONNX encoders into a model folder.

    They are those of images, or of images and texts.
    FOLDER is in the layout of transformers.js, Immich, MobileCLIP 2 or Qdrant (whose two folders
    are both given); FILES are the graphs themselves. No PyTorch is needed.

    \b
      zsl models import clip-vit-base-patch32/ -o models/clip
      zsl models import clip-ViT-B-32-vision/ clip-ViT-B-32-text/ --name clip
      zsl models import vision.onnx --size 224 --mean 0.5 --std 0.5 -o models/mine
      zsl classify photo.jpg --model models/clip --labels "a red panda,a fire truck"
    """
    from zsl_cli.authoring.importing import import_model

    wanted = request(paths, **parameters)
    with TerminalReporter().shown(quiet) as reporter:
        result = import_model(wanted, reporter)
    printing.note(follow_up(result))


def request(paths: tuple[Path, ...], *, output: Path | None, name: str | None,
            size: int | None, crop: float | None, fit: str | None, interpolation: str | None,
            mean: tuple[float, ...] | None, std: tuple[float, ...] | None, sources: Path | None,
            license_: str | None, **more: Any) -> "ImportRequest":
    """The request that the options are."""
    from zsl_cli.authoring.exporting import InputOptions
    from zsl_cli.authoring.importing import ImportRequest

    return ImportRequest(
        paths, place(output, name), name, input=InputOptions(size, crop, fit, interpolation, mean,
                                                             std),
        sources=options.read_sources(sources), license=license_, **more)


def place(output: Path | None, name: str | None) -> Path:
    """The folder to write: the one that is named, or one where the name will be found."""
    if output is not None:
        return output
    if name is None or not name.strip(".") or Path(name).name != name:
        raise click.UsageError("give -o FOLDER, or --name NAME, by which --model finds it")
    return folders.homes(folders.MODEL)[0] / name


def follow_up(result: "ImportResult") -> str:
    """A command that uses the model, as it can be pasted."""
    folder = result.folder
    known = folder.parent == folders.homes(folders.MODEL)[0]
    model = shlex.quote(folder.name if known else str(folder))
    if result.manifest.encodes_phrases:
        return f'now: zsl classify photo.jpg --model {model} --labels "a cat,a dog"'
    return (f"no text model came with it: --model {model} wants a vocabulary of the space "
            f"{result.manifest.space!r}, named with --vocab")
