"""Labels that a sentence mentions by one of their names."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from zsl_cli.vocabulary.names.label import normal_name

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ARTICLES = ("a ", "an ", "the ")
_LONGEST = 3  # words of a name in a sentence: "fire hydrant", "jack o lantern"


def words(sentence: str) -> list[str]:
    """The words of a sentence in lower case, as names are compared."""
    return _WORD.findall(normal_name(sentence))


def longest(sentence: str,
            meant: Callable[[str], Iterable[int]]) -> Iterator[tuple[str, int]]:
    """The words of a sentence that mean a label, and the row of the label; of overlapping names
    the longest counts, so that a hot dog is no dog.

    meant: the rows that a word, or several with blanks between them, means.
    """
    parts = words(sentence)
    start = 0
    while start < len(parts):
        for length in range(min(_LONGEST, len(parts) - start), 0, -1):
            text = " ".join(parts[start:start + length])
            if len(text) > 1 and not text.startswith(_ARTICLES) and (rows := [*meant(text)]):
                yield from ((text, row) for row in rows)
                break
        start += length


def named(vocabulary: "Vocabulary", text: str) -> tuple[int, ...]:
    """The row of the label that a text is the name of as a whole; none for a text that is no name
    or mostly means something else."""
    match = vocabulary.look_up(text)
    return () if match is None or match.rare else (match.row,)


def rows(vocabulary: "Vocabulary", sentence: str) -> tuple[int, ...]:
    """The rows of the labels that a sentence mentions, in its order and as often as it does, or
    of the one that it is the name of as a whole; a word that mostly means something else mentions
    none."""
    def meant(text: str) -> tuple[int, ...]:
        return named(vocabulary, text)

    return meant(sentence) or tuple(row for _, row in longest(sentence, meant))
