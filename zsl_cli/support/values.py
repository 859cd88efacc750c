"""Whether the values of parameters make sense, by themselves and without a look at the disk; each
function raises RequestError, which names the parameter."""

import math
import numbers
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zsl_cli.errors import RequestError
from zsl_cli.support import devices
from zsl_cli.support.limits import DEVICES, MAX_BATCH, MAX_EF, MAX_JOBS, MAX_M, MAX_TOP, MIN_M


@dataclass(frozen=True)
class Range:
    """Finite numbers from ``low``, or above it where the range is open, to ``high``; whole ones
    alone if need be."""

    low: float
    high: float = math.inf
    whole: bool = False
    open: bool = False

    def __contains__(self, value: object) -> bool:
        kind = numbers.Integral if self.whole else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        number: Any = value
        return bool(math.isfinite(number) and self.low <= number <= self.high and not (
            self.open and number == self.low))

    def __str__(self) -> str:
        start = "above" if self.open else "at least" if math.isinf(self.high) else "from"
        end = "" if math.isinf(self.high) else f" to {self.high:,}"
        return f"a {'whole ' if self.whole else ''}number {start} {self.low:,}{end}"


TOP = Range(1, MAX_TOP, whole=True)
DEPTH = Range(0, whole=True)
SHARE = Range(0, 1)
POSITIVE = Range(0, open=True)
COUNT = Range(1, whole=True)
EF = Range(1, MAX_EF, whole=True)

READING = {"jobs": Range(1, MAX_JOBS, whole=True), "batch_size": Range(1, MAX_BATCH, whole=True),
           "max_pixels": COUNT}
"""How images are read, the first two None where that is chosen for the machine."""

_HNSW = {"m": Range(MIN_M, MAX_M, whole=True), "ef_construction": EF, "ef": EF}


def check_number(parameter: str, value: object, allowed: Range) -> Any:
    """The number, if it is in the range; one of NumPy's becomes Python's, which JSON takes."""
    if value not in allowed:
        raise RequestError(f"`{parameter}` must be {allowed}, not {value!r}")
    number: Any = value
    return int(number) if isinstance(value, numbers.Integral) else float(number)


def set_numbers(request: object, **allowed: Range) -> None:
    """Have these parameters of a frozen dataclass be such numbers; None stays where it is the
    default."""
    for name, numbers_allowed in allowed.items():
        value = getattr(request, name)
        if value is not None or getattr(type(request), name, ...) is not None:
            object.__setattr__(request, name, check_number(name, value, numbers_allowed))


def check_choice(parameter: str, value: object, choices: Iterable[str]) -> None:
    """One of some words."""
    if value not in (words := tuple(choices)):
        raise RequestError(f"`{parameter}` is one of {', '.join(words)}, and not {value!r}")


def check_kind(parameter: str, value: object, kind: type) -> None:
    """An object of a class of ours."""
    if not isinstance(value, kind):
        raise RequestError(f"`{parameter}` takes a {kind.__name__}, not {value!r}")


def several(value: object) -> tuple[Any, ...]:
    """One value, or several, as a tuple."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (value,)
    return tuple(value)


def check_device(device: str) -> None:
    """What a model may be asked to run on."""
    if devices.parse(device) is None:
        raise RequestError(f"`device` is one of {', '.join(DEVICES)}, and not {device!r}; of "
                           "several CUDA devices one is cuda:0, cuda:1, ...")


def check_reading(**given: int | None) -> None:
    """Those of READING, None where that is chosen for the machine."""
    for name, value in given.items():
        if value is not None or name == "max_pixels":
            check_number(name, value, READING[name])


def check_search(exact: bool | None, ef: int | None) -> None:
    """How labels are searched, None where that is chosen for their number."""
    if ef is not None:
        check_number("ef", ef, EF)
        if exact:
            raise RequestError("`ef` is for the HNSW index, which `exact` does without")


def check_hnsw(parameters: Mapping[str, object]) -> dict[str, int]:
    """Parameters of an HNSW index, by name."""
    check_kind("hnsw", parameters, Mapping)
    for name in parameters:
        check_choice("hnsw", name, _HNSW)
    return {name: check_number(name, value, _HNSW[name]) for name, value in parameters.items()}


_SPACE = re.compile(r"[\w.:/-]{1,200}")
_TEMPLATE = re.compile(r"[^{}]*\{\}[^{}]*")


def check_space(name: str | None) -> None:
    """Raise RequestError for what is no name of a vector space."""
    if name is not None and not _SPACE.fullmatch(name):
        raise RequestError("`space` takes letters, digits and . _ : / -")


def is_template(template: object) -> bool:
    """Whether a label can be put into it: a text with one ``{}``, and no other brace."""
    return isinstance(template, str) and bool(_TEMPLATE.fullmatch(template))


def check_templates(templates: Iterable[str]) -> None:
    """Raise RequestError for texts that no label can be put into."""
    for template in templates:
        if not is_template(template):
            raise RequestError(f"`template={template!r}`: it must hold {{}} once, where the "
                               "label goes, and no other brace")
