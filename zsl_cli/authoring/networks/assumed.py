"""What of a network's preprocessing nothing says, and was assumed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zsl_cli.support.wording import listed

if TYPE_CHECKING:
    from zsl_cli.authoring.networks.hints import InputOptions
    from zsl_cli.authoring.networks.network import Input

OPTIONS = ("size", "crop", "fit", "interpolation", "mean", "std")


@dataclass(frozen=True)
class Assumed:
    """What was assumed of how a picture is prepared.

    why: for want of which word, and where the values are from.
    values: in words, by the fields of InputOptions that would say otherwise.
    """

    why: str
    values: Mapping[str, str]

    def but_for(self, options: "InputOptions") -> "Assumed | None":
        """What remains assumed when a user has said some of it."""
        values = {name: value for name, value in self.values.items()
                  if getattr(options, name) is None}
        return Assumed(self.why, values) if values else None

    @property
    def line(self) -> str:
        """For a manifest and a card."""
        return f"preprocessing: {self.why}: {', '.join(self._spoken())}"

    @property
    def note(self) -> str:
        """For whoever can still say otherwise."""
        return f"{self.line}; say otherwise with {listed([f'`{one}`' for one in self.values])}"

    def _spoken(self) -> list[str]:
        return [f"{name} {value}" for name, value in self.values.items()]


def of(prepared: "Input", why: str, options: Iterable[str] = OPTIONS) -> Assumed | None:
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
