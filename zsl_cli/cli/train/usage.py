"""Which options go together: what is given and would do nothing is a mistake."""

import click
from click.core import ParameterSource

from zsl_cli.authoring.training.effects import Methods, conditions
from zsl_cli.authoring.training.methods import METHODS
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.train.declared import named


def check(context: click.Context, methods: Methods = METHODS) -> None:
    """Raise click.UsageError for an option that would do nothing. Defaults go with all, but one
    that somebody gives is meant to do something, too, which the library cannot know."""
    values = {**context.params, "export": not context.params.get("no_export")}
    method = named(values["method"], methods)
    for name, condition in conditions(methods).items():
        source = context.get_parameter_source(name)
        if source is not ParameterSource.DEFAULT and not condition.holds(method, values):
            raise click.UsageError(as_options(condition.error_message(name), context.command))
