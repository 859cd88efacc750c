"""``zsl export``: a trained PyTorch checkpoint → a model folder."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.classifier import pairing
from zsl_cli.cli.terminal import notes, options, preparing, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.limits import FEATURES_FROM, QUANTIZE
from zsl_cli.support.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zsl_cli.authoring.exporting import ExportRequest, ExportResult, Plan
    from zsl_cli.authoring.exporting.compare import Form

_FILE = click.Path(path_type=Path)
_WIDE = 120  # columns, where there is no terminal
_KINDS = {"projection": "by the projection M", "classes": "the classifier's own space",
          "embedding": "the network's own"}


_what_it_is = options.stack(
    click.option("--arch", "architecture", metavar="ARCH",
                 help="The network that the weights belong to: timm:NAME, torchvision:NAME, "
                      "open_clip:NAME, package.module:factory or efficientnet-lite0. Default: "
                      "what the checkpoint says."),
    click.option("--features-from", type=click.Choice(FEATURES_FROM), default="auto",
                 show_default=True,
                 help="Where the features are: before the last linear layer, or at the end."),
    click.option("--feature-node", metavar="NODE", help="The module (of a program: the node) that "
                                                        "gives the features."),
    click.option("--tokenizer", type=_FILE, metavar="tokenizer.json",
                 help="For an OpenCLIP text tower that comes without one."),
    click.option("--adapter", type=_FILE, metavar="FOLDER",
                 help="A LoRA of PEFT's that was trained beside the checkpoint, to be merged into "
                      "it."),
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

_result = options.stack(
    click.option("-o", "--output", type=options.NonEmpty(Path), metavar="FOLDER",
                 help="The model folder to write. Default: CHECKPOINT's name and -model, here."),
    click.option("--quantize", type=click.Choice(QUANTIZE), default="none", show_default=True,
                 help="int8: a quarter of the size, up to twice the speed on CPUs; fp16: half the "
                      "size, for GPUs."),
    click.option("--calibration-images", type=_FILE, metavar="FOLDER",
                 help="Photographs to calibrate int8 and to measure agreement on; confidences, "
                      "too, where they lie in folders named by labels. Default: those of "
                      "scikit-image."),
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
@preparing.options_
@options.common
def command(checkpoint: Path, output: Path | None, dry_run: bool, quiet: bool, verbose: bool,
            debug: bool, **parameters: Any) -> None:
    """Turn a trained PyTorch CHECKPOINT into a model folder.

    CHECKPOINT is a file of weights (.pth, .pt, .bin, .safetensors, or the index of a sharded
    one), a torch.export (.pt2) or TorchScript program, or a folder in the layout of Hugging Face,
    timm or OpenCLIP.

    \b
      zsl export run/run.pt -o models/mine
      zsl export resnet.pth --arch timm:resnet18 --projection M.npy --vocab vocab/mine
      zsl export clip-vit-base-patch32/ -o clip --vocab-labels labels.txt
      zsl classify photo.jpg --model clip --labels "a cat,a dog"
    """
    from zsl_cli.authoring.exporting import export, make

    request = _request(checkpoint, output, **parameters)
    if not dry_run:
        request.check_output()  # before anything is read
    if request.hints.trust_pickle:
        printing.say(f"warning: --trust-pickle runs whatever code is in {checkpoint}")
    if dry_run:
        _describe(make(request))
        return
    with TerminalReporter().shown(quiet) as reporter:
        result = export(request, reporter)
    if result.comparison:
        _print_comparison(result.comparison)
    notes.say_default_rule(result.folder)
    printing.note(_next(request, result))


def _request(checkpoint: Path, output: Path | None, *, architecture: str | None,
             tokenizer: Path | None, trust_pickle: bool, adapter: Path | None, size: int | None,
             crop: float | None, fit: str | None, interpolation: str | None,
             mean: tuple[float, ...] | None, std: tuple[float, ...] | None, sources: Path | None,
             license_: str | None, **more: Any) -> "ExportRequest":
    from zsl_cli.authoring.exporting import ExportRequest, Hints, InputOptions

    shape = InputOptions(size, crop, fit, interpolation, mean, std)
    return ExportRequest(
        checkpoint, output, Hints(architecture, shape, tokenizer, trust_pickle, adapter),
        sources=options.read_sources(sources), license=license_, **more)


def _describe(plan: "Plan") -> None:
    """What was recognised, as names and values."""
    network, features = plan.network, plan.features
    frame = network.input.preprocessing
    lines = [
        ("architecture", network.architecture),
        ("weights", listed([file.name for file in network.files], 3)),
        ("features", f"{features.width} ({features.where})"),
        ("embedding", f"{plan.dimension} dimensions, {_KINDS[plan.kind]}"),
        ("space", plan.space),
        ("input", f"{frame.size} x {frame.size}, {frame.fit}, share {frame.crop:.4g}, "
                  f"{frame.interpolation}"),
        ("mean", _of_one(network.input.mean)), ("std", _of_one(network.input.std))]
    if (seen := plan.reference) is not None and seen.failure is None:
        lines.append(("pixels", f"as {seen.library} makes them, within {seen.error:.2%}"))
    if plan.class_labels is not None:
        first = ", ".join(label.name for label in plan.class_labels[:3])
        lines.append(("classes", f"{len(plan.class_labels):,}: {first}, …"))
    if network.text is not None:
        lines.append(("text tower", f"up to {counted(network.text.length, 'token')}, templates: "
                                    + (", ".join(plan.templates) or "none")))
    if plan.license:
        lines.append(("licence", plan.license))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        printing.put(f"{name:{width}}  {value}")
    for note in plan.notes:
        printing.note(as_options(note))


def _of_one(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value / 255:.4g}" for value in values) + " (of 0 to 1)"


def _print_comparison(forms: "Sequence[Form]") -> None:
    """The forms as a table; the speed beside that of float32, which is what a reader asks."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("form")
    for name in ("size", "speed", "against float32", "smallest cosine", "mean cosine",
                 "same ten labels"):
        table.add_column(name, justify="right")
    base = forms[0].images_per_second
    for one in forms:
        top = one.agreement.top_10
        table.add_row(
            one.form, f"{one.megabytes:.1f} MB",
            f"{one.images_per_second:.0f} images/s, {one.device}",
            f"{one.images_per_second / base:.2f} x", f"{one.agreement.min_cosine:.6f}",
            f"{one.agreement.mean_cosine:.6f}" + ("" if one.passes else " (too low)"),
            "" if top is None else f"{top:.1%}")
    printing.console(_WIDE).print(table)


def _next(request: "ExportRequest", result: "ExportResult") -> str:
    """A command that uses the model, as it can be pasted; or what the model still lacks."""
    command = f"now: zsl classify photo.jpg --model {shlex.quote(str(result.folder))}"
    if result.labels == "vocabulary":
        return f"{command} --vocab {shlex.quote(str(request.vocabulary))}"
    if result.labels == "phrases":
        return f'{command} --labels "a cat,a dog"'
    if result.labels == "own" or _finds_labels(result):
        return command
    beside = request.checkpoint.parent / pairing.OWN  # where zsl train puts labels of its own
    with suppress(ZslError):
        if result.manifest.fits(folders.read_manifest(folders.VOCABULARY, beside)):
            return f"{command} --vocab {shlex.quote(str(beside))}"
    return ("no vocabulary is known whose labels it could give: zsl classify wants one of the "
            f"space {result.manifest.space!r}, named with --vocab")


def _finds_labels(result: "ExportResult") -> bool:
    """Whether ``classify`` finds a vocabulary for the model by itself."""
    try:
        return pairing.vocabulary_for(result.folder, result.manifest) is not None
    except ZslError:
        return False
