"""fastText's ``.bin``: words, n-grams in hashed buckets, and one matrix of them all.

The vector of a word is the mean of its own row and those of its character n-grams; a word that is
not there has the mean of its n-grams (Bojanowski et al., 2017, section 3.2).
"""

import mmap
import struct
from collections.abc import Collection, Container, Iterator
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.word_vectors.base import (
    HEAD,
    LONGEST_WORD,
    MOST_DIMENSIONS,
    Decoder,
    check_dimension,
)
from zsl_cli.authoring.vocabularies.word_vectors.stream import Stream
from zsl_cli.errors import ZslError
from zsl_cli.support import extras

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.vocabularies.word_vectors.base import Found

MAGIC = 793712314
_VERSIONS = (11, 12)
_ARGUMENTS = "<12id"  # dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, …
_MOST = 10_000  # that arguments are
_UNMARKED = 0  # before there was a mark, a version and anything that is quantised
_SUPERVISED = _LOSSES = 3
_WORD, _LABEL = 0, 1
_END_OF_SENTENCE = "</s>"
_ROWS = 4_096  # of the matrix that are held at once
_LONGEST_PART = 100  # characters; 6 are usual
_CHUNK = 1 << 20
_SHIFT = 32  # a row of the matrix and a word's place in one number, so that both sort at once
_PLACE = (1 << _SHIFT) - 1


def is_unmarked(head: bytes) -> bool:
    """Whether a file begins with the arguments of a model, as those of fastText's first versions
    do, which have no mark."""
    if len(head) < struct.calcsize(_ARGUMENTS):
        return False
    (dimension, window, epochs, least, negatives, word_ngrams, loss, model, buckets, shortest,
     longest, rate, threshold) = struct.unpack_from(_ARGUMENTS, head)
    return (1 <= dimension <= MOST_DIMENSIONS and 1 <= loss <= _LOSSES and 1 <= model <= _SUPERVISED
            and all(1 <= number <= _MOST for number in (window, epochs, word_ngrams, rate))
            and all(0 <= number <= _MOST for number in (negatives, shortest, longest))
            and min(least, buckets) >= 0 and 0 <= threshold < 1)


