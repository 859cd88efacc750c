"""Folders of models, vocabularies and names as bytes, which go to each node once and are laid down
there.

The bytes of all files go through Ray's object store. On a node the first worker writes them into a
folder of the user's cache that is called after their hash; every worker checks, before it loads
them, that this is what they are.
"""

import hashlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import FolderError, ZslError
from zsl_cli.support import files, folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.support.folders import Kind
    from zsl_cli.support.manifests import FolderManifest

_WAIT = 600.0  # seconds for another worker of the node that writes
_UNUSED = 30 * 86400.0  # seconds after which a folder that no run has used is taken away


@dataclass(frozen=True)
class Shipment:
    """Files by their paths below a folder, uint8 ``[bytes]`` each: Ray hands these out without a
    copy. digest: of paths and contents."""

    digest: str
    files: "Mapping[str, NDArray[np.uint8]]"

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(len(content) for content in self.files.values())

    @classmethod
    def of(cls, shipped: "Mapping[str, tuple[Kind[FolderManifest], Path]]") -> "Shipment":
        """Folders of these kinds, below these names. Raises FolderError for files that are not
        what their manifest says."""
        import numpy as np

        contents: dict[str, bytes] = {}
        for name, one in shipped.items():
            contents |= {f"{name}/{file}": content for file, content in _contents(*one)}
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
        return cls(_digest(hashes), {path: np.frombuffer(content, np.uint8)
                                     for path, content in contents.items()})


def _contents(kind: "Kind[FolderManifest]", folder: Path) -> "Iterator[tuple[str, bytes]]":
    manifest = folders.read_manifest(kind, folder)
    for file in manifest.files:
        if Path(file).name == file:  # what a folder within it has is not needed to label
            yield file, folders.read_file(folder, file, manifest)
    try:
        yield kind.file, (folder / kind.file).read_bytes()
    except OSError as error:
        raise FolderError(f"{folder / kind.file}: {error.strerror}") from error


def _digest(hashes: "Mapping[str, str]") -> str:
    text = "".join(f"{path} {sha256}\n" for path, sha256 in sorted(hashes.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def place(digest: str) -> Path:
    """Where on a node the files of a shipment lie."""
    from platformdirs import user_cache_path

    return user_cache_path("zsl", appauthor=False) / "shipped" / digest


def is_there(digest: str) -> bool:
    """Whether a node has them, unchanged."""
    folder = place(digest)
    try:
        found = {path.relative_to(folder).as_posix(): folders.sha256(path)
                 for path in folder.rglob("*") if path.is_file()}
    except OSError:
        return False
    return _digest(found) == digest


def lay_down(shipment: Shipment) -> Path:
    """The folder on this node that has a shipment; written if it is not there, or damaged. Raises
    ZslError."""
    folder = place(shipment.digest)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with files.locked(folder.with_name(f"{folder.name}.lock"), wait=_WAIT) as mine:
            if not mine:
                raise ZslError(f"{folder}: another worker has been writing it for "
                               f"{_WAIT / 60:.0f} minutes")
            if not is_there(shipment.digest):
                _write(shipment, folder)
            os.utime(folder)
            _clear(folder.parent)
    except OSError as error:
        raise ZslError(f"{folder}: the model cannot be laid down there "
                       f"({error.strerror or error}); set XDG_CACHE_HOME on this node to a "
                       "folder that can be written to") from error
    return folder


def _write(shipment: Shipment, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path, content in shipment.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.data)
    if not is_there(shipment.digest):
        raise ZslError(f"{folder}: what was written there is not what was sent; is the disk full "
                       "or damaged?")


def _clear(home: Path) -> None:
    """Take away what no run has used for long."""
    for folder in home.iterdir():
        with suppress(OSError):
            if folder.is_dir() and time.time() - folder.stat().st_mtime > _UNUSED:
                shutil.rmtree(folder, ignore_errors=True)
