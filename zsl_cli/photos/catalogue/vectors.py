"""Embeddings in a file: float16 rows, one behind the other, that are never changed.

A photo has a slot, the number of its row. What is embedded anew gets a new slot at the end, so that
whoever reads the file meanwhile reads what it was.
"""

import os
import zlib
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Half = NDArray[np.float16]

FILE = "embeddings.f16"
DTYPE = np.dtype("<f2")


def as_stored(embeddings: "NDArray[np.floating]") -> "Half":
    """Embeddings ``[n, D]`` as they are kept: float16, which moves a cosine by less than 1e-4."""
    return np.ascontiguousarray(embeddings, DTYPE)


def checksum(row: "Half") -> int:
    """What tells a row from a damaged one."""
    return zlib.crc32(row.tobytes())


class Vectors:
    """The rows of a file, of which there may be none yet, and what is added to them."""

    def __init__(self, path: Path | None, dimension: int) -> None:
        self._path = path
        self._dimension = dimension
        self._row = dimension * DTYPE.itemsize
        self._added: BinaryIO | None = None
        self._first = 0  # the slot of the first row in what is added
        self._maps: dict[bool, Half] = {}  # of the file, and of what is added

    @classmethod
    def writable(cls, path: Path, dimension: int) -> "Vectors":
        """For rows that stay. Raises OSError."""
        vectors = cls(path, dimension)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        vectors._added = os.fdopen(descriptor, "rb+", buffering=0)
        return vectors

    @classmethod
    def transient(cls, path: Path | None, dimension: int) -> "Vectors":
        """For rows that are forgotten in the end, behind those of a file that stays as it is."""
        vectors = cls(path, dimension)
        vectors._first = len(vectors)
        vectors._added = TemporaryFile(buffering=0)  # noqa: SIM115
        return vectors

    def __len__(self) -> int:
        """How many whole rows there are in the file."""
        try:
            return os.path.getsize(self._path) // self._row if self._path else 0
        except OSError:
            return 0

    def mapped(self) -> "Half":
        """float16 ``[n, D]``: the rows of the file as it is now, mapped into memory."""
        return self._map(self._path, len(self), added=False)

    def read(self, slots: "Sequence[int] | NDArray[np.int64]") -> "Half":
        """float16 ``[n, D]``: the rows of these slots, all of which have to be there."""
        slots = np.asarray(slots, np.int64)
        rows = np.empty((len(slots), self._dimension), DTYPE)
        added = (slots >= self._first) & bool(self._first or self._path is None)
        if not added.all():
            rows[~added] = self.mapped()[slots[~added]]
        if added.any():
            assert self._added is not None
            number = os.fstat(self._added.fileno()).st_size // self._row
            rows[added] = self._map(self._added, number, added=True)[slots[added] - self._first]
        return rows

    def _map(self, file: "Path | BinaryIO | None", number: int, *, added: bool) -> "Half":
        """A file of so many rows, mapped; anew only when it has grown, since that takes longer
        than to read a page of it."""
        if file is None or not number:
            return np.empty((0, self._dimension), DTYPE)
        if added not in self._maps or len(self._maps[added]) < number:
            self._maps[added] = np.memmap(file, DTYPE, "r", shape=(number, self._dimension))
        return self._maps[added]

    def write(self, slot: int, rows: "Half") -> None:
        """Put rows at a slot and behind it. Raises OSError."""
        assert self._added is not None
        self._added.seek((slot - self._first) * self._row)
        data = memoryview(rows.tobytes())
        while data:
            data = data[self._added.write(data):]

    def sync(self) -> None:
        """Wait until what was written is on the disk. Raises OSError."""
        if self._added is not None:
            os.fsync(self._added.fileno())

    def close(self) -> None:
        """Let the file go."""
        if self._added is not None:
            self._added.close()
