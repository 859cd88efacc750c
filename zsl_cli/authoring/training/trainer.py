"""Gradient descent that goes on after a kill as if nothing had been."""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from zsl_cli.authoring.training.log import Log
from zsl_cli.authoring.training.losses import HingeRank, Objective, described
from zsl_cli.errors import ZslError
from zsl_cli.support import cpus, files

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

FRESH_DECAY = 1e-6
"""The decay where M begins with zero."""

SAVE_EVERY = 20.0
"""Seconds between two states that are written within an epoch."""

_SAVE_EPOCHS = 2.0  # seconds, at the end of an epoch

_SMALL = 2e8  # operations a step; threads would only wait for one another


@dataclass(frozen=True)
class Settings:
    """How to train.

    learning_rate: the first; it falls to zero along a half cosine.
    decay: of what is learned toward where it began, in units of log-probabilities.
    patience: epochs without better validation images, by the criterion of what is trained, after
        which training stops; 0 goes on to the end. Of several epochs that are the best the last
        one is kept.
    first: what is made small in the first ``first_epochs`` in the place of ``objective``, where
        that has no hold on what knows nothing yet.
    """

    objective: Objective = field(default_factory=HingeRank)
    epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 0.05
    decay: float = FRESH_DECAY
    patience: int = 0
    seed: int = 0
    first: Objective | None = None
    first_epochs: int = 0

    def described(self) -> dict[str, Any]:
        """All of it as text and numbers."""
        texts = {**vars(self), "objective": described(self.objective)}
        if self.first is None:  # as it was stored before there was such a thing
            del texts["first"], texts["first_epochs"]
            return texts
        return {**texts, "first": described(self.first)}

    def objective_in(self, epoch: int) -> Objective:
        """What is made small in an epoch, counted from 0."""
        return self.first if self.first and epoch < self.first_epochs else self.objective

    def are(self, stored: dict[str, Any]) -> bool:
        """Whether these were stored, but for the learning rate. States of zsl 0.1.0 have a margin
        and negatives with every loss, which count only where the loss has them still."""
        mine, objective = self.described(), stored["objective"]
        return {**stored, "learning_rate": self.learning_rate, "objective": {
            name: objective[name] for name in objective if name in mine["objective"]}} == mine


class Trainable(Protocol):
    """What a training moves, and the images it sees.

    target: int64 ``[n]``, a row of ``vectors`` each.
    weights: of the images, float ``[n]``, mean 1.
    vectors: float ``[C, D]``.
    temperature: inner products divided by it are log-probabilities.
    operations: of one image in one step, about.
    criterion: which of the figures of ``validate`` epochs are compared by.
    """

    criterion: ClassVar[str]

    target: Tensor
    weights: Tensor
    vectors: Tensor
    temperature: float
    operations: float

    def parameters(self) -> list[Tensor]:
        """The tensors that are learned."""

    def rates(self) -> list[float]:
        """What each one's learning rate is multiplied by."""

    def batches(self, rows: "Sequence[NDArray[np.int64]]",
                randoms: Sequence[np.random.Generator]) -> "Generator[Any, None, None]":
        """What ``project`` takes, of each of these batches of images; a generator a batch for
        whatever is drawn."""

    def project(self, batch: Any) -> Tensor:
        """Float ``[b, D]``, whose inner products with the vectors are log-probabilities."""

    def penalty(self) -> Tensor:
        """What decay multiplies."""

    def constrain(self) -> None:
        """Put parameters back where they have to be, after a step."""

    def validate(self) -> dict[str, float]:
        """How good it is on the validation images, if there are some."""


