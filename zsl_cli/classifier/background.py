"""What a candidate label is compared with where there is no vocabulary: what photos show, in
general words.

A model that encodes phrases needs no vocabulary. The softmax over what a user lists says nothing of
whether any of it is there: of a single candidate it is 1. So each candidate is on its own, against
some phrases for all that photos show, encoded by the model itself: ``red panda`` has to be nearer
to a photo than ``an animal``, ``food`` or ``a street`` is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np

from zsl_cli.errors import UnknownLabelError, ZslError
from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.names.word_forms import forms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.embedding.label_encoder import LabelEncoder

    Array = NDArray[np.float32]

GENERIC = (
    "a photo", "a person", "people", "a face", "a child", "an animal", "a bird", "a fish",
    "an insect", "a reptile", "a pet", "wildlife", "a plant", "a flower", "a tree", "leaves",
    "food", "a meal", "fruit", "a drink", "clothes", "jewelry", "a vehicle", "a boat",
    "an aircraft", "a machine", "a device", "a tool", "a weapon", "a toy",
    "a musical instrument", "furniture", "a container", "kitchenware", "a book", "text",
    "a sign", "a drawing", "a pattern", "a building", "a room", "a street", "a city", "a road",
    "a landscape", "a mountain", "water", "the sky", "grass", "sand", "snow", "rocks", "night",
    "a sport", "a game", "a crowd", "a party", "an object", "a thing", "a place")
"""Phrases for all that photos show."""

_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True)
class Background:
    """Phrases that stand for all that an image may show, and their vectors, float32 ``[m, D]``."""

    phrases: tuple[str, ...]
    vectors: "Array"

    @classmethod
    def encoded(cls, encoder: "LabelEncoder") -> Self:
        """Those of GENERIC that the label encoder knows; raises ZslError where it knows none."""
        known: dict[str, Array] = {}
        for phrase in GENERIC:  # one by one, so that nothing is logged of those that read the same
            try:
                known[phrase] = encoder.encode([phrase])[0]
            except UnknownLabelError:
                continue
        if not known:
            raise ZslError(f"the label encoder of {encoder.path} knows none of the phrases that "
                           "candidate labels are compared with; a vocabulary takes their place")
        return cls(tuple(known), np.stack([*known.values()]))

    @cached_property
    def _friends(self) -> "Callable[[tuple[str, ...]], dict[tuple[int, ...], list[int]]]":
        """Candidates → the columns of those that have words in common with the same phrases, by
        the columns of these; kept for the next images of the same question."""
        words = [*map(_words_of, self.phrases)]

        def friends(candidates: tuple[str, ...]) -> dict[tuple[int, ...], list[int]]:
            alike: dict[tuple[int, ...], list[int]] = {}
            for column, own in enumerate(map(_words_of, candidates)):
                key = tuple(at for at, some in enumerate(words) if not own.isdisjoint(some))
                alike.setdefault(key, []).append(column)
            return alike
        return lru_cache(maxsize=1)(friends)

    def shares(self, embeddings: "Array", candidates: Sequence[str], vectors: "Array",
               scale: float) -> "Array":
        """Of n images and k candidate labels the share of each candidate in the softmax over
        itself and the background, float32 ``[n, k]``. A background phrase that has a word in common
        with a candidate does not count against it: a beach is no rival of a sandy beach.

        embeddings: ``[n, D]``; vectors: of the candidates, ``[k, D]``; scale: what inner products
            are divided by.
        """
        own, others = embeddings @ vectors.T / scale, embeddings @ self.vectors.T / scale
        shares = np.empty_like(own)
        for friends, columns in self._friends(tuple(candidates)).items():
            odds = own[:, columns] - _log_sum(np.delete(others, friends, axis=1))[:, None]
            shares[:, columns] = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        return shares


def _log_sum(values: "Array") -> "Array":
    """The logarithm of the sum of exponentials over each line; of none that of a sum of 0."""
    top = values.max(axis=1, initial=-1e6)
    return np.asarray(top + np.log(np.exp(values - top[:, None]).sum(axis=1) + 1e-30), np.float32)


def _words_of(phrase: str) -> frozenset[str]:
    words = normal_name(phrase).split()
    return frozenset(one for word in words for one in (word, *forms(word))) - _ARTICLES
