"""Embeddings in a file: float16 rows, one behind the other, that are never changed.

A photo has a slot, the number of its row. What is embedded anew gets a new slot at the end, so that
whoever reads the file meanwhile reads what it was. Where many rows are of no use any more, a new
file takes the place of the old one (see ``compaction``), and is called after its generation.
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

DTYPE = np.dtype("<f2")


def file_name(generation: int) -> str:
    """What the file of this generation, from 0 on, is called."""
    return f"embeddings-{generation}.f16" if generation else "embeddings.f16"


def as_stored(embeddings: "NDArray[np.floating]") -> "Half":
    """Embeddings ``[n, D]`` as they are kept: float16, which moves a cosine by less than 1e-4."""
    return np.ascontiguousarray(embeddings, DTYPE)


def checksum(row: "Half") -> int:
    """What tells a row from a damaged one."""
    return zlib.crc32(row.tobytes())


class Vectors:
    """The rows of a file that is open, and what is added to them."""

    def __init__(self, file: BinaryIO | None, dimension: int) -> None:
        self._file = file
        self._dimension = dimension
        self._row = dimension * DTYPE.itemsize
        self._added = file
        self._maps: dict[BinaryIO, Half] = {}
        self.first = 0
        """The slot from which on rows may be added."""

    @classmethod
    def readable(cls, path: Path, dimension: int) -> "Vectors":
        """Those that are there. Raises OSError."""
        return cls(open(path, "rb", buffering=0), dimension)

    @classmethod
    def writable(cls, path: Path, dimension: int) -> "Vectors":
        """For rows that stay. Raises OSError."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        return cls(os.fdopen(descriptor, "rb+", buffering=0), dimension)

    @classmethod
    def transient(cls, base: "Vectors | None", dimension: int) -> "Vectors":
        """For rows that are forgotten in the end, behind others, which stay as they are and have to
        be open as long."""
        vectors = cls(None if base is None else base._file, dimension)
        vectors.first = len(vectors)
        vectors._added = TemporaryFile(buffering=0)  # noqa: SIM115
        return vectors

    def __len__(self) -> int:
        """How many whole rows there are in the file."""
        return self._rows_in(self._file)

    def _rows_in(self, file: BinaryIO | None) -> int:
        return os.fstat(file.fileno()).st_size // self._row if file is not None else 0

    def mapped(self) -> "Half":
        """float16 ``[n, D]``: the rows of the file as it is now, mapped into memory."""
        return self._map(self._file)

    def read(self, slots: "Sequence[int] | NDArray[np.int64]") -> "Half":
        """float16 ``[n, D]``: the rows of these slots. Raises IndexError for one that is not
        there."""
        slots = np.asarray(slots, np.int64)
        if (slots < 0).any():
            raise IndexError("a slot below 0")
        if self._added is self._file:
            return np.asarray(self.mapped()[slots])
        rows = np.empty((len(slots), self._dimension), DTYPE)
        added = slots >= self.first
        if not added.all():
            rows[~added] = self.mapped()[slots[~added]]
        if added.any():
            rows[added] = self._map(self._added)[slots[added] - self.first]
        return rows

    def _map(self, file: BinaryIO | None) -> "Half":
        """The rows of a file, mapped; anew only when it has grown, since that takes longer than to
        read a page of it."""
        number = self._rows_in(file)
        if file is None or not number:
            return np.empty((0, self._dimension), DTYPE)
        if file not in self._maps or len(self._maps[file]) != number:
            self._maps[file] = np.memmap(file, DTYPE, "r", shape=(number, self._dimension))
        return self._maps[file]

    def write(self, slot: int, rows: "Half") -> None:
        """Put rows at a slot and behind it. Raises OSError."""
        assert self._added is not None
        self._added.seek((slot - self.first) * self._row)
        data = memoryview(rows.tobytes())
        while data:
            data = data[self._added.write(data):]

    def sync(self) -> None:
        """Wait until what was written is on the disk. Raises OSError."""
        if self._added is not None:
            os.fsync(self._added.fileno())

    def close(self) -> None:
        """Let what was opened go."""
        if self._added is not None:
            self._added.close()
