"""Options of how a picture becomes a network's input."""

from typing import Any

import click

from zsl_cli.cli.terminal import options
from zsl_cli.support.preprocessing import FITS, INTERPOLATIONS


class _Channels(click.ParamType):
    """One number or three."""

    name = "R,G,B"

    def convert(self, value: Any, param: click.Parameter | None,
                ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers of ``0.5`` or ``0.485,0.456,0.406``."""
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) not in (1, 3) or not all(0 <= number <= 255 for number in numbers):
            self.fail(f"{value!r} is not one number or three, such as 0.485,0.456,0.406",
                      param, ctx)
        return numbers


options_ = options.stack(
    click.option("--size", type=click.IntRange(1, 4096), metavar="S", help="Side of the input."),
    click.option("--crop", type=click.FloatRange(0, 1, min_open=True), metavar="SHARE",
                 help="Share of the shorter side that is kept, such as 0.875."),
    click.option("--fit", type=click.Choice(FITS), help="How a picture becomes square."),
    click.option("--interpolation", type=click.Choice(INTERPOLATIONS)),
    click.option("--mean", type=_Channels(),
                 help="Subtracted from the pixels, R,G,B or one number for all: of values from 0 "
                      "to 1, or up to 255 where --mean or --std has a number above 1."),
    click.option("--std", type=_Channels(), help="Divides them. Default for all of these: what "
                                                 "the checkpoint's configuration says."),
)
