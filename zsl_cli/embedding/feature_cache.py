"""Embeddings, or other features, of many image files by one encoder, kept in the user's cache.

An entry belongs to an encoder (weights and preprocessing, by hash) and to a file as it was (path,
size, times), so that a second run over the same files reads none of them. The cache is one SQLite
file for each encoder; it costs nothing but time to remove it.
"""

import hashlib
import json
import logging
import os
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zsl_cli.embedding import images, stream
from zsl_cli.errors import ImageError
from zsl_cli.support import cpus, devices, files
from zsl_cli.support.manifests import ENCODER_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from zsl_cli.embedding.model import Model

    Stamp = tuple[int, int, int]

UNUSED = 90 * 86400.0
"""Seconds after which the cache of an encoder that no process has used is taken away."""

_TOGETHER = 64  # images whose features are kept at once
_LOG = logging.getLogger(__name__)


class Encoder(Protocol):
    """What turns images into features: a ``Model``, or a network in training."""

    @property
    def batch_size(self) -> int:
        """How many images go through it at once, unless somebody knows better."""

    def read(self, source: "images.ImageSource", *, max_pixels: int = ...) -> "NDArray[np.uint8]":
        """One image as the encoder takes it; raises ImageError."""

    def embed_pixels(self, pixels: "Sequence[NDArray[np.uint8]]") -> "NDArray[np.float32]":
        """The features, float32 ``[n, D]``, of n arrays that ``read`` has made; n may be 0. It
        is called on several threads at once."""


@dataclass(frozen=True)
class Features:
    """What came of n images.

    values: float32 ``[m, D]``, the features of the m ≤ n images that could be read.
    kept: int64 ``[m]``, where these are among the images, rising.
    failed: where each of the others is, and why it could not be read.
    cached: how many of the m were not read but remembered.
    """

    values: "NDArray[np.float32]"
    kept: "NDArray[np.int64]"
    failed: tuple[tuple[int, ImageError], ...]
    cached: int


def identity_of(model: "Model") -> str:
    """What the embeddings of a model depend on beside the image: the encoder's bytes, the
    preprocessing and the device."""
    return json.dumps({"encoder": model.manifest.files[ENCODER_FILE].sha256,
                       "input": asdict(model.preprocessing),
                       "device": devices.kind_of(model.device)},
                      sort_keys=True)


def cache_folder() -> Path:
    """Where the features are, for this user."""
    from platformdirs import user_cache_path

    return user_cache_path("zsl", appauthor=False) / "features"


def embed(encoder: Encoder, paths: "Sequence[str | os.PathLike[str]]", *, identity: str | None,
          max_pixels: int = images.MAX_PIXELS, batch_size: int | None = None,
          jobs: int | None = None,
          advance: "Callable[[int, int], object] | None" = None) -> Features:
    """The features of image files; the cache is asked first, and told as soon as some are done.

    identity: names whatever the features depend on (``identity_of`` for a Model); None for an
        encoder whose features are not to be kept.
    advance: told now and then how many more images are done, and how many of these failed.

    An image that can't be read is one in ``failed``; it is tried again the next time. A cache that
    can't be used costs time only.
    """
    width = encoder.embed_pixels([]).shape[1]
    with closing(_Store(identity)) as kept:
        remembered: dict[int, NDArray[np.float32]] = {}
        stamps: dict[int, Stamp] = {}
        todo = []
        for at, path in enumerate(paths):
            if stamp := _stamp(path):
                stamps[at] = stamp
                if (value := kept.get(path, stamp, width)) is not None:
                    remembered[at] = value
                    continue
            todo.append(at)
        if advance and remembered:
            advance(len(remembered), 0)
        values, errors = _compute(encoder, paths, todo, kept, stamps, max_pixels=max_pixels,
                                  batch_size=batch_size, jobs=jobs, advance=advance)
    read = [at for at in todo if at not in errors]
    order = np.array(sorted([*remembered, *read]), np.int64)
    features = np.empty((len(order), width), np.float32)
    place = {at: line for line, at in enumerate(order.tolist())}
    for at, value in remembered.items():
        features[place[at]] = value
    features[[place[at] for at in read]] = values
    return Features(features, order, tuple(sorted(errors.items())), len(remembered))


