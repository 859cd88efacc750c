"""``zsl export``: a trained PyTorch checkpoint → a model folder."""

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import options
from zsl_cli.cli.terminal.interrupt import interrupts
from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.support.folders import check_target

if TYPE_CHECKING:
    from zsl_cli.authoring.exporting.plan import Plan, Request

_FILE = click.Path(path_type=Path)


class _Channels(click.ParamType):
    """One number or three."""

    name = "R,G,B"

    def convert(self, value: Any, param: click.Parameter | None,
                ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers of ``0.5`` or ``0.485,0.456,0.406``."""
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) not in (1, 3) or not all(0 <= number <= 255 for number in numbers):
            self.fail(f"{value!r} is not one number or three, such as 0.485,0.456,0.406",
                      param, ctx)
        return numbers


_what_it_is = options.stack(
    click.option("--arch", "architecture", metavar="ARCH",
                 help="The network that the weights belong to: timm:NAME, torchvision:NAME, "
                      "open_clip:NAME, package.module:factory or efficientnet-lite0. Default: "
                      "what the checkpoint says."),
    click.option("--features-from", type=click.Choice(["auto", "penultimate", "output"]),
                 default="auto", show_default=True,
                 help="Where the features are: before the last linear layer, or at the end."),
    click.option("--feature-node", metavar="NODE", help="The module (of a program: the node) that "
                                                        "gives the features."),
    click.option("--tokenizer", type=_FILE, metavar="tokenizer.json",
                 help="For an OpenCLIP text tower that comes without one."),
    click.option("--trust-pickle", is_flag=True,
                 help="Run the code that the checkpoint brings. Only for files of people whom "
                      "you trust."),
)

_labels = options.stack(
    click.option("--projection", metavar="M", help="M, [D, F], from the features to the label "
                 "vectors: .npy, .npz, .pt or .safetensors; FILE:KEY for one tensor of many. "
                 "Default: the classifier's rows are the label vectors."),
    click.option("--vocab", "vocabulary", metavar="NAME|FOLDER",
                 help="The vocabulary whose label vectors M, or the network, maps onto."),
    click.option("--space", metavar="NAME", help="What the vector space is called, where no "
                                                 "vocabulary says it."),
    click.option("--phrase-map", type=_FILE, metavar="P.npz",
                 help="A map into that space from sentence vectors, as zsl vocab fit writes: any "
                      "phrase is then a label."),
    click.option("--text-encoder", type=_FILE, metavar="FOLDER",
                 help="The sentence encoder that the map was fitted to."),
    click.option("--class-names", type=_FILE, metavar="FILE",
                 help="Names of the classifier's rows: a line each, or JSON."),
    click.option("--vocab-labels", metavar="FILE|NAME",
                 help="Labels for the text tower of CLIP or SigLIP to encode: a file of them, or "
                      "a vocabulary such as default."),
    click.option("--template", "templates", multiple=True, metavar="TEXT",
                 help="What these labels are put into, such as \"a photo of a {}.\"; the mean of "
                      "several is taken."),
    click.option("--temperature", type=click.FloatRange(0, min_open=True), metavar="T",
                 help="Scores are softmax(inner product / T). Default: what the checkpoint or M "
                      "says, or 0.05."),
)

_input = options.stack(
    click.option("--size", type=click.IntRange(1, 4096), metavar="S", help="Side of the input."),
    click.option("--crop", type=click.FloatRange(0, 1, min_open=True), metavar="SHARE",
                 help="Share of the shorter side that is kept, such as 0.875."),
    click.option("--fit", type=click.Choice(["crop", "squash", "pad"]),
                 help="How a picture becomes square."),
    click.option("--interpolation", type=click.Choice(
        ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"])),
    click.option("--mean", type=_Channels(),
                 help="Subtracted from the pixels, R,G,B or one number for all: of values from 0 "
                      "to 1, or up to 255 where --mean or --std has a number above 1."),
    click.option("--std", type=_Channels(), help="Divides them. Default for all of these: what "
                                                 "the checkpoint's configuration says."),
)

_result = options.stack(
    click.option("-o", "--output", type=_FILE, metavar="FOLDER",
                 help="The model folder to write. Default: CHECKPOINT's name and -model, here."),
    click.option("--quantize", type=click.Choice(["none", "int8", "fp16"]), default="none",
                 show_default=True,
                 help="int8: a quarter of the size, up to twice the speed on CPUs; fp16: half the "
                      "size, for GPUs."),
    click.option("--calibration-images", type=_FILE, metavar="FOLDER",
                 help="Photographs to calibrate int8 and to measure agreement on. Default: those "
                      "of scikit-image."),
    click.option("--compare", is_flag=True,
                 help="Print size, speed and agreement of float32, fp16 and int8."),
    click.option("--dry-run", is_flag=True, help="Say what was recognised; write nothing."),
    options.sources("the manifest and the card"),
    click.option("--license", "license_", metavar="NAME", help="The weights' licence."),
    click.option("--force", is_flag=True, help="Replace an existing folder."),
)


@click.command("export")
@click.argument("checkpoint", type=_FILE)
@_result
@_what_it_is
@_labels
@_input
@options.common
def command(checkpoint: Path, output: Path | None, compare: bool, dry_run: bool, force: bool,
            quiet: bool, verbose: bool, debug: bool, **given: Any) -> None:
    """Turn a trained PyTorch CHECKPOINT into a model folder.

    CHECKPOINT is a file of weights (.pth, .pt, .bin, .safetensors, or the index of a sharded
    one), a torch.export (.pt2) or TorchScript program, or a folder in the layout of Hugging Face,
    timm or OpenCLIP.

    \b
      zsl export run/checkpoint.pt -o models/mine
      zsl export resnet.pth --arch timm:resnet18 --projection M.npy --vocab vocab/mine
      zsl export clip-vit-base-patch32/ -o clip --vocab-labels labels.txt
      zsl classify photo.jpg --model clip --labels "a cat,a dog"
    """
    try:
        from zsl_cli.authoring.exporting import export, plan
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "export", "zsl export") from error

    def say(line: str) -> None:
        if not quiet:
            click.echo(f"zsl: {line}", err=True)

    target = output or Path(_default_name(checkpoint))
    if not dry_run:
        check_target(target, force=force)
        if checkpoint.resolve().is_relative_to(target.resolve()):
            raise ZslError(f"{checkpoint} lies in {target}, which would be replaced; give another "
                           "-o")
    if given["trust_pickle"]:
        click.echo(f"zsl: warning: --trust-pickle runs whatever code is in {checkpoint}", err=True)
    planned = plan.make(_request(checkpoint, target.name, given))
    say(f"read {checkpoint.name}: {planned.network.architecture}, features of "
        f"{planned.features.width} ({planned.features.where}), embedding of {planned.dimension}")
    if dry_run:
        _describe(planned)
        return
    with interrupts():
        _, rows = export.export(planned, target, force=force, compare=compare, say=say)
    if rows:
        _print_comparison(rows)
    say(f"now: zsl classify photo.jpg --model {shlex.quote(str(target))}" + _labels_hint(planned))


Channels = tuple[float, ...]


def _one_unit(mean: Channels | None, std: Channels | None) -> tuple[Channels | None, ...]:
    """Mean and std of values up to 255. What is given is of values up to 1, unless one of all
    these numbers is larger than that."""
    if max((*(mean or ()), *(std or ())), default=0) > 1:
        return mean, std
    return tuple(given and tuple(255 * number for number in given) for given in (mean, std))


def _default_name(checkpoint: Path) -> str:
    """``checkpoint-model`` for ``run/checkpoint.pt``."""
    stem = checkpoint.resolve().name
    for suffix in (".index.json", ".tar", ".safetensors", ".bin", ".pth", ".pt2", ".pt", ".ckpt"):
        stem = stem.removesuffix(suffix)
    return f"{stem}-model"


def _request(checkpoint: Path, name: str, given: dict[str, Any]) -> "Request":
    from zsl_cli.authoring.exporting import labels
    from zsl_cli.authoring.exporting.plan import Request
    from zsl_cli.authoring.networks.network import InputOptions
    from zsl_cli.authoring.networks.phrase_map import PhraseMap
    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.networks.recognise import Hints
    from zsl_cli.embedding.walk import images_in

    if given["space"] is not None and not re.fullmatch(r"[\w.:/-]{1,200}", given["space"]):
        raise click.UsageError("--space takes letters, digits and . _ : / -")
    if given["space"] and given["vocabulary"]:
        raise click.UsageError("--vocab gives the space its name; leave --space out")
    if (given["phrase_map"] is None) != (given["text_encoder"] is None):
        raise click.UsageError("--phrase-map and --text-encoder belong together")
    folder = given["calibration_images"]
    calibration = tuple(images_in(str(folder))) if folder else ()
    if folder and not calibration:
        raise ZslError(f"--calibration-images {folder}: no photograph there")
    mean, std = _one_unit(given["mean"], given["std"])
    return Request(
        checkpoint, name,
        Hints(given["architecture"],
              InputOptions(given["size"], given["crop"], given["fit"], given["interpolation"],
                           mean, std),
              given["tokenizer"], given["trust_pickle"]),
        projection=Projection.load(given["projection"], trust=given["trust_pickle"])
        if given["projection"] else None,
        vocabulary=given["vocabulary"], space=given["space"],
        features_from=given["features_from"], feature_node=given["feature_node"],
        phrases=PhraseMap.load(given["phrase_map"]) if given["phrase_map"] else None,
        text_encoder=given["text_encoder"],
        class_names=labels.read_classes(given["class_names"]) if given["class_names"] else None,
        vocab_labels=labels.read_list(given["vocab_labels"]) if given["vocab_labels"] else None,
        templates=given["templates"] or None,
        form="float32" if given["quantize"] == "none" else given["quantize"],
        temperature=given["temperature"],
        calibration_images=calibration,
        sources=tuple(options.read_sources(given["sources"])), license=given["license_"])


def _describe(planned: "Plan") -> None:
    described = planned.describe()
    width = max(len(name) for name, _ in described)
    for name, value in described:
        click.echo(f"{name:{width}}  {value}")
    for note in planned.notes:
        click.echo(f"zsl: note: {note}", err=True)


def _print_comparison(rows: list[dict[str, Any]]) -> None:
    """The forms as a table; the speed beside that of float32, which is what a reader asks."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("form")
    for name in ("size", "speed", "against float32", "smallest cosine", "mean cosine",
                 "same ten labels"):
        table.add_column(name, justify="right")
    base = rows[0]["images_per_second"]
    for row in rows:
        top = row.get("top_10")
        table.add_row(
            row["form"], f"{row['megabytes']:.1f} MB",
            f"{row['images_per_second']:.0f} images/s, {row['device']}",
            f"{row['images_per_second'] / base:.2f} x", f"{row['min_cosine']:.6f}",
            f"{row['mean_cosine']:.6f}" + ("" if row["passes"] else " (too low)"),
            "" if top is None else f"{top:.1%}")
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120).print(table)


def _labels_hint(planned: "Plan") -> str:
    """What else ``classify`` needs."""
    if planned.vocabulary is not None:
        return f" --vocab {shlex.quote(str(planned.request.vocabulary))}"
    if planned.class_labels or planned.request.vocab_labels:
        return ""
    if planned.network.text is not None and planned.kind == "embedding":
        return ' --labels "a cat,a dog"'
    return f" --vocab V (a vocabulary of the space {planned.space!r})"
