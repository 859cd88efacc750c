"""M alone, trained on cached features: the first stage of DeViSE."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from zsl_cli.authoring.training.problem import Problem
from zsl_cli.evaluation.metrics import class_mean_hit_at_k_of_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LinearMap:
    """The change of M (see trainer.Trainable), and the label vectors' if these are learned, too.

    What is learned is counted in units of log-probabilities, whatever M's own scale is.
    """

    criterion: ClassVar[str] = "hit@1"

    def __init__(self, problem: Problem, validation: Problem | None = None, *,
                 span: bool = True, learn_vectors: bool = False, seed: int = 0,
                 device: str = "cpu") -> None:
        """No change yet of M, or one at random where the label vectors are learned.

        span: the loss moves M within the span of the label vectors alone, which is less to learn
            where these are few (see losses.Objective); not where the label vectors are learned.
        learn_vectors: the label vectors are learned beside M; they are of length 1 at most, as in
            Weston et al., 2011. seed: of what M begins with then.
        """
        self._problem, self._validation = problem, validation
        self._device = torch.device(device)
        self._learn_vectors = learn_vectors
        small = span and not learn_vectors and len(problem.vectors) < problem.vectors.shape[1]
        self._basis = (np.linalg.qr(problem.vectors.T)[0] if small
                       else np.eye(problem.vectors.shape[1], dtype=np.float32))
        self.vectors = self._put(problem.vectors @ self._basis if small else problem.vectors)
        self.target, self.weights = self._put(problem.target), self._put(problem.weights())
        self.temperature = problem.temperature
        self._inputs = self._put(problem.inputs)
        self._offset = None if problem.offset is None else self._put(
            (problem.offset @ self._basis if small else problem.offset) / problem.unit)
        self.matrix = torch.zeros((self._basis.shape[1], problem.inputs.shape[1]),
                                  device=self._device, requires_grad=True)
        self.operations = 6.0 * self.matrix.shape[0] * (
            self.matrix.shape[1] + min(len(self.vectors), 1024))

        if learn_vectors:
            with torch.no_grad():  # with both at zero nothing would ever move
                self.matrix.normal_(std=1e-2, generator=torch.Generator(
                    self._device).manual_seed(seed))
            self.vectors.requires_grad_()

    def _put(self, array: "NDArray[Any]") -> Tensor:
        return torch.tensor(array, device=self._device)

    def parameters(self) -> list[Tensor]:
        """The matrix, and the label vectors that are learned."""
        return [self.matrix, *([self.vectors] if self._learn_vectors else [])]

    def rates(self) -> list[float]:
        """All the same."""
        return [1.0 for _ in self.parameters()]

    def batches(self, rows: "Sequence[NDArray[np.int64]]",
                _randoms: Sequence[np.random.Generator]) -> Generator[Tensor, None, None]:
        """Which images they are: their features are here."""
        yield from (torch.as_tensor(some, device=self._device) for some in rows)

    def project(self, batch: Tensor) -> Tensor:
        """Of images by their rows."""
        projected = self._inputs[batch] @ self.matrix.T
        return projected if self._offset is None else projected + self._offset[batch]

    def penalty(self) -> Tensor:
        """‖ΔM‖²."""
        return self.matrix.square().sum()

    def constrain(self) -> None:
        """Learned label vectors that have become longer are of length 1 again."""
        if self._learn_vectors:
            with torch.no_grad():
                self.vectors /= self.vectors.norm(dim=1, keepdim=True).clamp_min(1)

    def validate(self) -> dict[str, float]:
        """hit@1 and hit@5, means over classes."""
        if self._validation is None:
            return {}
        problem = self._validation
        if self._learn_vectors:
            problem = replace(problem, vectors=self.label_vectors())
        scores = problem.scores(self.change())
        return {f"hit@{k}": class_mean_hit_at_k_of_scores(scores, problem.target, k)
                for k in (1, 5) if k < scores.shape[1]}

    def change(self) -> "NDArray[np.float32]":
        """What is added to M, float32 ``[D, F]``."""
        moved = self._basis @ self.matrix.detach().cpu().numpy()
        return (self._problem.unit * moved).astype(np.float32)

    def label_vectors(self) -> "NDArray[np.float32]":
        """``[C, D]``, as they are learned."""
        if not self._learn_vectors:
            return self._problem.vectors
        return self.vectors.detach().cpu().numpy().copy()
