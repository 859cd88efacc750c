"""Which options go together: what is given and would do nothing is a mistake."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from zsl_cli.authoring.training.methods import METHODS, Method
from zsl_cli.authoring.training.parameters import parameters
from zsl_cli.cli.train.declared import Methods, having_of, named, spelt, words_for

Params = Mapping[str, Any]


class _Place(NamedTuple):
    """Where an option does something: in words, and of what is given."""

    words: str
    reached: Callable[[type[Method], Params], bool]


def _in_epochs(method: type[Method], params: Params) -> bool:
    return method.in_epochs or params["finetune"] > 0


_TRAINED = _Place("a --loss that is trained", lambda method, _params: method.trains)
_M = _Place("a --loss that is trained in epochs", lambda method, _params: method.in_epochs)
_FINETUNING = _Place("--finetune", lambda _method, params: params["finetune"] > 0)

_COURSE = {
    "views": _TRAINED,
    "epochs": _M,
    "batch_size": _M,
    "learning_rate": _M,
    "validation": _Place("a --loss that is trained in epochs, or for --finetune", _in_epochs),
    "patience": _Place("training that is validated", lambda method, params: _in_epochs(
        method, params) and params["validation"] != "none"),
    "finetune_rate": _FINETUNING,
    "finetune_batch": _FINETUNING,
    "quantize": _Place("a model that is exported, without --no-export",
                       lambda _method, params: not params["no_export"]),
}


def places(methods: Methods = METHODS) -> dict[str, _Place]:
    """Options by name → where they do something."""
    return {name: _place(name, having, methods)
            for name, having in having_of(methods).items()} | _COURSE


def _place(name: str, having: Methods, methods: Methods) -> _Place:
    first = parameters(having[0])[name]
    if first.only_with is not None:
        other, value = first.only_with
        return _Place(f"{spelt(other)} {value}",
                      lambda _method, params: params[other] == value)
    words = words_for(having, methods)
    if first.only_on_a_model:
        return _Place(f"{words} that goes on from a model's M",
                      lambda method, params: method in having and not params["from_scratch"])
    return _Place(words, lambda method, _params: method in having)


def check(context: click.Context, methods: Methods = METHODS) -> None:
    """Raise click.UsageError for options that do not go together. Defaults go with all."""
    params = context.params
    method = named(params["method"], methods)
    flags = {param.name: param.opts[-1] for param in context.command.params}
    for name, place in places(methods).items():
        source = context.get_parameter_source(name)
        if source is not ParameterSource.DEFAULT and not place.reached(method, params):
            raise click.UsageError(f"{flags[name]} is for {place.words}; it would do nothing here")
    if params["validation"] == "class" and method.own_labels:
        raise click.UsageError(f"--loss {method.name} knows its training labels alone, so none "
                               "can be held out; give --validation image or none")
