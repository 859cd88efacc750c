"""Text: a line a word, with the header of word2vec and fastText or, as GloVe's, without one."""

import re
import warnings
from collections.abc import Container, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.word_vectors.base import (
    HEAD,
    LONGEST_WORD,
    MOST_DIMENSIONS,
    check_dimension,
    decode,
    shown,
)
from zsl_cli.authoring.vocabularies.word_vectors.stream import Stream
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from zsl_cli.authoring.vocabularies.word_vectors.base import Found

HEADER = re.compile(rb"(\d{1,12}) +(\d{1,6})\s*\n")
_LONGEST_LINE = LONGEST_WORD + 32 * MOST_DIMENSIONS


class TextVectors:
    """word2vec text, fastText ``.vec``, GloVe; see WordVectors.

    A word may have blanks in it (GloVe's largest files have some): the last D fields are the
    vector. What would be a number more than there should be is an error all the same.
    """

    subwords = False
    guessed: frozenset[str] = frozenset()
    space: str | None = None

    def __init__(self, stream: Stream, encoding: str) -> None:
        """Reads the header, or the dimension off the first line. Raises ZslError."""
        self._stream, self._encoding = stream, encoding
        self._line = 0
        self._count: int | None = None
        self._held = self._next()
        header = HEADER.fullmatch(self._held)
        if header:
            self.format = "word2vec text"
            self._count, self.dimension = int(header[1]), int(header[2])
            check_dimension(self.dimension, self._where())
            self._held = b""
        else:
            self.format = "GloVe text"
            self.dimension = self._dimension_of(self._held)

    def _dimension_of(self, line: bytes) -> int:
        """How many fields at the end of a line are numbers."""
        numbers = numbers_at_end(line.split())
        if numbers < 2:
            raise ZslError(f"{self._where()}: not a word and its vector, so this is no file of "
                           f"word vectors: {shown(line.strip()[:60])}")
        check_dimension(numbers, self._where())
        return numbers

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """See WordVectors."""
        words = 0
        while limit is None or words < limit:
            line, self._held = self._held or self._next(), b""
            if not line:
                if self._count is not None and words != self._count:
                    raise ZslError(f"{self._stream.path}: truncated: its header speaks of "
                                   f"{self._count:,} words, and it ends after {words:,}")
                return
            if self._count is not None and words == self._count:
                if not line.strip():
                    continue
                raise ZslError(f"{self._where()}: a wrong header: it speaks of "
                               f"{self._count:,} words, and there are more")
            word, numbers = self._split(line)
            words += 1
            if wanted is None or words <= HEAD or word in wanted:
                yield word, self._vector(numbers)

    def _next(self) -> bytes:
        line = self._stream.readline(_LONGEST_LINE)
        self._line += bool(line)
        if len(line) == _LONGEST_LINE:
            raise ZslError(f"{self._where()}: a line of more than {_LONGEST_LINE:,} bytes; that "
                           "is no file of word vectors")
        return line

    def _split(self, line: bytes) -> tuple[str, bytes]:
        """A line's word and the text of its numbers."""
        line = line.rstrip()
        if not line:
            raise ZslError(f"{self._where()}: an empty line, and a word and {self.dimension} "
                           "numbers are expected")
        if b"\t" in line:
            line = line.replace(b"\t", b" ")
        if b"  " in line:
            line = re.sub(rb" +", b" ", line)
        blanks = line.count(b" ") - self.dimension
        end = line.find(b" ")
        for _ in range(blanks):
            end = line.find(b" ", end + 1)
        if blanks < 0:
            raise ZslError(f"{self._where()}: {blanks + self.dimension} numbers, and "
                           f"{self.dimension} are expected")
        if blanks > 0 and _is_number(line[:end].rpartition(b" ")[2]):
            raise ZslError(f"{self._where()}: more than the {self.dimension} numbers that are "
                           "expected")
        return decode(line[:end], self._encoding, self._where), line[end + 1:]

    def _vector(self, numbers: bytes) -> "np.ndarray":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # numpy's way to say that a text is no number
                vector = np.fromstring(numbers, np.float32, sep=" ")
        except (ValueError, Warning):
            vector = np.empty(0, np.float32)
        if len(vector) != self.dimension:
            wrong = next((part for part in numbers.split() if not _is_number(part)), b"")
            raise ZslError(f"{self._where()}: {shown(wrong[:40])} is not a number")
        return vector

    def _where(self) -> str:
        return f"{self._stream.path}, line {self._line}"


def numbers_at_end(fields: list[bytes]) -> int:
    """How many fields at the end of a line are numbers; the first is a word in any case."""
    return sum(1 for _ in takewhile(_is_number, reversed(fields[1:])))


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field  # which Python, alone, allows
