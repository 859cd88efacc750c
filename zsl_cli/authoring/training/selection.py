"""How far M may move, and by how much trained labels are lowered: chosen by holding out classes.

Training on some classes makes a model prefer them to all others, which it has then never seen an
image of. What that costs is measured on training images alone: a part of the classes is left out
in turn, as if nobody had images of them, and all compete.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.training.closed_form import constant_shift
from zsl_cli.authoring.training.linear import LinearMap
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.authoring.training.trainer import Settings, Training, train
from zsl_cli.evaluation.metrics import class_mean_hit_at_k_of_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

DECAYS = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
SHIFTS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""In units of log-probabilities. Training moves the right label and a wrong one apart by a margin
of 2, each by half; lowered by that half the right one stands to all other labels as before."""

FEWEST_CLASSES = 8
"""With fewer, or with fewer of two images, there is too little to hold out."""

_FOLDS = 4
_SPARED = 4  # every fourth image of a class, but one of two, is one to measure with
_STREAM = 1_000_001  # of random numbers, beyond those of any epoch
_MOST = 4096  # images that choices are made with


@dataclass(frozen=True)
class Choice:
    """A decay, a shift in units of log-probabilities, and what they did to hit@1 of the classes
    trained on and of those left out: means over the parts, and the standard errors of these."""

    decay: float
    shift: float
    seen: float
    unseen: float
    seen_error: float = 0.0
    unseen_error: float = 0.0


def choose(problem: Problem, settings: Settings, all_vectors: "NDArray[np.float32]",
           rows: "NDArray[np.int64]", *, decays: Sequence[float] = DECAYS,
           shifts: Sequence[float] = SHIFTS,
           advance: Callable[[int], object] = lambda _done: None) -> tuple[Choice, list[Choice]]:
    """The decay and the shift to train with, and all that were tried.

    all_vectors: of the vocabulary, ``[labels, D]``; rows: those of the problem's candidates.
    """
    problem = _some(problem, settings.seed)
    tried: list[Choice] = []
    parts = list(folds(len(problem.vectors), _FOLDS, settings.seed))
    lowered = [constant_shift(all_vectors, np.delete(rows, part), problem.unit) for part in parts]
    originals = problem.originals()
    before = originals.scores()
    spared = _spared(originals.target, settings.seed)
    span = settings.objective.in_span
    for decay in decays:
        gains = np.zeros((len(shifts), 2, len(parts)))
        for number, part in enumerate(parts):
            left_out = np.isin(originals.target, part)
            fit = problem.of_images(np.flatnonzero(~left_out & ~spared)).of_classes(
                np.setdiff1d(np.arange(len(problem.vectors)), part))
            moved = LinearMap(fit, span=span)
            train(Training(moved, replace(settings, decay=decay, patience=0)))
            change = moved.change()
            for line, shift in enumerate(shifts):
                after = originals.scores(change, np.float32(shift) * lowered[number])
                gains[line, :, number] = [
                    class_mean_hit_at_k_of_scores(after[which], originals.target[which], 1)
                    - class_mean_hit_at_k_of_scores(before[which], originals.target[which], 1)
                    for which in (~left_out & spared, left_out)]
            advance(1)
        means = np.nanmean(gains, axis=2)  # a part may have taken all classes of two images
        errors = np.nanstd(gains, axis=2, ddof=1) / len(parts) ** 0.5
        tried += [Choice(decay, shift, *map(float, (*mean, *error))) for shift, mean, error in
                  zip(shifts, means, errors, strict=True)]
    return _best(tried), tried


def _best(tried: Sequence[Choice]) -> Choice:
    """With each decay the least shift by which the classes left out lose no more than one standard
    error; of these the strongest decay whose gain is within one standard error of the best
    (Breiman et al., 1984). Images of one set are alike, and what holds for a user's next
    photographs is nearer to the model that training began with."""
    least: dict[float, Choice] = {}
    for one in sorted(tried, key=lambda one: one.shift):
        if one.decay not in least and one.unseen >= -one.unseen_error:
            least[one.decay] = one
    if not least:
        return max(tried, key=lambda one: (one.unseen, one.seen))
    best = max(least.values(), key=lambda one: one.seen)
    near = [one for one in least.values() if one.seen >= best.seen - best.seen_error]
    return max(near, key=lambda one: one.decay)


def possible(problem: Problem) -> bool:
    """Whether there are classes enough to hold some out, and images to measure with."""
    counts = np.bincount(problem.originals().target, minlength=1)
    return int((counts >= 2).sum()) >= FEWEST_CLASSES


def trials(decays: Sequence[float] = DECAYS) -> int:
    """How often ``advance`` is called."""
    return _FOLDS * len(decays)


def shift_of(problem: Problem, all_vectors: "NDArray[np.float32]", rows: "NDArray[np.int64]",
             shift: float) -> "NDArray[np.float32] | None":
    """What is added to M's bias to lower these labels by about so much."""
    return constant_shift(all_vectors, rows, shift * problem.unit) if shift else None


def folds(classes: int, count: int, seed: int) -> "Iterator[NDArray[np.int64]]":
    """The classes in so many parts, at random."""
    order = np.random.default_rng(seed).permutation(classes)
    for part in np.array_split(order, count):
        yield np.sort(part)


def _some(problem: Problem, seed: int) -> Problem:
    """The problem with the images that choices are made with: as many of each class."""
    target = problem.originals().target
    most = max(_SPARED, _MOST // (len(problem.vectors) * problem.copies))
    chosen = np.flatnonzero(_place_in_class(target, seed) < most)
    return problem if len(chosen) == len(target) else problem.of_images(chosen)


def _spared(target: "NDArray[np.int64]", seed: int) -> "NDArray[np.bool_]":
    """Of each image whether it is one to measure with."""
    return _place_in_class(target, seed) % _SPARED == 1


def _place_in_class(target: "NDArray[np.int64]", seed: int) -> "NDArray[np.int64]":
    """Each image's place in a random order of its class."""
    order = np.random.default_rng([seed, _STREAM]).permutation(len(target))
    order = order[np.argsort(target[order], kind="stable")]
    starts = np.searchsorted(target[order], target[order])
    place = np.empty(len(target), np.int64)
    place[order] = np.arange(len(target)) - starts
    return place
