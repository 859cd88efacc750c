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
    from zsl_cli.authoring.training.course import Course

Methods = Sequence[type[Method]]

Values = Mapping[str, Any]
"""Of the parameters of a training, whichever of its parts has them, by name."""


class Place(NamedTuple):
    """Where a parameter does something: in words, and of a method and what is given."""

    words: str
    reached: Callable[[type[Method], Values], bool]

    def refusal(self, name: str) -> str:
        """What is said of one that is given and does nothing."""
        return f"`{name}` is for {self.words}; it would do nothing here"


def _in_epochs(method: type[Method], values: Values) -> bool:
    return method.in_epochs or values["finetune"] > 0


_TRAINED = Place("a `method` that is trained", lambda method, _values: method.trains)
_M = Place("a `method` that is trained in epochs", lambda method, _values: method.in_epochs)
_FINETUNING = Place("`finetune`", lambda _method, values: values["finetune"] > 0)

_OF_ANY_METHOD = {
    "views": _TRAINED,
    "epochs": _M,
    "batch_size": _M,
    "learning_rate": _M,
    "validation": Place("a `method` that is trained in epochs, or for `finetune`", _in_epochs),
    "patience": Place("training that is validated", lambda method, values: _in_epochs(
        method, values) and values["validation"] != "none"),
    "finetune_rate": _FINETUNING,
    "finetune_batch": _FINETUNING,
    "quantize": Place("a model that is exported", lambda _method, values: values["export"]),
}


def places(methods: Methods = METHODS) -> dict[str, Place]:
    """Parameters by name → where they do something."""
    return {name: _place(name, having, methods)
            for name, having in having_of(methods).items()} | _OF_ANY_METHOD


def having_of(methods: Methods) -> dict[str, list[type[Method]]]:
    """Parameter → the methods that have it."""
    having: dict[str, list[type[Method]]] = {}
    for method in methods:
        for name in parameters(method):
            having.setdefault(name, []).append(method)
    return having


def words_for(having: Methods, methods: Methods) -> str:
    """What some of the methods are called together."""
    if list(having) == [method for method in methods if method.in_epochs]:
        return _M.words
    if list(having) == [method for method in methods if method.trains]:
        return _TRAINED.words
    *most, last = (method.name for method in having)
    return f"`method={', '.join(most)}{' or ' if most else ''}{last}`"


def _place(name: str, having: Methods, methods: Methods) -> Place:
    first = parameters(having[0])[name]
    if first.only_with is not None:
        other, value = first.only_with
        return Place(f"`{other}={value}`", lambda _method, values: values[other] == value)
    words = words_for(having, methods)
    if first.only_on_a_model:
        return Place(f"{words} that goes on from a model's M",
                     lambda method, values: method in having and not values["from_scratch"])
    return Place(words, lambda method, _values: method in having)


def check(request: Any, method: Method, course: "Course") -> None:
    """Raise RequestError for a parameter that would do nothing. A default, whoever gives it, goes
    with all.

    request: the dataclass whose fields are the parameters of neither method nor course.
    """
    kind, parts = type(method), (request, method, course)
    values = {one.name: getattr(of, one.name) for of in parts for one in fields(of)}
    defaults = {one.name: one.default for of in parts for one in fields(of)}
    for name, place in places((kind, *(one for one in METHODS if one is not kind))).items():
        if (name in values and values[name] != defaults[name]
                and not place.reached(kind, values)):
            raise RequestError(place.refusal(name))
