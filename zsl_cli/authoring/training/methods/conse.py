"""ConSE: an embedding out of a classifier's own answers, untrained."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.errors import RequestError, ZslError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from zsl_cli.authoring.exporting.plan import Plan
    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import Fitted
    from zsl_cli.authoring.training.schedule import Schedule
    from zsl_cli.authoring.training.session import Session
    from zsl_cli.authoring.training.start import Start
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class Conse(Method):
    """``Σ_c p(c | image) t_c``: the mean of the label vectors of the classes that the network's
    own classifier knows, weighted by its probabilities (Norouzi et al., 2014, equation 1, with all
    classes: T = C).

    To choose where the network is a classifier of classes that the vocabulary has: it needs no
    images, but a few for the temperature of the scores.
    """

    name: ClassVar[str] = "conse"
    summary: ClassVar[str] = "mean of label vectors by the network's own classifier, no training"
    trains: ClassVar[bool] = False
    in_epochs: ClassVar[bool] = False

    def check_schedule(self, schedule: "Schedule") -> None:
        """There is nothing to train on with."""
        super().check_schedule(schedule)
        if schedule.finetune:
            raise RequestError("`finetune`: `method=conse` trains nothing to go on with")

    def check_start(self, start: "Start") -> None:
        """The network needs a classifier."""
        super().check_start(start)
        classifier_of(start.plan)

    def fit(self, examples: "Examples", session: "Session") -> "Fitted":
        """M is zero beside the classes' label vectors."""
        from zsl_cli.authoring.exporting import heads
        from zsl_cli.authoring.training import scaling
        from zsl_cli.authoring.training.fitted import Fitted
        from zsl_cli.authoring.training.label_vectors import meanings

        plan, vocabulary = session.start.plan, examples.vocabulary
        projection, known, count = projection_of(plan, vocabulary, meanings(vocabulary))
        session.log.reporter.say(f"{known} of the classifier's {count} classes are in the "
                                 "vocabulary")
        _, projected = heads.project(projection, examples.features, classifier_of(plan))
        temperature = scaling.temperature_of(projected, vocabulary.vectors, examples.rows)
        return Fitted(projection=replace(projection, score_temperature=temperature),
                      seen=examples.classes)


def classifier_of(plan: "Plan") -> "nn.Linear":
    """The network's own classifier; raises ZslError where it has none."""
    if plan.features.classifier is None:
        raise ZslError("conse needs the network's own classifier, and this network has none")
    return plan.features.classifier


def projection_of(plan: "Plan", vocabulary: "Vocabulary",
                  vectors: "NDArray[np.float32]") -> "tuple[Projection, int, int]":
    """The projection, how many of the classifier's classes the vocabulary knows, and how many
    there are.

    vectors: of the vocabulary's labels, ``[labels, D]``.

    Raises ZslError for a network without a classifier or with one of unknown classes.
    """
    import numpy as np

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.vocabulary.words.listed import meaning

    classes = _classes_of(plan)
    posterior = np.zeros((vectors.shape[1], len(classes)), np.float32)
    known = 0
    for column, label in enumerate(classes):
        match = meaning(label.id, vocabulary) or meaning(label.name, vocabulary)
        if match is not None:
            posterior[:, column] = vectors[match.row]
            known += 1
    if not known:
        raise ZslError(f"vocabulary {vocabulary.name!r} has none of the classifier's "
                       f"{len(classes)} classes")
    nothing = np.zeros((vectors.shape[1], plan.features.width), np.float32)
    return Projection(nothing, posterior, space=vocabulary.space), known, len(classes)


def _classes_of(plan: "Plan") -> "tuple[Label, ...]":
    """What the classifier's rows stand for; raises ZslError."""
    from zsl_cli.authoring.exporting import labels

    count = classifier_of(plan).out_features
    classes = plan.network.classes or (labels.imagenet() if count == 1000 else None)
    if classes is None or len(classes) != count:
        raise ZslError("conse needs to know the classes of the network's classifier, and the "
                       "checkpoint does not name them")
    return classes
