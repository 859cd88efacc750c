"""Gradient descent on cached features, which goes on after a kill as if nothing had been."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from zsl_cli import devices, files
from zsl_cli.errors import ZslError
from zsl_cli.training import losses
from zsl_cli.training.problem import Problem, hit_at_k

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALL = 2e8  # operations a step; threads would only wait for one another
_SAVE_EVERY = 2.0  # seconds
_CHUNK = 1024  # labels that are looked through at once for one that violates


@dataclass(frozen=True)
class Settings:
    """How to train.

    loss: ``rank``, ``softmax`` or ``l2``.
    margin: of the ranking loss, between inner products.
    negatives: see losses.hinge_rank_loss; ``sampled`` takes ``samples`` a batch.
    learning_rate: the first; it falls to nought along a half cosine.
    decay: of the change of M toward nought, in units of log-probabilities.
    patience: epochs without a better hit@1 on validation images after which training stops; 0
        goes on to the end.
    """

    loss: str = "rank"
    margin: float = 0.1
    negatives: str = "all"
    samples: int = 512
    epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 0.05
    decay: float = 3e-6
    patience: int = 0
    seed: int = 0


class Progress(Protocol):
    """Where it is told how far training is."""

    def epoch(self, record: dict[str, Any]) -> None:
        """One more epoch is done."""


class _Silent:
    def epoch(self, record: dict[str, Any]) -> None:
        pass


@dataclass(frozen=True)
class Result:
    """The change of M, float32 ``[D, F]``; label vectors ``[C, D]`` where they were learned; what
    was logged, an entry an epoch; and the epoch that is kept, from 1 on."""

    change: "NDArray[np.float32]"
    vectors: "NDArray[np.float32] | None"
    history: list[dict[str, Any]]
    best: int


class Training:
    """One training: parameters, the optimiser's state, what has been logged."""

    def __init__(self, problem: Problem, settings: Settings, validation: Problem | None = None, *,
                 learn_vectors: bool = False, device: str = "cpu") -> None:
        self.problem, self.settings, self.validation = problem, settings, validation
        self.device = torch.device(device)
        # Whatever the loss, its gradient lies in the span of the candidates' vectors.
        small = len(problem.vectors) < problem.vectors.shape[1] and not learn_vectors
        self.basis = (np.linalg.qr(problem.vectors.T)[0] if small
                      else np.eye(problem.vectors.shape[1], dtype=np.float32))
        self.vectors = self._put(problem.vectors @ self.basis if small else problem.vectors)
        self.inputs = self._put(problem.inputs)
        self.target = self._put(problem.target)
        self.weights = self._put(problem.weights())
        self.offset = None if problem.offset is None else self._put(
            (problem.offset @ self.basis if small else problem.offset) / problem.unit)
        self.matrix = torch.zeros((self.basis.shape[1], problem.inputs.shape[1]),
                                  device=self.device, requires_grad=True)
        parameters = [self.matrix]
        if learn_vectors:
            with torch.no_grad():  # with both at nought nothing would ever move
                self.matrix.normal_(std=1e-2, generator=self._generator())
            self.vectors.requires_grad_()
            parameters.append(self.vectors)
        self.learn_vectors = learn_vectors
        self.optimiser = torch.optim.Adam(parameters, lr=settings.learning_rate)
        self.epoch = 0
        self.best, self.best_hit = 0, -1.0
        self.best_state: list[Tensor] = []
        self.history: list[dict[str, Any]] = []

    def _generator(self) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(self.settings.seed)

    def _put(self, array: "NDArray[Any]") -> Tensor:
        return torch.tensor(array, device=self.device)

    @property
    def stopped(self) -> bool:
        """Whether there is nothing more to do."""
        patience = self.settings.patience
        return self.epoch >= self.settings.epochs or (
            patience > 0 and self.validation is not None and self.epoch - self.best >= patience)

    def run_epoch(self) -> dict[str, Any]:
        """Go through all images once; returns what is logged. Raises ZslError when the loss is
        no finite number any more."""
        began, settings = time.monotonic(), self.settings
        random = np.random.default_rng([settings.seed, self.epoch])
        order = random.permutation(len(self.inputs))
        starts = range(0, len(order), settings.batch_size)
        total = 0.0
        with _threads(self._operations()):
            for step, start in enumerate(starts):
                rate = self._rate(self.epoch + step / len(starts))
                for group in self.optimiser.param_groups:
                    group["lr"] = rate
                rows = order[start:start + settings.batch_size]
                loss = self._step(torch.as_tensor(rows, device=self.device), random)
                if not math.isfinite(loss):
                    raise ZslError(
                        f"the loss became {loss} in epoch {self.epoch + 1}, step {step + 1} of "
                        f"{len(starts)}; the last good epoch is {self.epoch}: try a lower "
                        f"--learning-rate than {settings.learning_rate:g}")
                total += loss * len(rows)
            self.epoch += 1
            record: dict[str, Any] = {"epoch": self.epoch, "loss": total / len(order),
                                      "learning_rate": rate, **self._measure()}
        record["seconds"] = round(time.monotonic() - began, 3)
        self.history.append(record)
        hit = record.get("hit@1", 0.0)
        if self.validation is None or hit > self.best_hit:
            self.best, self.best_hit = self.epoch, hit
            self.best_state = [one.detach().clone() for one in self._parameters()]
        return record

    def _parameters(self) -> list[Tensor]:
        return [self.matrix, self.vectors] if self.learn_vectors else [self.matrix]

    def _operations(self) -> float:
        labels = self.settings.samples if self.settings.negatives == "sampled" else min(
            len(self.vectors), _CHUNK)
        return 6.0 * self.settings.batch_size * self.matrix.shape[0] * (
            self.matrix.shape[1] + labels)

    def _rate(self, at: float) -> float:
        return self.settings.learning_rate * (1 + math.cos(math.pi * at / self.settings.epochs)) / 2

    def _step(self, rows: Tensor, random: np.random.Generator) -> float:
        mixed = (torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda"
                 else nullcontext())
        try:
            self.optimiser.zero_grad()
            with mixed:
                projected = self.inputs[rows] @ self.matrix.T
                if self.offset is not None:
                    projected = projected + self.offset[rows]
                loss = self._loss(projected.float(), self.target[rows], random)
                loss = (loss * self.weights[rows]).mean()
            total = loss + self.settings.decay * self.matrix.square().sum()
            total.backward()
            self.optimiser.step()
            if self.learn_vectors:  # as Weston et al., 2011: of length 1 at most
                with torch.no_grad():
                    self.vectors /= self.vectors.norm(dim=1, keepdim=True).clamp_min(1)
        except torch.cuda.OutOfMemoryError as error:
            raise ZslError("out of memory on the graphics card; try a --batch-size smaller than "
                           f"{self.settings.batch_size}") from error
        return float(loss.detach())

    def _loss(self, projected: Tensor, target: Tensor, random: np.random.Generator) -> Tensor:
        settings, temperature = self.settings, self.problem.temperature
        if settings.loss == "l2":
            return losses.squared_distance(projected * temperature, self.vectors[target])
        if settings.loss == "softmax":
            return losses.softmax_loss(projected @ self.vectors.T, target, 1.0)
        margin, vectors = settings.margin / temperature, self.vectors
        if settings.negatives == "first":
            return self._first(projected, target, margin, random)
        if settings.negatives == "sampled" and settings.samples < len(vectors):
            drawn = self._put(random.choice(len(vectors), settings.samples, replace=False))
            columns = torch.unique(torch.cat([drawn, target]))
            vectors, target = vectors[columns], torch.searchsorted(columns, target)
        return losses.hinge_rank_loss(projected @ vectors.T, target, margin)

    def _first(self, projected: Tensor, target: Tensor, margin: float,
               random: np.random.Generator) -> Tensor:
        """The first label in a random order that violates the margin, looked for in chunks: few
        images need more than one."""
        order = self._put(random.permutation(len(self.vectors)))
        right = (projected * self.vectors[target]).sum(1)
        wrong = target.clone()  # itself: nothing violates
        with torch.no_grad():
            open_ = torch.arange(len(target), device=self.device)
            for start in range(0, len(order), _CHUNK):
                columns = order[start:start + _CHUNK]
                scores = projected[open_] @ self.vectors[columns].T
                bad = (scores > right[open_, None] - margin) & (columns != target[open_, None])
                first = bad.to(torch.uint8).argmax(1)
                some = bad.any(1)
                wrong[open_[some]] = columns[first[some]]
                open_ = open_[~some]
                if not len(open_):
                    break
        excess = (margin - right + (projected * self.vectors[wrong]).sum(1)).clamp_min(0)
        return torch.where(wrong == target, torch.zeros_like(excess), excess)

    def _measure(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        found = self._result([one.detach() for one in self._parameters()])
        problem = self.validation
        if found[1] is not None:
            from dataclasses import replace

            problem = replace(problem, vectors=found[1])
        scores = problem.scores(found[0])
        return {f"hit@{k}": hit_at_k(scores, problem.target, k) for k in (1, 5)
                if k < scores.shape[1]}

    def _result(self, state: list[Tensor],
                ) -> "tuple[NDArray[np.float32], NDArray[np.float32] | None]":
        change = self.problem.unit * (self.basis @ state[0].cpu().numpy())
        return (change.astype(np.float32),
                state[1].cpu().numpy().copy() if self.learn_vectors else None)

    def result(self) -> Result:
        """What the best epoch gave."""
        return Result(*self._result(self.best_state or self._parameters_now()), self.history,
                      self.best)

    def _parameters_now(self) -> list[Tensor]:
        return [one.detach() for one in self._parameters()]

    def save(self, path: Path, identity: str) -> None:
        """Write all that ``restore`` needs; ``identity`` is of the data and the settings."""
        state = {"identity": identity, "settings": asdict(self.settings), "epoch": self.epoch,
                 "parameters": self._parameters_now(), "optimiser": self.optimiser.state_dict(),
                 "best": self.best, "best_hit": self.best_hit, "best_state": self.best_state,
                 "history": json.dumps(self.history)}
        with files.replacing(path, durable=False) as file:
            torch.save(state, file)

    def restore(self, path: Path, identity: str) -> bool:
        """Take up what was saved, if there is something; raises ZslError where it is of another
        training."""
        if not path.exists():
            return False
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            known = state["identity"]
        except Exception as error:  # a damaged archive fails in as many ways as it has bytes
            raise ZslError(f"{path}: a damaged training; begin again with --restart") from error
        if known != identity or state["settings"] != asdict(self.settings):
            different = [f"{name} {value!r}, not {asdict(self.settings)[name]!r}"
                         for name, value in state["settings"].items()
                         if asdict(self.settings).get(name, value) != value]
            raise ZslError(f"{path.parent}: the training begun there has "
                           + (", ".join(different) or "other images, another vocabulary or "
                              "another model")
                           + "; run it as it was to go on, or with --restart to begin again")
        with torch.no_grad():
            for mine, saved in zip(self._parameters(), state["parameters"], strict=True):
                mine.copy_(saved)
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.best, self.best_hit = state["epoch"], state["best"], state["best_hit"]
        self.best_state = state["best_state"]
        self.history = json.loads(state["history"])
        return True


def _threads(operations: float) -> "_Threads":
    return _Threads(1 if operations < _SMALL else devices.usable_cpus())


class _Threads:
    """So many threads of torch within it."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> None:
        self._before = torch.get_num_threads()
        torch.set_num_threads(self._count)

    def __exit__(self, *_error: object) -> None:
        torch.set_num_threads(self._before)


def train(training: Training, state: Path | None = None, identity: str = "",
          progress: Progress | None = None) -> Result:
    """Train to the end, or go on with what ``state`` holds. Whatever is raised, KeyboardInterrupt
    included, the last whole epoch is in ``state``."""
    progress = progress or _Silent()
    saved = time.monotonic()
    if state is not None and training.restore(state, identity):
        for record in training.history:
            progress.epoch(record)
    good = training.epoch
    try:
        while not training.stopped:
            if state is not None and time.monotonic() - saved > _SAVE_EVERY:
                training.save(state, identity)
                saved, good = time.monotonic(), training.epoch
            progress.epoch(training.run_epoch())
    except ZslError as error:
        if state is None or not good:
            raise
        raise ZslError(f"{error}; {state} keeps epoch {good}") from error
    if state is not None:
        training.save(state, identity)
    return training.result()


def folds(classes: int, count: int, seed: int) -> "Iterator[NDArray[np.int64]]":
    """The classes in so many parts, at random."""
    order = np.random.default_rng(seed).permutation(classes)
    for part in np.array_split(order, count):
        yield np.sort(part)


Fit = Callable[[Problem, Settings], "NDArray[np.float32]"]
