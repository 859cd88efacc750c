"""``zsl train --captions``: the options, and what they ask for."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from zsl_cli.authoring.training.captions.encoders import ENCODERS, Linear
from zsl_cli.cli.terminal import notes, options

if TYPE_CHECKING:
    from zsl_cli.authoring.training.captions.request import CaptionRequest
    from zsl_cli.cli.train.reporter import TrainingReporter

_PATH = click.Path(path_type=Path)
_OF_ENCODERS = frozenset({"vectors"})
_OWN = frozenset({"captions", "images", "split", "validation_split", "encoder", "vectors",
                  "hardest"})
_SHARED = frozenset({"output", "vocabulary", "model", "max_pixels", "device", "restart", "force",
                     "method", "margin", "epochs", "batch_size", "learning_rate", "validation",
                     "patience", "seed", "dimension"})
_OF_ANY = frozenset({"quiet", "verbose", "debug"})

caption_options = options.stack(
    click.option("--captions", type=_PATH, metavar="FILE",
                 help="In the place of DATA: images and sentences about them, in one space "
                      "afterwards. A CSV file with the columns image and caption and a line for "
                      "each caption, or another form that zsl eval --captions reads. By default "
                      "30 epochs of 128 pairs, a margin of 0.2, a patience of 10."),
    click.option("--images", type=options.NonEmpty(Path), metavar="FOLDER",
                 help="With --captions: where the paths of images begin. Default: the file's "
                      "folder."),
    click.option("--split", metavar="NAME",
                 help="With --captions: only what the file says is of this split."),
    click.option("--validation-split", metavar="NAME",
                 help="With --captions: validate with this split, not with a tenth of the images."),
    click.option("--encoder", type=click.Choice([one.name for one in ENCODERS]),
                 default=ENCODERS[0].name, show_default=True,
                 help="With --captions, of sentences: " + "; ".join(
                     f"{one.name}: {one.summary}" for one in ENCODERS) + "."),
    click.option("--vectors", metavar="NAME|FOLDER|FILE",
                 help="With --captions, for the encoders over words' vectors: take these, of a "
                      "vocabulary or a file as zsl vocab build reads it. Default: learn them."),
    click.option("--hardest", is_flag=True,
                 help="With --captions: of mismatched pairs the nearest alone counts (VSE++)."),
)


def asked_for(context: click.Context) -> bool:
    """Whether captions are what to train on. Raises click.UsageError unless there is one thing to
    train on, and for options of the other."""
    given = {name for name in context.params
             if context.get_parameter_source(name) is not ParameterSource.DEFAULT}
    if ("data" in given) == ("captions" in given):
        raise click.UsageError("one thing to train on is expected: DATA, or --captions")
    captions = "captions" in given
    for param in context.command.params:
        if param.name in given and (param.name not in _OWN | _SHARED | _OF_ANY if captions
                                    else param.name in _OWN):
            raise click.UsageError(f"{max(param.opts, key=len)} is {'not ' if captions else ''}for "
                                   "--captions")
    return captions


def request_of(context: click.Context) -> "CaptionRequest":
    """What is asked for; what is not given is as the library has it. Raises ZslError."""
    from zsl_cli.authoring.training.captions.request import CaptionRequest

    params = context.params
    given = {name: value for name, value in params.items() if name in _OWN | _SHARED
             and context.get_parameter_source(name) is not ParameterSource.DEFAULT}
    kind = next(one for one in ENCODERS if one.name == params["encoder"])
    if kind is Linear and params["vectors"] is not None:
        raise click.UsageError("--vectors is for the encoders over words' vectors; it would do "
                               "nothing here")
    own = {name: given.pop(name) for name in _OF_ENCODERS & set(given)}
    return CaptionRequest(**{**given, "encoder": kind(**own)})


def run(request: "CaptionRequest", reporter: "TrainingReporter") -> int:
    """Train, and say what was made; the exit status."""
    from zsl_cli.authoring.training.captions.stages import train_on_captions

    result = train_on_captions(request, reporter)
    reporter.end()
    if result.recalls:
        reporter.say("validation: " + ", ".join(
            f"{name} {value:.3f}" for name, value in result.recalls.items()))
    reporter.say(f"wrote {result.model}")
    notes.say_default_rule(result.model)
    return 1 if result.left_out else 0