class FastTextVectors:
    """A model as fastText saves it; see WordVectors. The matrix is read once, front to back."""

    format = "fastText binary"
    guessed: frozenset[str] = frozenset()
    space: str | None = None

    def __init__(self, stream: Stream, encoding: str, guess: Collection[str] = ()) -> None:
        """Reads everything up to the matrix: the words.

        guess: words of which ``read`` is to make a vector if they are not there; they come last.

        Raises ZslError.
        """
        self._stream, self._decode, self._guess = stream, Decoder(encoding), guess
        marked = not is_unmarked(stream.peek(struct.calcsize(_ARGUMENTS)))
        version = self._unpack("<2i")[1] if marked else _UNMARKED
        if version not in (_UNMARKED, *_VERSIONS):
            raise ZslError(f"{stream.path}: version {version} of fastText's format; zsl reads "
                           f"{' and '.join(map(str, _VERSIONS))}")
        arguments = self._unpack(_ARGUMENTS)
        self.dimension = arguments[0]
        check_dimension(self.dimension, str(stream.path))
        self._buckets, self._shortest, self._longest = arguments[8:11]
        if version < _VERSIONS[-1] and arguments[7] == _SUPERVISED:
            self._longest = 0  # such models had no subwords, whatever they say
        self.subwords = self._longest > 0 and self._buckets > 0
        if self.subwords and not 0 <= self._shortest <= self._longest <= _LONGEST_PART:
            raise ZslError(f"{stream.path}: damaged: parts of words of {self._shortest} to "
                           f"{self._longest} characters")
        entries, words, labels, _tokens = self._unpack("<3iq")
        pruned = self._unpack("<q")[0] if marked else -1
        if min(entries, words, labels) < 0 or words + labels != entries:
            raise ZslError(f"{stream.path}: damaged: {words:,} words and {labels:,} labels in "
                           f"{entries:,} entries")
        self._words = self._read_words(entries)
        if pruned > 0 or (marked and self._unpack("<?")[0]):
            raise ZslError(f"{stream.path}: a quantised fastText model (.ftz); zsl reads the full "
                           "one (.bin)")
        self._rows, width = self._unpack("<2q")
        if width != self.dimension or self._rows < len(self._words):
            raise ZslError(f"{stream.path}: damaged: a matrix [{self._rows}, {width}] for "
                           f"{len(self._words):,} words of dimension {self.dimension}")

    def _unpack(self, layout: str) -> tuple:
        data = self._stream.read(struct.calcsize(layout))
        if len(data) < struct.calcsize(layout):
            raise self._truncated()
        return struct.unpack(layout, data)

    def _truncated(self) -> ZslError:
        return ZslError(f"{self._stream.path}: truncated: it ends before its matrix does")

    def _read_words(self, entries: int) -> list[str | None]:
        """The dictionary: each word, a zero byte, its count, and whether it is a word; None for
        those that are no text, since rows of the matrix go by their places."""
        words: list[str | None] = []
        buffer, at = b"", 0
        rest = struct.Struct("<qb")
        for _ in range(entries):
            while len(buffer) - at < LONGEST_WORD + 1 + rest.size:
                more = self._stream.read(_CHUNK)
                buffer, at = buffer[at:] + more, 0
                if not more:
                    break
            end = buffer.find(b"\x00", at)
            if max(end, len(buffer) if end < 0 else 0) - at > LONGEST_WORD:
                raise ZslError(f"{self._stream.path}, word {len(words) + 1:,}: a word of more than "
                               f"{LONGEST_WORD:,} bytes; the file is damaged")
            if end < 0 or len(buffer) < end + 1 + rest.size:
                raise self._truncated()
            _count, kind = rest.unpack_from(buffer, end + 1)
            if kind == _WORD:
                words.append(self._decode(buffer[at:end]))
            at = end + 1 + rest.size
        self._stream.unread(buffer[at:])
        return words

    def notes(self) -> Iterator[str]:
        """See WordVectors."""
        self._decode.check(self._stream.path)
        return self._decode.notes()

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """See WordVectors."""
        known = set(self._words) if self._guess else ()
        among = range(len(self._words[:limit]))
        found = [(row, word) for row in among if (word := self._words[row]) is not None
                 and (wanted is None or row < HEAD or word in wanted)]
        rows, names = [row for row, _ in found], [word for _, word in found]
        if self.subwords:
            guessed = [word for word in dict.fromkeys(self._guess) if word not in known]
            self.guessed = frozenset(guessed)
            names += guessed
        yield from zip(names, self._means(names, rows), strict=True)

    def _means(self, words: list[str], rows: list[int]) -> "Iterator[NDArray[np.float32]]":
        """The vector ``[D]`` of each word; ``rows`` are those of the first, known ones. The memory
        of those that have been given is given back."""
        parts, counts = self._parts(words, rows)
        memory = mmap.mmap(-1, max(4 * self.dimension * len(words), 1))
        total = np.frombuffer(memory, np.float32, self.dimension * len(words)).reshape(
            -1, self.dimension)
        for start in range(0, self._rows, _ROWS):
            size = min(_ROWS, self._rows - start) * 4 * self.dimension
            data = self._stream.read(size)
            if len(data) < size:
                raise self._truncated()
            block = np.frombuffer(data, "<f4").reshape(-1, self.dimension)
            first, last = np.searchsorted(parts, [start << _SHIFT, (start + _ROWS) << _SHIFT])
            for at in range(first, last, _ROWS):
                some = parts[at:min(at + _ROWS, last)]
                np.add.at(total, some & _PLACE, block[(some >> _SHIFT) - start])
        del parts
        released = 0
        for place, vector in enumerate(total):
            yield vector / max(counts[place], 1)
            if vector.nbytes * place - released >= _CHUNK and hasattr(mmap, "MADV_REMOVE"):
                memory.madvise(mmap.MADV_REMOVE, released, _CHUNK)
                released += _CHUNK

    def _parts(self, words: list[str], rows: list[int],
               ) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
        """What makes up each word: sorted, in one number each, the row of the matrix and the place
        of the word; and of how many rows each word is the mean."""
        counts = np.zeros(len(words), np.float32)
        counts[:len(rows)] = 1
        known = np.array(rows, np.int64) << _SHIFT | np.arange(len(rows))
        if not self.subwords:
            known.sort()
            return known, counts
        with extras.needed("vocab", "a fastText model with subwords"):
            from gensim.models.fasttext import ft_ngram_hashes
        from array import array

        if len(self._words) + self._buckets > min(self._rows, 1 << (63 - _SHIFT)):
            raise ZslError(f"{self._stream.path}: damaged: a matrix of {self._rows:,} rows for "
                           f"{len(self._words):,} words and {self._buckets:,} buckets")
        parts = array("q", known.tobytes())
        for place, word in enumerate(words):
            if word != _END_OF_SENTENCE:
                hashes = ft_ngram_hashes(word, self._shortest, self._longest, self._buckets)
                counts[place] += len(hashes)
                parts.extend([len(self._words) + part << _SHIFT | place for part in hashes])
        sorted_parts = np.frombuffer(parts, np.int64)
        sorted_parts.sort()
        return sorted_parts, counts
