"""Groups of commands that say what was probably meant, and complete what is being typed."""

from typing import NoReturn

import click


class Group(click.Group):
    """A click group whose errors are one line with the command line that was probably meant."""

    def resolve_command(self, ctx: click.Context, args: list[str],
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; raises UsageError with the nearest command for an unknown one. While a shell
        completes, the command knows what its parameters take."""
        if not ctx.resilient_parsing and args[0] not in self.list_commands(ctx):
            from zsl_cli.cli.terminal import suggestions

            _refuse(suggestions.for_command(ctx, args))
        name, command, rest = super().resolve_command(ctx, args)
        if ctx.resilient_parsing and command is not None:
            from zsl_cli.cli.terminal import completion

            completion.attach(command)
        return name, command, rest

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's; raises UsageError with the command for an option that stands before it."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from zsl_cli.cli.terminal import suggestions

            message = suggestions.for_option(ctx, error.option_name, words)
            _refuse(message or error.format_message())


def _refuse(message: str) -> NoReturn:
    """Raise UsageError without the context, for which click would print the usage as well."""
    raise click.UsageError(message) from None

