"""``zsl train``: a model from labelled images and a vocabulary."""

from pathlib import Path
from typing import Any

import click

from zsl_cli.cli.terminal import options
from zsl_cli.cli.terminal.interrupt import interrupts
from zsl_cli.cli.terminal.progress import Bar
from zsl_cli.cli.train import usage
from zsl_cli.errors import MissingExtraError

_PATH = click.Path(path_type=Path)

_what = options.stack(
    click.option("--vocab", "vocabulary", default="default", show_default=True,
                 metavar="NAME|FOLDER", help="The vocabulary whose label vectors M maps onto."),
    click.option("--model", default="default", show_default=True, metavar="NAME|FOLDER|FILE",
                 help="What gives the features: a model folder, or a checkpoint as zsl export "
                      "takes it. A model of the vocabulary's space is also where M begins."),
    click.option("--backbone", type=_PATH, metavar="FILE",
                 help="The checkpoint that the model folder was made from, where it is not found."),
    click.option("--arch", "architecture", metavar="ARCH", help="As zsl export --arch."),
    click.option("--trust-pickle", is_flag=True, help="Run the code that the checkpoint brings."),
    click.option("--hold-out", type=_PATH, metavar="FILE",
                 help="Labels, one a line, whose images are left out."),
    options.max_pixels,
)

_method = options.stack(
    click.option("--loss", "method", default="rank", show_default=True, type=click.Choice(
        ["rank", "cross-entropy", "l2", "softmax", "random", "wsabie", "conse", "ridge"]),
        help="rank: hinge rank loss (DeViSE); cross-entropy: of the softmax over the label "
             "vectors; l2: squared distance to the label vector; softmax: the N-way baseline; "
             "random: rank with random label vectors; wsabie: label vectors learned from the "
             "training labels; conse: mean of label vectors by the network's own classifier, no "
             "training; ridge: in closed form."),
    click.option("--from-scratch", is_flag=True,
                 help="M begins with nought, whatever the model has."),
    click.option("--margin", type=options.Finite(0, 10), metavar="X",
                 help="Of rank, between inner products. Default: twice the temperature of the "
                      "scores, which is 0.1 where M begins with nought."),
    click.option("--negatives", type=click.Choice(["all", "sampled", "first"]), default="all",
                 show_default=True, help="The labels that the right one has to beat: all of the "
                                         "data's, a sample, or the first that comes too near."),
    click.option("--samples", type=click.IntRange(1), default=512, show_default=True, metavar="N",
                 help="For --negatives sampled."),
    click.option("--direction", type=click.Choice(["to-labels", "to-features"]),
                 default="to-labels", show_default=True, help="Of ridge."),
    click.option("--dimension", type=click.IntRange(2, 4096), default=100, show_default=True,
                 metavar="D", help="Of wsabie's label vectors."),
    click.option("--decay", type=options.Finite(0), metavar="L",
                 help="Of the change of M toward nought. Default: chosen by holding out classes, "
                      "where M begins with a model's (3e-4 with fewer than eight); else 1e-6 "
                      "(ridge: 0.01)."),
    click.option("--shift", type=options.Finite(0, 100), metavar="X",
                 help="By how much the trained labels are lowered for the others to keep their "
                      "place, where M begins with a model's, in units of log-probabilities. "
                      "Default: chosen with the decay, or 1 where that is given."),
)

_course = options.stack(
    click.option("--views", type=click.IntRange(0, 1000), default=0, show_default=True,
                 metavar="N", help="Also train on so many random views of each image: other "
                                   "parts of it, mirrored, brighter or darker."),
    click.option("--epochs", type=click.IntRange(1, 100_000), default=60, show_default=True,
                 metavar="N", help="How often the images are gone through, at most."),
    click.option("--batch-size", type=click.IntRange(1, 65536), metavar="N",
                 help="Default: 64, or an eighth of the images, but 4, where these are few."),
    click.option("--learning-rate", type=options.Finite(0, min_open=True), default=0.05,
                 show_default=True, metavar="R", help="At the start; it falls to nought."),
    click.option("--validation", type=click.Choice(["image", "class", "none"]), default="image",
                 show_default=True, help="What is held out to stop early: a tenth of the images, "
                                         "or a fifth of the classes."),
    click.option("--patience", type=click.IntRange(0), default=20, show_default=True, metavar="N",
                 help="Epochs without a better hit@1 after which training stops; 0: never."),
    click.option("--finetune", type=click.IntRange(0, 100_000), default=0, show_default=True,
                 metavar="EPOCHS", help="After M alone, train the whole network on random views "
                                        "of the images for so many epochs."),
    click.option("--finetune-rate", type=options.Finite(0, min_open=True), default=1e-5,
                 show_default=True, metavar="R", help="Its learning rate."),
    click.option("--finetune-batch", type=click.IntRange(1, 65536), default=32, show_default=True,
                 metavar="N", help="Its batch size."),
    click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
                 metavar="N", help="The same seed gives the same model."),
    options.device,
)

_result = options.stack(
    click.option("-o", "--output", type=_PATH, required=True, metavar="FOLDER",
                 help="Where checkpoint, log, curves and the exported model go."),
    click.option("--no-export", is_flag=True, help="Write the checkpoint alone."),
    click.option("--quantize", type=click.Choice(["none", "int8", "fp16"]), default="none",
                 show_default=True, help="The form of the exported model, as zsl export."),
    click.option("--restart", is_flag=True,
                 help="Throw away what an unfinished training has done there, and begin again."),
    click.option("--force", is_flag=True,
                 help="Replace a finished training, once the new one is done."),
)


@click.command("train")
@click.argument("data", type=_PATH)
@_result
@_what
@_method
@_course
@options.common
@click.pass_context
def command(context: click.Context, data: Path, quiet: bool, verbose: bool, debug: bool,
            **given: Any) -> int:
    """Train the projection M on DATA: a folder with a folder for each class, named by its label,
    or a CSV file with the columns path and label.

    \b
      zsl train photos/ -o run
      zsl eval more-photos/ --model default --model run/model
      zsl train photos/ --vocab vocab/mine --model resnet.pth --arch timm:resnet18 -o run

    The label vectors stay fixed. Interrupted or killed, the command goes on where it was when it
    is run again.
    """
    usage.check(context)
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "train", "zsl train") from error
    from zsl_cli.cli.train.run import Options, run

    with interrupts(), Bar.shown(quiet) as bar:
        return run(Options(data=data, **given), bar, quiet=quiet, verbose=verbose)
