"""word2vec's binary format: a header line, then each word, a blank and its floats."""

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.word_vectors.base import (
    HEAD,
    LONGEST_WORD,
    Decoder,
    check_dimension,
)
from zsl_cli.authoring.vocabularies.word_vectors.stream import Stream
from zsl_cli.authoring.vocabularies.word_vectors.text import HEADER
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from zsl_cli.authoring.vocabularies.word_vectors.base import Found

_CHUNK = 1 << 20
_FEW = 64  # words from which on it shows early whether most are text


class BinaryVectors:
    """word2vec binary (GoogleNews, say); see WordVectors."""

    format = "word2vec binary"
    subwords = False
    guessed: frozenset[str] = frozenset()
    space: str | None = None

    def __init__(self, stream: Stream, encoding: str) -> None:
        """Reads the header. Raises ZslError."""
        self._stream, self._decode = stream, Decoder(encoding)
        header = HEADER.fullmatch(stream.readline(64))
        if not header:
            raise ZslError(f"{stream.path}, line 1: expected the number of words and the dimension")
        self._count, self.dimension = int(header[1]), int(header[2])
        check_dimension(self.dimension, f"{stream.path}, line 1")
        self._word = 0

    def notes(self) -> Iterator[str]:
        """See WordVectors."""
        if 2 * self._decode.failed > self._decode.words:
            raise self._no_text()
        return self._decode.notes()

    def _no_text(self) -> ZslError:
        return ZslError(f"{self._where()}: {self._decode.first!r} and most other words are not "
                        f"{self._decode.encoding}; give `encoding`, such as latin-1; or the header "
                        f"is wrong, which speaks of {self._count:,} words of dimension "
                        f"{self.dimension}")

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """See WordVectors."""
        size = 4 * self.dimension
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
            word = self._decode(buffer[at:blank].lstrip(b"\r\n"))
            at = blank + 1 + size
            if word is None:
                if 2 * self._decode.failed > max(self._word, _FEW):
                    raise self._no_text()
            elif wanted is None or self._word <= HEAD or word in wanted:
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
