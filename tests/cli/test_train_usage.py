"""Options of ``zsl train`` that would do nothing are refused, and defaults go with all."""

import click
import pytest

from zsl_cli.cli.train import command, usage


def check(*arguments):
    """What the command looks at before anything else."""
    with command.make_context("train", ["photos", "-o", "run", *arguments]) as context:
        usage.check(context)


@pytest.mark.parametrize(("arguments", "place"), [
    ("--shift 1 --from-scratch", "--loss rank, cross-entropy or l2"),
    ("--shift 1 --loss softmax", "--loss rank, cross-entropy or l2"),
    ("--shift 1 --loss ridge", "--loss rank, cross-entropy or l2"),
    ("--margin 0.1 --loss l2", "--loss rank, random or wsabie"),
    ("--negatives first --loss cross-entropy", "--loss rank, random or wsabie"),
    ("--samples 3", "--negatives sampled"),
    ("--samples 512", "--negatives sampled"),  # the default, but somebody wants it
    ("--samples 3 --negatives first", "--negatives sampled"),
    ("--direction to-labels", "--loss ridge"),
    ("--dimension 8 --loss random", "--loss wsabie"),
    ("--decay 1 --loss conse", "a --loss that is trained"),
    ("--views 1 --loss conse", "a --loss that is trained"),
    ("--epochs 3 --loss ridge", "a --loss that is trained in epochs"),
    ("--batch-size 3 --loss ridge --finetune 1", "a --loss that is trained in epochs"),
    ("--learning-rate 1 --loss conse", "a --loss that is trained in epochs"),
    ("--validation none --loss ridge", "a --loss that is trained in epochs, or for --finetune"),
    ("--patience 3 --validation none", "training that is validated"),
    ("--finetune-rate 1", "--finetune"),
    ("--finetune-batch 1 --finetune 0", "--finetune"),
    ("--quantize int8 --no-export", "a model that is exported"),
])
def test_an_option_that_would_do_nothing_is_refused(arguments, place):
    option = arguments.split()[0]
    with pytest.raises(click.UsageError, match=f"^{option} is for {place}"):
        check(*arguments.split())


@pytest.mark.parametrize("arguments", [
    "", "--shift 1", "--margin 0.1 --loss wsabie --dimension 8", "--samples 3 --negatives sampled",
    "--direction to-features --loss ridge --from-scratch --decay 1", "--loss conse --no-export",
    "--loss ridge --views 1", "--loss l2 --finetune 1 --finetune-rate 1 --finetune-batch 1",
    "--loss ridge --finetune 1 --validation class --patience 3", "--quantize int8"])
def test_options_that_do_something_go_together(arguments):
    check(*arguments.split())


@pytest.mark.parametrize("loss", ["softmax", "wsabie"])
def test_a_method_of_training_labels_alone_holds_out_no_classes(loss):
    with pytest.raises(click.UsageError, match="knows its training labels alone"):
        check("--loss", loss, "--validation", "class")


def test_every_option_of_the_table_is_one_of_the_command():
    assert usage.PLACES.keys() <= {param.name for param in command.params}
