"""What several methods have: parameters, and the ways that they are trained in."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import Parameter, parameter
from zsl_cli.support.values import Range

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import Corrected, FromScratch
    from zsl_cli.authoring.training.losses import HingeRank, Objective
    from zsl_cli.authoring.training.session import Session

MARGIN = Parameter(
    Range(0, 10), "Between inner products with the right label and with wrong ones.", "X",
    unset="twice the temperature of the scores, which is 0.1 where M begins with zero")

NEGATIVES = Parameter(
    ("all", "sampled", "first"), "The labels that the right one has to beat: all of the data's, a "
    "sample, or the first that comes too near.")

SAMPLES = Parameter(Range(1, whole=True), "How many labels a sample has.", "N",
                    only_with=("negatives", "sampled"))

DECAY = Parameter(
    Range(0), "How strongly the change of M is drawn to zero.", "L",
    unset="chosen by holding out classes, where M begins with a model's (3e-4 with fewer than "
          "eight); else 1e-6")

SHIFT = Parameter(
    Range(0, 100), "By how much the trained labels are lowered for the others to keep their "
    "place, where M begins with a model's, in units of log-probabilities.", "X",
    unset="chosen with the decay, or 1 where that is given", only_on_a_model=True)


@dataclass(frozen=True)
class ByDescent(Method):
    """A method that makes an objective small."""

    @abstractmethod
    def objective(self, temperature: float) -> "Objective":
        """What is made small where inner products divided by this are log-probabilities."""


@dataclass(frozen=True)
class HingeRanked(ByDescent):
    """One whose objective is the hinge rank loss."""

    margin: float | None = parameter(None, MARGIN)
    negatives: str = parameter("all", NEGATIVES)
    samples: int = parameter(512, SAMPLES)
    decay: float | None = parameter(None, DECAY)

    def objective(self, temperature: float) -> "HingeRank":
        """See ByDescent; the margin follows the temperature unless it is given."""
        from zsl_cli.authoring.training.losses import HingeRank

        return HingeRank.at(temperature, self.margin, self.negatives, self.samples)


@dataclass(frozen=True)
class TowardLabels(ByDescent):
    """One that moves M toward a vocabulary's label vectors, which stay as they are."""

    decay: float | None = parameter(None, DECAY)
    shift: float | None = parameter(None, SHIFT)

    goes_on: ClassVar[bool] = True

    def fit(self, examples: "Examples", session: "Session") -> "Corrected | FromScratch":
        """The model's M moved, or one that begins with zero; label vectors are the
        vocabulary's."""
        from zsl_cli.authoring.training import correction, from_scratch
        from zsl_cli.authoring.training.label_vectors import meanings

        known = session.start.projection
        if known is not None:
            return correction.fit(examples, known, session, self.objective, self.decay, self.shift)
        vocabulary = examples.vocabulary
        return from_scratch.fit(examples, meanings(vocabulary), vocabulary.space, session,
                               self.objective, self.decay)
