"""How far M may move, and by how much trained labels are lowered: chosen by holding out classes.

Training on some classes makes a model prefer them to all others, which it has then never seen an
image of. What that costs is measured on training images alone: a part of the classes is left out
in turn, as if nobody had images of them, and all compete.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.training.closed_form import constant_shift
from zsl_cli.training.problem import Problem, hit_at_k
from zsl_cli.training.trainer import Settings, Training, folds, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

DECAYS = (3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
SHIFTS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
_FOLDS = 4
_GAIN = 0.01
"""What classes that are left out have to gain in hit@1, as a mean over the parts: the best of many
trials on a few images flatters itself."""


@dataclass(frozen=True)
class Choice:
    """A decay, a shift in units of log-probabilities, and what they did to hit@1 of the classes
    trained on and of those left out, a mean over the parts."""

    decay: float
    shift: float
    seen: float
    unseen: float


def choose(problem: Problem, settings: Settings, all_vectors: "NDArray[np.float32]",
           rows: "NDArray[np.int64]", *, decays: Sequence[float] = DECAYS,
           shifts: Sequence[float] = SHIFTS,
           advance: Callable[[int], object] = lambda _done: None) -> tuple[Choice, list[Choice]]:
    """The decay and the shift that raise the trained classes most among those that do not
    cost the others anything (the cheapest, should there be none), and all that were tried.

    all_vectors: of the vocabulary, ``[labels, D]``; rows: those of the problem's candidates.
    """
    parts = list(folds(len(problem.vectors), _FOLDS, settings.seed))
    tried = []
    lowered = [constant_shift(all_vectors, np.delete(rows, part), problem.unit) for part in parts]
    for decay in decays:
        gains = np.zeros((len(parts), len(shifts), 2))
        for number, part in enumerate(parts):
            kept = np.setdiff1d(np.arange(len(problem.vectors)), part)
            change, before = _fitted(problem, kept, replace(settings, decay=decay, patience=0))
            for column, shift in enumerate(shifts):
                after = problem.scores(change, np.float32(shift) * lowered[number])
                gains[number, column] = [
                    hit_at_k(after[which], problem.target[which], 1)
                    - hit_at_k(before[which], problem.target[which], 1)
                    for which in (_half(problem, kept, settings.seed),
                                  np.isin(problem.target, part))]
            advance(1)
        tried += [Choice(decay, shift, *map(float, gains[:, column].mean(0)))
                  for column, shift in enumerate(shifts)]
    cheap = [one for one in tried if one.unseen >= _GAIN]
    best = max(cheap, key=lambda one: one.seen) if cheap else max(
        tried, key=lambda one: one.unseen)
    return best, tried


def trials(decays: Sequence[float] = DECAYS) -> int:
    """How often ``advance`` is called."""
    return _FOLDS * len(decays)


def shift_of(problem: Problem, all_vectors: "NDArray[np.float32]", rows: "NDArray[np.int64]",
             shift: float) -> "NDArray[np.float32] | None":
    """What is added to M's bias to lower these labels by about so much."""
    return constant_shift(all_vectors, rows, shift * problem.unit) if shift else None


def _half(problem: Problem, classes: "NDArray[np.int64]", seed: int) -> "NDArray[np.bool_]":
    """Every other image of these classes: those that a part is not trained on."""
    chosen = np.isin(problem.target, classes)
    rows = np.random.default_rng([seed, 1]).permutation(np.flatnonzero(chosen))
    rows = rows[np.argsort(problem.target[rows], kind="stable")][::4]
    found = np.zeros(len(chosen), bool)
    found[rows] = True
    return found


def _fitted(problem: Problem, kept: "NDArray[np.int64]", settings: Settings,
            ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    training = np.isin(problem.target, kept) & ~_half(problem, kept, settings.seed)
    part = problem.of_images(np.flatnonzero(training)).of_classes(kept)
    return train(Training(part, settings)).change, problem.scores()