def _compute(encoder: Encoder, paths: "Sequence[str | os.PathLike[str]]", todo: list[int],
             kept: "_Store", stamps: "dict[int, Stamp]", *, max_pixels: int,
             batch_size: int | None, jobs: int | None,
             advance: "Callable[[int, int], object] | None",
             ) -> "tuple[NDArray[np.float32], dict[int, ImageError]]":
    """The features of the images at ``todo``, in that order, without those that failed; and why
    they did."""
    def reader(path: "str | os.PathLike[str]") -> "Callable[[Any], NDArray[np.uint8]]":
        return lambda model: model.read(path, max_pixels=max_pixels)

    size = batch_size or encoder.batch_size
    parts = [encoder.embed_pixels([])]
    errors: dict[int, ImageError] = {}
    items = ((at, reader(paths[at])) for at in todo)
    model: Any = encoder  # stream asks of a model what Encoder says, and no more
    for batch in stream.embed(model, items, batch_size=size, together=_TOGETHER,
                              jobs=jobs or cpus.usable_cpus()):
        failed = {at: error for at, error in zip(batch.keys, batch.errors, strict=True) if error}
        done = [at for at in batch.keys if at not in failed]
        errors |= failed
        parts.append(batch.embeddings)
        kept.put((paths[at], stamps[at], value)
                 for at, value in zip(done, batch.embeddings, strict=True) if at in stamps)
        if advance:
            advance(len(batch.keys), len(failed))
    return np.concatenate(parts), errors


def _stamp(path: "str | os.PathLike[str]") -> "Stamp | None":
    """Size and times of a file before it is read, None where there is no such file. ctime moves
    with every write and can't be set back."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class _Store:
    """The features that are kept for one encoder. What goes wrong with the file is logged, once,
    and then nothing is kept."""

    def __init__(self, identity: str | None) -> None:
        self._connection: sqlite3.Connection | None = None
        if identity is None:
            return
        folder = cache_folder()
        path = folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if reason := files.why_not_own(folder.resolve()):
                raise OSError(f"the folder {reason}")
            _remove_foreign(path)
            try:
                self._connection = _open(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:  # damaged
                _remove(path)
                self._connection = _open(path)
            os.utime(path)  # it is used
            _remove_unused(folder)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, path: "str | os.PathLike[str]", stamp: "Stamp",
            width: int) -> "NDArray[np.float32] | None":
        """The features, float32 ``[width]``, of a file that looks so, if they are kept."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(
                "SELECT vector FROM features WHERE path = ? AND size = ? AND mtime = ? "
                "AND ctime = ?", (_key(path), *stamp)).fetchone()
        except (sqlite3.Error, OverflowError) as error:
            self._give_up(error)
            return None
        if row is None or not isinstance(row[0], bytes) or len(row[0]) != 4 * width:
            return None
        return np.frombuffer(row[0], "<f4")

    def put(self, entries: "Iterator[tuple[str | os.PathLike[str], Stamp, NDArray]]") -> None:
        """Keep these features."""
        if self._connection is None:
            return
        try:
            with self._connection:
                self._connection.executemany(
                    "INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?, ?)",
                    ((_key(path), *stamp, value.astype("<f4").tobytes())
                     for path, stamp, value in entries))
        except (sqlite3.Error, OverflowError) as error:
            self._give_up(error)

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _give_up(self, error: Exception) -> None:
        _LOG.info("features of images cannot be kept in %s: %s", cache_folder(), error)
        self.close()


def _key(path: "str | os.PathLike[str]") -> bytes:
    return os.fsencode(os.path.abspath(path))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode = WAL")  # no waiting for the disk, yet no damage
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE IF NOT EXISTS features (path BLOB PRIMARY KEY, "
                           "size INTEGER, mtime INTEGER, ctime INTEGER, vector BLOB) STRICT")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _remove_foreign(path: Path) -> None:
    """Take away a cache that somebody else may have written: its numbers are believed."""
    for part in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
        if os.path.lexists(part) and files.why_not_own(part):
            _remove(path)


def _remove_unused(folder: Path) -> None:
    for path in folder.glob("*.sqlite"):
        with suppress(OSError):  # taken away by another process, or in use
            if time.time() - path.stat().st_mtime > UNUSED:
                _remove(path)
