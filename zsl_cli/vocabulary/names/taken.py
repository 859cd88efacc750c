"""Taken: what a word of a user's list is taken for."""

from dataclasses import dataclass

from zsl_cli.support.word_lists import Word


@dataclass(frozen=True)
class Taken:
    """What a word is taken for.

    name: the word as it is printed and written: the user's own; of a line that is no word but an
        id, or one of a class list (``n01440764 tench, Tinca tinca``), the name in it, else the
        label's in English.
    is_own: whether the name is the user's own, which stays as it is in every language.
    row: of the label; None for a phrase, which is then ``phrase``.
    others: the rows of other labels that the word could have meant.
    rare: of a phrase, the row of the label that the word could mean, and mostly does not.
    instead: the path of an earlier word for the same, under which both are printed.
    """

    word: Word
    name: str
    row: int | None = None
    phrase: str | None = None
    others: tuple[int, ...] = ()
    rare: int | None = None
    instead: tuple[str, ...] | None = None
    is_own: bool = True

    @property
    def path(self) -> tuple[str, ...]:
        """The name, below what is above the word in the user's list."""
        return (*self.word.above, self.name)

    @property
    def key(self) -> int | str:
        """What tells candidates apart: the row, or the phrase."""
        if self.row is not None:
            return self.row
        assert self.phrase is not None
        return self.phrase
