"""The methods of ``zsl train`` → what the projection becomes."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.training import closed_form, selection
from zsl_cli.authoring.training.linear import LinearMap
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.authoring.training.trainer import Progress, Settings, Training, enough_memory, train
from zsl_cli.errors import ZslError
from zsl_cli.support import files

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHARE = {"image": 0.1, "class": 0.2}
_TOGETHER = 64  # images whose scores are held at once
_FEWEST = 5  # images of a class of which one may be spared for validation
_SPLITTING, _DRAWING = 1_000_002, 1_000_003  # streams of random numbers, beyond any epoch's

CHOICE = "choice.json"

COMMON = (3e-4, 1.0)
"""Decay and shift where they are not chosen, for an M that begins with a model's."""

FRESH_DECAY = 1e-6
"""The decay where M begins with nought."""


@dataclass(frozen=True)
class Learned:
    """What a method gives.

    change: added to M, float32 ``[D, F]``.
    classes: the candidates whose images were learned from, int64 ``[c]``; the others were held out
        to validate with.
    shift: added to M's bias, float32 ``[D]``, or None.
    vectors: the label vectors of the candidates where the method makes its own, ``[C, D]``, of
        length 1 at most.
    history: what was logged, an entry an epoch; best: the epoch that was kept.
    finetuning, finetuned: the same of the network, where it was trained.
    choice: how decay and shift were chosen, see selection.
    """

    change: "NDArray[np.float32]"
    classes: "NDArray[np.int64]"
    shift: "NDArray[np.float32] | None" = None
    vectors: "NDArray[np.float32] | None" = None
    history: tuple[dict[str, Any], ...] = ()
    best: int = 0
    finetuning: tuple[dict[str, Any], ...] = ()
    finetuned: int = 0
    choice: selection.Choice | None = None


def split(target: "NDArray[np.int64]", kind: str, seed: int,
          ) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """The rows to train on and those to validate with: a share of each class's images, or all
    images of a share of the classes. Raises ZslError when nothing can be spared."""
    random = np.random.default_rng([seed, _SPLITTING])
    everything = np.arange(len(target))
    if kind == "none":
        return everything, everything[:0]
    classes = np.unique(target)
    if kind == "class":
        count = round(_SHARE[kind] * len(classes))
        if count < 1 or len(classes) - count < 2:
            raise ZslError(f"{len(classes)} classes are too few to hold some out; give "
                           "--validation image or none")
        chosen = np.isin(target, random.permutation(classes)[:count])
        return everything[~chosen], everything[chosen]
    spared: list[int] = []
    for one in classes:
        rows = np.flatnonzero(target == one)
        if len(rows) >= _FEWEST:
            spared += random.permutation(rows)[:max(1, round(_SHARE[kind] * len(rows)))].tolist()
    chosen = np.isin(everything, spared)
    return everything[~chosen], everything[chosen]


