"""Names that a caller gives: of a file, of a folder, of what a name can reach."""

import os
from collections.abc import Iterable
from pathlib import Path

from zsl_cli.errors import RequestError

Name = str | os.PathLike[str]
"""A path, or the name of a model or vocabulary."""


def names_of(names: Name | Iterable[Name]) -> list[str]:
    """One name, or several, as a list of texts."""
    if isinstance(names, str | os.PathLike):
        return [os.fspath(names)]
    return [os.fspath(name) for name in names]


def check_names(parameter: str, names: Name | Iterable[Name]) -> tuple[str, ...]:
    """One name, or several, as texts; raises RequestError."""
    try:
        return tuple(names_of(names))
    except TypeError as error:
        raise RequestError(f"`{parameter}` takes a name, or several, not {names!r}") from error


def set_names(request: object, *names: str) -> None:
    """Have these parameters of a frozen dataclass, one name or several, be tuples of texts; None
    stays where it is the default. Raises RequestError."""
    for name in names:
        if (value := getattr(request, name)) is not None or not _may_be_none(request, name):
            object.__setattr__(request, name, check_names(name, value))


def set_paths(request: object, *names: str, others: tuple[type, ...] = ()) -> None:
    """Have these parameters, which may be texts, be paths; None stays where it is the default, and
    so does what is of one of the types ``others``. Raises RequestError."""
    for name in names:
        value = getattr(request, name)
        if isinstance(value, (Path, *others)) or (value is None and _may_be_none(request, name)):
            continue
        if not isinstance(value, str | os.PathLike):
            raise RequestError(f"`{name}` takes a path, not {value!r}")
        object.__setattr__(request, name, Path(value))


def _may_be_none(request: object, name: str) -> bool:
    return getattr(type(request), name, ...) is None


def set_texts(request: object, *names: str) -> None:
    """Have these parameters, texts of which a path is only one kind, be texts where they are
    paths."""
    for name in names:
        if isinstance(value := getattr(request, name), os.PathLike):
            object.__setattr__(request, name, os.fspath(value))
