"""``zsl train``: a model from labelled images and a vocabulary, or from captions."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli.cli.terminal import notes, options
from zsl_cli.cli.train import captions, usage
from zsl_cli.cli.train.declared import course_options, method_of, method_options, schedule_of
from zsl_cli.cli.train.reporter import TrainingReporter
from zsl_cli.support.limits import QUANTIZE

if TYPE_CHECKING:
    from zsl_cli.authoring.training.request import TrainRequest
    from zsl_cli.authoring.training.result import TrainResult

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

_how = options.stack(
    method_options(),
    click.option("--from-scratch", is_flag=True,
                 help="M begins with zero, whatever the model has."),
    course_options(),
    options.device,
)

_result = options.stack(
    click.option("-o", "--output", type=options.NonEmpty(Path), required=True, metavar="FOLDER",
                 help="Where checkpoint, log, curves and the exported model go."),
    click.option("--no-export", is_flag=True, help="Write the checkpoint alone."),
    click.option("--quantize", type=click.Choice(QUANTIZE), default="none",
                 show_default=True, help="The form of the exported model, as zsl export."),
    click.option("--restart", is_flag=True,
                 help="Throw away what an unfinished training has done there, and begin again."),
    click.option("--force", is_flag=True,
                 help="Replace a finished training, once the new one is done."),
)


@click.command("train")
@click.argument("data", type=_PATH, required=False)
@_result
@_what
@captions.caption_options
@_how
@options.common
@click.pass_context
def command(context: click.Context, quiet: bool, verbose: bool, debug: bool,
            **params: Any) -> int:
    """Train the projection M on DATA: a folder with a folder for each class, named by its label,
    or a CSV file with the columns path and label. Or with --captions, on images and sentences about
    them, the projection and a sentence encoder.

    \b
      zsl train photos/ -o run
      zsl eval more-photos/ --model default --model run/model
      zsl train photos/ --vocab vocab/mine --model resnet.pth --arch timm:resnet18 -o run
      zsl train --captions captions.csv --images photos/ -o run

    The label vectors stay fixed. Interrupted or killed, the command goes on where it was when it
    is run again.
    """
    if captions.asked_for(context):
        request = captions.request_of(context)
        with TrainingReporter().shown(quiet) as reporter:
            return captions.run(request, reporter)
    usage.check(context)
    from zsl_cli.authoring.training.stages import train

    with TrainingReporter().shown(quiet) as reporter:
        result = train(_request(params), reporter)
        reporter.end()
        _say(result, reporter)
    return 1 if result.left_out else 0


def _request(params: dict[str, Any]) -> "TrainRequest":
    from zsl_cli.authoring.training.request import TrainRequest

    same = ("data", "output", "vocabulary", "model", "backbone", "architecture", "trust_pickle",
            "hold_out", "from_scratch", "max_pixels", "device", "restart", "force",
            "quantize")
    return TrainRequest(
        **{name: params[name] for name in same}, method=method_of(params),
        schedule=schedule_of(params), export=not params["no_export"])


def _say(result: "TrainResult", reporter: TrainingReporter) -> None:
    reporter.say(f"wrote {result.checkpoint}")
    if result.model is not None:
        notes.say_default_rule(result.model)
        reporter.say(f"now: zsl classify photo.jpg --model {shlex.quote(str(result.model))} "
                     f"--vocab {shlex.quote(result.vocabulary)}")
