"""The kinds of evaluation that ``zsl eval`` has: on what is measured, and with which options."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from zsl_cli.cli.eval import figures

if TYPE_CHECKING:
    from zsl_cli.cli.eval.figures import Result
    from zsl_cli.evaluation.reporter import Reporter

    Evaluation = Callable[[Reporter], Result]

_ALL = frozenset({"models", "vocabularies", "device", "jobs", "batch_size", "max_pixels",
                  "no_cache"})
_FILE = frozenset({"images", "split"})
_BOOTSTRAP = frozenset({"ks", "resamples", "seed"})
_OPTIONS = {
    "dataset": _BOOTSTRAP | {"candidates", "seen", "stacking", "confidence"},
    "captions": _BOOTSTRAP | _FILE | {"sentences"},
    "words": _FILE | {"confidence", "most", "asked"}}
"""By what is measured on, the options that are for it and not for all."""

_NAMES = {"dataset": "DATASET", "captions": "--captions", "words": "--words"}


def evaluation(context: click.Context, values: Mapping[str, Any]) -> "Evaluation":
    """What is asked for. Raises UsageError unless there is one thing to measure on, and for options
    of another kind."""
    chosen = {name for name in context.params
              if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    measured = [name for name in _OPTIONS if name in chosen]
    if len(measured) != 1:
        raise click.UsageError("one thing to measure on is expected: DATASET, or captions with "
                               "--captions or --words")
    (kind,) = measured
    for param in context.command.params:
        if param.name in chosen and param.name not in _OPTIONS[kind]:
            fitting = [_NAMES[other] for other in _OPTIONS if param.name in _OPTIONS[other]]
            if fitting:
                raise click.UsageError(f"{max(param.opts, key=len)} is for "
                                       f"{' and '.join(fitting)}, not for {_NAMES[kind]}")
    wanted = {name: values[name] for name in (_ALL | _OPTIONS[kind]) - {"no_cache"}
              if name in values and (name in chosen or name not in _OPTIONS[kind])}
    wanted |= {"cache": not values["no_cache"], "models": values["models"] or ("default",)}
    return _KINDS[kind](values[kind], wanted)


def _of_labels(dataset: str, wanted: dict[str, Any]) -> "Evaluation":
    from zsl_cli.evaluation.evaluate import evaluate
    from zsl_cli.evaluation.request import EvaluationRequest

    request = EvaluationRequest(dataset, **wanted)

    def run(reporter: "Reporter") -> "Result":
        result = evaluate(request, reporter)
        figures.say_differences(result)
        return result
    return run


def _of_captions(captions: str, wanted: dict[str, Any]) -> "Evaluation":
    from zsl_cli.evaluation.captions.retrieval import RetrievalRequest, evaluate_retrieval

    request = RetrievalRequest(captions, **wanted)
    return lambda reporter: evaluate_retrieval(request, reporter)


def _of_words(captions: str, wanted: dict[str, Any]) -> "Evaluation":
    from zsl_cli.evaluation.captions.words import WordsRequest, evaluate_words

    request = WordsRequest(captions, words=wanted.pop("asked", ()), **wanted)
    return lambda reporter: evaluate_words(request, reporter)


_KINDS = {"dataset": _of_labels, "captions": _of_captions, "words": _of_words}
