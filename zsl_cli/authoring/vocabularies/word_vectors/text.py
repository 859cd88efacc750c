"""Text: a line a word, with the header of word2vec and fastText or, as GloVe's, without one."""

import re
import warnings
from collections import Counter
from collections.abc import Container, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.word_vectors.base import (
    HEAD,
    LONGEST_WORD,
    MOST_DIMENSIONS,
    Decoder,
    check_dimension,
    shown,
)
from zsl_cli.authoring.vocabularies.word_vectors.stream import Stream
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from zsl_cli.authoring.vocabularies.word_vectors.base import Found

HEADER = re.compile(rb"(\d{1,12})[ \t]+(\d{1,6})\s*\n")
_LONGEST_LINE = LONGEST_WORD + 32 * MOST_DIMENSIONS
_AHEAD = 1 << 16  # bytes that are looked at for the usual number of numbers


class TextVectors:
    """word2vec text, fastText ``.vec``, GloVe; see WordVectors.

    A word may have blanks and numbers in it (GloVe's largest files have ``. . .``, others ``boeing
    747``): the last D fields are the vector.
    """

    subwords = False
    guessed: frozenset[str] = frozenset()
    space: str | None = None

    def __init__(self, stream: Stream, encoding: str) -> None:
        """Reads the header, or the dimension off the first lines. Raises ZslError."""
        self._stream, self._decode = stream, Decoder(encoding)
        self._line = self._words = 0
        self._read_all = False
        self._count: int | None = None
        self._held = self._next()
        header = HEADER.fullmatch(self._held)
        if header:
            self.format = "word2vec text"
            self._count, self.dimension = int(header[1]), int(header[2])
            check_dimension(self.dimension, self._where())
            self._held = b""
            counts = self._numbers_ahead()
            if counts and min(counts) > self.dimension:
                raise ZslError(f"{stream.path}, line 2: {min(counts)} numbers, and more than the "
                               f"{self.dimension} numbers that are expected")
        else:
            self.format = "GloVe text"
            self.dimension = self._dimension_of(self._held)

    def _dimension_of(self, line: bytes) -> int:
        """How many fields at the end of most lines are numbers, as far as one looks ahead; the
        first word may end in a number."""
        numbers = numbers_at_end(line.split())
        if numbers < 2:
            raise ZslError(f"{self._where()}: not a word and its vector, so this is no file of "
                           f"word vectors: {shown(line.strip()[:60])}")
        if ahead := self._numbers_ahead():
            usual = Counter([numbers, *ahead]).most_common()
            numbers = min(count for count, times in usual if times == usual[0][1])
        check_dimension(numbers, self._where())
        return numbers

    def _numbers_ahead(self) -> list[int]:
        """How many fields at the end of each of the next whole lines are numbers."""
        lines = self._stream.peek(_AHEAD)[:_AHEAD].split(b"\n")[:-1]
        return [numbers_at_end(line.split()) for line in lines if line.strip()]

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """See WordVectors."""
        while limit is None or self._words < limit:
            line, self._held = self._held or self._next(), b""
            if not line:
                self._read_all = True
                return
            if not line.strip():
                continue
            word, numbers = self._split(line)
            self._words += 1
            if word is not None and (wanted is None or self._words <= HEAD or word in wanted):
                yield word, self._vector(numbers)

    def notes(self) -> "Iterator[str]":
        """See WordVectors."""
        self._decode.check(self._stream.path)
        yield from self._decode.notes()
        if self._read_all and self._count not in (None, self._words):
            yield (f"the header of {self._stream.path.name} speaks of {self._count:,} words, and "
                   f"there are {self._words:,}; is the file whole?")

    def _next(self) -> bytes:
        line = self._stream.readline(_LONGEST_LINE)
        self._line += bool(line)
        if len(line) == _LONGEST_LINE:
            raise ZslError(f"{self._where()}: a line of more than {_LONGEST_LINE:,} bytes; that "
                           "is no file of word vectors")
        return line

    def _split(self, line: bytes) -> tuple[str | None, bytes]:
        """A line's word, None if that is no text, and the text of its numbers."""
        line = line.rstrip()
        if b"\t" in line:
            line = line.replace(b"\t", b" ")
        if b"  " in line:
            line = re.sub(rb" +", b" ", line)
        blanks = line.count(b" ") - self.dimension
        if blanks < 0:
            raise ZslError(f"{self._where()}: {blanks + self.dimension} numbers, and "
                           f"{self.dimension} are expected")
        end = line.find(b" ")
        for _ in range(blanks):
            end = line.find(b" ", end + 1)
        return self._decode(line[:end]), line[end + 1:]

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
