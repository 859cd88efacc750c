"""How usual a label is in pictures, before any picture is seen."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.wordnet import WordNet
from zsl_cli.support import extras

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORD_WEIGHT = 0.15
"""Nats a nat of word frequency."""
PHOTOGRAPHED_WEIGHT = 2.0
"""Nats for a label of which photographs are easy to find."""
EVERYDAY_WEIGHT = 2.0
"""Nats for a thing that has a plain word."""
BESIDE_WEIGHT = -6.0
"""Nats for what is no thing (weather, sports, events) and is told by what it is seen with: where
all labels compete it would take from the things that are in it."""

_THINGS = ("n00002684", "n00020827", "n00007347")  # objects, matter, people and their like


def label_prior(wordnet: WordNet, ids: Sequence[str], photographed: Collection[str],
                everyday: Collection[str] = (), beside: Collection[str] = (),
                ) -> "NDArray[np.float32]":
    """The prior of each label in nats, with mean 0, float32 ``[labels]``.

    It grows with how often the label's words are used in its sense, and with whether the label
    is among those of which image collections found many photographs, and those that people have
    a plain word for. Users mean everyday things; how common the right word is decides more of
    zero-shot accuracy than any method (Hascoet et al., 2019; entry-level categories: Ordonez et
    al., 2013).

    beside: the labels that have a second vector, for what they are seen with.
    """
    prior = WORD_WEIGHT * log_usage(wordnet, ids)
    for row, id_ in enumerate(ids):
        if wordnet.ancestors(id_).isdisjoint(_THINGS):
            prior[row] += BESIDE_WEIGHT * (id_ in beside)
        else:
            prior[row] += EVERYDAY_WEIGHT * (id_ in everyday)
        prior[row] += PHOTOGRAPHED_WEIGHT * (id_ in photographed)
    return (prior - prior.mean()).astype(np.float32)


def log_usage(wordnet: WordNet, ids: Sequence[str]) -> "NDArray[np.float32]":
    """The logarithm of 1 + the uses, in 10⁹ words of English, of a label's words in its sense.

    A word's frequency is wordfreq's (Speer, 2022); the share of its senses is that of WordNet's
    sense-tagged text, smoothed by 1 / rank².
    """
    with extras.needed("vocab", "the label prior"):
        from wordfreq import zipf_frequency
    usage = np.zeros(len(ids), np.float32)
    for row, id_ in enumerate(ids):
        uses = 1.0
        for word in wordnet.synsets[id_].words:
            senses = max(len(wordnet.senses.get(word.lower(), ())), 1)
            rank = min(wordnet.sense_rank(word, id_), 5)
            smoothing = sum(1 / place ** 2 for place in range(1, senses + 1))
            share = (wordnet.tag_count(word, id_) + 1 / (rank + 1) ** 2) / (
                wordnet.total_count(word) + smoothing)
            uses += 10 ** zipf_frequency(word, "en") * share
        usage[row] = np.log(uses)
    return usage
