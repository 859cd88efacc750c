"""Question: what is asked of every photo of a library."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zsl_cli.classifier.keyword_rule import KeywordRule

if TYPE_CHECKING:
    from zsl_cli.support.word_lists import Word


@dataclass(frozen=True)
class Question:
    """What is asked of every photo (see Classifier.candidates and Classifier.answers).

    rule: by which keywords are chosen, if there are to be any.
    """

    top: int = 5
    threshold: float = 0.0
    labels: "tuple[str | Word, ...] | None" = None
    under: tuple[str, ...] | None = None
    max_depth: int | None = None
    rule: KeywordRule | None = None
