"""Where the parameters of a training do something: one that is given and would do nothing is a
mistake."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from zsl_cli.authoring.training.methods import METHODS
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import parameters
from zsl_cli.errors import RequestError

if TYPE_CHECKING:
    from zsl_cli.authoring.training.schedule import Schedule

Methods = Sequence[type[Method]]

Values = Mapping[str, Any]
"""Of the parameters of a training, whichever of its parts has them, by name."""


def does_nothing(name: str, description: str) -> str:
    """What is said of a parameter that is given where it does nothing; ``description``: of where it
    does something."""
    return f"`{name}` is for {description}; it would do nothing here"


class Condition(NamedTuple):
    """Where a parameter does something: in words, and of a method and what is given."""

    description: str
    holds: Callable[[type[Method], Values], bool]

    def error_message(self, name: str) -> str:
        """What is said of one that is given and does nothing."""
        return does_nothing(name, self.description)


def _in_epochs(method: type[Method], values: Values) -> bool:
    return method.in_epochs or values["finetune"] > 0


_TRAINED = Condition("a `method` that is trained", lambda method, _values: method.trains)
_M = Condition("a `method` that is trained in epochs", lambda method, _values: method.in_epochs)
_FINETUNING = Condition("`finetune`", lambda _method, values: values["finetune"] > 0)

_OF_ANY_METHOD = {
    "views": _TRAINED,
    "epochs": _M,
    "batch_size": _M,
    "learning_rate": _M,
    "validation": Condition("a `method` that is trained in epochs, or for `finetune`", _in_epochs),
    "patience": Condition("training that is validated", lambda method, values: _in_epochs(
        method, values) and values["validation"] != "none"),
    "finetune_rate": _FINETUNING,
    "finetune_batch": _FINETUNING,
    "quantize": Condition("a model that is exported", lambda _method, values: values["export"]),
}


def conditions(methods: Methods = METHODS) -> dict[str, Condition]:
    """Parameters by name → where they do something."""
    return {name: _condition(name, having, methods)
            for name, having in methods_by_parameter(methods).items()} | _OF_ANY_METHOD


def methods_by_parameter(methods: Methods) -> dict[str, list[type[Method]]]:
    """Parameter → the methods that have it."""
    having: dict[str, list[type[Method]]] = {}
    for method in methods:
        for name in parameters(method):
            having.setdefault(name, []).append(method)
    return having


def describe_methods(having: Methods, methods: Methods) -> str:
    """What some of the methods are called together."""
    if list(having) == [method for method in methods if method.in_epochs]:
        return _M.description
    if list(having) == [method for method in methods if method.trains]:
        return _TRAINED.description
    *most, last = (method.name for method in having)
    return f"`method={', '.join(most)}{' or ' if most else ''}{last}`"


def _condition(name: str, having: Methods, methods: Methods) -> Condition:
    first = parameters(having[0])[name]
    if first.only_with is not None:
        other, value = first.only_with
        return Condition(f"`{other}={value}`", lambda _method, values: values[other] == value)
    words = describe_methods(having, methods)
    if first.only_on_a_model:
        return Condition(f"{words} that goes on from a model's M",
                     lambda method, values: method in having and not values["from_scratch"])
    return Condition(words, lambda method, _values: method in having)


def check(request: Any, method: Method, schedule: "Schedule") -> None:
    """Raise RequestError for a parameter that would do nothing. A default, whoever gives it, goes
    with all.

    request: the dataclass whose fields are the parameters of neither method nor schedule.
    """
    kind, parts = type(method), (request, method, schedule)
    values = {one.name: getattr(of, one.name) for of in parts for one in fields(of)}
    defaults = {one.name: one.default for of in parts for one in fields(of)}
    for name, condition in conditions((kind, *(one for one in METHODS if one is not kind))).items():
        if (name in values and values[name] != defaults[name]
                and not condition.holds(kind, values)):
            raise RequestError(condition.error_message(name))
