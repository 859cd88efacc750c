"""What a user says of a checkpoint and of how its network's input is prepared; made without
PyTorch."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from zsl_cli.authoring.networks.network import Channels, Input
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support.names import set_paths
from zsl_cli.support.preprocessing import FITS, INTERPOLATIONS
from zsl_cli.support.values import check_choice


@dataclass(frozen=True)
class InputOptions:
    """What a user says of the input; None is what the checkpoint says.

    mean, std: of pixel values from 0 to 1, or up to 255 where one of all their numbers is above 1;
        one number for all three channels or one each.

    Raises RequestError.
    """

    size: int | None = None
    crop: float | None = None
    fit: str | None = None
    interpolation: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name, choices in (("fit", FITS), ("interpolation", INTERPOLATIONS)):
            if getattr(self, name) is not None:
                check_choice(name, getattr(self, name), choices)
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is None:
                continue
            if not isinstance(values, tuple | list) or len(values) not in (1, 3) or not all(
                    isinstance(value, int | float) and abs(value) < 1e6 for value in values):
                raise RequestError(f"`{name}` takes one finite number or three, not {values}")
        if self.std is not None and min(self.std) <= 0:
            raise RequestError("`std` must be above 0, not "
                               + ", ".join(f"{number:g}" for number in self.std))

    @property
    def said(self) -> frozenset[str]:
        """The names of those that a user has said."""
        return frozenset(name for name, value in vars(self).items() if value is not None)

    def over(self, recognised: Input) -> Input:
        """What the checkpoint says, with what the user says in its place; raises ZslError."""
        options = {name: value for name in ("size", "crop", "fit", "interpolation")
                   if (value := getattr(self, name)) is not None}
        if self.fit == "pad" != recognised.preprocessing.fit:
            options.setdefault("crop", 1.0)  # the whole picture is wanted
        try:
            preprocessing = replace(recognised.preprocessing, **options)
        except ValueError as error:
            raise ZslError(str(error)) from error
        mean, std = _in_pixel_values(self.mean, self.std)
        return replace(recognised, preprocessing=preprocessing, mean=mean or recognised.mean,
                       std=std or recognised.std)


def _in_pixel_values(mean: Channels | None, std: Channels | None) -> tuple[Channels | None, ...]:
    """Mean and std of values from 0 to 255."""
    if max((*(mean or ()), *(std or ())), default=0) > 1:
        return mean, std
    return tuple(channels and tuple(255 * number for number in channels)
                 for channels in (mean, std))


@dataclass(frozen=True)
class Hints:
    """What a user says of a checkpoint. A path may be a text, too.

    architecture: one of recognise.FORMS; None for what the checkpoint itself says.
    input: how its input is prepared.
    tokenizer: a ``tokenizer.json`` for a text tower that comes without one.
    trust_pickle: run the code that a pickle brings; None where nobody can ask for that, so that no
        message speaks of it.
    adapter: a folder of PEFT with a LoRA that was trained beside the checkpoint.
    """

    architecture: str | None = None
    input: InputOptions = field(default_factory=InputOptions)
    tokenizer: Path | None = None
    trust_pickle: bool | None = False
    adapter: Path | None = None

    def __post_init__(self) -> None:
        set_paths(self, "tokenizer", "adapter")
