"""What every request does with its parameters when it is made."""

import os
from collections.abc import Sequence
from pathlib import Path

from zsl_cli.errors import RequestError


def set_paths(request: object, *names: str) -> None:
    """Have these parameters of a frozen dataclass, which may be texts, be paths; None stays.
    Raises RequestError."""
    for name in names:
        value = getattr(request, name)
        if value is None or isinstance(value, Path):
            continue
        if not isinstance(value, str | os.PathLike):
            raise RequestError(f"`{name}` takes a path, not {value!r}")
        object.__setattr__(request, name, Path(value))


def check_choice(request: object, name: str, choices: Sequence[str]) -> None:
    """Raise RequestError unless a parameter is one of the choices."""
    if (value := getattr(request, name)) not in choices:
        raise RequestError(f"`{name}` is one of {', '.join(choices)}, and not {value!r}")
