"""EvaluationRequest: what is to be measured, on what, and how."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from zsl_cli.errors import RequestError
from zsl_cli.evaluation.measure import Settings
from zsl_cli.support.limits import KS, MAX_PIXELS, MAX_RESAMPLES, MAX_SEED
from zsl_cli.support.names import Name, check_names, names_of, set_names
from zsl_cli.support.values import (
    READING,
    SHARE,
    TOP,
    Range,
    check_device,
    check_number,
    set_numbers,
    several,
)

_FINITE = Range(-math.inf)

Pair = tuple[str, str | None]
"""A model and a vocabulary, as they were asked for."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What is asked of ``evaluate``; raises RequestError for values that make no sense.

    dataset: a folder of class folders, or a CSV file (see datasets.read).
    models: one or several, by name or folder; vocabularies: one for all models, or one for each,
        or none, where each model has the one that it goes with (see pairing.vocabulary_for).
    candidates: the labels that may be answered, names of CANDIDATE_SETS or files with a label a
        line; none stand for ``own`` and ``all``.
    seen: a file of the labels that the models were trained on; by default what the vocabulary
        says.
    stacking: constants of calibrated stacking, each a number or ``best``: that of the best harmonic
        mean on these very images.
    ks, resamples, seed: see measure.Settings.
    confidence: of the keywords that are measured, too, in the rows of ``all``; none otherwise.
    device: see Model.load. jobs, batch_size, max_pixels: see Classifier.classify.
    cache: whether embeddings are kept for the next time (see ``feature_cache``).
    """

    dataset: Name
    models: Name | Sequence[Name] = "default"
    vocabularies: Name | Sequence[Name] = ()
    candidates: Name | Sequence[Name] = ()
    seen: Name | None = None
    stacking: Sequence[float | str] = ()
    ks: Sequence[int] = KS
    resamples: int = 1000
    seed: int = 0
    confidence: float | None = None
    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS
    cache: bool = True

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense, wherever it is asked."""
        check_names("dataset", [self.dataset])
        set_names(self, "models", "vocabularies", "candidates")
        set_numbers(self, confidence=SHARE)
        if self.confidence is not None and "all" not in (names_of(self.candidates) or ("all",)):
            raise RequestError("`confidence` is of keywords among all labels: ask for "
                               "`candidates=all`, too")
        ks = tuple(check_number("ks", k, TOP) for k in several(self.ks))
        if not ks:
            raise RequestError("`ks`: a whole number is expected, or several")
        object.__setattr__(self, "ks", ks)
        object.__setattr__(self, "stacking", tuple(map(_constant, several(self.stacking))))
        set_numbers(self, resamples=Range(1, MAX_RESAMPLES, whole=True),
                    seed=Range(0, MAX_SEED, whole=True), **READING)
        check_device(self.device)
        _ = self.pairs

    @property
    def pairs(self) -> list[Pair]:
        """Each model with its vocabulary, once; raises RequestError."""
        return pairs_of(names_of(self.models), names_of(self.vocabularies))

    @property
    def settings(self) -> Settings:
        """How it is measured."""
        return Settings(tuple(sorted(set(self.ks))), self.resamples, self.seed, self.confidence)


def pairs_of(models: list[str], vocabularies: list[str]) -> list[Pair]:
    """Each model with its vocabulary, once; raises RequestError unless there is one vocabulary for
    each model, or one for all, or none."""
    if not vocabularies:
        return list(dict.fromkeys((model, None) for model in models))
    if len(vocabularies) == 1:
        vocabularies = len(models) * vocabularies
    elif len(models) == 1:
        models = len(vocabularies) * models
    if len(models) != len(vocabularies):
        raise RequestError(f"{len(models)} `models` and {len(vocabularies)} `vocabularies`: "
                           "give one `vocabulary` for each `model`, or one for all, or none")
    return list(dict.fromkeys(zip(models, vocabularies, strict=True)))


def _constant(gamma: object) -> float | str:
    if gamma == "best":
        return "best"
    if gamma not in _FINITE:
        raise RequestError(f"`stacking` {gamma!r}: a number, or best, is expected")
    return cast("float", check_number("stacking", gamma, _FINITE))
