"""The whole network, M included, trained on pixels: the second stage of DeViSE."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zsl_cli.authoring.exporting.graph import Encoder
from zsl_cli.authoring.exporting.heads import Projected
from zsl_cli.authoring.networks.features import Features
from zsl_cli.authoring.networks.network import Input
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.evaluation.metrics import class_mean_hit_at_k_of_scores
from zsl_cli.support import cpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Read = Callable[[int, np.random.Generator | None], NDArray[np.uint8]]

_AHEAD = 2
"""Batches that are decoded while one is trained on."""


class Projecting(nn.Module):
    """A network and M, to be trained together: uint8 images → the projection ``[n, D]`` before it
    is scaled.

    change: what is added to M, ``[D, F]``, in units of ``unit``; zero at first.
    """

    def __init__(self, features: Features, projection: Projection, network_input: Input,
                 unit: float) -> None:
        super().__init__()
        head = Projected(projection, features.width, features.classifier)
        self._encoder = Encoder(features.body, head, network_input)
        self._head, self._unit = head, unit
        self.change = nn.Parameter(torch.zeros_like(head.features))

    def learned(self) -> list[nn.Parameter]:
        """The network's own parameters up to its features. The classifier stays: its classes'
        label vectors are weighted by what it says."""
        fixed = {id(self.change), *(id(one) for one in (
            self._head.classifier.parameters() if self._head.classifier is not None else ()))}
        for one in self.parameters():
            one.requires_grad_(id(one) not in fixed or one is self.change)
        return [one for one in self.parameters() if id(one) not in fixed]

    def moved(self) -> "NDArray[np.float32]":
        """What is added to M, ``[D, F]``."""
        return (self._unit * self.change.detach()).numpy()

    def forward(self, images: Tensor) -> Tensor:
        """uint8 images → ``[n, D]``."""
        features = self._encoder.body(self._encoder.prepared(images))
        return self._head.projected(features) + self._unit * functional.linear(
            self._head.inputs(features), self.change)


class WholeNetwork:
    """A network's weights (see trainer.Trainable).

    They are kept near where they began by a penalty on how far they have moved (L2-SP, Li et al.,
    2018), and the statistics of batch normalisation stay as they are: a user's own set is small.
    """

    criterion: ClassVar[str] = "hit@1"
    temperature: float

    def __init__(self, network: nn.Module, learned: Sequence[tuple[nn.Parameter, float]],
                 problem: Problem, read: "Read", validation: "NDArray[np.int64]", *,
                 batch_size: int = 32, device: str = "cpu") -> None:
        """A network that is to be trained from its first step on.

        network: uint8 images → the projection ``[n, D]``.
        learned: those of its parameters that are, and what each one's learning rate is multiplied
            by.
        problem: the images to train on and then those to validate with, in the order of ``read``;
            its inputs and its offset are not looked at.
        read: an image by its number, as the network takes it: a random view where a generator is
            given.
        validation: the numbers of the images that are not trained on.
        """
        self._device = torch.device(device)
        self._network = network.to(self._device).eval()
        self._read, self._problem = read, problem
        self._validation = validation
        self._numbers = np.setdiff1d(np.arange(len(problem.target)), validation)
        fit = problem.of_images(self._numbers)
        fit = fit.of_classes(np.unique(fit.target))  # classes left out are no negatives either
        self.target = torch.tensor(fit.target, device=self._device)
        self.weights = torch.tensor(fit.weights(), device=self._device)
        self.vectors = torch.tensor(fit.vectors, device=self._device)
        self._candidates = torch.tensor(problem.vectors, device=self._device)
        self.temperature = problem.temperature
        self.operations = float("inf")  # all the threads there are
        self._batch_size = batch_size
        self._learned = [one for one, _ in learned]
        self._rates = [rate for _, rate in learned]
        self._initial = [one.detach().clone() for one in self._learned]

    def parameters(self) -> list[Tensor]:
        """The network's."""
        return list(self._learned)

    def rates(self) -> list[float]:
        """As they are given."""
        return list(self._rates)

    def batches(self, rows: "Sequence[NDArray[np.int64]]",
                randoms: Sequence[np.random.Generator]) -> Generator[Tensor, None, None]:
        """Random views of the images, decoded on threads of their own."""
        views = [[(number, one) for number, one in zip(
            self._numbers[some].tolist(), random.spawn(len(some)), strict=True)]
            for some, random in zip(rows, randoms, strict=True)]
        return self._pixels(views)

    def _pixels(self, batches: "Sequence[Sequence[tuple[int, np.random.Generator | None]]]",
                ) -> Generator[Tensor, None, None]:
        pool = ThreadPoolExecutor(cpus.usable_cpus())
        running: deque[list[Future[NDArray[np.uint8]]]] = deque()
        try:
            for batch in batches:
                running.append([pool.submit(self._read, *one) for one in batch])
                if len(running) > _AHEAD:
                    yield self._stacked(running.popleft())
            while running:
                yield self._stacked(running.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _stacked(self, parts: "list[Future[NDArray[np.uint8]]]") -> Tensor:
        return torch.from_numpy(np.stack([part.result() for part in parts])).to(self._device)

    def project(self, batch: Tensor) -> Tensor:
        """Of pixels."""
        projected: Tensor = self._network(batch)
        return projected[:, :self.vectors.shape[1]] / self._problem.unit

    def penalty(self) -> Tensor:
        """How far all weights have moved, squared."""
        moved = [(now - then).square().sum() for now, then in
                 zip(self._learned, self._initial, strict=True)]
        return torch.stack(moved).sum()

    def constrain(self) -> None:
        """Nothing has to be put back."""

    def validate(self) -> dict[str, float]:
        """hit@1 and hit@5, means over classes."""
        if not len(self._validation):
            return {}
        projected = torch.from_numpy(self.projections(self._validation)).to(self._device)
        scores = (projected @ self._candidates.T).cpu().numpy()
        target = self._problem.target[self._validation]
        return {f"hit@{k}": class_mean_hit_at_k_of_scores(scores, target, k)
                for k in (1, 5) if k < scores.shape[1]}

    def projections(self, numbers: "NDArray[np.int64]") -> "NDArray[np.float32]":
        """Of these images as they are: float32 ``[n, D]``, as ``project``."""
        numbered = numbers.tolist()
        batches = [[(number, None) for number in numbered[start:start + self._batch_size]]
                   for start in range(0, len(numbered), self._batch_size)]
        with torch.inference_mode():
            return torch.cat([self.project(batch).float() for batch in self._pixels(batches)]
                             ).cpu().numpy()
