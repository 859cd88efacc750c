"""The terms under which a model is published: the files with them go with it."""

from collections.abc import Sequence
from pathlib import Path

from zsl_cli.authoring.importing import layouts
from zsl_cli.errors import ZslError

_LARGEST = 1 << 20  # bytes of a file
_MOST = 8


def copy(sources: Sequence[Path], target: Path) -> tuple[str, ...]:
    """Copy what some folders have of licences and notices into another one, the same text once,
    another one of the same name under a number; the names there. Raises ZslError."""
    kept: dict[str, bytes] = {}
    for folder in dict.fromkeys(sources):
        try:
            files = sorted(path for path in folder.iterdir()
                           if layouts.is_license(path.name) and path.is_file())
            for path in files:
                if path.stat().st_size <= _LARGEST and len(kept) < _MOST:
                    content = path.read_bytes()
                    if content not in kept.values():
                        kept[_free(path, kept)] = content
        except OSError as error:
            raise ZslError(f"{error.filename or folder}: {error.strerror}") from error
    for name, content in kept.items():
        (target / name).write_bytes(content)
    return tuple(kept)


def _free(path: Path, taken: dict[str, bytes]) -> str:
    lower = {name.lower() for name in taken}
    names = [path.name, *(f"{path.stem}-{number}{path.suffix}" for number in range(2, _MOST + 2))]
    return next(name for name in names if name.lower() not in lower)
