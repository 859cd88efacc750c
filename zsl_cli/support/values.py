"""Whether the values of parameters make sense, by themselves and without a look at the disk; each
function raises RequestError, which names the parameter."""

import math
import operator
from collections.abc import Iterable

from zsl_cli.errors import RequestError
from zsl_cli.support.limits import DEVICES, MAX_BATCH, MAX_EF, MAX_JOBS


def check_whole(parameter: str, value: object, least: int, most: int | None = None) -> None:
    """A whole number in a range."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # it raises, that is the question
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        reach = f"from {least} to {most}" if most is not None else f"at least {least}"
        raise RequestError(f"`{parameter}` must be a whole number {reach}, not {value!r}")


def check_share(parameter: str, value: float) -> None:
    """A number from 0 to 1."""
    if not (is_finite(value) and 0 <= value <= 1):
        raise RequestError(f"`{parameter}` must be a number from 0 to 1, not {value!r}")


def is_finite(value: object) -> bool:
    """Whether it is a number, and neither NaN nor infinite."""
    try:
        return not isinstance(value, str) and math.isfinite(value)  # type: ignore[arg-type]
    except TypeError:
        return False


def check_choice(parameter: str, value: object, choices: Iterable[str]) -> None:
    """One of some words."""
    if value not in (words := tuple(choices)):
        raise RequestError(f"`{parameter}` is one of {', '.join(words)}, and not {value!r}")


def check_device(device: str) -> None:
    """What a model may be asked to run on."""
    check_choice("device", device, DEVICES)


def check_reading(jobs: int | None, batch_size: int | None, max_pixels: int) -> None:
    """How images are read, None where that is chosen for the machine."""
    if jobs is not None:
        check_whole("jobs", jobs, 1, MAX_JOBS)
    if batch_size is not None:
        check_whole("batch_size", batch_size, 1, MAX_BATCH)
    check_whole("max_pixels", max_pixels, 1)


def check_search(exact: bool | None, ef: int | None) -> None:
    """How labels are searched, None where that is chosen for their number."""
    if ef is not None:
        check_whole("ef", ef, 1, MAX_EF)
        if exact:
            raise RequestError("`ef` is for the HNSW index, which `exact` does without")
