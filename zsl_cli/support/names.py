"""Names that a caller gives: of a file, of a folder, of what a name can reach."""

import os
from collections.abc import Sequence

Name = str | os.PathLike[str]
"""A path, or the name of a model or vocabulary."""


def names_of(names: Name | Sequence[Name]) -> list[str]:
    """One name, or several, as a list of texts."""
    if isinstance(names, str | os.PathLike):
        return [os.fspath(names)]
    return [os.fspath(name) for name in names]
