"""What all sources of word vectors have in common."""

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Protocol

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Found = tuple[str, "NDArray[np.float32]"]

HEAD = 256
"""So many words at the beginning tell one file of vectors from another."""

MOST_DIMENSIONS = 65_536
LONGEST_WORD = 4_096  # bytes
_SHOWN = 40


class WordVectors(Protocol):
    """Words and their vectors as a file has them: of any length, a word perhaps twice.

    dimension: of every vector.
    format: what a user calls it.
    subwords: whether a vector can be made for a word that is not there.
    guessed: the words for which ``read`` has made one.
    space: the name of the vectors' space, where the source itself knows it.
    """

    dimension: int
    format: str
    subwords: bool
    guessed: frozenset[str]
    space: str | None

    def notes(self) -> Iterator[str]:
        """What a user should know of the file, once it is read. Raises ZslError where that shows
        that it is none that can be used."""

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """Words and their vectors, float32 ``[D]``, in the order of the file, which is most often
        that of their frequency. A vector may be a view that the next step overwrites.

        wanted: only these words, and the first HEAD; None for all.
        limit: only the first so many words of the file.

        Words that are no text are left out. Raises ZslError, with the file and the line or the
        word, for what is damaged.
        """


class Decoder:
    """Turns the words of a file into text, and counts those that are none: word2vec.c cuts long
    words within a letter. ``first`` is the first of them."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.words = self.failed = 0
        self.first = b""

    def __call__(self, word: bytes) -> str | None:
        """The word as text, or None."""
        self.words += 1
        try:
            return word.decode(self.encoding)
        except UnicodeDecodeError:
            self.failed += 1
            self.first = self.first or word[:_SHOWN]
            return None

    def check(self, where: object) -> None:
        """Raise ZslError where most of the words are no text."""
        if 2 * self.failed > self.words:
            raise ZslError(f"{where}: most of its words, such as {shown(self.first)}, are not "
                           f"{self.encoding}; give `encoding`, such as latin-1, or the file is no "
                           "file of word vectors")

    def notes(self) -> Iterator[str]:
        """What a user should know."""
        if self.failed:
            yield (f"{counted(self.failed, 'word')} of the vectors left out, not {self.encoding} "
                   f"text: {shown(self.first)}; if there should be none, give `encoding`")


def shown(part: bytes) -> str:
    """A part of a file for a message, as a quoted text."""
    return repr(part.decode("utf-8", "replace"))


def check_dimension(dimension: int, where: str) -> None:
    """Raise ZslError for a dimension that no file of word vectors has."""
    if not 1 <= dimension <= MOST_DIMENSIONS:
        raise ZslError(f"{where}: vectors of dimension {dimension}? That is no file of word "
                       "vectors that zsl knows")
