"""What all sources of word vectors have in common."""

from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING, Protocol

from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Found = tuple[str, "NDArray[np.float32]"]

HEAD = 256
"""So many words at the beginning tell one file of vectors from another."""

MOST_DIMENSIONS = 65_536
LONGEST_WORD = 4_096  # bytes


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

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """Words and their vectors, float32 ``[D]``, in the order of the file, which is most often
        that of their frequency. A vector may be a view that the next step overwrites.

        wanted: only these words, and the first HEAD; None for all.
        limit: only the first so many words of the file.

        Raises ZslError, with the file and the line or the word, for what is damaged.
        """


def decode(word: bytes, encoding: str, where: Callable[[], str], otherwise: str = "") -> str:
    """The word as text; raises ZslError for other encodings, and says what else it may be."""
    try:
        return word.decode(encoding)
    except UnicodeDecodeError as error:
        raise ZslError(f"{where()}: {shown(word[:40])} is not {encoding}; give `encoding`, such as "
                       f"latin-1{otherwise}") from error


def shown(part: bytes) -> str:
    """A part of a file for a message, as a quoted text."""
    return repr(part.decode("utf-8", "replace"))


def check_dimension(dimension: int, where: str) -> None:
    """Raise ZslError for a dimension that no file of word vectors has."""
    if not 1 <= dimension <= MOST_DIMENSIONS:
        raise ZslError(f"{where}: vectors of dimension {dimension}? That is no file of word "
                       "vectors that zsl knows")
