"""What a model may be asked to run on: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``."""

import re
from dataclasses import dataclass

from zsl_cli.support.limits import DEVICES

SPELLINGS = (*DEVICES, "cuda:N")
"""How devices are spelt, for people; N is the number of a CUDA device, from 0."""

_NUMBERED = re.compile(r"cuda:(0|[1-9][0-9]{0,4})")


@dataclass(frozen=True)
class Device:
    """One of limits.DEVICES and, of CUDA devices, the number; ``cuda`` is the first."""

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return f"cuda:{self.number}" if self.kind == "cuda" else self.kind


def parse(text: object) -> Device | None:
    """The device that a text means, or None."""
    if text in DEVICES:
        return Device(str(text))
    numbered = _NUMBERED.fullmatch(text) if isinstance(text, str) else None
    return Device("cuda", int(numbered[1])) if numbered else None


def kind_of(device: str) -> str:
    """``cuda`` of ``cuda:1``: numbers of the same computation are the same on every card."""
    return device.partition(":")[0]
