"""Queries → unit vectors of the joint space."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.sentences import SentenceEncoder
from zsl_cli.errors import ImageError, UnknownLabelError, ZslError
from zsl_cli.photos.search.request import Query, Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.embedding.model import Model
    from zsl_cli.photos.search.space import JointSpace
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    Vector = NDArray[np.float32]

_NEAR = 3  # names that a word may have been meant to be
_NOTHING = 1e-3  # a sum as short as that is nothing but rounding


class QueryEncoder:
    """Words by the model's way with sentences, photos by what is known of them or else by the
    model."""

    def __init__(self, model: "Model", vocabulary: "Vocabulary | None", space: "JointSpace",
                 known: "Callable[[str], NDArray[np.float16] | None]",
                 doubt: "Callable[[str], object]" = lambda _line: None) -> None:
        """known: the embedding of a photo that need not be read. doubt: told of each word that may
        be a typing error."""
        self._model, self._vocabulary = model, vocabulary
        self._space, self._known, self._doubt = space, known, doubt

    def encode(self, queries: Sequence[Query]) -> "list[Vector | ZslError]":
        """A unit vector ``[width]`` for each query, or why there is none: words that nothing is
        known of, a photo that can't be read."""
        found = {is_sum: self._terms([query for query in queries if query.is_sum == is_sum], is_sum)
                 for is_sum in (False, True)}
        return [self._sum(query, found[query.is_sum]) for query in queries]

    def _terms(self, queries: Sequence[Query], are_sums: bool) -> "dict[Term, Vector | ZslError]":
        """A unit vector for each term of queries that are sums, or of such that are none."""
        terms = [term for query in queries for term in (*query.plus, *query.minus)]
        found: dict[Term, Vector | ZslError] = dict(self._words(
            list(dict.fromkeys(term for term in terms if isinstance(term, str))), are_sums))
        for term in terms:
            if term not in found:
                found[term] = self._photo(os.fspath(term))
        return found

    def _words(self, texts: Sequence[str],
               of_sums: bool) -> "Iterable[tuple[str, Vector | ZslError]]":
        if not texts:
            return
        encoder = SentenceEncoder(self._model, self._vocabulary)
        encode = encoder.terms if of_sums else encoder.embed
        english = [self._in_english(text) for text in texts]
        embedded = encode(english)
        for at in embedded.kept:
            for word, names in encoder.doubts(english[at]).items():
                near = f"; is it {' or '.join(names[:_NEAR])}?" if names else ""
                self._doubt(f"{word!r} is no word that is known{near}")
        vectors = self._space.unit(embedded.values)
        yield from zip([texts[at] for at in embedded.kept], vectors, strict=True)
        yield from ((texts[at], error) for at, error in embedded.failed)

    def _in_english(self, text: str) -> str:
        """What the model knows a label by that is named in the language of the vocabulary."""
        if self._vocabulary is None or self._vocabulary.language is None:
            return text
        match = self._vocabulary.look_up(text)
        return text if match is None else self._vocabulary.label(match.row).word

    def _photo(self, path: str) -> "Vector | ZslError":
        embedding = self._known(path)
        try:
            rows = self._model.embed([path]) if embedding is None else embedding[None]
        except ImageError as error:
            return ImageError(f"{path}: {error}", error.kind)
        return self._space.unit(rows)[0]

    def _sum(self, query: Query, found: "dict[Term, Vector | ZslError]") -> "Vector | ZslError":
        total = np.zeros(self._space.width, np.float32)
        for sign, terms in ((1, query.plus), (-1, query.minus)):
            for term in terms:
                vector = found[term]
                if isinstance(vector, ZslError):
                    return vector
                total += sign * vector
        length = float(np.linalg.norm(total))
        if length < _NOTHING:
            return UnknownLabelError(f"nothing is left of {query.text!r}: the terms cancel out")
        return total / np.float32(length)
