"""The rule that keywords are chosen by, see ``keywords``: what a user asks for."""

from dataclasses import dataclass
from typing import Self

from zsl_cli.support.values import SHARE, TOP, check_number

KEYWORD = 0.8
"""The confidence of a keyword at least, unless another is asked."""


@dataclass(frozen=True)
class KeywordRule:
    """How sure keywords are at least, 0 to 1, and how many an image gets at most.

    Raises RequestError for values that make no sense.
    """

    confidence: float = KEYWORD
    most: int | None = None

    def __post_init__(self) -> None:
        check_number("confidence", self.confidence, SHARE)
        if self.most is not None:
            check_number("most", self.most, TOP)

    @classmethod
    def asked(cls, keywords: bool, confidence: float | None, most: int | None) -> Self | None:
        """The rule that is asked for, also by one of its numbers alone; None where there are to be
        no keywords. Raises RequestError."""
        rule = cls(KEYWORD if confidence is None else confidence, most)
        return rule if keywords or confidence is not None or most is not None else None
