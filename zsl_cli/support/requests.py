"""What every request does with its parameters when it is made."""

import os
from collections.abc import Sequence
from pathlib import Path

from zsl_cli.errors import RequestError


def set_paths(request: object, *names: str, others: tuple[type, ...] = ()) -> None:
    """Have these parameters of a frozen dataclass, which may be texts, be paths; None stays, and
    so does what is of one of the types ``others``. Raises RequestError."""
    for name in names:
        value = getattr(request, name)
        if value is None or isinstance(value, (Path, *others)):
            continue
        if not isinstance(value, str | os.PathLike):
            raise RequestError(f"`{name}` takes a path, not {value!r}")
        object.__setattr__(request, name, Path(value))


def set_texts(request: object, *names: str) -> None:
    """Have these parameters, texts of which a path is only one kind, be texts where they are
    paths."""
    for name in names:
        if isinstance(value := getattr(request, name), os.PathLike):
            object.__setattr__(request, name, os.fspath(value))


def check_choice(request: object, name: str, choices: Sequence[str]) -> None:
    """Raise RequestError unless a parameter is one of the choices."""
    if (value := getattr(request, name)) not in choices:
        raise RequestError(f"`{name}` is one of {', '.join(choices)}, and not {value!r}")
