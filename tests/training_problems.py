"""Small problems to train on, and what a method is given."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.training.examples import Examples
from zsl_cli.authoring.training.fitted import Fitted
from zsl_cli.authoring.training.log import Log
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import Parameter, parameter
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.authoring.training.schedule import Schedule
from zsl_cli.authoring.training.session import Session
from zsl_cli.authoring.training.start import Start
from zsl_cli.support.values import Range
from zsl_cli.vocabulary.names.label import Label


def problem(images=60, classes=10, width=24, dimension=6, seed=0):
    """Features that are a noisy linear function of random label vectors."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((classes, dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    target = np.arange(images) % classes
    inputs = vectors[target] @ random.standard_normal((dimension, width), np.float32)
    inputs += 0.3 * random.standard_normal(inputs.shape, np.float32)
    return Problem(inputs / np.linalg.norm(inputs, axis=1, keepdims=True), target, vectors)


def examples_of(given, vectors):
    """The images of a problem; its labels are the last ones of a vocabulary with these vectors."""
    labels = [Label(f"n{row}", f"label {row}") for row in range(len(vectors))]
    vocabulary = SimpleNamespace(
        check_vectors=lambda: None,
        name="small", space="space", dimension=vectors.shape[1], vectors=vectors, labels=labels,
        label=labels.__getitem__, prior_dimension=None)
    rows = given.target + len(vectors) - len(given.vectors)
    paths = tuple(Path(str(number)) for number in range(len(rows)))
    return Examples(vocabulary, rows, paths, given.inputs,
                    np.empty((0, *given.inputs.shape), np.float32))


def session_of(folder, schedule=None, projection=None):
    """A session in a folder, of a network whose features are there already."""
    plan = SimpleNamespace(features=SimpleNamespace(classifier=None, width=None))
    return Session(Start(plan, projection), "run", schedule or Schedule(epochs=5), folder, "cpu",
                   Log(file=folder / "log.jsonl"))


@dataclass(frozen=True)
class NearestMean(Method):
    """M's rows are sums of label vectors, weighted by the mean features of the classes: what
    somebody adds who has read nothing of this room but ``methods.base``."""

    sharpness: float = parameter(1.0, Parameter(Range(0, 10), "How much it is."))

    name: ClassVar[str] = "nearest-mean"
    summary: ClassVar[str] = "sums of label vectors"
    in_epochs: ClassVar[bool] = False

    def fit(self, examples, session):
        """Untrained, but for means."""
        means = np.stack([examples.features[examples.target == number].mean(0)
                          for number in range(len(examples.classes))])
        vectors = examples.vocabulary.vectors[examples.classes]
        return Fitted(projection=Projection(self.sharpness * vectors.T @ means,
                                            space=examples.vocabulary.space),
                      seen=examples.classes)
