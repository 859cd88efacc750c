"""Which offsets are nouns of WordNet 3.0, which need not be installed for it."""

import lzma
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "noun_offsets.xz"
"""The distances of the offsets in ``data.noun``, rising, from one another: uint16, little-endian,
compressed. ``scripts/noun_offsets.py`` makes it of WordNet's files."""


@cache
def nouns() -> frozenset[str]:
    """The ids of all nouns, such as ``n02084071``."""
    distances = np.frombuffer(lzma.decompress(FILE.read_bytes()), "<u2")
    return frozenset(f"n{offset:08}" for offset in np.cumsum(distances, dtype=np.int64).tolist())


def compact(offsets: list[int]) -> bytes:
    """What the file holds for these offsets."""
    distances = np.diff(np.array(sorted(offsets)), prepend=0)
    return lzma.compress(distances.astype("<u2").tobytes(), preset=9)
