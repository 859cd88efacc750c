"""ConSE (Norouzi et al., 2014): an embedding out of a classifier's own answers, untrained."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.exporting import labels
from zsl_cli.authoring.exporting.plan import Plan
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.vocabulary import Vocabulary


def projection(plan: Plan, vocabulary: "Vocabulary",
               vectors: "NDArray[np.float32]") -> tuple[Projection, int]:
    """The projection that gives the mean of the label vectors of the classifier's classes,
    weighted by their probabilities (equation 1, with all classes: T = C), and how many of the
    classes the vocabulary knows.

    vectors: of the vocabulary's labels, ``[labels, D]``.

    Raises ZslError for a network without a classifier or with one of unknown classes.
    """
    if plan.features.classifier is None:
        raise ZslError("conse needs the network's own classifier, and this network has none")
    count = plan.features.classifier.out_features
    classes = plan.network.classes or (labels.imagenet() if count == 1000 else None)
    if classes is None or len(classes) != count:
        raise ZslError("conse needs to know the classes of the network's classifier, and the "
                       "checkpoint does not name them")
    posterior = np.zeros((vectors.shape[1], count), np.float32)
    known = 0
    for column, label in enumerate(classes):
        match = vocabulary.look_up(label.id) or vocabulary.look_up(label.name)
        if match is not None:
            posterior[:, column] = vectors[match.row]
            known += 1
    if not known:
        raise ZslError(f"vocabulary {vocabulary.name!r} has none of the classifier's {count} "
                       "classes")
    nothing = np.zeros((vectors.shape[1], plan.features.width), np.float32)
    return Projection(nothing, posterior, space=vocabulary.space), known
