"""A vocabulary folder as a source of word vectors for other labels."""

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.word_vectors.base import HEAD
from zsl_cli.errors import ZslError
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from zsl_cli.authoring.vocabularies.word_vectors.base import Found


class FolderVectors:
    """The names of a vocabulary's labels and, for those that have the same vector, their
    synonyms; see WordVectors. What is built from it is of the same space."""

    format = "vocabulary folder"
    subwords = False
    guessed: frozenset[str] = frozenset()
    space: str | None

    def __init__(self, vocabulary: Vocabulary, reporter: Reporter = SILENT) -> None:
        """Raises ZslError for a vocabulary whose vectors can't be averaged."""
        if vocabulary.prior_dimension is not None:
            raise ZslError(f"{vocabulary.name}: its vectors have dimensions beside those of "
                           "meaning (a label prior), so that no others can be made of them; list "
                           "labels with `labels` where images are classified")
        self._vocabulary, self._reporter = vocabulary, reporter
        self.dimension, self.space = vocabulary.dimension, vocabulary.space

    def notes(self) -> Iterator[str]:
        """See WordVectors; nothing."""
        return iter(())

    def read(self, wanted: Container[str] | None = None, *, limit: int | None = None,
             ) -> "Iterator[Found]":
        """See WordVectors."""
        count = min(limit or len(self._vocabulary), len(self._vocabulary))
        self._reporter.start("reading vectors", count, "labels")
        for row in range(count):
            label = self._vocabulary.label(row)
            for name in (label.name, *(label.synonyms if wanted is not None else ())):
                if wanted is None or row < HEAD or name in wanted:
                    yield name, np.asarray(self._vocabulary.vectors[row], np.float32)
            self._reporter.advance(1)
