"""word2vec's binary format: a header line, then each word, a blank and its floats."""

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.word_vectors.base import (
    HEAD,
    LONGEST_WORD,
    check_dimension,
    decode,
)
from zsl_cli.authoring.vocabularies.word_vectors.stream import Stream
from zsl_cli.authoring.vocabularies.word_vectors.text import HEADER
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from zsl_cli.authoring.vocabularies.word_vectors.base import Found

_CHUNK = 1 << 20


class BinaryVectors:
    """word2vec binary (GoogleNews, say); see WordVectors."""

    format = "word2vec binary"
    subwords = False
    guessed: frozenset[str] = frozenset()
    space: str | None = None

    def __init__(self, stream: Stream, encoding: str) -> None:
        """Reads the header. Raises ZslError."""
        self._stream, self._encoding = stream, encoding
        header = HEADER.fullmatch(stream.readline(64))
        if not header:
            raise ZslError(f"{stream.path}, line 1: expected the number of words and the dimension")
        self._count, self.dimension = int(header[1]), int(header[2])
        check_dimension(self.dimension, f"{stream.path}, line 1")
        self._word = 0

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """See WordVectors."""
        size = 4 * self.dimension
        otherwise = (f"; or the header is wrong, which speaks of {self._count:,} words of "
                     f"dimension {self.dimension}")
        buffer, at = b"", 0
        for word_number in range(1, min(self._count, limit or self._count) + 1):
            self._word = word_number
            while len(buffer) - at < size + LONGEST_WORD + 2:
                more = self._stream.read(_CHUNK)
                buffer, at = buffer[at:] + more, 0
                if not more:
                    break
            blank = buffer.find(b" ", at, at + LONGEST_WORD + 1)
            if blank < 0 or len(buffer) < blank + 1 + size:
                raise self._damage(len(buffer) - at)
            # The original writes a line's end behind each vector, other programs don't.
            word = decode(buffer[at:blank].lstrip(b"\n"), self._encoding, self._where, otherwise)
            at = blank + 1 + size
            if wanted is None or self._word <= HEAD or word in wanted:
                yield word, np.frombuffer(buffer, "<f4", self.dimension, blank + 1)
        if limit is None and (buffer[at:].strip(b"\n") or self._stream.read(1).strip(b"\n")):
            raise ZslError(f"{self._stream.path}, line 1: a wrong header: it speaks of "
                           f"{self._count:,} words of dimension {self.dimension}, and more bytes "
                           "follow")

    def _damage(self, left: int) -> ZslError:
        if left > 4 * self.dimension + LONGEST_WORD:
            return ZslError(f"{self._where()}: no word of at most {LONGEST_WORD} bytes; the header "
                            f"gives a wrong dimension ({self.dimension}), or this is no word2vec "
                            "file")
        return ZslError(f"{self._stream.path}: truncated: its header speaks of {self._count:,} "
                        f"words, and it ends in word {self._word:,}")

    def _where(self) -> str:
        return f"{self._stream.path}, word {self._word:,}"
