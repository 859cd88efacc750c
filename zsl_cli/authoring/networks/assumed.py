"""What of a network's preprocessing nothing says, and was assumed, in words."""

from collections.abc import Iterable

from zsl_cli.authoring.networks.network import Assumed, Input

OPTIONS = ("size", "crop", "fit", "interpolation", "mean", "std")
"""The fields of InputOptions, which say it."""


def of(prepared: Input, why: str, options: Iterable[str] = OPTIONS) -> Assumed | None:
    """Some of an input, of which nothing says anything; None where that is none of it."""
    frame = prepared.preprocessing
    spoken = {"size": f"{frame.size}", "crop": f"{frame.crop:.4g}", "fit": frame.fit,
              "interpolation": frame.interpolation, "mean": of_one(prepared.mean),
              "std": of_one(prepared.std)}
    values = {option: spoken[option] for option in options}
    return Assumed(why, values) if values else None


def of_one(values: tuple[float, ...]) -> str:
    """Mean or std of values from 0 to 1, as people write them."""
    return " ".join(f"{value / 255:.4g}" for value in values)