class Training:
    """One training: the parameters, the optimiser's state, what has been logged.

    Whatever is random hangs on the seed, the epoch and the step alone, so that a training that is
    taken up at any step ends as if it had never stopped.
    """

    def __init__(self, trained: Trainable, settings: Settings) -> None:
        self.trained, self.settings = trained, settings
        self.optimiser = torch.optim.Adam(
            [{"params": [one], "scale": scale} for one, scale in
             zip(trained.parameters(), trained.rates(), strict=True)], lr=settings.learning_rate)
        self.epochs = self.steps = 0  # done, and of the epoch that is under way
        self.total = self.seconds = 0.0  # of that epoch
        self.best, self.improved, self.best_hit = 0, 0, -1.0
        self.best_state: list[Tensor] = []
        self.history: list[dict[str, Any]] = []

    @property
    def stopped(self) -> bool:
        """Whether there is nothing more to do."""
        patience = self.settings.patience
        return self.epochs >= self.settings.epochs or (
            patience > 0 and self.best_hit >= 0 and self.epochs - self.improved >= patience)

    def run_epoch(self, after: Callable[[int, int], object] = lambda _done, _steps: None,
                  ) -> dict[str, Any]:
        """Go through all images once, or through those that are left of an epoch that was begun;
        returns what is logged.

        after: told the steps done, and of how many, after each.

        Raises ZslError when the loss is no finite number any more.
        """
        settings, started, before = self.settings, time.monotonic(), self.seconds
        order = self._random(0).permutation(len(self.trained.target))
        batches = [order[start:start + settings.batch_size]
                   for start in range(0, len(order), settings.batch_size)]
        randoms = [self._random(step + 1) for step in range(len(batches))]
        rate = self._rate(self.epochs + (len(batches) - 1) / len(batches))
        with _threads(self.trained.operations * settings.batch_size), closing(self.trained.batches(
                batches[self.steps:], randoms[self.steps:])) as fed:
            for rows, batch in zip(batches[self.steps:], fed, strict=True):
                rate = self._rate(self.epochs + self.steps / len(batches))
                loss = self._step(rows, batch, rate, randoms[self.steps])
                if not math.isfinite(loss):
                    raise ZslError(
                        f"the loss became {loss} in epoch {self.epochs + 1}, step "
                        f"{self.steps + 1} of {len(batches)}; try a lower learning rate than "
                        f"{settings.learning_rate:g}")
                self.total += loss * len(rows)
                self.steps += 1
                self.seconds = before + time.monotonic() - started
                after(self.steps, len(batches))
            record: dict[str, Any] = {"epoch": self.epochs + 1, "loss": self.total / len(order),
                                      "learning_rate": rate, **self.trained.validate()}
        record["seconds"] = round(before + time.monotonic() - started, 3)
        self.epochs, self.steps, self.total, self.seconds = self.epochs + 1, 0, 0.0, 0.0
        self.history.append(record)
        hit = record.get(self.trained.criterion)
        if hit is not None and hit > self.best_hit:
            self.improved = self.epochs
        if hit is None or hit >= self.best_hit:
            self.best, self.best_hit = self.epochs, -1.0 if hit is None else hit
            self.best_state = self._copies()
        return record

    def _random(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, self.epochs, stream])

    def _rate(self, at: float) -> float:
        return self.settings.learning_rate * (1 + math.cos(math.pi * at / self.settings.epochs)) / 2

    def _step(self, rows: "NDArray[np.int64]", batch: Any, rate: float,
              random: np.random.Generator) -> float:
        trained, chosen = self.trained, torch.as_tensor(rows, device=self.trained.target.device)
        mixed = (torch.autocast("cuda", torch.bfloat16) if chosen.device.type == "cuda"
                 else nullcontext())
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimiser.zero_grad()
        with mixed:
            projected = trained.project(batch)
        objective = self.settings.objective_in(self.epochs)
        losses = objective(projected.float(), trained.target[chosen], trained.vectors,
                           trained.temperature, random)
        loss = (losses * trained.weights[chosen]).mean()
        (loss + self.settings.decay * trained.penalty()).backward()
        self.optimiser.step()
        trained.constrain()
        return float(loss.detach())

    def _copies(self) -> list[Tensor]:
        return [one.detach().clone() for one in self.trained.parameters()]

    def finish(self) -> None:
        """Take the parameters back to where they were best."""
        self._put(self.best_state or self._copies())

    def _put(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for mine, value in zip(self.trained.parameters(), values, strict=True):
                mine.copy_(value)

    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        return all(bool(torch.isfinite(one).all()) for one in self.trained.parameters())

    def save(self, path: Path, identity: str) -> None:
        """Write all that ``restore`` needs; ``identity`` is of whatever training depends on,
        beside its settings."""
        state = {"identity": identity, "settings": self.settings.described(), "epochs": self.epochs,
                 "steps": self.steps, "total": self.total, "seconds": self.seconds,
                 "parameters": self._copies(), "optimiser": self.optimiser.state_dict(),
                 "best": self.best, "improved": self.improved, "best_hit": self.best_hit,
                 "best_state": self.best_state,
                 "history": json.dumps(self.history)}
        with files.replacing(path, durable=False) as file:
            torch.save(state, file)

    def restore(self, path: Path, identity: str) -> bool:
        """Take up what was saved, if there is something; raises ZslError where it is of another
        training. One that diverged may go on with another learning rate."""
        if not path.exists():
            return False
        try:
            state = torch.load(path, map_location=self.trained.target.device, weights_only=True)
            settings = state["settings"]
            same = self.settings.are(settings) and state["identity"] == identity
        except Exception as error:  # a damaged archive fails in as many ways as it has bytes
            raise ZslError(f"{path}: a damaged training; begin again with `restart`") from error
        if not same:
            different = _differences({**settings, "learning_rate": self.settings.learning_rate},
                                     self.settings.described())
            raise ZslError(f"{path.parent}: the training begun there has "
                           + (", ".join(different) or "other images, another vocabulary, another "
                              "model or another method")
                           + "; run it as it was to go on, or with `restart` to begin again")
        self._put(state["parameters"])
        self.optimiser.load_state_dict(state["optimiser"])  # the rate is set anew at each step
        for name in ("epochs", "steps", "total", "seconds", "best", "improved", "best_hit",
                     "best_state"):
            setattr(self, name, state[name])
        self.history = json.loads(state["history"])
        return True


def _differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    different = []
    for name, value in there.items():
        if isinstance(value, dict):
            different += _differences(value, here.get(name, {}))
        elif here.get(name, value) != value:
            different.append(f"{name.replace('_', ' ')} {value!r}, not {here[name]!r}")
    return different


@contextmanager
def enough_memory() -> Iterator[None]:
    """Within it a graphics card that is full raises ZslError."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise ZslError("out of memory on the graphics card; try a smaller `batch_size` (of "
                       "`finetune`: `finetune_batch`), or `device=cpu`") from error


@contextmanager
def _threads(operations: float) -> Iterator[None]:
    """Within it torch uses as many threads as a step of so many operations is worth."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if operations < _SMALL else cpus.usable_cpus())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train(training: Training, state: Path | None = None, identity: str = "",
          log: Log | None = None) -> Training:
    """Train to the end, or go on with what ``state`` holds; the parameters are then those of the
    best epoch. Whatever is raised, ``state`` holds what was done some seconds before."""
    log = log or Log()
    with enough_memory():
        if state is not None and training.restore(state, identity):
            for record in training.history:
                log.epoch(record)
    saved, good = time.monotonic(), (training.epochs, training.steps)

    def save_if_due(seconds: float) -> None:
        nonlocal saved, good
        if state is not None and time.monotonic() - saved > seconds and training.is_finite():
            training.save(state, identity)
            saved, good = time.monotonic(), (training.epochs, training.steps)

    def after(done: int, steps: int) -> None:
        log.step(done, steps)
        save_if_due(SAVE_EVERY)

    try:
        with enough_memory():
            while not training.stopped:
                log.epoch(training.run_epoch(after))
                save_if_due(_SAVE_EPOCHS if any(good) else 0)
    except ZslError as error:
        if state is None or not any(good):
            raise
        raise ZslError(f"{error}; {state} keeps what there was after {good[0]} epochs and "
                       f"{good[1]} steps, and the same training goes on from there") from error
    save_if_due(0)
    training.finish()
    return training
