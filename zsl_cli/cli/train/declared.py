"""The options of ``zsl train`` that methods and the schedule declare."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from zsl_cli.authoring.training.effects import Methods, describe_methods, methods_by_parameter
from zsl_cli.authoring.training.methods import METHODS, Method
from zsl_cli.authoring.training.parameters import Parameter, default_of, parameters
from zsl_cli.authoring.training.schedule import Schedule
from zsl_cli.cli.terminal import options
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.support.values import Range

_LOSS = click.Command("train", params=[click.Option(["--loss", "method"])])


def course_options() -> options.Decorator:
    """An option for each parameter of the schedule."""
    return options.stack(*(_option(name, declared, default_of(name, Schedule), declared.help,
                                   declared.unset)
                           for name, declared in parameters(Schedule).items()))


def method_options(methods: Methods = METHODS) -> options.Decorator:
    """``--loss``, and an option for each parameter of the methods. Raises ValueError where two of
    them declare one of the same name in different ways."""
    loss = click.option(
        "--loss", "method", default=methods[0].name, show_default=True,
        type=click.Choice([method.name for method in methods]),
        help="; ".join(f"{method.name}: {method.summary}" for method in methods) + ".")
    return options.stack(loss, *(_method_option(name, having, methods)
                                 for name, having in methods_by_parameter(methods).items()))


def method_of(params: Mapping[str, Any], methods: Methods = METHODS) -> Method:
    """The method that is asked for, with its parameters; raises ZslError."""
    return _instance(named(str(params["method"]), methods), params)


def schedule_of(params: Mapping[str, Any]) -> Schedule:
    """The schedule that is asked for; raises ZslError."""
    return _instance(Schedule, params)


def _instance(kind: Any, params: Mapping[str, Any]) -> Any:
    return kind(**{name: params[name] for name in parameters(kind)})


def named(name: str, methods: Methods = METHODS) -> type[Method]:
    """The method of this name."""
    return next(method for method in methods if method.name == name)


def spelt(parameter: str) -> str:
    """``--batch-size`` for ``batch_size``."""
    return f"--{parameter.replace('_', '-')}"


def _method_option(name: str, having: Methods, methods: Methods) -> options.Decorator:
    declared = parameters(having[0])[name]
    defaults = {default_of(name, method) for method in having}
    if len(defaults) > 1 or any(
            replace(parameters(one)[name], unset=declared.unset) != declared for one in having):
        raise ValueError(f"{name} is declared in different ways by "
                         + ", ".join(method.name for method in having))
    return _option(name, declared, defaults.pop(),
                   f"For {as_options(describe_methods(having, methods), _LOSS)}. {declared.help}",
                   _unset(name, having))


def _option(name: str, declared: Parameter, default: Any, text: str,
            unset: str) -> options.Decorator:
    if default is None:
        text += f" Default: {unset}."
    return click.option(spelt(name), default=default, show_default=default is not None,
                        type=_type(declared.allowed), metavar=declared.metavar, help=text)


def _type(allowed: Range | tuple[str, ...]) -> click.ParamType:
    if not isinstance(allowed, Range):
        return click.Choice(allowed)
    high = None if math.isinf(allowed.high) else allowed.high
    if allowed.whole:
        return click.IntRange(int(allowed.low), None if high is None else int(high),
                              min_open=allowed.open)
    return options.Finite(allowed.low, high, min_open=allowed.open)


def _unset(name: str, having: Methods) -> str:
    """What a default of None comes to: as the first method says it, and then those that say
    something else."""
    said: dict[str, list[str]] = {}
    for method in having:
        said.setdefault(parameters(method)[name].unset, []).append(method.name)
    (first, _), *others = said.items()
    return "; ".join([first, *(f"{', '.join(names)}: {words}" for words, names in others)])