def random_vectors(count: int, dimension: int, seed: int) -> "NDArray[np.float32]":
    """Unit vectors ``[count, dimension]`` in directions that mean nothing."""
    found = np.random.default_rng([seed, _DRAWING]).standard_normal((count, dimension), np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def with_slack(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Vectors of length 1 at most, ``[C, D]``, as unit vectors ``[C, D + 1]``, whose inner products
    with ``[v; 0]`` are those with v before (Neyshabur and Srebro, 2015)."""
    slack = np.sqrt(np.maximum(1 - np.square(vectors).sum(axis=1, keepdims=True), 0))
    return np.hstack([vectors, slack])


def gradient(problem: Problem, settings: Settings, *, validation: str, all_vectors: Any,
             rows: "NDArray[np.int64]", state: Path, decay: float | None, shift: float | None,
             learn_vectors: bool, device: str, progress: Progress,
             choosing: Callable[[int], Callable[[int], object]],
             begin: Callable[[], object]) -> Learned:
    """By gradient descent.

    decay, shift: None chooses both by holding out classes, where there is an M to keep and there
        are enough of them; the choice is kept beside ``state``.
    choosing: told how many steps the choice has; gives what is told of each.
    begin: told that the training itself begins.
    """
    identity, choice = _identity(problem, validation), None
    if problem.offset is None:
        chosen = (FRESH_DECAY if decay is None else decay, 0.0)
    else:
        chosen = (COMMON[0] if decay is None else decay, COMMON[1] if shift is None else shift)
        if decay is None and shift is None and selection.possible(problem):
            choice = _chosen(problem, settings, all_vectors, rows, state, identity, choosing)
            chosen = (choice.decay, choice.shift)
    settings = replace(settings, decay=chosen[0])
    originals = problem.originals()
    training, spared = split(originals.target, validation, settings.seed)
    fit, check = problem.of_images(training), originals.of_rows(spared)
    classes = np.unique(fit.target)
    if validation == "class":
        fit = fit.of_classes(classes)
    begin()
    with enough_memory():
        moved = LinearMap(fit, check if len(spared) else None, learn_vectors=learn_vectors,
                          span=settings.objective.in_span, seed=settings.seed, device=device)
    done = train(Training(moved, settings), state, identity, progress)
    lowered = selection.shift_of(problem, all_vectors, rows[classes], chosen[1])
    return Learned(moved.change(), classes, lowered, moved.learned_vectors(), tuple(done.history),
                   done.best, choice=choice)


def _chosen(problem: Problem, settings: Settings, all_vectors: Any, rows: "NDArray[np.int64]",
            state: Path, identity: str, choosing: Callable[[int], Callable[[int], object]],
            ) -> selection.Choice:
    """The choice; what was chosen for the same training before is not chosen anew."""
    kept = state.with_name(CHOICE)
    wanted = {"identity": identity, "settings": asdict(replace(settings, learning_rate=0))}
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(kept.read_bytes())
        if {name: found[name] for name in wanted} == wanted:
            return selection.Choice(**found["choice"])
    choice, _ = selection.choose(problem, settings, all_vectors, rows,
                                 advance=choosing(selection.trials()))
    with files.replacing(kept, durable=False) as file:
        file.write(json.dumps({**wanted, "choice": asdict(choice)}).encode())
    return choice


def ridge(problem: Problem, decay: float, direction: str) -> Learned:
    """In closed form; with an offset, M moves from where it is."""
    wanted = problem.vectors[problem.target]
    if problem.offset is not None:
        if direction == "to-features":
            raise ZslError("--direction to-features makes M anew; give --from-scratch with it")
        wanted = wanted * problem.radius - problem.offset
    weights = problem.weights()
    return Learned(closed_form.ridge(problem.inputs, wanted, weights / weights.sum(), decay,
                                     direction), np.unique(problem.target))


def fitted_temperature(embeddings: "NDArray[np.float32]", vectors: "NDArray[np.float32]",
                       target: "NDArray[np.int64]") -> float:
    """The temperature T of the least cross entropy of ``softmax(embeddings · vectors / T)`` (Guo
    et al., 2017), among 60 from 0.001 to 1."""
    temperatures = np.geomspace(1e-3, 1, 60)
    losses = np.zeros(len(temperatures))
    for start in range(0, len(target), _TOGETHER):
        scores = embeddings[start:start + _TOGETHER] @ vectors.T
        scores -= scores[np.arange(len(scores)), target[start:start + _TOGETHER]][:, None]
        top = scores.max(axis=1)
        for number, temperature in enumerate(temperatures):
            sums = np.exp((scores - top[:, None]) / np.float32(temperature)).sum(axis=1)
            losses[number] += float((top / temperature + np.log(sums)).sum())
    return float(temperatures[losses.argmin()])


def _identity(problem: Problem, validation: str) -> str:
    digest = hashlib.sha256(validation.encode())
    for part in (problem.inputs, problem.target, problem.vectors, problem.offset):
        digest.update(b"" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
