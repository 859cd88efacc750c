"""The numbers by which a model's inner products become probabilities."""

from dataclasses import dataclass

_MOST = 10**9


@dataclass(frozen=True)
class Calibration:
    """How inner products become probabilities: ``softmax(product / temperature)`` over the
    ``neighbours`` nearest candidate labels (Guo et al., 2017; beyond them the terms vanish).

    bias: of a model that was trained with pairs, each on its own: the probability of a label that
        was listed is ``sigmoid(product / temperature + bias)``, whatever else is listed (Zhai et
        al., 2023, equation 1); None for others.
    """

    temperature: float = 0.05
    neighbours: int = 100
    bias: float | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.temperature, int | float) and 0 < self.temperature <= _MOST):
            raise ValueError(f"temperature {self.temperature!r} is not a finite number above 0")
        if not (type(self.neighbours) is int and 0 < self.neighbours <= _MOST):
            raise ValueError(f"neighbours {self.neighbours!r} is not a whole number above 0")
        if self.bias is not None and not (
                type(self.bias) in (int, float) and -_MOST <= self.bias <= _MOST):
            raise ValueError(f"bias {self.bias!r} is not a finite number")

    def to_entries(self) -> dict[str, float | int]:
        """As the manifest has it."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class ConfidenceRule:
    """How products become confidences, the probabilities that labels are true of an image.

    temperature: of the softmax over all labels of the vocabulary, in units of the calibration's.
    slope, offset: the log-odds of a label are ``slope * log(m / (1 - m)) + offset``, m the
        probabilities of the labels under it summed (Platt, 1999; Kull et al., 2017).
    beside_slope, beside_offset: the same for the log-odds of what stands beside other things.
    beside_main: how much the log-odds by the hierarchy, calibrated, are added to these.
    beside_least: what these are of where the hierarchy gives nothing; confidences c count there as
        ``beside_least + (1 - beside_least) * c``.
    fitted_on: how many images these numbers were fitted on; 0 for the default rule.
    """

    temperature: float = 1.25
    slope: float = 1.0
    offset: float = 0.0
    beside_slope: float = 1.0
    beside_offset: float = 0.0
    beside_main: float = 0.0
    beside_least: float = 1e-4
    fitted_on: int = 0

    def __post_init__(self) -> None:
        for name in ("temperature", "slope", "beside_slope"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 < value <= _MOST:
                raise ValueError(f"{name} {value!r} is not a finite number above 0")
        for name in ("offset", "beside_offset"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not -_MOST <= value <= _MOST:
                raise ValueError(f"{name} {value!r} is not a finite number")
        if type(self.beside_main) not in (int, float) or not 0 <= self.beside_main <= _MOST:
            raise ValueError(f"beside_main {self.beside_main!r} is not a finite number from 0 on")
        if type(self.beside_least) is not float or not 0 < self.beside_least <= 0.5:
            raise ValueError(f"beside_least {self.beside_least!r} is not above 0, up to 0.5")
        if type(self.fitted_on) is not int or not 0 <= self.fitted_on <= _MOST:
            raise ValueError(f"fitted_on {self.fitted_on!r} is not a number of images")

    @property
    def origin(self) -> str:
        """Where the numbers are from, in words."""
        return (f"fitted on {self.fitted_on:,} images" if self.fitted_on else
                "the default rule, not fitted to photos")
