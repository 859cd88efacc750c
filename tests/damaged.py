"""A reader and the good input that it reads, for damage of all kinds."""

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

from damage import damaged, signed

Files = Mapping[str, bytes]
"""The bytes of the files of a small folder, by their paths in it."""


@dataclass(frozen=True)
class Reader:
    """A reader, and what it reads.

    make: writes good folders, each a sample, into an empty one.
    read: reads a sample in a folder. It may raise ZslError or ImageError.
    whole: files that stay as they are.
    manifest: whose hashes are brought up to date as often as not.
    commands: arguments of ``zsl``, ``{name}`` standing for files; run in the sample's folder.
    outputs: what they and ``read`` may write there, as patterns.
    """

    name: str
    make: Callable[[Path], None]
    read: Callable[[Path], object]
    whole: tuple[str, ...] = ()
    manifest: str = ""
    commands: tuple[tuple[str, ...], ...] = ()
    outputs: tuple[str, ...] = ("out*", ".out*")

    @cached_property
    def samples(self) -> dict[str, Files]:
        """The good input, by its name."""
        with tempfile.TemporaryDirectory() as folder:
            self.make(Path(folder))
            return {sample.name: contents(sample) for sample in sorted(Path(folder).iterdir())}

    def damaged(self, chance) -> tuple[str, Files]:
        """A sample's name, and its files, one of which or several are damaged."""
        name = chance.choice(list(self.samples))
        files = dict(self.samples[name])
        could = [file for file in files if file not in self.whole]
        others = [data for sample in self.samples.values() for file, data in sample.items()
                  if file not in self.whole]
        for file in chance.sample(could, min(len(could), chance.choice([1, 1, 1, 2]))):
            files[file] = damaged(files[file], chance.choice(others), chance)
        if self.manifest and chance.random() < 0.7:
            files = signed(files, self.manifest)
        return name, files

    def changed(self, files: Files, folder: Path) -> list[str]:
        """What of a sample in a folder is no output, and is no longer what it was."""
        after = contents(folder)
        return sorted(name for name in {*files, *after} if files.get(name) != after.get(name)
                      and not any(fnmatch(name, output) for output in self.outputs))


def contents(folder: Path) -> dict[str, bytes]:
    """The files in a folder and below it."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def write(folder: Path, files: Files) -> None:
    """Files into a folder, which need not be there."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextlib.contextmanager
def written(files: Files):
    """A folder with these files, while it is needed."""
    with tempfile.TemporaryDirectory(prefix="zsl-damage-") as folder:
        write(Path(folder), files)
        yield Path(folder)


def the_file(folder: Path) -> Path:
    """The only file in a folder."""
    [path] = folder.iterdir()
    return path


def each(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Samples of one file: each that ``make`` writes becomes a folder with it."""
    def samples(folder: Path) -> None:
        make(folder)
        for path in sorted(folder.iterdir()):
            data = path.read_bytes()
            path.unlink()
            write(folder / path.name, {path.name: data})
    return samples
