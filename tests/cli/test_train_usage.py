"""Options of ``zsl train`` that would do nothing are refused, and defaults go with all."""

from dataclasses import dataclass
from typing import ClassVar

import click
import pytest

from zsl_cli.authoring.training import effects
from zsl_cli.authoring.training.methods import METHODS, Method
from zsl_cli.authoring.training.parameters import Parameter, parameter, parameters
from zsl_cli.authoring.training.schedule import Schedule
from zsl_cli.cli.train import command, declared, usage
from zsl_cli.support.values import Range


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


def test_an_empty_output_is_refused():
    with pytest.raises(click.BadParameter, match="it is empty"):
        command.make_context("train", ["photos", "-o", ""])


@pytest.mark.parametrize("loss", ["softmax", "wsabie"])
def test_a_method_of_training_labels_alone_holds_out_no_classes(loss):
    arguments = ["photos", "-o", "run", "--loss", loss, "--validation", "class"]
    with pytest.raises(click.UsageError, match=(
            f"^--loss {loss} knows its training labels alone, so none can be held out; give "
            "--validation image or none")):
        command.main(arguments, standalone_mode=False)


def test_every_place_is_that_of_an_option_of_the_command():
    assert effects.conditions().keys() <= {param.name for param in command.params}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_parameters_of_a_method_reach_it_from_the_command_line(method):
    names = {param.name for param in command.params}
    assert parameters(method).keys() <= names
    with command.make_context("train", ["photos", "-o", "run", "--loss", method.name]) as context:
        assert declared.method_of(context.params) == method()
        assert declared.schedule_of(context.params) == Schedule()


def test_parameters_of_methods_are_checked_and_taken():
    arguments = ["photos", "-o", "run", "--loss", "wsabie", "--dimension", "7", "--margin", "0.5"]
    with command.make_context("train", arguments) as context:
        method = declared.method_of(context.params)
    assert (method.dimension, method.margin) == (7, 0.5)
    with pytest.raises(click.BadParameter, match="not in the range 2<=x<=4096"):
        command.make_context("train", [*arguments, "--dimension", "1"])


@dataclass(frozen=True)
class Toy(Method):
    """A method that nobody has heard of."""

    name: ClassVar[str] = "toy"
    summary: ClassVar[str] = "plays"
    in_epochs: ClassVar[bool] = False
    toys: int = parameter(3, Parameter(Range(1, 5, whole=True), "How many.", "N"))

    def fit(self, examples, session):
        """Never called here."""
        raise NotImplementedError


def test_what_a_new_method_declares_is_offered_and_checked():
    methods = (*METHODS, Toy)

    @click.command()
    @declared.method_options(methods)
    @declared.course_options()
    @click.option("--quantize")
    def toying(**_params):
        pass

    def context(*arguments):
        return toying.make_context("toying", list(arguments))

    with context("--loss", "toy", "--toys", "4") as given:
        usage.check(given, methods)
        assert declared.method_of(given.params, methods) == Toy(toys=4)
    with context("--toys", "4") as given, pytest.raises(
            click.UsageError, match="--toys is for --loss toy"):
        usage.check(given, methods)
    with context("--loss", "toy", "--epochs", "4") as given, pytest.raises(
            click.UsageError, match="--epochs is for a --loss that is trained in epochs"):
        usage.check(given, methods)
    options = {param.name: param for param in toying.params}
    assert "toy: plays" in options["method"].help
    assert options["toys"].help == "For --loss toy. How many."


def test_one_name_is_declared_in_one_way():
    @dataclass(frozen=True)
    class Other(Toy):
        name: ClassVar[str] = "other"
        toys: int = parameter(3, Parameter(Range(1), "How many of another kind."))

    with pytest.raises(ValueError, match="toys is declared in different ways by toy, other"):
        declared.method_options((Toy, Other))
