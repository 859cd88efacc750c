"""Names that a caller gives: of a file, of a folder, of what a name can reach."""

import os
from collections.abc import Sequence
from pathlib import Path

from zsl_cli.errors import RequestError

Name = str | os.PathLike[str]
"""A path, or the name of a model or vocabulary."""


def names_of(names: Name | Sequence[Name]) -> list[str]:
    """One name, or several, as a list of texts."""
    if isinstance(names, str | os.PathLike):
        return [os.fspath(names)]
    return [os.fspath(name) for name in names]


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
