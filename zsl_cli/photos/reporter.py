"""What a run over a library tells while it goes on."""

from typing import TYPE_CHECKING

from zsl_cli.support import progress

if TYPE_CHECKING:
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.errors import ImageError
    from zsl_cli.photos.result import IndexResult, LabelResult
    from zsl_cli.photos.sidecars.changes import Change
    from zsl_cli.vocabulary.search.nearest import Nearest


class Reporter(progress.Reporter):
    """Silent; a subclass overrides what it wants to hear."""

    def loaded(self, classifier: "Classifier", nearest: "Nearest") -> None:
        """The model, the vocabulary and the search among the candidate labels are there."""

    def photo_failed(self, path: str, error: "ImageError") -> None:
        """A photo could not be labelled."""

    def indexed(self, result: "IndexResult") -> None:
        """What came of reading a library. After an interrupt this is said before KeyboardInterrupt
        goes on."""

    def left_out(self, line: str) -> None:
        """A library, or a part of it, could not be searched, and why; a person should know."""
        self.warn(line)

    def sidecar_changed(self, change: "Change") -> None:
        """A sidecar was changed, or in a dry run would be; ``change.warning`` is to be said."""

    def sidecar_failed(self, path: str, error: "ImageError") -> None:
        """The sidecar of a photo could not be brought up to date."""

    def ended(self, result: "LabelResult") -> None:
        """What came of it. After an interrupt this is said before KeyboardInterrupt goes on."""
