"""What an evaluation tells while it goes on."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from zsl_cli.support import progress

if TYPE_CHECKING:
    from zsl_cli.embedding.feature_cache import Features
    from zsl_cli.evaluation.measure import Subject
    from zsl_cli.vocabulary.names.label import Match
    from zsl_cli.vocabulary.vocabulary import Vocabulary


class Reporter(progress.Reporter):
    """Silent; a subclass overrides what it wants to hear."""

    def left_out(self, lines: Sequence[str], kind: str) -> None:
        """What of the set does not count, a line each, and what all of it is (``unknown
        classes``)."""

    def understood(self, vocabulary: "Vocabulary", classes: "Iterable[Match]") -> None:
        """What the names of the classes were taken to mean."""

    def embedded(self, subject: "Subject", features: "Features") -> None:
        """The images are embedded by one of the models."""
